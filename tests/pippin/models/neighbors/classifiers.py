"""Files of nearest-neighbour classifiers, made by coremltools' own builder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder
from numpy.typing import NDArray

from pippin.models.neighbors import NeighborsModel
from pippin.models.spec.layer import Message
from pippin.models.spec.parameters import IntegerParameter

SAMPLES = ((0.0, 0.0), (1.0, 0.5), (3.0, 4.0))


def make_message(
    samples: Sequence[Sequence[float]] = SAMPLES,
    labels: Sequence[str | int] = ("red", "blue", "red"),
    default: str | int = "none",
    **options: Any,  # noqa: ANN401 - the builder's own
) -> Message:
    """The `Model` of a classifier of three points in the plane; keywords go to the builder."""
    builder = KNearestNeighborsClassifierBuilder(
        input_name="point",
        output_name="color",
        number_of_dimensions=len(samples[0]) if samples else 2,
        default_class_label=default,
        **options,
    )
    if samples:
        builder.add_samples(samples, labels)
    return builder.spec


def make_model(samples: NDArray[np.number], labels: Sequence[str | int], **fields: Any) -> NeighborsModel:  # noqa: ANN401 - any field
    """A classifier of some samples and labels; keywords replace its other fields."""
    values = {
        "input": "point",
        "dimensions": samples.shape[1],
        "number_of_neighbors": IntegerParameter(default=1),
        "weighting": "uniform",
        "index": "linear",
        "leaf_size": None,
        "samples": samples.astype(np.float32),
        "labels": tuple(labels),
        "label_type": "int64" if labels and isinstance(labels[0], int) else "string",
        "default_label": None,
        "predicted_feature": "color",
        "probabilities": "colorProbs",
        "metadata": {},
    }
    return NeighborsModel(**(values | fields))
