"""Files that Core ML accepts and Pippin would not write: training keeps everything else, and prediction works."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.models.inspection import inspect
from pippin.models.mlmodel import Model, open_model, read
from pippin.models.mlmodel.proto import Message, parse, serialize
from pippin.network import predict
from pippin.predictions.outputs import compute_outputs
from tests.pippin.models.mlmodel.accepted import ACCEPTED, CLASSES, HEAD, PIXELS, Accepted, mean_image, spare_input
from tests.pippin.models.mlmodel.files import network
from tests.worker.engines import lab
from tests.worker.engines.lab import Notes
from worker.attempt.trained import write_trained
from worker.engines.engine import EngineError, Examples
from worker.engines.jax.engine import JaxEngine

by_case = pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED.keys())


def trained(data: bytes, arrays: dict[str, NDArray[np.generic]]) -> bytes:
    examples = lab.examples(**arrays)
    notes = Notes()
    learned = JaxEngine().train(lab.run(data, examples, examples, epochs=2, learning_rate=0.01), notes)
    assert all(np.isfinite([result.loss, result.validation_loss]).all() for result in notes.results)
    return write_trained(data, learned, {})


def without_weights(model: Message) -> bytes:
    """The file without its trained weights."""
    kind = getattr(model, model.WhichOneof("Type"))
    for layer in kind.layers:
        if layer.isUpdatable:
            layer.innerProduct.weights.ClearField("floatValue")
            layer.innerProduct.bias.ClearField("floatValue")
    return serialize(model)


@by_case
def test_accepted_file_is_trained_and_everything_else_is_kept(case: Accepted) -> None:
    data = serialize(case.make())
    assert tuple(finding.rule for finding in inspect(data).findings) == case.findings
    after = trained(data, case.training)
    assert after != data
    assert without_weights(parse(after)) == without_weights(parse(data))


@by_case
def test_accepted_file_predicts_fractions_of_the_declared_shape(case: Accepted) -> None:
    model = open_model(serialize(case.make()))
    assert isinstance(model, Model)
    answers = compute_outputs(model, case.inputs)
    made = predict(model.resolved, model.weights, {n: a.astype(np.float32) for n, a in case.inputs.items()})
    assert answers.probabilities is None or (answers.probabilities % 1 != 0).any()
    for name, array in made.items():
        if name in answers.outputs:
            np.testing.assert_array_equal(answers.outputs[name], array)


@pytest.mark.parametrize("color", ["rgb", "bgr"])
def test_mean_image_is_subtracted_in_the_models_channel_order(color: str) -> None:
    mean = np.random.default_rng(6).uniform(0, 255, (3, 2, 2)).astype(np.float32)
    seen = PIXELS.astype(np.float32)
    seen = (seen if color == "rgb" else seen[:, ::-1]) - mean
    plain = network(inputs=[{"name": "image", "shape": [3, 2, 2]}], layers=HEAD)
    expected = read(trained(serialize(plain), {"image": seen, "y_true": CLASSES}))
    found = read(trained(serialize(mean_image(color, mean)), {"image": PIXELS, "y_true": CLASSES}))
    for key, array in expected.weights["dense"].items():
        np.testing.assert_allclose(found.weights["dense"][key], array, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        predict(found.resolved, found.weights, {"image": PIXELS.astype(np.float32)})["y"],
        predict(expected.resolved, expected.weights, {"image": seen})["y"],
        rtol=1e-4,
        atol=1e-6,
    )


def test_input_unused_in_training_is_needed_for_prediction() -> None:
    model = open_model(serialize(spare_input()))
    assert isinstance(model, Model)
    assert model.resolved.training_input_names == ("point", "y_true")
    assert [feature.name for feature in model.resolved.inputs] == ["point", "extra"]


EMBEDDING = [
    {"type": "embedding", "name": "embed", "input_dim": 3, "output_channels": 2},
    {"type": "flatten", "name": "flat"},
    {"type": "inner_product", "name": "dense", "output_channels": 2, "updatable": True},
    {"type": "softmax", "name": "softmax", "output": "y"},
]
BEHIND_LAYERS = [{"type": "linear", "name": "shift", "alpha": 1, "beta": 1}, *EMBEDDING]


def indices(last: float) -> Examples:
    return lab.examples(x=np.array([[0], [1], [1], [0], [last]], np.float32), y_true=CLASSES[:5])


@pytest.mark.parametrize(
    ("layers", "wrong", "sentence", "split"),
    [
        (
            EMBEDDING,
            3,
            "row 4 of x is 3; it must be a whole number from 0 to 2, which the embedding 'embed' looks up",
            "training",
        ),
        (EMBEDDING, -1, "row 4 of x is -1; it must be", "training"),
        (EMBEDDING, 0.5, "row 4 of x is 0.5; it must be", "training"),
        (EMBEDDING, np.nan, "row 4 of x is nan; it must be", "validation"),
        (BEHIND_LAYERS, 2, "row 4 of shift is 3; it must be", "training"),
        (BEHIND_LAYERS, 2, "row 4 of shift is 3; it must be", "validation"),
    ],
)
def test_embedding_index_out_of_range_fails_the_attempt(
    layers: list[dict[str, object]], wrong: float, sentence: str, split: str
) -> None:
    model = serialize(network(inputs=[{"name": "x", "shape": [1]}], layers=layers))
    run = lab.run(model, indices(1), indices(1))
    with pytest.raises(EngineError, match=sentence) as raised:
        JaxEngine().train(replace(run, **{split: indices(wrong)}), Notes())
    assert raised.value.reason == "invalid_data"


@pytest.mark.parametrize("layers", [EMBEDDING, BEHIND_LAYERS])
def test_embedding_index_in_range_is_trained(layers: list[dict[str, object]], notes: Notes) -> None:
    model = serialize(network(inputs=[{"name": "x", "shape": [1]}], layers=layers))
    JaxEngine().train(lab.run(model, indices(1), indices(1)), notes)
    assert notes.heard == ["began", "epoch 1"]
