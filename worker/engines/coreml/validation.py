"""Measures Core ML's model on examples that it does not learn from: it reports only the training's own loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import objc
from numpy.typing import NDArray

from pippin.models.mlmodel import Model
from pippin.models.trainable import trainable_network
from pippin.network.graph import compute
from worker.engines.coreml.features import columns_for
from worker.engines.coreml.inputs import scaled, scaled_inputs
from worker.engines.coreml.predictions import answers
from worker.engines.coreml.weights import all_weights, read_trained
from worker.engines.engine import Examples

_SIZE = 128


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
        for start in range(0, count, _SIZE):
            between()
            rows = slice(start, min(start + _SIZE, count))
            with objc.autorelease_pool():
                judged = self._judged(context_model, rows).reshape(rows.stop - rows.start, -1)
            if self._has_classes:
                truth = np.asarray(self._examples.arrays[self._target][rows]).reshape(-1).astype(np.intp)
                with np.errstate(divide="ignore"):  # a probability of 0 costs infinitely much
                    loss -= float(np.log(judged[np.arange(len(truth)), truth].astype(np.float64)).sum())
                hits += int((judged.argmax(axis=1) == truth).sum())
            else:
                wanted = scaled(self._examples, self._target, rows).reshape(judged.shape)
                loss += float(((judged.astype(np.float64) - wanted) ** 2).mean(axis=1).sum())
        return loss / count, hits / count if self._has_classes else None

    def _judged(self, context_model: Any, rows: slice) -> NDArray[Any]:  # noqa: ANN401 - an MLModel
        """What the loss compares with the target."""
        blob = self._model.resolved.spec.loss.input
        assert blob is not None
        if self._can_predict:
            found = answers(context_model, self._model, self._columns, rows.start, rows.stop - rows.start)
            if blob in found:
                return found[blob]
        # The model does not show it; what it has learned does.
        weights = all_weights(self._model, read_trained(context_model, self._model))
        inputs = scaled_inputs(self._model, self._examples, rows)
        made: NDArray[Any] = compute(self._model.resolved, weights, inputs, [blob], xp=np, convolve=None)[blob]
        return made
