"""Teaching a classifier."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault
from pippin.models.neighbors.errors import NeighborsError
from pippin.models.neighbors.examples import as_labels, as_samples
from pippin.models.neighbors.model import Labels, NeighborsModel
from pippin.models.spec.classes import MOST_CLASSES


def append(model: NeighborsModel, features: NDArray[np.number], labels: Sequence[str | int]) -> NeighborsModel:
    """The classifier after it was taught some examples: they stand behind its own samples, in the order given.

    There is no more to training: no epoch, no loss, no shuffle. An example taught twice counts twice.

    Args:
        model: What was taught before.
        features: [N, dimensions]; kept as 32-bit floats, as the file has them.
        labels: One an example, of the model's `label_type`. Labels that the model has not met are welcome.

    Raises:
        NeighborsError: The examples do not fit the model.
    """
    samples = as_samples(features, model.dimensions)
    together: Labels = model.labels + as_labels(labels, model.label_type, len(samples))  # type: ignore[operator]  # both of one kind
    if (count := len(set(together))) > MOST_CLASSES:
        fault = Fault("/labels", f"found labels that make {count} different ones; needs {MOST_CLASSES} or fewer in all")
        raise NeighborsError("the examples do not fit the classifier", [fault])
    grown = np.concatenate([model.samples, samples])
    grown.setflags(write=False)
    return replace(model, samples=grown, labels=together)
