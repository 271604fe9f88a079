"""Split: the channels in equal runs."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message
from pippin.models.spec.values import Shape

MOST_OUTPUTS: Final = 1000


class Split(Layer):
    """`SplitLayerParams` (version 1): [..., C, H, W] to `n_outputs` blobs [..., C / n_outputs, H, W]."""

    type: Literal["split"] = "split"
    n_outputs: Annotated[int, Field(strict=True, ge=2, le=MOST_OUTPUTS)] | None = Field(
        default=None, description="How many blobs it makes: as many as `output` names; inferred when left out."
    )

    proto_path: ClassVar[str] = "split"
    outputs_made: ClassVar[tuple[int, int]] = (2, MOST_OUTPUTS)
    least_rank: ClassVar[int] = 3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Another number of outputs than there are names, and channels that do not divide by it."""
        count, channels = len(self.output_names), inputs[0][-3]
        if self.n_outputs not in (None, count):
            yield Fault("/n_outputs", f"found {self.n_outputs}; the layer names {count} outputs")
        if channels % count:
            yield Fault("/input", f"found {channels} channels; {count} outputs need a multiple of them")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C / n_outputs, H, W) for each."""
        *front, channels, height, width = inputs[0]
        count = len(self.output_names)
        return ((*front, channels // count, height, width),) * count

    def completed(self, inputs: tuple[Shape, ...]) -> Self:  # noqa: ARG002 - the names alone decide
        """Fills in `n_outputs`."""
        return self.model_copy(update={"n_outputs": len(self.output_names)})

    def write(self, message: Message) -> None:
        """Write the number of outputs."""
        message.nOutputs = len(self.output_names)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The number of outputs."""
        return {"n_outputs": message.nOutputs}
