"""Parses a document into parts; each valid part is available even if other parts have faults."""

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
        value: The entry; None if it has faults.
        raw: The entry as it is in the document.
    """

    value: T | None
    raw: object

    def text(self, field: str) -> str | None:
        """The text in `field` of the document, even if the entry has faults; None if it is not a text."""
        value = self.raw.get(field) if isinstance(self.raw, dict) else None
        return value if isinstance(value, str) and value else None

    def texts(self, field: str) -> tuple[str, ...]:
        """The text or list of texts in `field` of the document, even if the entry has faults."""
        value = self.raw.get(field) if isinstance(self.raw, dict) else None
        several = value if isinstance(value, list | tuple) else [value]
        return tuple(text for text in several if isinstance(text, str) and text)


@dataclass(frozen=True)
class Draft:
    """The valid parts of a document.

    Attributes:
        spec: The whole spec; None if any part has faults.
        inputs: The model's inputs.
        outputs: The model's outputs; None if the document leaves them out.
        training_inputs: The training inputs; None if the document leaves them out.
        layers: The layers in the document's order.
        loss: The loss; None if it has faults.
        user_defined: The keys of the author's metadata.
        classifier: The classifier; None if there is none or it has faults.
        regressor: The regressor; None if there is none or it has faults.
        version: The file's specification version; None if it has faults.
        arrays: The mapping from declared shapes of arrays to the shapes that layers see.
        images: The same mapping for images.
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
    """The parts of a document of type `kind`, and the faults inside them."""
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
    # A longer list already has a fault; parsing the other entries only takes time.
    return tuple(Part(valid_or_none(entry, validate), entry) for entry in raw[:MAX_LAYERS])


def _parts_if_any(raw: object) -> tuple[Part[Feature], ...] | None:
    return None if raw is None else _parts(raw, _FEATURE.validate_python)


def _version(raw: Mapping[str, object]) -> int | None:
    version = raw.get("version", NetworkSpec.model_fields["version"].default)
    return version if isinstance(version, int) else None


def _keys(raw: object) -> tuple[object, ...]:
    return tuple(raw) if isinstance(raw, dict) else ()
