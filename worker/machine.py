"""What this machine is, for a person who looks at `/workers`."""

import os
import platform
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path


def operating_system() -> str:
    """System and version, such as `macOS 26.1` or `Linux 6.12`."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()}"


def chip() -> str:
    """The processor's name, such as `Apple M4`; its architecture where no name is known."""
    with suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603 - a fixed command
            return answer.stdout.strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def compute_units(engine: str) -> list[str]:
    """What an engine can compute on here, told without computing.

    Of Core ML the values of a job's `compute_units` that this Mac has; of jax the GPU's name, or `cpu_only`.
    """
    if engine == "coreml":
        # MLComputeUnitsCPUAndNeuralEngine came with macOS 13; no Intel Mac has a neural engine.
        neural = platform.machine() == "arm64" and _macos_major() >= 13
        return ["all", "cpu_only", "cpu_and_gpu", *(["cpu_and_neural_engine"] if neural else [])]
    return [_nvidia_gpu() or "cpu_only"]


def _macos_major() -> int:
    return int(platform.mac_ver()[0].partition(".")[0] or 0)


def _nvidia_gpu(driver: Path = Path("/proc/driver/nvidia/gpus")) -> str | None:
    """The first GPU's name, where jax would take one: its CUDA plugin is installed and nothing tells it otherwise."""
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
