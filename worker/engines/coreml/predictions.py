"""What Core ML's model answers, as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel import Model
from pippin.models.spec.features import ArrayFeature, DictionaryFeature, NumberFeature
from worker.engines.coreml.arrays import from_multi_array
from worker.engines.coreml.batches import batch_of
from worker.engines.coreml.errors import checked
from worker.engines.coreml.features import FeatureColumn


def answers(
    context_model: Any,  # noqa: ANN401 - an MLModel
    model: Model,
    columns: tuple[FeatureColumn, ...],
    start: int,
    length: int,
) -> dict[str, NDArray[Any]]:
    """The outputs for the rows `start` to `start + length`: [length, *shape] each, by name.

    A classifier's probabilities are [length, classes], under the name of their blob; its label is left out, and so are
    outputs of whole numbers, which cannot hold what the layers make.

    Raises:
        EngineError: Core ML cannot predict.
    """
    names = {feature.name for feature in model.resolved.inputs}
    asked = batch_of(tuple(column for column in columns if column.name in names), start, length)
    given = checked(context_model.predictionsFromBatch_error_(asked, None), "predict")
    providers = [given.featuresAtIndex_(index) for index in range(length)]
    found: dict[str, NDArray[Any]] = {}
    for feature in model.resolved.outputs:
        values = [provider.featureValueForName_(feature.name) for provider in providers]
        if isinstance(feature, ArrayFeature) and feature.type == "int":
            continue
        if isinstance(feature, ArrayFeature):
            found[feature.name] = np.stack([from_multi_array(value.multiArrayValue()) for value in values])
        elif isinstance(feature, NumberFeature):
            found[feature.name] = np.array([[float(value.doubleValue())] for value in values])
        elif isinstance(feature, DictionaryFeature):
            rows = [value.dictionaryValue() for value in values]
            found[model.resolved.probabilities_blob] = _probabilities(model, rows)
    return found


def _probabilities(model: Model, rows: list[Any]) -> NDArray[Any]:
    """[N, classes], in the order of the model's own labels."""
    classifier = model.resolved.spec.classifier
    assert classifier is not None
    return np.array([[float(row[label]) for label in classifier.labels] for row in rows])
