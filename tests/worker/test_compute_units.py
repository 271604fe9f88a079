import platform
from pathlib import Path

import pytest

from worker.compute_units import compute_units, nvidia_gpu


@pytest.mark.parametrize(
    ("processor", "version", "has_neural_engine"),
    [("arm64", "26.1", True), ("arm64", "12.7.6", False), ("x86_64", "14.0", False)],
)
def test_compute_units_of_a_mac_depend_on_chip_and_version(
    *, monkeypatch: pytest.MonkeyPatch, processor: str, version: str, has_neural_engine: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.setattr(platform, "mac_ver", lambda: (version, ("", "", ""), processor))
    units = compute_units("coreml")
    assert units[:3] == ["all", "cpu_only", "cpu_and_gpu"]
    assert units[3:] == (["cpu_and_neural_engine"] if has_neural_engine else [])


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """The files of NVIDIA's driver on a machine with one GPU."""
    gpu = tmp_path / "0000:01:00.0"
    gpu.mkdir()
    (gpu / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 42\n")
    return tmp_path


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if JAX's CUDA plugin were installed."""
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setattr("worker.compute_units.find_spec", lambda name: name == "jax_cuda12_plugin" or None)


@pytest.mark.usefixtures("cuda")
def test_gpu_is_named_where_jax_uses_it(driver: Path) -> None:
    assert nvidia_gpu(driver) == "NVIDIA H100 80GB HBM3"


@pytest.mark.usefixtures("cuda")
def test_gpu_is_not_named_where_jax_does_not_use_it(
    driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nvidia_gpu(tmp_path / "nothing") is None
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert nvidia_gpu(driver) is None


def test_jax_without_the_cuda_plugin_uses_the_cpu(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.compute_units.find_spec", lambda _: None)
    assert nvidia_gpu(driver) is None
    assert compute_units("jax") == ["cpu_only"]
