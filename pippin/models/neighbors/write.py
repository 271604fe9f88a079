"""What a classifier was taught, back into the file."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pippin.models.neighbors.draft import Draft
from pippin.models.neighbors.examples import as_labels, as_samples
from pippin.models.neighbors.read import refuse_other_kinds
from pippin.models.spec.layer import Message


def write_samples(model_message: Message, samples: NDArray[np.float32], labels: Sequence[str | int]) -> None:
    """Replace the samples and labels in `model_message`; all else in it stays.

    Args:
        model_message: A `Model` that `read_neighbors` takes.
        samples: [n, dimensions].
        labels: One a sample, of the type that the file has.

    Raises:
        NeighborsError: They do not fit the model, which then is as it was.
    """
    draft = Draft(model_message)
    refuse_other_kinds(draft)
    assert draft.label_type is not None, "a message that was read says what its labels are"
    rows = as_samples(samples, draft.index.numberOfDimensions)
    names = as_labels(labels, draft.label_type, len(rows))
    del draft.index.floatSamples[:]
    for row in rows:
        # As a list: five times as fast as the array itself, whose numbers protobuf takes one by one.
        draft.index.floatSamples.add().vector.extend(row.tolist())
    field = f"{draft.label_type}ClassLabels"
    if names or draft.classifier.HasField(field):
        getattr(draft.classifier, field).vector[:] = names
