"""Recognises documents of unexpected kinds, so that one sentence replaces a list of all missing fields."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pippin.documents.hints import most_similar, synonym
from pippin.errors import Fault, FaultyDocumentError, clipped
from pippin.ids import has_id_form

_SHOWN = 5
_MAX_NAME_CHARACTERS = 60
_MAX_KEYS = 20  # keys that are compared: a document may have a million
_JOB_KEYS: Final = frozenset({"model", "dataset"})
_SPEC_KEYS: Final = frozenset({"inputs", "layers"})

JOB = "a job"
SPEC = "a model spec"
SWIFT = "a model of SwiftCoreMLTools"

_KERAS_KEYS = frozenset({"class_name", "keras_version", "model_config"})

_Document = Mapping[str, Any]


def _has(*keys: str) -> Callable[[_Document], bool]:
    return lambda document: all(key in document for key in keys)


def _is_record(prefix: str) -> Callable[[_Document], bool]:
    return lambda document: isinstance(document.get("id"), str) and has_id_form(document["id"], (prefix,))


def _is_keras(document: _Document) -> bool:
    topology = document.get("modelTopology", document)
    return (
        isinstance(topology, dict)
        and "config" in topology
        and ("class_name" in topology or "keras_version" in topology)
    )


_CONVERT = "convert it with coremltools and upload the .mlmodel"

# Name, test and advice for each kind; the first test that passes decides.
_KINDS: Final[tuple[tuple[str, Callable[[_Document], bool], str], ...]] = (
    ("a job's record", _is_record("job"), "the request is what it has under `request`"),
    ("a model's record", _is_record("model"), "a job names it: {id: …}"),
    ("a dataset's record", _is_record("ds"), "a job names it"),
    (SWIFT, _has("neuralNetwork"), ""),
    ("a Keras or TensorFlow.js model", _is_keras, _CONVERT),
    (
        "an OpenAPI description",
        lambda document: ("openapi" in document or "swagger" in document) and "paths" in document,
        "",
    ),
    ("a Compose file of Docker", lambda document: isinstance(document.get("services"), dict), ""),
    ("a Kubernetes manifest", _has("apiVersion", "kind"), ""),
    (
        "a workflow of GitHub Actions",
        lambda document: isinstance(document.get("jobs"), dict) and ("on" in document or "name" in document),
        "",
    ),
    ("a CI configuration of GitLab", _has("stages"), ""),
    ("a Jupyter notebook", _has("cells", "nbformat"), ""),
    ("a package.json of npm", _has("dependencies", "version"), ""),
    ("a JSON schema", _has("$schema"), ""),
    ("a GeoJSON document", lambda document: document.get("type") == "FeatureCollection", ""),
    ("a configuration of a Hugging Face model", _has("model_type"), _CONVERT),
    ("a configuration of a Hugging Face model", _has("architectures"), _CONVERT),
    ("an ONNX model", _has("graph", "irVersion"), _CONVERT),
    ("the protobuf of a Core ML model in JSON", _has("specificationVersion"), "upload the .mlmodel itself"),
    ("an error response of a service (RFC 9457)", _has("type", "title", "status"), ""),
)
_ADVICE: Final = {name: advice for name, _, advice in _KINDS if advice}


def kind_of(document: object) -> str | None:
    """The kind of a JSON value by its keys; None where the keys do not determine a kind."""
    if not isinstance(document, dict):
        return None
    if document.keys() >= _JOB_KEYS:
        return JOB
    if document.keys() >= _SPEC_KEYS:
        return SPEC
    return next((name for name, applies, _ in _KINDS if applies(document)), None)


def is_job(document: object) -> bool:
    """Whether a JSON value is a job's request, complete or not, rather than a model."""
    return isinstance(document, dict) and isinstance(document.get("model"), dict) and kind_of(document) in {JOB, None}


@dataclass(frozen=True)
class Expected:
    """A kind of document.

    Attributes:
        kind: The name of the kind: `a job`, `a model spec`.
        fields: The fields of the kind.
        essential: The fields that documents of other kinds do not have.
        advice: By the name of another kind, the advice for documents of that kind; absent for kinds without advice.
    """

    kind: str
    fields: Collection[str]
    essential: Collection[str]
    advice: Mapping[str, str]


def refuse_foreign(document: object, expected: Expected) -> None:
    """Refuse a document of another kind.

    A document with some of the essential fields passes, since the messages about its faults are more specific. An empty
    document passes too.

    Raises:
        FaultyDocumentError: The document is of another kind, or is not a mapping.
    """
    if not isinstance(document, dict):
        raise _refused(f"this is {_shape(document)}; {expected.kind} is an object with {_few(expected.essential)}")
    kind = kind_of(document)
    if kind is not None and kind in expected.advice:
        raise _refused(f"this looks like {kind}, not {expected.kind}; {expected.advice[kind]}")
    if kind == expected.kind or not document or _resembles(document, expected.essential):
        return
    if kind is not None:
        raise _refused(f"this looks like {kind}, not {expected.kind}; {_ADVICE.get(kind, '')}".removesuffix("; "))
    if not _resembles(document, expected.fields):
        raise _refused(
            f"this has none of the fields of {expected.kind}, such as {_few(expected.essential)}; "
            f"it has {_few(document)}"
        )


def _resembles(document: _Document, fields: Collection[str]) -> bool:
    """Whether the document has one of these fields in any spelling."""
    if not fields or not document.keys().isdisjoint(fields):
        return bool(fields)
    keys = [key for key in islice(document, _MAX_KEYS) if len(key) <= _MAX_NAME_CHARACTERS]
    return any(synonym(key, fields) or most_similar(key, fields) for key in keys)


def _shape(document: object) -> str:
    match document:
        case None:
            return "null"
        case list():
            return f"a list of {len(document)}" if document else "an empty list"
        case str():
            return "a text"
        case bool():
            return "true or false"
        case _:
            return "a number"


def _few(names: Iterable[str]) -> str:
    listed = [clipped(name, _MAX_NAME_CHARACTERS) for name in islice(names, _SHOWN + 1)]
    return ", ".join(listed[:_SHOWN]) + (", …" if len(listed) > _SHOWN else "")


def _refused(detail: str) -> FaultyDocumentError:
    return FaultyDocumentError("the document is of another kind", [Fault("", detail)])
