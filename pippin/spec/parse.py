"""From a document to its parts: each that can be understood, whatever is wrong with the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from pippin.faults import Fault
from pippin.spec.explain import explain
from pippin.spec.features import Feature
from pippin.spec.layer import Layer
from pippin.spec.losses import Loss
from pippin.spec.model import MOST_LAYERS, ModelSpec
from pippin.spec.table import AnyLayer

T = TypeVar("T")

_FEATURE: TypeAdapter[Feature] = TypeAdapter(Feature)
_LAYER: TypeAdapter[Layer] = TypeAdapter(AnyLayer)
_LOSS: TypeAdapter[Loss] = TypeAdapter(Loss)


@dataclass(frozen=True)
class Part(Generic[T]):
    """An entry of a list in a spec.

    Attributes:
        value: The entry; None when it has faults of its own.
        raw: What the document says there.
    """

    value: T | None
    raw: object

    def text(self, field: str) -> str | None:
        """What the document says in `field`, if that is a text, even where the entry has faults."""
        said = self.raw.get(field) if isinstance(self.raw, dict) else None
        return said if isinstance(said, str) and said else None


@dataclass(frozen=True)
class Draft:
    """What could be understood of a document.

    Attributes:
        spec: The whole; None when any part has faults.
        inputs: The model's inputs.
        outputs: The model's outputs.
        training_inputs: None when the document leaves them out.
        layers: In the document's order.
        loss: None when it has faults.
        user_defined: The keys of the author's metadata.
    """

    spec: ModelSpec | None
    inputs: tuple[Part[Feature], ...]
    outputs: tuple[Part[Feature], ...]
    training_inputs: tuple[Part[Feature], ...] | None
    layers: tuple[Part[Layer], ...]
    loss: Loss | None
    user_defined: tuple[str, ...]


def parse(document: object) -> tuple[Draft, list[Fault]]:
    """The parts of a document, and what is wrong inside them."""
    try:
        spec = ModelSpec.model_validate(document)
        faults = []
    except ValidationError as error:
        spec = None
        faults = list(explain(error, ModelSpec, document))
    raw = document if isinstance(document, dict) else {}
    draft = Draft(
        spec=spec,
        inputs=_parts(raw.get("inputs"), _FEATURE.validate_python),
        outputs=_parts(raw.get("outputs"), _FEATURE.validate_python),
        training_inputs=(
            None if raw.get("training_inputs") is None else _parts(raw["training_inputs"], _FEATURE.validate_python)
        ),
        layers=_parts(raw.get("layers"), _LAYER.validate_python),
        loss=_understood(raw.get("loss"), _LOSS.validate_python),
        user_defined=tuple(key for key in _keys(raw.get("user_defined")) if isinstance(key, str)),
    )
    return draft, faults


def _parts(raw: object, validate: Callable[[object], T]) -> tuple[Part[T], ...]:
    if not isinstance(raw, list | tuple):
        return ()
    # A longer list has its fault already, and following it further only takes time.
    return tuple(Part(_understood(entry, validate), entry) for entry in raw[:MOST_LAYERS])


def _understood(raw: object, validate: Callable[[object], T]) -> T | None:
    try:
        return validate(raw)
    except ValidationError:
        return None


def _keys(raw: object) -> tuple[object, ...]:
    return tuple(raw) if isinstance(raw, dict) else ()
