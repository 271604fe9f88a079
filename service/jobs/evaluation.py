"""The rows of a dataset that an evaluation measures, and whether the model was trained on them."""

from dataclasses import dataclass
from typing import Self

from pippin.api.datasets import StoredManifest
from pippin.api.jobs import Job
from pippin.api.predictions import EvaluationRequest, Part
from pippin.api.requests import ResolvedDataset
from pippin.datasets.examples import TrainingRows
from pippin.errors import Fault, FaultyDocumentError
from pippin.store import AmbiguousName, Store
from service.jobs.training_history import TrainingHistory

_DEFAULT_SPLITS = ("test", "validation")


@dataclass(frozen=True)
class EvaluatedRows:
    """The rows on which the model of a job is evaluated.

    Attributes:
        manifest: The manifest of the dataset.
        split: The name of the split.
        part: The part of the split's rows.
        is_own_split: Whether the job was trained on this split.
        history: The trainings of the model.
    """

    manifest: StoredManifest
    split: str
    part: Part
    is_own_split: bool
    history: TrainingHistory

    @classmethod
    def of(cls, request: EvaluationRequest, job: Job, tenant: str, store: Store) -> Self:
        """The rows that a request names, with defaults for what it leaves out.

        Raises:
            FaultyDocumentError: There is no such dataset, split or part.
        """
        try:
            manifest = store.datasets.get(tenant, request.dataset)
        except AmbiguousName as error:
            raise FaultyDocumentError("ambiguous", [Fault("/dataset", str(error))]) from error
        if manifest is None:
            raise FaultyDocumentError("unknown", [Fault("/dataset", f"there is no dataset {request.dataset!r}")])
        own = job.request.dataset
        history = TrainingHistory.of(job, tenant, store)
        is_own = manifest.digest == own.digest
        held_out = is_own and own.validation_fraction is not None
        by_part = request.part in ("held_out", "trained_on") and is_own
        split = request.split or (own.train if by_part or (held_out and request.part is None) else None)
        split = split or _default_split(manifest, own, history)
        names = [each.name for each in manifest.splits]
        if split not in names:
            detail = f"the dataset has no split {split!r}; its splits are {', '.join(names)}"
            raise FaultyDocumentError("unknown", [Fault("/split", detail)])
        is_own_split = is_own and split == own.train
        default: Part = "held_out" if is_own_split and held_out and request.split is None else "all"
        part = request.part or default
        if part != "all" and not is_own_split:
            detail = (
                f"the job was trained on the split {own.train!r} of {own.name or own.id}; needs that split, or `all`"
            )
            raise FaultyDocumentError("unknown", [Fault("/part", detail)])
        if part == "held_out" and not held_out:
            detail = "the job held out no rows, since it has no validation_fraction; needs `all` or `trained_on`"
            raise FaultyDocumentError("unknown", [Fault("/part", detail)])
        return cls(manifest, split, part, is_own_split, history)

    @property
    def manifest_of_split(self) -> StoredManifest:
        """The manifest as if the dataset had no other split."""
        split = next(each for each in self.manifest.splits if each.name == self.split)
        alone = {"splits": [split], "ranges": {self.split: self.manifest.ranges[self.split]}}
        return self.manifest.model_copy(update=alone)

    @property
    def trainings(self) -> set[TrainingRows]:
        """The rows of the split that each training of the model used."""
        return self.history.of_split(self.manifest.digest, self.split)

    def seen(self, count: int) -> int | None:
        """How many measured rows the model was trained on, of which `count` are known; None when this is unknown."""
        is_known = self.history.is_complete and self.history.has_dataset(self.manifest.digest)
        return count if count or is_known else None

    def notice(self, seen: int | None, examples: int) -> str | None:
        """A sentence on the limits of the figures: the model was trained on measured rows, or this is unknown."""
        if seen:
            which = f"All {examples:,} examples" if seen == examples else f"{seen:,} of the {examples:,} examples"
            which = "The measured example" if examples == 1 else which
            return (
                f"{which} {('was' if seen == 1 else 'were')} trained on: the figures do not show how good the model "
                "is on new examples. Measure it on examples that were not trained on: held out, of another split, or "
                "of another dataset."
            )
        if seen is None and not self.history.is_complete:
            return (
                "Whether the model was trained on these examples is unknown: the record of a job whose model it "
                "continues was deleted."
            )
        return None


def _default_split(manifest: StoredManifest, own: ResolvedDataset, history: TrainingHistory) -> str:
    """The default split: the first usual one that was not used for training, else any such split, else a usual one."""
    names = [split.name for split in manifest.splits]
    usual = [name for name in (*_DEFAULT_SPLITS, own.validation) if name in names]
    fresh = [name for name in (*usual, *names) if not history.of_split(manifest.digest, name)]
    return next(iter([*fresh, *usual, *names]))
