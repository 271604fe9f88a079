import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from tests.worker.engines import lab
from tests.worker.engines.lab import ADAM, ADAM_VALUES, SOFTMAX, Notes
from worker.engines.engine import EngineError, Examples, Stopped
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.switches import Switches

SGD = lab.optimizer("sgd", momentum=0.9)


@pytest.fixture
def line() -> bytes:
    """y = 0.5 x, to be fitted by mean squared error with momentum 0.9."""
    layers = [lab.dense("line", 1, weights=[[0.5]])]
    return lab.model(layers, shape=[1], outputs=1, loss="mean_squared_error", optimizer=SGD)


@pytest.fixture
def classifier() -> bytes:
    layers = [lab.dense("hidden", 8), {"type": "tanh", "name": "bend"}, lab.dense("out", 2), SOFTMAX]
    return lab.model(layers, shape=[2], optimizer=ADAM)


@pytest.fixture
def clouds() -> Examples:
    return lab.clouds(width=2, distance=2)


def test_steps_equal_arithmetic_by_hand(line: bytes, notes: Notes) -> None:
    # y = w x + b with w = 0.5, b = 0; examples (1, 3) and (2, 1); learning rate 0.1, momentum 0.9.
    # Step 1: errors -2.5 and 0; loss 6.25/2 = 3.125; dw = (2*-2.5*1 + 0)/2 = -2.5, db = -2.5;
    #         both velocities -0.25; w = 0.75, b = 0.25.
    # Step 2: errors -2 and 0.75; loss (4 + 0.5625)/2 = 2.28125; dw = (2*-2*1 + 2*0.75*2)/2 = -0.5, db = -1.25;
    #         velocities 0.9*-0.25 - 0.05 = -0.275 and 0.9*-0.25 - 0.125 = -0.35; w = 1.025, b = 0.6.
    #         Then the errors are -1.375 and 1.65, and the loss of validation (1.890625 + 2.7225)/2 = 2.3065625.
    data = lab.examples(x=[[1.0], [2.0]], y_true=[[3.0], [1.0]])
    trained = lab.train(JaxEngine(), lab.run(line, data, data, epochs=2, mini_batch_size=2, momentum=0.9), notes)
    assert trained["line"]["weights"] == pytest.approx(np.array([[1.025]]), abs=1e-6)
    assert trained["line"]["bias"] == pytest.approx(np.array([0.6]), abs=1e-6)
    assert [result.loss for result in notes.results] == pytest.approx([3.125, 2.28125], abs=1e-6)
    assert notes.results[-1].validation_loss == pytest.approx(2.3065625, abs=1e-6)
    assert [result.validation_accuracy for result in notes.results] == [None, None]
    assert [result.batch_losses for result in notes.results] == [None, None]


def test_xor_is_learned(classifier: bytes, notes: Notes) -> None:
    data = lab.examples(x=[[0, 0], [0, 1], [1, 0], [1, 1]], y_true=[0, 1, 1, 0])
    JaxEngine().train(lab.run(classifier, data, data, epochs=150, shuffle=True, **ADAM_VALUES), notes)
    first, last = notes.results[0].loss, notes.results[-1].loss
    assert first is not None
    assert last is not None
    assert first > 0.5
    assert last < 0.05
    assert notes.results[-1].validation_accuracy == 1


def test_several_inputs_are_matched_by_name(notes: Notes) -> None:
    # y = w right + b; the input `left` is carried along.
    spec = lab.document(
        inputs=[{"name": "left", "shape": [1]}, {"name": "right", "shape": [1]}],
        outputs=[{"name": "y", "shape": [1]}],
        layers=[lab.dense("line", 1, input="right")],
        loss={"type": "mean_squared_error", "target": "y_true"},
        optimizer=SGD,
    )
    left, right = np.random.default_rng(0).normal(size=(2, 32, 1))
    data = lab.examples(unused=np.zeros((32, 3)), right=right, y_true=2 * right, left=left)
    trained = lab.train(JaxEngine(), lab.run(build(resolve(spec)), data, epochs=60, mini_batch_size=32), notes)
    assert trained["line"]["weights"] == pytest.approx(np.array([[2.0]]), abs=1e-3)


def test_stored_bytes_are_scaled_once_in_training_and_validation(classifier: bytes, notes: Notes) -> None:
    stored = np.random.default_rng(1).integers(0, 256, (9, 2), np.uint8)
    labels = np.arange(9) % 2
    integers = lab.examples({"x": 1 / 255}, x=stored, y_true=np.uint8(labels))
    floats = lab.examples(x=stored.astype(np.float32) * np.float32(1 / 255), y_true=labels.astype(np.int64)[:, None])
    engine = JaxEngine()
    one = engine.train(lab.run(classifier, integers, integers, epochs=2, **ADAM_VALUES), notes)
    other = engine.train(lab.run(classifier, floats, floats, epochs=2, **ADAM_VALUES), notes)
    lab.assert_close(one, other)
    assert notes.results[1].validation_loss == pytest.approx(notes.results[3].validation_loss, abs=1e-6)


def test_small_data_is_repeated_to_fill_the_mini_batch(classifier: bytes, clouds: Examples, notes: Notes) -> None:
    # 11 examples in a mini-batch of 27: all of them twice, and the first five once more.
    repeated = lab.examples(x=np.resize(clouds.arrays["x"], (27, 2)), y_true=np.resize(clouds.arrays["y_true"], 27))
    values = {"epochs": 3, "mini_batch_size": 27, "report_batches": True, **ADAM_VALUES}
    engine, other = JaxEngine(), Notes()
    learned = engine.train(lab.run(classifier, clouds, **values), notes)
    lab.assert_close(learned, engine.train(lab.run(classifier, repeated, **values), other))
    for one, two in zip(notes.results, other.results, strict=True):
        assert one.batch_losses == pytest.approx(two.batch_losses, abs=1e-6)
        # The mean over the examples themselves, each of them once.
        assert one.loss != pytest.approx(two.loss, abs=1e-3)


def test_switch_own_size_does_not_fill_the_mini_batch(classifier: bytes, clouds: Examples, notes: Notes) -> None:
    engine = JaxEngine(Switches(last_batch="own_size"))
    larger = engine.train(lab.run(classifier, clouds, epochs=2, mini_batch_size=64, **ADAM_VALUES), notes)
    exact = JaxEngine().train(lab.run(classifier, clouds, epochs=2, mini_batch_size=11, **ADAM_VALUES), notes)
    assert lab.bits(larger) == lab.bits(exact)


def test_largest_mini_batch_needs_memory_for_its_examples_only(line: bytes, notes: Notes) -> None:
    data = lab.examples(x=[[1.0], [2.0]], y_true=[[3.0], [1.0]])
    for size in (2, 2**63 - 1):
        trained = lab.train(JaxEngine(), lab.run(line, data, epochs=2, mini_batch_size=size, momentum=0.9), notes)
        assert trained["line"]["weights"] == pytest.approx(np.array([[1.025]]), abs=1e-6)


def test_a_learning_rate_of_zero_changes_no_bit(classifier: bytes, clouds: Examples, notes: Notes) -> None:
    trained = JaxEngine().train(lab.run(classifier, clouds, epochs=2, learning_rate=0, **ADAM_VALUES), notes)
    assert lab.bits(trained) == lab.bits(read(classifier).weights)


@pytest.mark.parametrize("optimizer", [SGD, ADAM])
def test_frozen_layers_keep_every_bit(optimizer: dict[str, Any], clouds: Examples, notes: Notes) -> None:
    file = lab.model(
        [
            lab.dense("frozen", 4, updatable=False),
            {"type": "relu", "name": "bend"},
            lab.dense("trained", 2),
            SOFTMAX,
        ],
        shape=[2],
        optimizer=optimizer,
    )
    values = ADAM_VALUES if optimizer is ADAM else {"momentum": 0.9}
    before = lab.bits(read(file).weights)
    after = lab.bits(JaxEngine().train(lab.run(file, clouds, epochs=2, **values), notes))
    assert {part for part in before if after[part] != before[part]} == {"trained/weights", "trained/bias"}
    assert lab.bits(read(file).weights) == before


@pytest.mark.parametrize(
    "settings",
    [
        {"steps_per_chunk": 1},
        {"steps_per_chunk": 4, "resident_bytes": 0},
        {"resident_bytes": 0},
    ],
)
def test_chunk_size_and_example_location_change_no_bit(
    settings: dict[str, int], classifier: bytes, clouds: Examples, notes: Notes
) -> None:
    run = lab.run(classifier, clouds, clouds, epochs=3, mini_batch_size=2, shuffle=True, seed=5, **ADAM_VALUES)
    expected = JaxEngine().train(run, notes)
    other = Notes(10**9)
    assert lab.bits(JaxEngine(**settings).train(run, other)) == lab.bits(expected)
    measures = [
        [(each.loss, each.validation_loss, each.validation_accuracy) for each in observer.results]
        for observer in (notes, other)
    ]
    assert measures[0] == measures[1]


def test_the_epoch_loss_is_the_mean_over_examples_not_over_mini_batches(line: bytes, notes: Notes) -> None:
    # With learning rate 0: errors of 0.5 x against 0, so losses are 1, 1, 1, 1 and 9; mini-batches of 4 and 1.
    # Three of the first examples fill up the last mini-batch, whose loss they count in, and not the epoch's.
    data = lab.examples(x=[[2.0], [2.0], [2.0], [2.0], [6.0]], y_true=np.zeros((5, 1)))
    JaxEngine().train(lab.run(line, data, data, learning_rate=0, momentum=0, report_batches=True), notes)
    (result,) = notes.results
    assert result.loss == pytest.approx(13 / 5)
    assert result.batch_losses == pytest.approx((1, 3))
    assert result.validation_loss == pytest.approx(13 / 5)


def test_sums_of_many_losses_stay_exact(line: bytes, notes: Notes) -> None:
    # One loss is 1e8 and 49,999 are 0.01. In float32 the sum would be a multiple of 8, and so off by 4.
    data = lab.examples(x=np.r_[np.full((49_999, 1), 0.2), [[2e4]]], y_true=np.zeros((50_000, 1)))
    JaxEngine().train(lab.run(line, data, data, learning_rate=0, momentum=0, mini_batch_size=8), notes)
    (result,) = notes.results
    assert result.loss is not None
    assert result.validation_loss is not None
    assert result.loss * 50_000 == pytest.approx(1e8 + 499.99, abs=0.2)
    assert result.validation_loss * 50_000 == pytest.approx(1e8 + 499.99, abs=2)


@pytest.mark.parametrize("output", ["share", "same"], ids=["the softmax is the output", "the softmax is not an output"])
def test_accuracy_is_the_share_of_correct_predictions(output: str, notes: Notes) -> None:
    # The larger of the two inputs is the answer; 3 of 5 labels agree, and padding to a full mini-batch adds none.
    names = {output: "y"}
    layers = [
        lab.dense("same", 2, weights=[[1, 0], [0, 1]], output=names.get("same", "same")),
        {"type": "softmax", "name": "share", "output": names.get("share", "share")},
    ]
    file = lab.model(layers, shape=[2], optimizer=SGD)
    data = lab.examples(x=[[1, 0], [0, 1], [1, 0], [0, 1], [0, 1]], y_true=[0, 1, 0, 0, 0])
    JaxEngine().train(lab.run(file, data, data, learning_rate=0, momentum=0), notes)
    assert notes.results[0].validation_accuracy == pytest.approx(0.6)


def test_observer_is_called_in_order(classifier: bytes, clouds: Examples, notes: Notes) -> None:
    JaxEngine().train(lab.run(classifier, clouds, epochs=3, **ADAM_VALUES), notes)
    assert notes.heard == ["began", "epoch 1", "epoch 2", "epoch 3"]
    assert all(result.seconds > 0 and result.examples_per_second > 0 for result in notes.results)
    assert len(notes.lines) == 1


@pytest.mark.parametrize("patience", [0, 1, 4])
def test_stop_takes_effect_between_chunks(patience: int, line: bytes) -> None:
    # Three chunks of training and one of validation an epoch.
    data = lab.examples(x=np.ones((6, 1)), y_true=np.ones((6, 1)))
    notes = Notes(patience)
    with pytest.raises(Stopped):
        JaxEngine(steps_per_chunk=1).train(lab.run(line, data, data, epochs=9, mini_batch_size=2, momentum=0), notes)
    assert notes.asked == patience + 1
    assert len(notes.results) == patience // 4


def test_diverged_training_names_step_and_epoch(line: bytes, notes: Notes) -> None:
    # Each step multiplies the error by about -2e19, so the third step's loss is beyond float32.
    data = lab.examples(x=np.ones((8, 1)), y_true=np.zeros((8, 1)))
    run = lab.run(line, data, data, epochs=9, mini_batch_size=2, learning_rate=1e19, momentum=0, report_batches=True)
    with pytest.raises(EngineError, match="at step 2 of epoch 1") as failure:
        JaxEngine(steps_per_chunk=1).train(run, notes)
    assert failure.value.reason is Reason.DIVERGED
    (result,) = notes.results
    assert not math.isfinite(result.loss)
    assert result.validation_loss is None
    assert result.batch_losses == pytest.approx((0.25, math.inf))


def test_non_finite_weights_after_the_last_step_are_refused(line: bytes, notes: Notes) -> None:
    data = lab.examples(x=[[1e19]], y_true=[[0.0]])
    with pytest.raises(EngineError, match="weights of layer line are not finite") as failure:
        JaxEngine().train(lab.run(line, data, learning_rate=1e30, momentum=0), notes)
    assert failure.value.reason is Reason.DIVERGED


def test_invalid_model_bytes_are_refused(clouds: Examples, notes: Notes) -> None:
    with pytest.raises(EngineError) as failure:
        JaxEngine().train(lab.run(b"no model", clouds), notes)
    assert failure.value.reason is Reason.INVALID_MODEL
    assert notes.heard == []


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": np.zeros((3, 2))}, "the examples have no y_true"),
        ({"x": np.zeros((3, 5)), "y_true": np.zeros(3)}, r"shape \[3, 5\]; the model needs \[3, 2\]"),
        ({"x": np.zeros((3, 2)), "y_true": np.zeros(2)}, r"shape \[2\]; the model needs \[3, 1\]"),
        ({"x": np.zeros((3, 2)), "y_true": [0, 2, 1]}, "row 1 of y_true is 2"),
        ({"x": np.zeros((3, 2)), "y_true": [0, 1, -1]}, "row 2 of y_true is -1"),
        ({"x": np.zeros((3, 2)), "y_true": [0, 0.5, 1]}, "row 1 of y_true is 0.5"),
    ],
)
def test_mismatching_examples_are_refused(
    arrays: dict[str, NDArray[Any]], sentence: str, classifier: bytes, notes: Notes
) -> None:
    with pytest.raises(EngineError, match=sentence) as failure:
        JaxEngine().train(lab.run(classifier, lab.examples(**arrays), **ADAM_VALUES), notes)
    assert failure.value.reason is Reason.INVALID_DATA


def test_non_default_switches_are_logged(classifier: bytes, clouds: Examples, notes: Notes) -> None:
    run = lab.run(classifier, clouds, shuffle=True, **ADAM_VALUES)
    JaxEngine(Switches(order="pippin")).train(run, notes)
    sentence = "training differs from Core ML's because of these switches: "
    assert notes.lines[1:] == [sentence + "order pippin, last_batch filled, momentum lr_inside, adam eps_hat"]
