"""What the layers have in common that make one blob of several, number by number."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Bare, Message
from pippin.models.spec.shapes import said
from pippin.models.spec.values import Shape, Single

MOST_BLOBS: Final = 1000


class Combining(Bare):
    """A layer that reads blobs of one rank and makes one of the largest of their shapes.

    A smaller blob is repeated along the axes where it has the length 1, in four ways that the proto knows: beside
    [C, H, W] it may be [C, 1, 1], [1, H, W] or [1, 1, 1]. Axes in front of these three are the same in all.
    """

    inputs_taken: ClassVar[tuple[int, int]] = (1, MOST_BLOBS)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Shapes that do not go together."""
        rank = len(inputs[0])
        for index, shape in enumerate(inputs):
            if len(shape) != rank:
                yield Fault(
                    f"/input/{index}",
                    f"found a blob of shape {said(shape)}, rank {len(shape)}; needs rank {rank}, as the first has",
                )
        if any(len(shape) != rank for shape in inputs):
            return
        fitting = _fitting(_largest(inputs))
        for index, shape in enumerate(inputs):
            if shape not in fitting:
                needed = " or ".join(map(said, fitting))
                yield Fault(f"/input/{index}", f"found a blob of shape {said(shape)}; needs {needed}")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The largest."""
        return (_largest(inputs),)


class CombiningOrScalar(Combining):
    """The same, for a layer that combines a blob with a number where it reads only one."""

    alpha: Single | None = Field(
        default=None,
        description="The number that goes with each of the input; only where there is one input, and then needed.",
    )

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A number that is missing, or that nothing is done with."""
        yield from super().faults(inputs)
        if len(inputs) == 1 and self.alpha is None:
            yield Fault("/alpha", "is required where a layer reads one blob only")
        # A file of several blobs holds the proto's 0, which says nothing.
        if len(inputs) > 1 and self.alpha:
            yield Fault(
                "/alpha", f"found {self.alpha} beside {len(inputs)} blobs; goes with one blob only: leave it out"
            )

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Without the 0 that a file of several blobs holds."""
        return self if len(inputs) == 1 else self.model_copy(update={"alpha": None})

    def write(self, message: Message) -> None:
        """Write the number; 0 where there is none."""
        message.alpha = self.alpha or 0.0

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The number; 0 where there may be none."""
        return {"alpha": message.alpha}


def _largest(shapes: tuple[Shape, ...]) -> Shape:
    return tuple(max(lengths) for lengths in zip(*shapes, strict=True))


def _fitting(largest: Shape) -> Mapping[Shape, None]:
    """The shapes that go together with the largest, in order and each once."""
    if len(largest) < 3:
        return {largest: None}
    front, (channels, height, width) = largest[:-3], largest[-3:]
    lasts = ((channels, height, width), (channels, 1, 1), (1, height, width), (1, 1, 1))
    return dict.fromkeys((*front, *last) for last in lasts)
