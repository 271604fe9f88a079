"""From a document to its parts: each that can be understood, whatever is wrong with the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from pippin.documents.partial import valid_or_none
from pippin.errors import Fault
from pippin.models.spec.explain import explain
from pippin.models.spec.features import Classifier, Feature, Regressor
from pippin.models.spec.layer import Layer
from pippin.models.spec.model import MAX_LAYERS, ModelSpec, NetworkSpec
from pippin.models.spec.shapes import ArrayMapping, ImageMapping
from pippin.models.spec.table import AnyLayer
from pippin.models.spec.training import Loss

T = TypeVar("T")

_FEATURE: TypeAdapter[Feature] = TypeAdapter(Feature)
_LAYER: TypeAdapter[Layer] = TypeAdapter(AnyLayer)
_LOSS: TypeAdapter[Loss] = TypeAdapter(Loss)
_CLASSIFIER: TypeAdapter[Classifier] = TypeAdapter(Classifier)
_REGRESSOR: TypeAdapter[Regressor] = TypeAdapter(Regressor)


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
        value = self.raw.get(field) if isinstance(self.raw, dict) else None
        return value if isinstance(value, str) and value else None

    def texts(self, field: str) -> tuple[str, ...]:
        """The same where several texts may stand."""
        value = self.raw.get(field) if isinstance(self.raw, dict) else None
        several = value if isinstance(value, list | tuple) else [value]
        return tuple(text for text in several if isinstance(text, str) and text)


@dataclass(frozen=True)
class Draft:
    """What could be understood of a document.

    Attributes:
        spec: The whole; None when any part has faults.
        inputs: The model's inputs.
        outputs: The model's outputs; None when the document leaves them out.
        training_inputs: None when the document leaves them out.
        layers: In the document's order.
        loss: None when it has faults.
        user_defined: The keys of the author's metadata.
        classifier: None when there is none, or it has faults.
        regressor: The same.
        version: Of the file; None when it has faults.
        arrays: How shapes of arrays are mapped to what layers see.
        images: The same for images.
    """

    spec: NetworkSpec | None
    inputs: tuple[Part[Feature], ...]
    outputs: tuple[Part[Feature], ...] | None
    training_inputs: tuple[Part[Feature], ...] | None
    layers: tuple[Part[Layer], ...]
    loss: Loss | None
    user_defined: tuple[str, ...]
    classifier: Classifier | None = None
    regressor: Regressor | None = None
    version: int | None = None
    arrays: ArrayMapping = "rank5"
    images: ImageMapping = "rank5"


def parse(document: object, kind: type[NetworkSpec] = ModelSpec) -> tuple[Draft, list[Fault]]:
    """The parts of a document that should be one of `kind`, and what is wrong inside them."""
    try:
        spec = kind.model_validate(document)
        faults = []
    except ValidationError as error:
        spec = None
        faults = list(explain(error, kind, document))
    raw = document if isinstance(document, dict) else {}
    draft = Draft(
        spec=spec,
        inputs=_parts(raw.get("inputs"), _FEATURE.validate_python),
        outputs=_parts_if_any(raw.get("outputs")),
        training_inputs=_parts_if_any(raw.get("training_inputs")),
        layers=_parts(raw.get("layers"), _LAYER.validate_python),
        loss=valid_or_none(raw.get("loss"), _LOSS.validate_python),
        user_defined=tuple(key for key in _keys(raw.get("user_defined")) if isinstance(key, str)),
        classifier=valid_or_none(raw.get("classifier"), _CLASSIFIER.validate_python),
        regressor=valid_or_none(raw.get("regressor"), _REGRESSOR.validate_python),
        version=_version(raw),
        arrays="exact" if raw.get("array_input_shape_mapping") == "exact" else "rank5",
        images="rank4" if raw.get("image_input_shape_mapping") == "rank4" else "rank5",
    )
    return draft, faults


def _parts(raw: object, validate: Callable[[object], T]) -> tuple[Part[T], ...]:
    if not isinstance(raw, list | tuple):
        return ()
    # A longer list has its fault already, and following it further only takes time.
    return tuple(Part(valid_or_none(entry, validate), entry) for entry in raw[:MAX_LAYERS])


def _parts_if_any(raw: object) -> tuple[Part[Feature], ...] | None:
    return None if raw is None else _parts(raw, _FEATURE.validate_python)


def _version(raw: Mapping[str, object]) -> int | None:
    version = raw.get("version", NetworkSpec.model_fields["version"].default)
    return version if isinstance(version, int) else None


def _keys(raw: object) -> tuple[object, ...]:
    return tuple(raw) if isinstance(raw, dict) else ()
