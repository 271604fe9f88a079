"""Where an image is sampled to resize it: `SamplingMode` of the file."""

from collections.abc import Iterable
from typing import Final, Literal

SamplingMethod = Literal["strict_align_endpoints", "align_endpoints", "upsample", "roi_align"]

METHODS: Final[dict[str, int]] = {"strict_align_endpoints": 0, "align_endpoints": 1, "upsample": 2, "roi_align": 3}
"""The numbers of `SamplingMode.Method`."""


def read_target(numbers: Iterable[int]) -> list[int]:
    """A `targetSize`: what is left out is 1, and so is what is 0. Source: NeuralNetworkShapes.cpp."""
    return [number or 1 for number in numbers] or [1, 1]
