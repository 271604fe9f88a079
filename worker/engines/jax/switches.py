"""What Core ML's documents leave open, as switches of the engine jax: see `docs/semantics.md`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

Order = Literal["coreml", "pippin"]
LastBatch = Literal["filled", "own_size"]
Momentum = Literal["lr_inside", "lr_outside"]
AdamForm = Literal["eps_hat", "eps_outside"]


@dataclass(frozen=True)
class Switches:
    """How to train where nothing is documented. The defaults are what Core ML does, or what it likeliest does.

    Attributes:
        order: `coreml`: libc++'s shuffle, going on from epoch to epoch. `pippin`: an order drawn from (seed, epoch).
        last_batch: `filled` with the first examples of the epoch's order, all of which count, or of its `own_size`.
        momentum: Whether SGD's velocity holds the learning rate (`lr_inside`) or is multiplied by it (`lr_outside`).
        adam: Whether eps is added to the root of the uncorrected second moment (`eps_hat`) or of the corrected one.
    """

    order: Order = "coreml"
    last_batch: LastBatch = "filled"
    momentum: Momentum = "lr_inside"
    adam: AdamForm = "eps_hat"

    def document(self) -> dict[str, str]:
        """By name, as a checkpoint holds them."""
        return asdict(self)

    @property
    def text(self) -> str:
        """In words for a log."""
        return ", ".join(f"{name} {value}" for name, value in self.document().items())

    @classmethod
    def of_document(cls, document: Mapping[str, str]) -> "Switches":
        """The switches that a checkpoint holds.

        Raises:
            ValueError: One is missing or unknown, or has a value that it does not know.
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
"""What trainings did whose checkpoints name no switches."""
