import pytest

from pippin.models.spec import Adam, resolve
from pippin.models.spec.presets import UnknownPresetError, preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_spec(name: str) -> None:
    resolve(preset(name))


def test_preset_lets_jobs_choose_within_ranges() -> None:
    spec = resolve(preset("mnist-cnn")).spec
    assert spec.epochs.model_dump() == {"default": 10, "min": 1, "max": 1000}
    assert spec.optimizer.mini_batch_size.model_dump() == {"default": 128, "min": 1, "max": 1024}
    assert spec.optimizer.learning_rate.model_dump() == {"default": 0.0001, "min": 0, "max": 0.3}
    assert isinstance(spec.optimizer, Adam)
    assert (spec.optimizer.beta1.default, spec.optimizer.beta2.default, spec.optimizer.eps.default) == (
        0.9,
        0.999,
        1e-8,
    )


def test_each_call_gives_a_copy() -> None:
    preset("mnist-cnn")["layers"] = []
    assert preset("mnist-cnn")["layers"]


@pytest.mark.parametrize("name", ["mnist", "", "../presets/mnist-cnn", "mnist-cnn.json"])
def test_unknown_preset_error_lists_the_presets(name: str) -> None:
    with pytest.raises(UnknownPresetError, match="the presets are: mnist-cnn") as raised:
        preset(name)
    assert isinstance(raised.value, KeyError)
