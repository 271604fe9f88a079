"""What a test asks of the stand-in, by environment variables, so that it reaches a worker's own process.

Names and values are in `KNOBS`; any other variable that begins with APPLE_STANDIN_, or any other value, is refused.
"""

import os

PREFIX = "APPLE_STANDIN_"

KNOBS: dict[str, tuple[str, ...] | None] = {
    # The step that shall fail.
    "FAIL": ("", "compile", "configuration", "task", "begin", "epoch", "completion", "read", "write", "predict"),
    # With FAIL=epoch: in which epoch, from 0.
    "FAIL_EPOCH": None,
    # The five-argument constructor: works, raises as PyObjC would with the wrong metadata, does so even once that is
    # corrected, or returns an NSError.
    "FIVE_ARGUMENTS": ("works", "raises", "always_raises", "error"),
    # What parameterValueForKey_error_ returns: its data type, its strides, its layout.
    "RETURNS": ("float32", "float16", "float64"),
    "STRIDES": ("padded", "contiguous"),
    "LAYOUT": ("declared", "transposed"),
    # Seconds to wait at the end of each mini-batch, and of each epoch.
    "BATCH_DELAY": None,
    "EPOCH_DELAY": None,
    # Whether the completion handler of a cancelled task is called: users say no, and Apple does not say.
    "CANCELLED": ("silent", "completes"),
    # The formulas that are not documented.
    "MOMENTUM": ("lr_inside", "lr_outside"),
    "ADAM": ("eps_hat", "eps_outside"),
    "MSE": ("mean", "half_mean", "sum", "half_sum"),
    "LAST_BATCH": ("filled", "own_size", "dropped"),
    "ORDER": ("libcxx", "other"),
    "LOSS_VALUE": ("examples", "batches", "last"),
}
"""The knobs without their prefix, and the values of each, of which the first is the default; None for a number."""


def knob(name: str) -> str:
    """The value of a knob."""
    allowed = KNOBS[name]
    value = os.environ.get(PREFIX + name, allowed[0] if allowed else "0")
    if allowed is not None and value not in allowed:
        raise ValueError(f"{PREFIX}{name} may be {', '.join(filter(None, allowed))}, not {value!r}")
    return value


def fails(step: str) -> bool:
    """Is this the step that shall fail?"""
    return knob("FAIL") == step


def check_knobs() -> None:
    """Refuses a variable that is no knob, so that a typing error does not pass for a test."""
    for name in os.environ:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in KNOBS:
            raise ValueError(f"{name} is no knob of the Apple stand-in; these are: {', '.join(KNOBS)}")
