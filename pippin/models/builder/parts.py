"""The parts of models: objects that hold the given fields of the spec language."""

from collections.abc import Collection, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, ClassVar, Final, get_args

from pydantic import BaseModel

from pippin.documents.hints import did_you_mean
from pippin.errors import PippinError
from pippin.models.spec import features, training
from pippin.models.spec.explain import shown
from pippin.models.spec.table import LAYERS


class Part:
    """One part of a model. A part is immutable, and its values are validated only with the whole model.

    Attributes:
        fields: The given fields as JSON values: lists, objects, numbers and texts.
    """

    known: ClassVar[Collection[str]] = ()
    """The names of all valid fields."""

    def __init__(self, **fields: object) -> None:
        for name in fields:
            if name not in self.known:
                hint = did_you_mean(name, sorted(self.known))
                raise BuilderError(f"found a field {name!r} of {type(self).__name__}, which has no such field{hint}")
        self.fields = {name: as_json(value) for name, value in fields.items() if value is not None}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={shown(value)}" for name, value in self.fields.items())
        return f"{type(self).__name__}({arguments})"


def _signature(kind: type[BaseModel]) -> Signature:
    """The fields with their defaults; the name is first and may be positional."""
    fields = {name: field for name, field in kind.model_fields.items() if name != "type"}
    named = [Parameter("name", Parameter.POSITIONAL_OR_KEYWORD, default=None)] if "name" in fields else []
    return Signature(
        [
            *named,
            *(
                Parameter(
                    name, Parameter.KEYWORD_ONLY, default=Parameter.empty if field.is_required() else field.default
                )
                for name, field in fields.items()
                if name != "name"
            ),
        ]
    )


class _OfSpec(Part):
    """A part that is an object of the spec with a `type`."""

    kind: ClassVar[type[BaseModel]]
    """The class of the spec language."""
    __signature__: ClassVar[Signature]

    def __init_subclass__(cls) -> None:
        if "kind" in vars(cls):
            cls.known = [name for name in cls.kind.model_fields if name != "type"]
            # For help() and editors; the accepted parameters are the fields of the spec's class.
            cls.__signature__ = _signature(cls.kind)

    @property
    def document(self) -> dict[str, Any]:
        """The object of the spec."""
        tag = {"type": self.kind.model_fields["type"].default} if "type" in self.kind.model_fields else {}
        return tag | self.fields


class Loss(_OfSpec):
    """A loss."""


class CategoricalCrossEntropy(Loss):
    """`categorical_cross_entropy`: for a softmax, against one class index."""

    kind = training.CategoricalCrossEntropy


class MeanSquaredError(Loss):
    """`mean_squared_error`: for any blob, against as many numbers."""

    kind = training.MeanSquaredError


class Optimizer(_OfSpec):
    """An optimizer; its parameters are numbers, or objects with limits: `{"default": 0.1, "min": 0, "max": 1}`."""


class SGD(Optimizer):
    """`sgd`: gradient descent, with or without momentum."""

    kind = training.SGD


class Adam(Optimizer):
    """`adam`: moments with bias correction."""

    kind = training.Adam


class Classifier(_OfSpec):
    """`classifier`: the classes' names, and under which names the answer is given."""

    kind = features.Classifier


class Regressor(_OfSpec):
    """`regressor`: the output that holds the predicted quantity."""

    kind = features.Regressor


class Layer(_OfSpec):
    """A layer; a layer without a name gets its type and a number as its name, such as `relu1`."""

    def __init__(self, name: str | None = None, **fields: object) -> None:
        super().__init__(name=name, **fields)


class Feature(Part):
    """An input or output of a model: an array with a shape, or another kind of feature with a `type`."""

    known = sorted(
        {name for kind in get_args(get_args(features.Feature)[0]) for name in get_args(kind)[0].model_fields}
    )

    def __init__(self, name: str, shape: Sequence[int] | None = None, **fields: object) -> None:
        super().__init__(name=name, shape=shape, **fields)


class Input(Feature):
    """An input of a prediction: an entry of `inputs`."""


class Output(Feature):
    """An output of a prediction: an entry of `outputs`."""


class TrainingInput(Feature):
    """A feature of a training example: an entry of `training_inputs`."""


def as_json(value: Any) -> Any:  # noqa: ANN401 - whatever a user writes
    """A deep copy of `value` as a JSON value: tuples and NumPy arrays as lists, NumPy numbers as numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    return [as_json(entry) for entry in value] if isinstance(value, list | tuple | range) else value


class BuilderError(PippinError):
    """The parts do not form a model, or a field is not a field of its part."""


LAYER_CLASSES: Final[dict[str, type[Layer]]] = {
    kind.__name__: type(
        kind.__name__, (Layer,), {"kind": kind, "__doc__": kind.__doc__, "__module__": "pippin.models.builder"}
    )
    for kind in LAYERS.values()
}
"""The layer classes by the name of the spec's class, such as `InnerProduct`."""
