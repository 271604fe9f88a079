"""A model that somebody wrote down, in the spec language or as SwiftCoreMLTools writes it."""

from dataclasses import dataclass
from typing import Literal

from pippin.faults import Fault, FaultyDocumentError
from pippin.spec import Finding, ResolvedSpec, resolve
from pippin.spec.memory import training_memory
from pippin.spec.summary import SpecSummary, summary
from pippin.swiftcoremltools import from_swift, looks_like


@dataclass(frozen=True)
class ModelDocument:
    """A document that describes a model.

    Attributes:
        resolved: The model.
        source: The document's language.
        findings: What may go wrong with the model, and what was corrected on reading it; pointers lead into the
            document.
    """

    resolved: ResolvedSpec
    source: Literal["spec", "swiftcoremltools"]
    findings: tuple[Finding, ...]

    def check_memory(self, most: int) -> None:
        """Refuse a model whose training, with its own mini-batch size, would take more than `most` bytes.

        Raises:
            FaultyDocumentError: It does, and has the figures.
        """
        size = self.resolved.spec.optimizer.mini_batch_size.default
        memory = training_memory(self.resolved)
        if excess := memory.excess(size, most):
            place = "/optimizer/mini_batch_size" if memory.largest_batch(most) else "/layers"
            # SwiftCoreMLTools writes both elsewhere.
            fault = Fault(place if self.source == "spec" else "", excess)
            raise FaultyDocumentError("training the model takes too much memory", [fault])

    def summary(self) -> SpecSummary:
        """The model, with all of these findings."""
        return summary(self.resolved).model_copy(update={"findings": list(self.findings)})


def read_document(document: object) -> ModelDocument:
    """Resolve a document, whichever of the two languages it is in.

    Args:
        document: A JSON value.

    Raises:
        FaultyDocumentError: With every fault, each with a pointer from the document's root.
    """
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
    found = [Finding(rule=f.rule, pointer=translation.original(f.pointer), detail=f.detail) for f in resolved.findings]
    return ModelDocument(resolved, "swiftcoremltools", (*notes, *found))
