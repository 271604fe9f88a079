"""Trains the seed's network in eager PyTorch on the arrays of an NPZ file; prints the seconds per epoch as JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn


def main(path: str, epochs: int) -> None:
    with np.load(path) as arrays:
        images = torch.from_numpy(arrays["images"].astype(np.float32) / 255)
        labels = torch.from_numpy(arrays["labels"].astype(np.int64))
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1152, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )
    for layer in model:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    loss_of = nn.CrossEntropyLoss()
    seconds, mean = [], 0.0
    for _ in range(epochs):
        started, total = time.perf_counter(), 0.0
        for batch in torch.randperm(len(images)).split(128):
            optimizer.zero_grad()
            loss = loss_of(model(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        seconds.append(time.perf_counter() - started)
        mean = total / len(images)
    print(json.dumps({"seconds": seconds, "loss": mean}))


main(sys.argv[1], int(sys.argv[2]))
