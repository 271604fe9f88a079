"""From the hyperparameters that a job asks for to those that it trains with."""

import secrets
from typing import Literal

from pippin.faults import Fault, FaultyDocumentError, pointer
from pippin.jobs.request import HyperparameterChoice, Hyperparameters
from pippin.spec import DoubleParameter, IntegerParameter, ModelSpec
from pippin.spec.optimizers import nonsense

Parameter = IntegerParameter | DoubleParameter

_OF_THE_OPTIMIZER = ("mini_batch_size", "learning_rate", "momentum", "beta1", "beta2", "eps")


def resolve_hyperparameters(
    spec: ModelSpec, asked: HyperparameterChoice, limits: Literal["enforce", "widen"]
) -> tuple[Hyperparameters, ModelSpec, list[str]]:
    """Decide every hyperparameter: as asked, else as the model has it.

    Args:
        spec: The model, resolved or not.
        asked: What is null takes the model's default; a seed is drawn.
        limits: What to do about a value outside the model's limits: refuse it, or widen them.

    Returns:
        The hyperparameters; the spec whose limits contain them, the same object unless some were widened; the names
        of those that were.

    Raises:
        FaultyDocumentError: With every fault at once, each with a pointer from the hyperparameters' root.
    """
    declared = _declared(spec)
    wanted: dict[str, int | float] = {
        name: value for name in ("epochs", *_OF_THE_OPTIMIZER) if (value := getattr(asked, name)) is not None
    }
    faults = [
        Fault(pointer(name), f"found {value}; needs {needed}")
        for name, value in wanted.items()
        if (needed := _needed(spec, declared.get(name), name, value, limits))
    ]
    if faults:
        raise FaultyDocumentError("the hyperparameters have faults", faults)
    beyond = {name: value for name, value in wanted.items() if not declared[name].admits(value)}
    decided = Hyperparameters.model_validate(
        {name: wanted.get(name, parameter.default) for name, parameter in declared.items()}
        | {
            "shuffle": spec.shuffle if asked.shuffle is None else asked.shuffle,
            "seed": secrets.randbelow(2**31) if asked.seed is None else asked.seed,
        }
    )
    return decided, _widened(spec, declared, beyond) if beyond else spec, list(beyond)


def _declared(spec: ModelSpec) -> dict[str, Parameter]:
    """The parameters that the model has, by name."""
    found: dict[str, Parameter | None] = {"epochs": spec.epochs}
    found |= {name: getattr(spec.optimizer, name, None) for name in _OF_THE_OPTIMIZER}
    return {name: parameter for name, parameter in found.items() if parameter is not None}


def _needed(
    spec: ModelSpec, parameter: Parameter | None, name: str, value: float, limits: Literal["enforce", "widen"]
) -> str | None:
    """What would be right; None when `value` is."""
    if parameter is None:
        return f"to be left out: the model's {spec.optimizer.type} declares no {name}"
    if isinstance(parameter, IntegerParameter) and not 1 <= value < 2**63:
        return "a whole number from 1 to 2^63 - 1"
    if senseful := nonsense(name, value):
        return senseful
    if limits == "enforce" and not parameter.admits(value):
        return f'{parameter.limits}, which the model sets, or "limits": "widen" in the job'
    return None


def _widened(spec: ModelSpec, declared: dict[str, Parameter], beyond: dict[str, int | float]) -> ModelSpec:
    wider = {name: declared[name].widened(value) for name, value in beyond.items()}
    epochs = wider.pop("epochs", spec.epochs)
    return spec.model_copy(update={"epochs": epochs, "optimizer": spec.optimizer.model_copy(update=wider)})
