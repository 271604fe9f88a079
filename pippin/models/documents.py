"""Reads a model document in the spec language or in SwiftCoreMLTools' format."""

from dataclasses import dataclass
from typing import Literal

from pippin.documents.recognition import JOB, SPEC, SWIFT, Expected, refuse_foreign
from pippin.errors import Fault, FaultyDocumentError
from pippin.models.spec import Finding, ModelSpec, ResolvedSpec, resolve
from pippin.models.spec.memory import training_memory
from pippin.models.spec.summary import SpecSummary, summary
from pippin.models.swiftcoreml import from_swift, looks_like

_FIELDS = tuple(ModelSpec.model_fields)
_ESSENTIAL = ("inputs", "layers", "loss", "optimizer", "training_inputs")
_SUBMIT = "submit it with POST /jobs or `pippin submit`"

_MODEL = Expected(SPEC, (*_FIELDS, "neuralNetwork"), (*_ESSENTIAL, "neuralNetwork"), {JOB: _SUBMIT})
_ONLY_SPEC = Expected(SPEC, _FIELDS, _ESSENTIAL, {JOB: _SUBMIT, SWIFT: "give it as `swiftcoremltools`"})
_ONLY_SWIFT = Expected(SWIFT, ("neuralNetwork",), ("neuralNetwork",), {JOB: _SUBMIT, SPEC: "give it as `spec`"})


@dataclass(frozen=True)
class ModelDocument:
    """A document that describes a model.

    Attributes:
        resolved: The model.
        source: The document's language.
        findings: Warnings about the model and corrections made on reading; pointers refer to the document.
    """

    resolved: ResolvedSpec
    source: Literal["spec", "swiftcoremltools"]
    findings: tuple[Finding, ...]

    def check_memory(self, max_bytes: int) -> None:
        """Refuse a model whose training with its default mini-batch size needs more than `max_bytes`.

        Raises:
            FaultyDocumentError: Training needs more memory; the error states the numbers.
        """
        size = self.resolved.spec.optimizer.mini_batch_size.default
        memory = training_memory(self.resolved)
        if excess := memory.excess(size, max_bytes):
            place = "/optimizer/mini_batch_size" if memory.largest_batch(max_bytes) else "/layers"
            # Both pointers differ in a SwiftCoreMLTools document.
            fault = Fault(place if self.source == "spec" else "", excess)
            raise FaultyDocumentError("training the model takes too much memory", [fault])

    def summary(self) -> SpecSummary:
        """The model, with all of these findings."""
        return summary(self.resolved).model_copy(update={"findings": list(self.findings)})


def read_document(document: object) -> ModelDocument:
    """Resolve a document in either of the two languages.

    Args:
        document: A JSON value.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
    refuse_foreign(document, _MODEL)
    if not looks_like(document):
        resolved = resolve(document)
        return ModelDocument(resolved, "spec", resolved.findings)
    translation = from_swift(document)
    try:
        resolved = resolve(translation.spec)
    except FaultyDocumentError as error:
        faults = [Fault(translation.original(fault.pointer), fault.detail, fault.rule) for fault in error.faults]
        raise FaultyDocumentError("the SwiftCoreMLTools document has faults", faults) from None
    notes = [Finding.of(note, "swiftcoremltools.reading") for note in translation.notes]
    findings = [
        Finding(rule=f.rule, pointer=translation.original(f.pointer), detail=f.detail) for f in resolved.findings
    ]
    return ModelDocument(resolved, "swiftcoremltools", (*notes, *findings))


def read_spec(document: object) -> ResolvedSpec:
    """Resolve a document in the spec language.

    Raises:
        FaultyDocumentError: As `read_document`; also for a SwiftCoreMLTools model, which the error names as such.
    """
    refuse_foreign(document, _ONLY_SPEC)
    return resolve(document)


def read_swift(document: object) -> ResolvedSpec:
    """Resolve a model of SwiftCoreMLTools.

    Raises:
        FaultyDocumentError: As `read_document`; also for a spec, which the error names as such.
    """
    refuse_foreign(document, _ONLY_SWIFT)
    return read_document(document).resolved
