import json

import numpy as np
import pytest
from safetensors.numpy import save

from pippin.jobs.checkpoints import Checkpoint, CheckpointError, ShuffleState, read_checkpoint, write_checkpoint

WEIGHTS = {
    "conv/1": {"weights": np.arange(12, dtype=np.float32).reshape(2, 1, 2, 3), "bias": np.zeros(2, np.float32)},
    "hidden": {"weights": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))},
}
CHECKPOINT = Checkpoint(
    engine="jax",
    epoch=3,
    step=2,
    taken=17,
    batch_sums=(0.1, 1e-300),
    weights=WEIGHTS,
    moments=(WEIGHTS, WEIGHTS),
    batch_totals=(0.2, 1e-299),
    environment={"jaxlib": "0.10.2", "threads": "2"},
    switches={"order": "coreml"},
    shuffle=ShuffleState(np.array([2, 0, 1], np.int32), 2**31 - 2),
)


def test_a_checkpoint_reads_back_as_it_was_written() -> None:
    back = read_checkpoint(write_checkpoint(CHECKPOINT))
    assert (back.engine, back.epoch, back.step, back.taken) == ("jax", 3, 2, 17)
    assert back.batch_sums == (0.1, 1e-300)
    assert back.batch_totals == (0.2, 1e-299)
    assert back.environment == CHECKPOINT.environment
    assert back.switches == CHECKPOINT.switches
    assert back.shuffle is not None
    assert back.shuffle.order.tolist() == [2, 0, 1]
    assert back.shuffle.order.dtype == np.int32
    assert back.shuffle.generator == 2**31 - 2
    for found in (back.weights, *back.moments):
        assert found.keys() == WEIGHTS.keys()
        for layer, arrays in WEIGHTS.items():
            assert found[layer].keys() == arrays.keys()
            for key, array in arrays.items():
                np.testing.assert_array_equal(found[layer][key], array)


def test_equal_checkpoints_are_equal_files() -> None:
    assert write_checkpoint(CHECKPOINT) == write_checkpoint(read_checkpoint(write_checkpoint(CHECKPOINT)))


def test_checkpoint_without_moments_and_losses_reads_back() -> None:
    bare = Checkpoint("coreml", 1, 0, 0, (), {})
    assert read_checkpoint(write_checkpoint(bare)) == bare


def test_file_of_the_former_format_is_read() -> None:
    header = {
        "format": "pippin-checkpoint-1", "engine": "jax", "epoch": 3, "step": 2, "taken": 17, "moments": 1,
        "environment": {"threads": "2"},
    }  # fmt: skip
    tensors = {
        "batch_sums": np.array([0.5, 0.25]),
        "weights/bias/out": np.ones(2, np.float32),
        "moment0/bias/out": np.zeros(2, np.float32),
    }
    back = read_checkpoint(save(tensors, {"pippin": json.dumps(header)}))
    assert (back.engine, back.epoch, back.step, back.taken) == ("jax", 3, 2, 17)
    assert back.batch_sums == back.batch_totals == (0.5, 0.25)
    assert (back.switches, back.shuffle) == ({}, None)
    assert back.weights["out"]["bias"].tolist() == [1, 1]
    assert len(back.moments) == 1


def test_generator_without_an_order_is_refused() -> None:
    whole = write_checkpoint(CHECKPOINT)
    with pytest.raises(CheckpointError):
        read_checkpoint(whole.replace(b'"order":{', b'"other":{'))


@pytest.mark.parametrize("length", [0, 7, 8, 100, -1])
def test_truncated_file_is_refused(length: int) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(write_checkpoint(CHECKPOINT)[:length])


def test_safetensors_file_without_a_checkpoint_is_refused() -> None:
    with pytest.raises(CheckpointError):
        read_checkpoint(save({"weights/bias/a": np.zeros(1, np.float32)}))
    with pytest.raises(CheckpointError):
        read_checkpoint(save({"a": np.zeros(1, np.float32)}, {"pippin": "{}"}))
