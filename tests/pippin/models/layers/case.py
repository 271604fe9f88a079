"""One row of the table that shows what each layer type does, in each of its modes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel import build
from pippin.models.spec import ResolvedSpec, resolve
from pippin.models.spec.weights import initial_weights

Floats = NDArray[np.float64]
Formula = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A layer in one of its modes.

    Attributes:
        name: What is special about it, after the type's name.
        layer: Its fields in the spec language, the type among them; name, input and output are added.
        inputs: The shape of each of its inputs, as a model declares them.
        formula: The proto's formula, written for clarity and apart from the code under test: it takes one float64 array
            [N, *shape] an input, shapes as layers see them ([N, sequence, 1, C, H, W] with RANK5), and the layer's
            weights as keyword arguments; it gives the output, or a tuple of them.
        outputs: How many blobs it makes.
        low: What the inputs' numbers are drawn from.
        high: The same.
        mapping: How arrays are mapped.
        smooth: Whether it has a gradient to compare with finite differences, at numbers drawn at random.
        whole: Whether the inputs are whole numbers.
        version: Of the file.
    """

    name: str
    layer: Mapping[str, Any]
    inputs: Sequence[Sequence[int]]
    formula: Formula
    outputs: int = 1
    low: float = -2.0
    high: float = 2.0
    mapping: str = "rank5"
    smooth: bool = True
    whole: bool = False
    version: int = 4
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.layer['type']} {self.name}".strip()

    @property
    def input_names(self) -> list[str]:
        return [f"x{index}" for index in range(len(self.inputs))]

    @property
    def output_names(self) -> list[str]:
        return [f"y{index}" for index in range(self.outputs)]

    def document(self) -> dict[str, Any]:
        """A model that answers what the layer makes, and trains an inner product on top of the first of it."""
        own = dict(self.layer) | {"name": "layer", "output": self.output_names if self.outputs > 1 else "y0"}
        if self.inputs:
            own["input"] = self.input_names if len(self.inputs) > 1 else "x0"
        read = [{"name": name, "shape": list(shape)} for name, shape in zip(self.input_names, self.inputs, strict=True)]
        return {
            "version": self.version,
            # A model has an input, whether its layers read it or not.
            "inputs": read or [{"name": "unread", "shape": [1]}],
            "outputs": [{"name": name} for name in self.output_names],
            "layers": [
                own,
                {"type": "inner_product", "name": "head", "input": "y0", "output_channels": 2, "updatable": True},
            ],
            "loss": {"type": "mean_squared_error"},
            "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
            "epochs": 1,
            "array_input_shape_mapping": self.mapping,
        } | dict(self.more)

    def resolved(self) -> ResolvedSpec:
        """The model."""
        return self._resolved

    def weights(self) -> dict[str, dict[str, Floats]]:
        """Its initial weights; those of the layer itself, unless the row gives them, drawn so that none is special."""
        return self._weights

    def file(self) -> bytes:
        """The model's file with those weights."""
        return self._file

    # Several tests of a row use one model.
    @cached_property
    def _resolved(self) -> ResolvedSpec:
        return resolve(self.document())

    @cached_property
    def _weights(self) -> dict[str, dict[str, Floats]]:
        rng = np.random.default_rng(0)
        weights = {
            name: {key: array.astype(np.float64) for key, array in arrays.items()}
            for name, arrays in initial_weights(self._resolved).items()
        }
        for key, array in weights.get("layer", {}).items():
            if self.layer.get(key) is None:
                # Positive where a root is taken of it, and the float32 that a file can hold.
                low = 0.5 if key == "variance" else -1.0
                weights["layer"][key] = rng.uniform(low, 1.5, array.shape).astype(np.float32).astype(np.float64)
        return weights

    @cached_property
    def _file(self) -> bytes:
        weights = {
            name: {key: array.astype(np.float32) for key, array in arrays.items()}
            for name, arrays in self._weights.items()
        }
        return build(self._resolved, weights)

    def drawn(self, examples: int = 3) -> dict[str, Floats]:
        """Inputs by name, [N, *declared shape], numbers that a float32 holds."""
        rng = np.random.default_rng(1)
        drawn: dict[str, Floats] = {}
        for name, shape in zip(self.input_names, self.inputs, strict=True):
            if self.whole:
                drawn[name] = rng.integers(int(self.low), int(self.high), (examples, *shape)).astype(np.float64)
            else:
                drawn[name] = rng.uniform(self.low, self.high, (examples, *shape)).astype(np.float32).astype(np.float64)
        return drawn or {"unread": np.zeros((examples, 1))}

    def expected(self, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """What the formula makes of the inputs, [N, *shape] as layers see it, by output."""
        seen = [inputs[name].reshape(-1, *self._resolved.shapes[name]) for name in self.input_names]
        outputs = self.formula(*seen, **self._weights.get("layer", {}))
        if not seen:
            outputs = np.broadcast_to(outputs, (len(next(iter(inputs.values()))), *np.shape(outputs)))
        return dict(zip(self.output_names, outputs if isinstance(outputs, tuple) else (outputs,), strict=True))


def of_ranks(
    layer: Mapping[str, Any],
    formula: Formula,
    *shapes: Sequence[int],
    name: str = "",
    **more: Any,  # noqa: ANN401 - of a case
) -> list[Case]:
    """One row for each shape of a layer's input, all with exact mapping."""
    return [
        Case(f"{name} of rank {len(shape)}".strip(), layer, [shape], formula, mapping="exact", **more)
        for shape in shapes
    ]
