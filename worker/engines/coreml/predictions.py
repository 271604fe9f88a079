"""Predictions of Core ML's model: the validation after each epoch, and the comparison with Pippin's own network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import objc
from numpy.typing import NDArray

from pippin.models.mlmodel import Model, Weights
from pippin.models.spec.features import ArrayFeature, DictionaryFeature, NumberFeature
from pippin.models.trainable import trainable_network
from pippin.network import predict
from pippin.network.graph import compute
from worker.engines.coreml.arrays import from_multi_array
from worker.engines.coreml.errors import checked
from worker.engines.coreml.examples import FeatureColumn, batch_of, columns_for, scaled, scaled_inputs
from worker.engines.coreml.weights import all_weights, differs, read_trained
from worker.engines.engine import Examples


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
    columns_batch = batch_of(tuple(column for column in columns if column.name in names), start, length)
    batch = checked(context_model.predictionsFromBatch_error_(columns_batch, None), "predict")
    providers = [batch.featuresAtIndex_(index) for index in range(length)]
    outputs: dict[str, NDArray[Any]] = {}
    for feature in model.resolved.outputs:
        values = [provider.featureValueForName_(feature.name) for provider in providers]
        if isinstance(feature, ArrayFeature) and feature.type == "int":
            continue
        if isinstance(feature, ArrayFeature):
            outputs[feature.name] = np.stack([from_multi_array(value.multiArrayValue()) for value in values])
        elif isinstance(feature, NumberFeature):
            outputs[feature.name] = np.array([[float(value.doubleValue())] for value in values])
        elif isinstance(feature, DictionaryFeature):
            rows = [value.dictionaryValue() for value in values]
            outputs[model.resolved.probabilities_blob] = _probabilities(model, rows)
    return outputs


def _probabilities(model: Model, rows: list[Any]) -> NDArray[Any]:
    """[N, classes], in the order of the model's own labels."""
    classifier = model.resolved.spec.classifier
    assert classifier is not None
    return np.array([[float(row[label]) for label in classifier.labels] for row in rows])


_VALIDATION_BATCH = 128


class Validation:
    """Mean loss and accuracy, by the same definitions as every engine's."""

    def __init__(self, model: Model, examples: Examples) -> None:
        """Look at the examples; none is read yet."""
        self._model = model
        self._examples = examples
        known = trainable_network(model.resolved)
        self._target = known.target
        self._has_classes = known.classes is not None
        self._columns = columns_for(known, examples)
        # An example for training may hold fewer inputs than a prediction needs.
        self._can_predict = {feature.name for feature in model.resolved.inputs} <= set(
            model.resolved.training_input_names
        )

    def measure(self, context_model: Any, between: Callable[[], None]) -> tuple[float, float | None]:  # noqa: ANN401
        """The mean loss, and the share of examples whose largest output is their label: None without classes.

        Args:
            context_model: An MLModel.
            between: Called before each batch; what it raises ends the measuring.

        Raises:
            EngineError: Core ML cannot predict.
        """
        loss, hits, count = 0.0, 0, self._examples.count
        for start in range(0, count, _VALIDATION_BATCH):
            between()
            rows = slice(start, min(start + _VALIDATION_BATCH, count))
            with objc.autorelease_pool():
                judged = self._judged(context_model, rows).reshape(rows.stop - rows.start, -1)
            if self._has_classes:
                truth = np.asarray(self._examples.arrays[self._target][rows]).reshape(-1).astype(np.intp)
                with np.errstate(divide="ignore"):  # a probability of 0 costs infinitely much
                    loss -= float(np.log(judged[np.arange(len(truth)), truth].astype(np.float64)).sum())
                hits += int((judged.argmax(axis=1) == truth).sum())
            else:
                targets = scaled(self._examples, self._target, rows).reshape(judged.shape)
                loss += float(((judged.astype(np.float64) - targets) ** 2).mean(axis=1).sum())
        return loss / count, hits / count if self._has_classes else None

    def _judged(self, context_model: Any, rows: slice) -> NDArray[Any]:  # noqa: ANN401 - an MLModel
        """What the loss compares with the target."""
        blob = self._model.resolved.spec.loss.input
        assert blob is not None
        if self._can_predict:
            outputs = answers(context_model, self._model, self._columns, rows.start, rows.stop - rows.start)
            if blob in outputs:
                return outputs[blob]
        # The model does not show it; what it has learned does.
        weights = all_weights(self._model, read_trained(context_model, self._model))
        inputs = scaled_inputs(self._model, self._examples, rows)
        computed: NDArray[Any] = compute(self._model.resolved, weights, inputs, [blob], xp=np, convolve=None)[blob]
        return computed


_EXAMPLES = 4
# Of the largest output, or of 1. Single precision on the CPU; other units compute in half precision.
_EXACT, _HALF = 1e-3, 3e-2


def check_predictions(
    context_model: Any,  # noqa: ANN401 - an MLModel
    model: Model,
    weights: Weights,
    examples: Examples,
    columns: tuple[FeatureColumn, ...],
    *,
    exact: bool,
) -> None:
    """Predict a few examples with Core ML and with our own network, from the weights that were read.

    Args:
        context_model: Core ML's model after the training.
        model: The file.
        weights: All weights after the training.
        examples: Where the examples are taken from.
        columns: The same, as Core ML takes them.
        exact: Whether Core ML computed on the CPU alone.

    Raises:
        EngineError: The two do not agree.
    """
    count = min(_EXAMPLES, examples.count)
    theirs = answers(context_model, model, columns, 0, count)
    ours = predict(model.resolved, weights, scaled_inputs(model, examples, slice(0, count)))
    for name, expected in ours.items():
        if name in theirs:
            _compare(name, theirs[name], expected, _EXACT if exact else _HALF)


def _compare(name: str, actual: NDArray[Any], expected: NDArray[Any], tolerance: float) -> None:
    if actual.size != expected.size:
        raise differs(f"predicts {name} in the shape {list(actual.shape)}; the file means {list(expected.shape)}")
    off = np.abs(actual.reshape(-1).astype(np.float64) - expected.reshape(-1))
    limit = tolerance * max(1.0, float(np.abs(expected).max()))
    # Not `>`, which lets NaN pass.
    if not (off <= limit).all():
        raise differs(
            f"predicts {name} otherwise than the trained weights do: they differ by up to {off.max():.3g}, "
            f"where {limit:.3g} is what rounding may do"
        )
