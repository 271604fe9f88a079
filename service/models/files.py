"""What is known of model files and of documents that describe models, all of it learned in the sandbox."""

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

# The largest models that are allowed, of half a gigabyte, take eight seconds to read (measured on two busy cores), and
# small ones a hundredth of one.
_SECONDS = 20.0
# What the parsers need in any case, and per byte read: at worst protobuf makes a message of a hundred bytes from two
# bytes, Python a number of 32 bytes from four. In addition to the 120 MiB that the fork server shares with its
# children, a hostile megabyte gets half a gigabyte at most.
_BASE_BYTES = 384 * 2**20
_BYTES_A_BYTE = 8
_TOO_LARGE_TO_BUILD = (
    "building the model takes more memory than the service has for a document of this size; send its .mlmodel, or "
    "train the document in a job: its worker builds larger ones"
)
# Trainables of jobs' models; each takes a few kilobytes.
_REMEMBERED = 256
# Of a file, as a message shows it.
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Built:
    """A model that was built from a document.

    Attributes:
        source: The document's language.
        inspection: What it is; pointers of findings lead into the document.
    """

    source: Literal["spec", "swiftcoremltools"]
    inspection: Inspection


@dataclass(frozen=True)
class ValidDocument:
    """A document that can be read.

    Attributes:
        job: The document, where it is a job's request, whose faults are not known yet; else None.
        model: The model that the document describes; None for a job that names a stored one.
    """

    job: dict[str, Any] | None
    model: SpecSummary | None


class ModelFiles:
    """Reads model files and documents. Safe for threads.

    Every method raises SandboxError, and those that read a file TaskRefused, as `Sandbox.run` does.

    Args:
        sandbox: Where they are read.
        cache: Where blobs come from.
    """

    def __init__(self, sandbox: Sandbox, cache: BlobCache) -> None:
        self._sandbox = sandbox
        self._cache = cache
        self._trainable = lru_cache(maxsize=_REMEMBERED)(self._find_trainable)

    def inspect(self, path: Path, name: str) -> Inspection:
        """What the `.mlmodel` at `path` holds, which was sent under `name`."""
        return Inspection.model_validate(self._run("inspect_model", path, name=name[-_LONGEST_NAME:]).document)

    def trainable(self, digest: str) -> Trainable:
        """What a job must know about the model in the blob `digest`.

        Raises:
            BlobError: The blob cannot be fetched.
            FaultyDocumentError: It holds no model that can be trained.
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
            Problem: 400, when it is no document; 422, when the model is too large to be built here.
        """
        try:
            answer = self._read("build_model", document, language, to=str(to))
        except SandboxError as error:
            if error.why != "too_large":
                raise
            raise invalid([Fault("", _TOO_LARGE_TO_BUILD)]) from error
        return Built(answer["source"], Inspection.model_validate(answer["inspection"]))

    def validate(self, document: Path, language: Language, most_bytes: int) -> ValidDocument:
        """What a document describes; refused when training it takes more memory than `most_bytes`.

        Raises:
            Problem: 400, when it is no document.
        """
        answer = self._read("validate_document", document, language, most_bytes=most_bytes)
        model = answer["model"]
        return ValidDocument(answer.get("job"), None if model is None else SpecSummary.model_validate(model))

    def describe(self, digest: str) -> Description:
        """What the model in the blob `digest` is.

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
            BlobError: One of them cannot be fetched.
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
            # One may have been removed before the child opened it; the cache then fetches it again.
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
            memory_bytes=_BASE_BYTES + _BYTES_A_BYTE * read,
        )
