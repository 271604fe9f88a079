import numpy as np
import pytest
from safetensors.numpy import save

from pippin.checkpoints import Checkpoint, CheckpointError, read_checkpoint, write_checkpoint

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
    environment={"jaxlib": "0.10.2", "threads": "2"},
)


def test_a_checkpoint_reads_back_as_it_was_written() -> None:
    back = read_checkpoint(write_checkpoint(CHECKPOINT))
    assert (back.engine, back.epoch, back.step, back.taken) == ("jax", 3, 2, 17)
    assert back.batch_sums == (0.1, 1e-300)
    assert back.environment == CHECKPOINT.environment
    for found in (back.weights, *back.moments):
        assert found.keys() == WEIGHTS.keys()
        for layer, arrays in WEIGHTS.items():
            assert found[layer].keys() == arrays.keys()
            for key, array in arrays.items():
                np.testing.assert_array_equal(found[layer][key], array)


def test_equal_checkpoints_are_equal_files() -> None:
    assert write_checkpoint(CHECKPOINT) == write_checkpoint(read_checkpoint(write_checkpoint(CHECKPOINT)))


def test_one_without_moments_and_losses_is_whole() -> None:
    bare = Checkpoint("coreml", 1, 0, 0, (), {})
    assert read_checkpoint(write_checkpoint(bare)) == bare


@pytest.mark.parametrize("length", [0, 7, 8, 100, -1])
def test_a_torn_file_is_refused(length: int) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(write_checkpoint(CHECKPOINT)[:length])


def test_a_safetensors_file_of_somebody_else_is_refused() -> None:
    with pytest.raises(CheckpointError):
        read_checkpoint(save({"weights/bias/a": np.zeros(1, np.float32)}))
    with pytest.raises(CheckpointError):
        read_checkpoint(save({"a": np.zeros(1, np.float32)}, {"pippin": "{}"}))
