"""Requests for jobs: the body of `POST /jobs`, as sent and as resolved."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pippin.api import names
from pippin.api.engines import ComputeUnits, EngineChoice, EngineName, engines_for

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Label = Annotated[str, StringConstraints(max_length=200)]

# Only new jobs are checked: records of earlier versions may have other names and labels, and must stay readable.
_NewName = Annotated[Name, AfterValidator(names.checked)]
_NewLabelKey = Annotated[Name, AfterValidator(names.checked_label_key)]
_NewLabel = Annotated[Label, AfterValidator(names.checked_label_value)]


class _Body(BaseModel):
    # Strict, because "5" and true are not whole numbers, and a request that contains them has a mistake.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class ModelSource(_Body):
    """The source of the model: exactly one of these fields."""

    preset: str | None = Field(default=None, description="The name of a packaged model.")
    spec: dict[str, Any] | None = Field(default=None, description="A model in the spec language.")
    swiftcoremltools: dict[str, Any] | None = Field(
        default=None, description="A model in the JSON format of SwiftCoreMLTools."
    )
    id: str | None = Field(
        default=None, description="The id of an uploaded model, its name, the beginning of its id, or `last`."
    )
    job: str | None = Field(
        default=None,
        description="A job whose trained model is trained further: its id or name, the beginning of its id, or `last`.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        sources = [name for name in ModelSource.model_fields if getattr(self, name) is not None]
        if len(sources) != 1:
            names = " and ".join(sources) or "none"
            raise ValueError(f"give exactly one of {', '.join(ModelSource.model_fields)}; found {names}")
        return self

    @property
    def kind_and_value(self) -> tuple[str, Any]:
        """Name and value of the field that is set."""
        return next((name, value) for name in ModelSource.model_fields if (value := getattr(self, name)) is not None)


class ResolvedModel(ModelSource):
    """The source of the model, with the resolved digests and name."""

    digest: str | None = Field(
        default=None, description="Digest of the `.mlmodel` that is trained; null if the model is built from a spec."
    )
    spec_digest: str | None = Field(
        default=None,
        description="Digest of the blob with the resolved spec from which the model is built, if the spec is large or "
        "has explicit weights; otherwise null.",
    )
    name: str | None = Field(default=None, description="The model's name, if it has one.")


class DatasetSource(_Body):
    """The dataset to train on, and the use of its splits."""

    id: str = Field(description="A dataset's id, its name, the beginning of its id, or `last`.")
    train: str = Field(default="train", description="The split to train on.")
    validation: str | None = Field(
        default=None, description="The split to measure after each epoch; default `validation`, else `test`, else none."
    )
    validation_fraction: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Instead of a split: the share of the training split to hold out, drawn with the job's `seed`.",
    )
    bind: dict[str, str] | None = Field(default=None, description="Dataset feature name by training input name.")

    @model_validator(mode="after")
    def _one_validation(self) -> Self:
        if self.validation is not None and self.validation_fraction is not None:
            raise ValueError("give validation or validation_fraction, not both")
        return self


class HyperparameterChoice(_Body):
    """Requested hyperparameters; null means the model's default. The names are Core ML's, in snake case."""

    epochs: int | None = None
    mini_batch_size: int | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    eps: float | None = None
    number_of_neighbors: int | None = None
    shuffle: bool | None = None
    seed: int | None = Field(
        default=None,
        ge=-(2**63),
        lt=2**63,
        description="Core ML's parameter: determines the order of shuffled examples, and which examples "
        "`validation_fraction` holds out. Any 64-bit integer.",
    )


class CheckpointPolicy(_Body):
    """How often a checkpoint is made at an epoch's end, and how many are kept. A pause always makes a checkpoint."""

    every_epochs: int = Field(default=1, ge=1, le=1_000_000)
    keep: int = Field(default=3, ge=1, le=100, description="Number of checkpoints to keep, the newest ones.")


class EngineRequest(_Body):
    """The fields of a request that concern engines."""

    engine: EngineChoice = "auto"
    compute_units: ComputeUnits = "all"


class JobRequest(_Body):
    """The body of `POST /jobs`."""

    name: _NewName | None = None
    model: ModelSource
    dataset: DatasetSource | str
    hyperparameters: HyperparameterChoice = HyperparameterChoice()
    limits: Literal["enforce", "widen"] = "enforce"
    engine: EngineChoice = Field(
        default="auto", description="`auto` selects Core ML while a Core ML worker is alive, else jax."
    )
    compute_units: ComputeUnits = Field(
        default="all", description="Hardware that Core ML may use. Refused if only jax can train the job."
    )
    report: Literal["epoch", "batch"] = "epoch"
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    max_attempts: int = Field(default=3, ge=1, le=1000)
    timeout_seconds: float | None = Field(default=None, gt=0)
    labels: dict[_NewLabelKey, _NewLabel] = Field(default_factory=dict, max_length=64)


class RetryRequest(_Body):
    """The body of `POST /jobs/{id}/retry`."""

    from_checkpoint: bool = Field(
        default=False, description="Resume from the job's newest checkpoint instead of beginning with the first epoch."
    )


class Hyperparameters(HyperparameterChoice):
    """The resolved hyperparameters that a job trains with. A hyperparameter that the model does not have is null."""

    epochs: int = 1
    shuffle: bool
    seed: int


class ResolvedDataset(_Body):
    """The dataset of a job, with every choice resolved."""

    id: str
    name: str | None
    digest: str = Field(description="Digest of the arrays that the worker downloads.")
    train: str = Field(description="The split to train on.")
    validation: str | None = Field(description="The split to measure after each epoch; null for none.")
    validation_fraction: float | None = Field(
        description="The share of `train` that is held out and measured after each epoch; null for none. With neither "
        "this nor `validation`, only the training loss is measured."
    )
    bind: dict[str, str] = Field(description="Dataset feature name by training input name, for every training input.")
    classes: list[list[int]] | None = Field(
        default=None,
        description="[dataset's number, model's number] for each class; null if the numbers are the same.",
    )
    notices: list[str] = Field(
        default_factory=list, description="Assumptions about how the dataset fits the model, one sentence each."
    )


def _engines_in(validated: dict[str, Any]) -> list[EngineName]:
    return engines_for(validated["engine"])


class ResolvedRequest(_Body):
    """A request with every default filled in: it fixes what is trained, whatever changes later."""

    name: Name | None
    model: ResolvedModel
    dataset: ResolvedDataset
    hyperparameters: Hyperparameters
    limits: Literal["enforce", "widen"]
    widened: list[str] = Field(default_factory=list, description="The hyperparameters outside the model's limits.")
    engine: EngineChoice
    engines: list[EngineName] = Field(
        default_factory=_engines_in, description="The engines that may train the job, preferred first."
    )
    compute_units: ComputeUnits
    report: Literal["epoch", "batch"]
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    max_attempts: int
    timeout_seconds: float | None
    labels: dict[Name, Label]
