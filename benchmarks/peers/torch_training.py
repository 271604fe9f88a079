"""Trains the problem that `parity_with_torch.py` wrote to an NPZ file, and writes the trained weights to another file.

PyTorch lacks Core ML's rules: the orders come from the file, this script fills the last mini-batch, and sets the eps of
each step of Adam so that PyTorch's formula equals Core ML's.
"""

import json
import sys

import numpy as np
import torch
from torch import nn


def main(source: str, target: str) -> None:
    with np.load(source) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files if name != "asked"}
        settings = json.loads(str(file["asked"]))
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 16), nn.Tanh(), nn.Linear(16, 5))
    parameters = [parameter for layer in model if isinstance(layer, nn.Linear) for parameter in layer.parameters()]
    for number, parameter in enumerate(parameters):
        parameter.data = arrays[f"weights{number}"].clone()
    values = settings["values"]
    if settings["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(parameters, lr=values["learning_rate"], momentum=values["momentum"])
    else:
        betas = (values["beta1"], values["beta2"])
        optimizer = torch.optim.Adam(parameters, lr=values["learning_rate"], betas=betas, eps=values["eps"])
    loss_of, size, step = nn.CrossEntropyLoss(), values["mini_batch_size"], 0
    for order in arrays["orders"]:
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            rows = torch.cat([rows, order[: size - len(rows)]]).long()
            step += 1
            if settings["adam"] == "eps_hat":
                # sqrt(v / c) + eps / sqrt(c) is (sqrt(v) + eps) / sqrt(c), with c = 1 - beta2^t.
                optimizer.param_groups[0]["eps"] = values["eps"] / (1 - values["beta2"] ** step) ** 0.5
            optimizer.zero_grad()
            loss_of(model(arrays["x"][rows]), arrays["labels"][rows].long()).backward()
            optimizer.step()
    np.savez(target, *[parameter.detach().numpy() for parameter in parameters])


main(sys.argv[1], sys.argv[2])
