"""How much memory a training takes at the very least, known from shapes alone, before anything is allocated."""

from math import prod

from pydantic import BaseModel, ConfigDict, Field

from pippin.models.spec.resolved import ResolvedNetwork, ResolvedSpec
from pippin.models.spec.training import Adam

_BYTES = 4  # of a float32, which weights and blobs are


class TrainingMemory(BaseModel):
    """What a training holds at one time: an engine needs this much and room to work in."""

    model_config = ConfigDict(frozen=True)

    fixed: int = Field(default=0, ge=0, description="Bytes of weights, their gradients and the optimizer's state.")
    per_example: int = Field(default=0, ge=0, description="Bytes of every blob of one example of a mini-batch.")

    def total(self, mini_batch_size: int) -> int:
        """Bytes, with mini-batches of this size."""
        return self.fixed + self.per_example * mini_batch_size

    def largest_batch(self, max_bytes: int) -> int:
        """The largest mini-batch that `max_bytes` have room for; 0 when there is none."""
        return max(0, max_bytes - self.fixed) // max(1, self.per_example)

    def excess(self, mini_batch_size: int, max_bytes: int) -> str | None:
        """What is too much about it, in a sentence with figures; None when `max_bytes` may be enough."""
        total = self.total(mini_batch_size)
        if total <= max_bytes:
            return None
        fitting = self.largest_batch(max_bytes)
        advice = f"a mini_batch_size of {fitting} would fit" if fitting else "needs fewer weights or smaller blobs"
        return (
            f"training takes {_bytes_text(total)} or more: {_bytes_text(self.fixed)} for weights, "
            f"gradients and the optimizer's "
            f"state, and {_bytes_text(self.per_example)} for the blobs of each of {mini_batch_size} examples at once; "
            f"{_bytes_text(max_bytes)} are allowed; {advice}"
        )

    def after(self, front: "TrainingMemory") -> "TrainingMemory":
        """With frozen models in front, which compute what this one learns from."""
        return TrainingMemory(fixed=self.fixed + front.fixed, per_example=self.per_example + front.per_example)


def training_memory(resolved: ResolvedSpec) -> TrainingMemory:
    """What training a network takes."""
    predicting = predicting_memory(resolved)
    # Of each updatable weight a gradient, and one moment with SGD, two with Adam.
    copies = 3 if isinstance(resolved.spec.optimizer, Adam) else 2
    updated = sum(layer.parameter_count for layer in resolved.layers if layer.layer.updatable)
    return predicting.model_copy(update={"fixed": predicting.fixed + copies * updated * _BYTES})


def predicting_memory(resolved: ResolvedNetwork) -> TrainingMemory:
    """What a network takes that only predicts."""
    numbers = sum(map(prod, resolved.shapes.values()))
    return TrainingMemory(fixed=resolved.parameter_count * _BYTES, per_example=numbers * _BYTES)


def _bytes_text(count: float) -> str:
    """A number of bytes as a person reads it."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"
