"""Predictions of Core ML's model: the validation after each epoch, and the comparison with Pippin's network."""

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
    """The outputs for the rows `start` to `start + length`, end excluded: output name -> [length, *shape].

    A classifier's probabilities are [length, classes], under the name of their blob. The predicted label is left out,
    and so are outputs of whole numbers, which cannot hold the layers' results.

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
    """[N, classes], in the order of the model's labels."""
    classifier = model.resolved.spec.classifier
    assert classifier is not None
    return np.array([[float(row[label]) for label in classifier.labels] for row in rows])


_VALIDATION_BATCH = 128


class Validation:
    """Mean loss and accuracy, with the same definitions for every engine."""

    def __init__(self, model: Model, examples: Examples) -> None:
        """Initialize; no example is read yet."""
        self._model = model
        self._examples = examples
        trainable = trainable_network(model.resolved)
        self._target = trainable.target
        self._has_classes = trainable.classes is not None
        self._columns = columns_for(trainable, examples)
        # A training example may hold fewer inputs than a prediction requires.
        self._can_predict = {feature.name for feature in model.resolved.inputs} <= set(
            model.resolved.training_input_names
        )

    def measure(self, context_model: Any, between: Callable[[], None]) -> tuple[float, float | None]:  # noqa: ANN401
        """The mean loss, and the share of examples whose largest output is their label; None without classes.

        Args:
            context_model: An MLModel.
            between: Called before each batch; an exception ends the measurement.

        Raises:
            EngineError: Core ML cannot predict.
        """
        loss, hits, count = 0.0, 0, self._examples.count
        for start in range(0, count, _VALIDATION_BATCH):
            between()
            rows = slice(start, min(start + _VALIDATION_BATCH, count))
            with objc.autorelease_pool():
                loss_input = self._loss_input(context_model, rows).reshape(rows.stop - rows.start, -1)
            if self._has_classes:
                labels = np.asarray(self._examples.arrays[self._target][rows]).reshape(-1).astype(np.intp)
                with np.errstate(divide="ignore"):  # the loss of a probability of 0 is infinite
                    loss -= float(np.log(loss_input[np.arange(len(labels)), labels].astype(np.float64)).sum())
                hits += int((loss_input.argmax(axis=1) == labels).sum())
            else:
                targets = scaled(self._examples, self._target, rows).reshape(loss_input.shape)
                loss += float(((loss_input.astype(np.float64) - targets) ** 2).mean(axis=1).sum())
        return loss / count, hits / count if self._has_classes else None

    def _loss_input(self, context_model: Any, rows: slice) -> NDArray[Any]:  # noqa: ANN401 - an MLModel
        """The blob that the loss compares with the target."""
        blob = self._model.resolved.spec.loss.input
        assert blob is not None
        if self._can_predict:
            outputs = answers(context_model, self._model, self._columns, rows.start, rows.stop - rows.start)
            if blob in outputs:
                return outputs[blob]
        # The blob is no output of the model: Pippin's network computes it from the learned weights.
        weights = all_weights(self._model, read_trained(context_model, self._model))
        inputs = scaled_inputs(self._model, self._examples, rows)
        computed: NDArray[Any] = compute(self._model.resolved, weights, inputs, [blob], xp=np, convolve=None)[blob]
        return computed


_COMPARED_EXAMPLES = 4
# Tolerance relative to the largest output, at least 1. The CPU computes in single precision, other units in half.
_SINGLE_TOLERANCE, _HALF_TOLERANCE = 1e-3, 3e-2


def check_predictions(
    context_model: Any,  # noqa: ANN401 - an MLModel
    model: Model,
    weights: Weights,
    examples: Examples,
    columns: tuple[FeatureColumn, ...],
    *,
    exact: bool,
) -> None:
    """Compare predictions of Core ML with predictions of Pippin's network from the weights read, for a few examples.

    Args:
        context_model: Core ML's model after the training.
        model: The file's model.
        weights: All weights after the training.
        examples: The source of the examples.
        columns: The same examples, as Core ML takes them.
        exact: Whether Core ML computed on the CPU alone.

    Raises:
        EngineError: The predictions differ by more than rounding explains.
    """
    count = min(_COMPARED_EXAMPLES, examples.count)
    actual_outputs = answers(context_model, model, columns, 0, count)
    expected_outputs = predict(model.resolved, weights, scaled_inputs(model, examples, slice(0, count)))
    for name, expected in expected_outputs.items():
        if name in actual_outputs:
            _compare(name, actual_outputs[name], expected, _SINGLE_TOLERANCE if exact else _HALF_TOLERANCE)


def _compare(name: str, actual: NDArray[Any], expected: NDArray[Any], tolerance: float) -> None:
    if actual.size != expected.size:
        raise differs(f"predicts {name} in the shape {list(actual.shape)}; the file has {list(expected.shape)}")
    difference = np.abs(actual.reshape(-1).astype(np.float64) - expected.reshape(-1))
    limit = tolerance * max(1.0, float(np.abs(expected).max()))
    # `difference > limit` would accept NaN.
    if not (difference <= limit).all():
        raise differs(
            f"predicts {name} differently than the trained weights: by up to {difference.max():.3g}, while rounding "
            f"explains at most {limit:.3g}"
        )
