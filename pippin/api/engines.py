"""The engines that train jobs: what a job may ask for, and which of them may take it."""

from typing import TYPE_CHECKING, Literal

from pippin.errors import Fault, FaultyDocumentError

if TYPE_CHECKING:  # the command line, which only offers the choices, does not wait for pydantic
    from pippin.models.trainable import Trainable

EngineName = Literal["coreml", "jax"]
EngineChoice = Literal["auto", "jax", "coreml"]
ComputeUnits = Literal["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"]

PREFERRED: tuple[EngineName, ...] = ("coreml", "jax")
"""Every engine, the one that `auto` takes first at the front."""


def engines_for(choice: EngineChoice) -> list[EngineName]:
    """The engines that a choice admits, the preferred one first."""
    return list(PREFERRED) if choice == "auto" else [choice]


def resolve_engines(model: "Trainable", choice: EngineChoice, compute_units: ComputeUnits) -> list[EngineName]:
    """The engines that may train a model, the preferred one first.

    Raises:
        FaultyDocumentError: The chosen engine does not train such a model, or compute units are chosen where no engine
            that may train it knows them; pointers start at the request's root.
    """
    engines = engines_for(choice)
    kind = _not_for_core_ml(model)
    if kind and choice == "coreml":
        detail = f"found 'coreml', which does not train {kind}; needs 'jax' or 'auto'"
        raise FaultyDocumentError("the request has faults", [Fault("/engine", detail)])
    if kind:
        engines = ["jax"]
    if compute_units != "all" and "coreml" not in engines:
        why = f"{kind} are trained by jax" if kind else "the engine is jax"
        detail = f"found {compute_units!r}, but {why}, and compute units are Core ML's; needs to be left out, or 'all'"
        raise FaultyDocumentError("the request has faults", [Fault("/compute_units", detail)])
    return engines


def _not_for_core_ml(model: "Trainable") -> str | None:
    """What the model is, in the plural, where the coreml engine does not train it."""
    if model.is_pipeline:
        return "pipelines"
    return "nearest-neighbour classifiers" if model.method == "nearest_neighbors" else None
