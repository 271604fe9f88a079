"""The processors that an engine can use on this machine, as `/workers` shows them; detected without computing."""

import os
import platform
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path


def compute_units(engine: str) -> list[str]:
    """Return the processors that the engine can use.

    For Core ML: the values of a job's `compute_units` that this Mac supports. For jax: the GPU's name, or `cpu_only`.
    """
    if engine == "coreml":
        # MLComputeUnitsCPUAndNeuralEngine came with macOS 13; no Intel Mac has a neural engine.
        neural = platform.machine() == "arm64" and _macos_major() >= 13
        return ["all", "cpu_only", "cpu_and_gpu", *(["cpu_and_neural_engine"] if neural else [])]
    return [nvidia_gpu() or "cpu_only"]


def _macos_major() -> int:
    return int(platform.mac_ver()[0].partition(".")[0] or 0)


def nvidia_gpu(driver: Path = Path("/proc/driver/nvidia/gpus")) -> str | None:
    """The first GPU's name if JAX would use a GPU: JAX's CUDA plugin is installed and JAX_PLATFORMS permits it."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if platforms and not {"cuda", "gpu"} & set(platforms.split(",")):
        return None
    if not any(find_spec(f"jax_cuda{version}_plugin") for version in (12, 13)):
        return None
    for gpu in sorted(driver.glob("*/information")):
        with suppress(OSError):
            for line in gpu.read_text(encoding="utf-8", errors="replace").splitlines():
                name, _, value = line.partition(":")
                if name.strip() == "Model":
                    return value.strip()
    return None
