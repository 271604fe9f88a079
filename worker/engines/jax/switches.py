"""Switches of the engine jax for behaviour that Core ML does not document: see `docs/semantics.md`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

Order = Literal["coreml", "pippin"]
LastBatch = Literal["filled", "own_size"]
Momentum = Literal["lr_inside", "lr_outside"]
AdamForm = Literal["eps_hat", "eps_outside"]


@dataclass(frozen=True)
class Switches:
    """Choices where Core ML's behaviour is undocumented. The defaults are Core ML's known or likeliest behaviour.

    Attributes:
        order: `coreml`: libc++'s shuffle, continued across epochs. `pippin`: an order drawn from (seed, epoch).
        last_batch: `filled` with the first examples of the epoch's order, all counted, or reduced to its `own_size`.
        momentum: Whether SGD's velocity holds the learning rate (`lr_inside`) or is multiplied by it (`lr_outside`).
        adam: Whether eps is added to the root of the uncorrected second moment (`eps_hat`) or of the corrected one.
    """

    order: Order = "coreml"
    last_batch: LastBatch = "filled"
    momentum: Momentum = "lr_inside"
    adam: AdamForm = "eps_hat"

    def document(self) -> dict[str, str]:
        """Switch name -> value, as stored in a checkpoint."""
        return asdict(self)

    @property
    def text(self) -> str:
        """A text for the log."""
        return ", ".join(f"{name} {value}" for name, value in self.document().items())

    @classmethod
    def of_document(cls, document: Mapping[str, str]) -> "Switches":
        """The switches that a checkpoint holds.

        Raises:
            ValueError: A switch is missing or unknown, or has an unknown value.
        """
        if document.keys() != _VALUES.keys():
            raise ValueError(f"has the switches {', '.join(sorted(document)) or 'none'}, not {', '.join(_VALUES)}")
        for name, value in document.items():
            if value not in _VALUES[name]:
                raise ValueError(f"has {value!r} for the switch {name}, not {' or '.join(_VALUES[name])}")
        return cls(**document)  # type: ignore[arg-type] # just checked


_VALUES: Mapping[str, tuple[str, ...]] = {
    "order": get_args(Order),
    "last_batch": get_args(LastBatch),
    "momentum": get_args(Momentum),
    "adam": get_args(AdamForm),
}

FORMER = Switches("pippin", "own_size", "lr_inside", "eps_outside")
"""The switches of trainings whose checkpoints hold none."""
