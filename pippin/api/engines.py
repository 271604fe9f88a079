"""The engines that train jobs: the choices of a request, and the engines that may train a model."""

from typing import TYPE_CHECKING, Literal

from pippin.errors import Fault, FaultyDocumentError

if TYPE_CHECKING:  # the command line needs only the choices and must not wait for the import of pydantic
    from pippin.models.trainable import Trainable

EngineName = Literal["coreml", "jax"]
EngineChoice = Literal["auto", "jax", "coreml"]
ComputeUnits = Literal["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"]

PREFERRED: tuple[EngineName, ...] = ("coreml", "jax")
"""Every engine, in the order in which `auto` prefers them."""


def engines_for(choice: EngineChoice) -> list[EngineName]:
    """The engines that a choice allows, the preferred one first."""
    return list(PREFERRED) if choice == "auto" else [choice]


def resolve_engines(model: "Trainable", choice: EngineChoice, compute_units: ComputeUnits) -> list[EngineName]:
    """The engines that may train a model, the preferred one first.

    Raises:
        FaultyDocumentError: The chosen engine does not train such a model, or compute units are set although no engine
            that may train the model supports them; pointers start at the request's root.
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
    """The kind of the model, in the plural, where the coreml engine does not train it."""
    if model.is_pipeline:
        return "pipelines"
    return "nearest-neighbour classifiers" if model.method == "nearest_neighbors" else None
