"""Windows that slide over height and width: positions, padding and borders."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pippin.models.spec.layer import Message, name_of
from pippin.models.spec.values import Border, Extent, Value

Pair = tuple[Extent, Extent]
Borders = tuple[tuple[Border, Border], tuple[Border, Border]]
"""Rows added at the top and bottom, columns added at the left and right."""


class ValidPadding(Value):
    """`ValidPadding`: windows lie wholly inside the input and its stated borders."""

    type: Literal["valid"] = "valid"
    borders: Borders = Field(default=((0, 0), (0, 0)), description="[[top, bottom], [left, right]]")

    def added(self, axis: int, size: int, reach: int, stride: int) -> tuple[int, int]:  # noqa: ARG002 - stated, not computed
        """The padding before and after an axis (0 height, 1 width) of `size`."""
        return self.borders[axis]

    def positions(self, axis: int, size: int, reach: int, stride: int) -> int:
        """The number of positions of a window that spans `reach` cells; 0 or less if the window does not fit."""
        return (size + sum(self.borders[axis]) - reach) // stride + 1


class SamePadding(Value):
    """`SamePadding`: as many positions as the input has strides; zeros fill what windows reach beyond it."""

    type: Literal["same"] = "same"
    mode: Literal["bottom_right_heavy", "top_left_heavy"] = Field(
        default="bottom_right_heavy", description="Side of the additional row or column if the padding is odd."
    )

    def added(self, axis: int, size: int, reach: int, stride: int) -> tuple[int, int]:
        """The padding before and after an axis (0 height, 1 width) of `size`."""
        total = max(0, (self.positions(axis, size, reach, stride) - 1) * stride + reach - size)
        less, more = total // 2, total - total // 2
        return (less, more) if self.mode == "bottom_right_heavy" else (more, less)

    def positions(self, axis: int, size: int, reach: int, stride: int) -> int:  # noqa: ARG002 - the reach is padded for
        """The number of positions of the window: size divided by stride, rounded up."""
        return -(-size // stride)


class IncludeLastPixelPadding(Value):
    """`PoolingLayerParams.ValidCompletePadding`: the last window holds the last pixel, even if it reaches beyond."""

    type: Literal["include_last_pixel"] = "include_last_pixel"
    amounts: tuple[Border, Border] = Field(default=(0, 0), description="[rows above and below, columns on both sides]")

    def added(self, axis: int, size: int, reach: int, stride: int) -> tuple[int, int]:
        """The padding before and after an axis (0 height, 1 width) of `size`."""
        before = self.amounts[axis]
        needed = (self.positions(axis, size, reach, stride) - 1) * stride + reach
        return before, max(0, needed - size - before)

    def positions(self, axis: int, size: int, reach: int, stride: int) -> int:
        """The number of positions that the window needs to reach the end, rounded up."""
        before = self.amounts[axis]
        count = -(-(size + 2 * before - reach) // stride) + 1
        # With any padding, a window that would begin outside the image and its border is left out.
        return count - 1 if any(self.amounts) and (count - 1) * stride >= size + before else count


def _spelled_out(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


Padding = Annotated[
    Annotated[ValidPadding | SamePadding, Field(discriminator="type")],
    BeforeValidator(_spelled_out, json_schema_input_type=ValidPadding | SamePadding | Literal["valid", "same"]),
]
"""An object with a `type`, or only the type's name for an object without other fields."""

PoolingPadding = Annotated[
    Annotated[ValidPadding | SamePadding | IncludeLastPixelPadding, Field(discriminator="type")],
    BeforeValidator(
        _spelled_out,
        json_schema_input_type=ValidPadding
        | SamePadding
        | IncludeLastPixelPadding
        | Literal["valid", "same", "include_last_pixel"],
    ),
]
"""`Padding` with the additional kind of pooling layers."""

# Enum values of `SamePadding.SamePaddingMode`.
_MODES = {"bottom_right_heavy": 0, "top_left_heavy": 1}


def write_padding(padding: ValidPadding | SamePadding | IncludeLastPixelPadding, message: Message) -> None:
    """Write `padding` into a message with the oneof of `valid`, `same` and, for pooling, `includeLastPixel`."""
    if isinstance(padding, IncludeLastPixelPadding):
        message.includeLastPixel.paddingAmounts.extend(padding.amounts)
        return
    if isinstance(padding, SamePadding):
        message.same.asymmetryMode = _MODES[padding.mode]
        message.same.SetInParent()
        return
    write_borders(padding.borders, message.valid.paddingAmounts)


def read_padding(message: Message, kind: str | None) -> dict[str, object]:
    """The padding of a message whose oneof is set to `kind`.

    Raises:
        ValueError: The oneof is not set, or the spec language does not support `kind`.
    """
    if kind == "same":
        return {"type": "same", "mode": name_of(message.same.asymmetryMode, _MODES, "asymmetry mode")}
    if kind == "includeLastPixel":
        return {"type": "include_last_pixel", "amounts": read_pair(message.includeLastPixel.paddingAmounts, 0)}
    if kind != "valid":
        raise ValueError("found no padding type; needs valid or same")
    return {"type": "valid", "borders": read_borders(message.valid.paddingAmounts)}


def write_borders(borders: Borders, message: Message) -> None:
    """Write into a `BorderAmounts`."""
    for before, after in borders:
        message.borderAmounts.add(startEdgeSize=before, endEdgeSize=after)


def read_borders(message: Message) -> list[list[int]]:
    """The borders in a `BorderAmounts`; an empty message means no borders."""
    return [[edges.startEdgeSize, edges.endEdgeSize] for edges in message.borderAmounts] or [[0, 0], [0, 0]]


def read_pair(numbers: Message, default: int) -> list[int]:
    """A height and a width; the proto's default if the message leaves them out."""
    return list(numbers) or [default, default]
