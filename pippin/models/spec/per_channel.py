"""What the activations have in common whose parameters are arrays: one number a channel, or one for all of them."""

from collections.abc import Mapping
from typing import Self

from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.values import Shape
from pippin.models.spec.weighted import Parametric


class PerChannel(Parametric, ShapeKeeping):
    """An activation each of whose `array_fields` has a flag beside it, `shared_` before its name.

    An array that has one number is shared whatever the flag says, for then nothing else can be meant.
    """

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:
        """(C,), or (1,) where one number is shared."""
        return {key: (1,) if self._is_shared(key) else inputs[0][-3:-2] for key in self.array_fields}

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in the flags."""
        return self.model_copy(
            update={f"shared_{key}": shape == (1,) for key, shape in self.weight_shapes(inputs).items()}
        )

    def write(self, message: Message) -> None:
        """Nothing: the arrays' lengths say it all."""

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Which arrays are shared, by their lengths."""
        return {f"shared_{key}": _count(getattr(message, key)) == 1 for key in cls.array_fields}

    def _is_shared(self, key: str) -> bool:
        given = self.given(key)
        return bool(getattr(self, f"shared_{key}")) or (isinstance(given, list) and len(given) == 1)


def _count(blob: Message) -> int | None:
    """How many numbers a `WeightParams` has; None where they are quantised, for then their bits do not tell."""
    if blob.HasField("quantization"):
        return None
    return len(blob.floatValue) or len(blob.float16Value) // 2
