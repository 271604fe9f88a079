"""A lower bound of the memory that training needs, computed from shapes before any allocation."""

from math import prod

from pydantic import BaseModel, ConfigDict, Field

from pippin.models.spec.resolved import ResolvedNetwork, ResolvedSpec
from pippin.models.spec.training import Adam

_BYTES = 4  # of a float32, which weights and blobs are


class TrainingMemory(BaseModel):
    """The minimum memory of training; an engine needs additional working memory."""

    model_config = ConfigDict(frozen=True)

    fixed: int = Field(default=0, ge=0, description="Bytes of weights, their gradients and the optimizer's state.")
    per_example: int = Field(default=0, ge=0, description="Bytes of every blob of one example of a mini-batch.")

    def total(self, mini_batch_size: int) -> int:
        """Bytes needed with mini-batches of this size."""
        return self.fixed + self.per_example * mini_batch_size

    def largest_batch(self, max_bytes: int) -> int:
        """The largest mini-batch that fits into `max_bytes`; 0 if none fits."""
        return max(0, max_bytes - self.fixed) // max(1, self.per_example)

    def excess(self, mini_batch_size: int, max_bytes: int) -> str | None:
        """A message with numbers if training needs more than `max_bytes`; None otherwise."""
        total = self.total(mini_batch_size)
        if total <= max_bytes:
            return None
        fitting = self.largest_batch(max_bytes)
        advice = f"a mini_batch_size of {fitting} would fit" if fitting else "use fewer weights or smaller blobs"
        return (
            f"training takes {_bytes_text(total)} or more: {_bytes_text(self.fixed)} for weights, "
            f"gradients and the optimizer's "
            f"state, and {_bytes_text(self.per_example)} for the blobs of each of {mini_batch_size} examples at once; "
            f"{_bytes_text(max_bytes)} are allowed; {advice}"
        )

    def after(self, front: "TrainingMemory") -> "TrainingMemory":
        """The memory with the frozen models in front of this model added."""
        return TrainingMemory(fixed=self.fixed + front.fixed, per_example=self.per_example + front.per_example)


def training_memory(resolved: ResolvedSpec) -> TrainingMemory:
    """The memory for training a network."""
    predicting = predicting_memory(resolved)
    # A gradient for each updatable weight, and one moment with SGD or two moments with Adam.
    copies = 3 if isinstance(resolved.spec.optimizer, Adam) else 2
    updated = sum(layer.parameter_count for layer in resolved.layers if layer.layer.updatable)
    return predicting.model_copy(update={"fixed": predicting.fixed + copies * updated * _BYTES})


def predicting_memory(resolved: ResolvedNetwork) -> TrainingMemory:
    """The memory for predictions of a network."""
    numbers = sum(map(prod, resolved.shapes.values()))
    return TrainingMemory(fixed=resolved.parameter_count * _BYTES, per_example=numbers * _BYTES)


def _bytes_text(count: float) -> str:
    """A number of bytes in human-readable form."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"
