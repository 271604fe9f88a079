"""What the bits of a training depend on besides its model, data and hyperparameters."""

import hashlib
import os
from collections.abc import Mapping
from importlib.metadata import version

import jax

from worker.engines.jax.configure import cores, processor


def environment() -> dict[str, str]:
    """Versions and device of this process; on a CPU also how many threads compute, and on what processor."""
    device = jax.devices()[0]
    found = {"pippin": version("pippin"), "jaxlib": version("jaxlib"), "device": device.device_kind}
    if device.platform == "cpu":
        found["threads"] = os.environ.get("NPROC") or str(cores())
        # Two of one model may still differ in what a hypervisor lets through.
        found["processor"] = hashlib.sha256("\n".join(processor()).encode()).hexdigest()[:8]
    return found


def notice_of(made: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """What sets the environment that a checkpoint was made in apart from this one, in a sentence; None for nothing."""
    different = [
        f"{name} {made.get(name, 'unknown')} (here {value})" for name, value in here.items() if made.get(name) != value
    ]
    if not different:
        return None
    return f"The checkpoint was made with {', '.join(different)}: results may differ in bits from an unbroken training."
