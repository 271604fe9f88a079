"""Reads model files, and documents that describe models, in the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pippin.blobs.cache import BlobCache
from pippin.documents.errors import MalformedDocumentError
from pippin.errors import Fault, FaultyDocumentError
from pippin.models.record import Description, Inspection
from pippin.models.spec.summary import SpecSummary
from pippin.models.trainable import Trainable
from service.error_handlers import fault_of
from service.problems import invalid, malformed
from service.sandbox import Answer, Sandbox, SandboxError, TaskRefused

Language = Literal["json", "yaml"]
Form = Literal["pippin", "swiftcoremltools"]

# The largest models allowed, of half a gigabyte, take eight seconds to read (measured on two busy cores); small models
# take a hundredth of a second.
_SECONDS = 20.0
# The memory that parsers need for any file, and per byte of it: at worst protobuf makes a message of a hundred bytes
# from two bytes, Python a number of 32 bytes from four. In addition to the 120 MiB that the fork server shares with its
# children, a hostile file of a megabyte gets half a gigabyte at most.
_BASE_BYTES = 384 * 2**20
_BYTES_PER_BYTE = 8
_TOO_LARGE_TO_BUILD = (
    "building the model takes more memory than the service has for a document of this size; send its .mlmodel, or "
    "train the document in a job: its worker builds larger ones"
)
# Cached trainable parts of models of jobs; each takes a few kilobytes.
_MAX_CACHED_TRAINABLES = 256
# Of a file's name in a message.
_MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class Built:
    """A model that was built from a document.

    Attributes:
        source: The model language of the document.
        inspection: The description of the model; pointers of findings lead into the document.
    """

    source: Literal["spec", "swiftcoremltools"]
    inspection: Inspection


@dataclass(frozen=True)
class ValidDocument:
    """A document that can be read.

    Attributes:
        job: The document, if it is a job's request, which is not checked yet; else None.
        model: The model that the document describes; None for a job that names a stored model.
    """

    job: dict[str, Any] | None
    model: SpecSummary | None


class ModelFiles:
    """Reads model files and documents. Thread-safe.

    Every method raises SandboxError, and each method that reads a file raises TaskRefused, as `Sandbox.run` does.

    Args:
        sandbox: Runs the reading.
        cache: Fetches blobs.
    """

    def __init__(self, sandbox: Sandbox, cache: BlobCache) -> None:
        self._sandbox = sandbox
        self._cache = cache
        self._trainable = lru_cache(maxsize=_MAX_CACHED_TRAINABLES)(self._find_trainable)

    def inspect(self, path: Path, name: str) -> Inspection:
        """Inspect the `.mlmodel` at `path`, which was uploaded as `name`."""
        return Inspection.model_validate(self._run("inspect_model", path, name=name[-_MAX_NAME_CHARACTERS:]).document)

    def trainable(self, digest: str) -> Trainable:
        """The trainable parts of the model in the blob `digest`.

        Raises:
            BlobError: The blob cannot be fetched.
            FaultyDocumentError: The blob holds no model that can be trained.
        """
        try:
            return self._trainable(digest)
        except TaskRefused as error:
            raise FaultyDocumentError("the model has faults", [Fault("", str(error))]) from error
        except SandboxError as error:
            if (fault := fault_of(error)) is None:
                raise
            raise FaultyDocumentError("the model has faults", [fault]) from error

    def build(self, document: Path, language: Language, to: Path) -> Built:
        """Write the model that a document describes to `to`.

        Raises:
            Problem: 400, when the file cannot be parsed; 422, when the model is too large to be built here.
        """
        try:
            answer = self._read("build_model", document, language, to=str(to))
        except SandboxError as error:
            if error.why != "too_large":
                raise
            raise invalid([Fault("", _TOO_LARGE_TO_BUILD)]) from error
        return Built(answer["source"], Inspection.model_validate(answer["inspection"]))

    def validate(self, document: Path, language: Language, max_bytes: int) -> ValidDocument:
        """The content of a document, which is refused when the training takes more memory than `max_bytes`.

        Raises:
            Problem: 400, when the file cannot be parsed.
        """
        answer = self._read("validate_document", document, language, max_bytes=max_bytes)
        model = answer["model"]
        return ValidDocument(answer.get("job"), None if model is None else SpecSummary.model_validate(model))

    def describe(self, digest: str) -> Description:
        """The description of the model in the blob `digest`.

        Raises:
            BlobError: The blob cannot be fetched.
        """
        answer = self._cache.open(digest, lambda path: self._of_cache("inspect_model", path))
        return Inspection.model_validate(answer.document).model

    def export(self, digest: str, form: Form, to: Path) -> None:
        """Write the network in the blob `digest` as a document in JSON to `to`.

        Raises:
            BlobError: The blob cannot be fetched.
        """
        self._cache.open(digest, lambda path: self._of_cache("export_model", path, form=form, to=str(to)))

    def at_checkpoint(self, initial: str, checkpoint: str, to: Path) -> None:
        """Write the model in the blob `initial`, with the weights in the blob `checkpoint`, to `to`.

        Raises:
            BlobError: One of the blobs cannot be fetched.
        """

        def make(path: Path, saved: Path) -> None:
            self._of_cache("checkpoint_model", path, saved, checkpoint=str(saved), to=str(to))

        self._cache.open(initial, lambda path: self._cache.open(checkpoint, lambda saved: make(path, saved)))

    def _find_trainable(self, digest: str) -> Trainable:
        answer = self._cache.open(digest, lambda path: self._of_cache("inspect_model", path))
        return Inspection.model_validate(answer.document).trainable

    def _of_cache(self, task: str, path: Path, beside: Path | None = None, /, **arguments: object) -> Answer:
        try:
            return self._run(task, path, beside, **arguments)
        except SandboxError:
            # The cache may have removed a file before the child opened it; on FileNotFoundError it fetches it again.
            for file in filter(None, (path, beside)):
                file.stat()
            raise

    def _read(self, task: str, document: Path, language: Language, **arguments: object) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self._run(task, document, language=language, **arguments).document
        except TaskRefused as error:
            if error.kind == MalformedDocumentError.__name__:
                raise malformed(str(error)) from error
            raise
        return answer

    def _run(self, task: str, path: Path, beside: Path | None = None, /, **arguments: object) -> Answer:
        read = path.stat().st_size + (beside.stat().st_size if beside else 0)
        return self._sandbox.run(
            task,
            {"path": str(path), **arguments},
            seconds=_SECONDS,
            memory_bytes=_BASE_BYTES + _BYTES_PER_BYTE * read,
        )
