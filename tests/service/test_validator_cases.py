"""Models that Apple's validator refuses are refused by every route, and models that it accepts are accepted."""

import io
from functools import cache
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from tests.pippin.models.mlmodel.accepted import ACCEPTED, Accepted
from tests.pippin.models.mlmodel.cases import CASES, Case
from tests.pippin.models.mlmodel.files import network
from tests.service.conftest import Trained
from tests.support.problems import fault, is_problem

SGD = {"type": "sgd", "learning_rate": 0.1}
HEAD = [
    {"type": "flatten", "name": "flat"},
    {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
    {"type": "softmax", "name": "softmax", "output": "y"},
]


def spec(inputs: dict[str, Any], *layers: dict[str, Any], **changes: object) -> dict[str, Any]:
    """A spec with a softmax over three classes after the given layers."""
    return {
        "inputs": [inputs],
        "outputs": [{"name": "y"}],
        "layers": [*layers, *HEAD],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": SGD | {"mini_batch_size": 4},
        "epochs": 1,
    } | changes


ARRAY = {"name": "x", "shape": [4, 8, 8]}
PICTURE = {"name": "x", "type": "image", "color": "rgb", "width": 8, "height": 8}
ALIGNED = {"type": "upsample", "name": "up", "mode": "bilinear", "linear_upsample_mode": "align_corners_true"}
SHUFFLE = {"type": "reorganize_data", "name": "up", "mode": "pixel_shuffle", "block_size": 2}
CLIP = {"type": "clip", "name": "clip", "min_val": 0, "max_val": 100}
NUMBER: dict[str, Any] = {
    "layers": [{"type": "inner_product", "name": "dense", "output": "y", "output_channels": 1, "updatable": True}],
    "outputs": [{"name": "y", "type": "number"}],
    "loss": {"type": "mean_squared_error"},
}

REFUSED = {
    "an upsampling with aligned corners": (spec(ARRAY, ALIGNED, version=5), "/layers/0/type"),
    "an upsampling by fractions": (
        spec(ARRAY, ALIGNED | {"fractional_scaling_factor": [1.5, 1.5]}, version=5),
        "/layers/0/type",
    ),
    "a pixel shuffle": (spec(ARRAY, SHUFFLE, version=5), "/layers/0/type"),
    "a number without a regressor": (spec({"name": "x", "shape": [3]}, **NUMBER), "/outputs/0/type"),
    "a gray picture with three biases": (spec(PICTURE | {"color": "gray", "bias": [1, 2, 3]}), "/inputs/0/bias"),
    "a seed outside its range": (spec(ARRAY, seed={"default": 0, "min": 3, "max": 9}), "/seed"),
    "a seed outside its set": (spec(ARRAY, seed={"default": 0, "set": [3, -9]}), "/seed"),
    "epochs outside their set": (spec(ARRAY, epochs={"default": 2, "set": [1, 10]}), "/epochs"),
    "a mini-batch outside its range": (
        spec(ARRAY, optimizer=SGD | {"mini_batch_size": {"default": 1, "min": 2, "max": 4}}),
        "/optimizer/mini_batch_size",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_spec_is_refused_at_its_fault_by_every_route(
    http: httpx2.Client, tiny: dict[str, Any], name: str
) -> None:
    document, pointer = REFUSED[name]
    for path, body, prefix in (
        ("/specs/validate", document, ""),
        ("/models", document, ""),
        ("/jobs", {"model": {"spec": document}, "dataset": tiny["id"]}, "/model/spec"),
    ):
        assert fault(http.post(path, json=body))[0] == prefix + pointer, path


@pytest.mark.parametrize(
    ("layer", "option"),
    [
        (ALIGNED, "linear_upsample_mode of a layer upsample"),
        (ALIGNED | {"fractional_scaling_factor": [1.5, 1.5]}, "linear_upsample_mode of a layer upsample"),
        (SHUFFLE, "mode of a layer reorganize_data"),
    ],
    ids=["aligned", "fractional", "shuffle"],
)
def test_version_fault_names_the_option_and_its_advice_works(
    http: httpx2.Client, layer: dict[str, Any], option: str
) -> None:
    document = spec(ARRAY, layer, version=5)
    assert fault(http.post("/specs/validate", json=document))[1].startswith(f"found the {option} of version 5")
    pool = {"type": "reduce", "name": "pool", "mode": "sum", "axis": "chw"}
    exact = spec(ARRAY, layer, pool, version=5, array_input_shape_mapping="exact")
    exact["layers"] = [each for each in exact["layers"] if each["type"] != "flatten"]
    answer = http.post("/specs/validate", json=exact)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(CLIP, None), (CLIP, [3]), (CLIP, [1, 1, 3, 1, 1]), (ALIGNED, None)],
    ids=["no shape", "channels only", "all axes", "upsampled"],
)
def test_image_only_network_declares_all_axes(
    http: httpx2.Client, layer: dict[str, Any], shape: list[int] | None
) -> None:
    document = spec(PICTURE, layer, version=5)
    document["outputs"] = [{"name": "y"} | ({} if shape is None else {"shape": shape})]
    answer = http.post("/models", json=document)
    assert answer.status_code == 201, answer.text
    assert answer.json()["model"]["outputs"][0]["shape"] == [1, 1, 3, 1, 1]
    declared = parse(build(resolve(document))).description.output[0].type.multiArrayType
    assert list(declared.shape) == [1, 1, 3, 1, 1]


@pytest.mark.parametrize("case", {case.rule: case for case in CASES}.values(), ids=lambda case: case.rule)
def test_invalid_upload_is_refused_with_the_broken_rule(http: httpx2.Client, case: Case) -> None:
    model = case.base()
    case.broken(model)
    (error,) = is_problem(http.post("/models", content=serialize(model)), 422)["errors"]
    assert (error["pointer"], error["rule"]) == (case.pointer, case.rule)


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_upload_that_core_ml_accepts_is_accepted_and_predicts(
    http: httpx2.Client, trained: Trained, case: Accepted
) -> None:
    data = serialize(case.make())
    record = http.post("/models", content=data)
    assert record.status_code == 201, record.text
    assert tuple(finding["rule"] for finding in record.json()["findings"]) == case.findings
    assert http.get(f"/models/{record.json()['id']}/file").content == data
    asked = {"inputs": {name: array[:2].tolist() for name, array in case.inputs.items()}}
    answer = http.post(f"/jobs/{trained(data)}/predict", json=asked)
    assert answer.status_code == 200, answer.text
    values = [value for output in answer.json()["outputs"].values() for value in output]
    assert len(values) == 2 * len(answer.json()["outputs"])


@cache
def embedding() -> bytes:
    """A network with an embedding of five indices."""
    layer = {"type": "embedding", "name": "embed", "input_dim": 5, "output_channels": 2}
    return build(resolve(spec({"name": "x", "shape": [1]}, layer)))


def table(*indices: float) -> bytes:
    """A dataset of indices."""
    file = io.BytesIO()
    np.savez(file, x=np.array(indices, np.float32)[:, None], y_true=np.zeros((len(indices), 1), np.int32))
    return file.getvalue()


def test_index_outside_an_embedding_is_refused_with_its_row(http: httpx2.Client, trained: Trained) -> None:
    model = http.post("/models", content=embedding()).json()["id"]
    good = http.post("/datasets?name=good", content=table(0, 4, 2)).json()["id"]
    assert http.post("/jobs", json={"model": {"id": model}, "dataset": good}).status_code == 202
    job = f"/jobs/{trained(embedding(), id=good, bind={'x': 'x', 'y_true': 'y_true'})}"
    assert http.post(f"{job}/predict", json={"inputs": {"x": [[0], [4]]}}).status_code == 200
    assert http.post(f"{job}/evaluate", json={"dataset": good}).status_code == 200
    for wrong in (5, 100, -1, 1.5):
        bad = http.post("/datasets", params={"name": f"with {wrong}"}, content=table(0, wrong, 2)).json()["id"]
        _, detail = fault(http.post("/jobs", json={"model": {"id": model}, "dataset": bad}))
        assert "at train example 2 (split train)" in detail
        assert "whole numbers from 0 to 4, which an embedding looks up" in detail
        place, detail = fault(http.post(f"{job}/predict", json={"inputs": {"x": [[0], [wrong]]}}))
        assert place == "/inputs/x/1"
        assert "needs a whole number from 0 to 4" in detail
        _, detail = fault(http.post(f"{job}/evaluate", json={"dataset": bad}))
        assert "at train example 2 (split train)" in detail


def test_list_of_known_layer_kinds_is_stated_once(http: httpx2.Client) -> None:
    model = network(layers=[{"type": "relu", "name": "a"}, {"type": "relu", "name": "b"}, *HEAD[1:]])
    model.neuralNetwork.layers[0].transpose.axes.extend([0, 1])
    model.neuralNetwork.layers[1].reshapeStatic.targetShape.extend([1, 2])
    (error,) = is_problem(http.post("/models", content=serialize(model)), 422)["errors"]
    assert (error["pointer"], error["rule"]) == ("/layers", "layers.known")
    assert error["detail"].startswith(
        "layers 0 (transpose) and 1 (reshapeStatic) are not known; known kinds are activation.ELU, "
    )
    assert error["detail"].count("innerProduct") == 1


def test_many_layers_of_unknown_kinds_are_counted(http: httpx2.Client) -> None:
    model = network(layers=[*({"type": "relu", "name": f"r{n}"} for n in range(600)), *HEAD[1:]])
    for n in range(600):
        if n % 2:
            model.neuralNetwork.layers[n].transpose.axes.extend([0, 1])
        else:
            model.neuralNetwork.layers[n].reduceMean.axes.extend([0])
    _, detail = fault(http.post("/models", content=serialize(model)))
    assert detail.startswith(
        "layers 0, 2, 4 and 297 more (reduceMean) and 1, 3, 5 and 297 more (transpose) are not known; known kinds are "
    )
