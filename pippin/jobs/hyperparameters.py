"""Resolves the hyperparameters of a request into the hyperparameters of a job."""

from typing import Literal

from pippin.api.requests import HyperparameterChoice, Hyperparameters
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec import DoubleParameter, IntegerParameter
from pippin.models.spec.training import invalid_reason
from pippin.models.trainable import Trainable

Parameter = IntegerParameter | DoubleParameter

# A boolean; both values are valid for every model.
_SHUFFLE = "shuffle"


def resolve_hyperparameters(
    model: Trainable, choice: HyperparameterChoice, limits: Literal["enforce", "widen"]
) -> tuple[Hyperparameters, list[str]]:
    """Resolve every hyperparameter: the value of the request, else the default of the model.

    Args:
        model: The model to train.
        choice: The hyperparameters of the request. A null stands for the model's default; the default seed of a file
            without a seed is 0, as in Core ML.
        limits: Whether to refuse values outside the model's limits (`enforce`), or to accept them (`widen`).

    Returns:
        The hyperparameters, and the names of the hyperparameters outside the model's limits.

    Raises:
        FaultyDocumentError: With all faults, whose pointers start at the hyperparameters.
    """
    requested: dict[str, int | float] = {
        name: value
        for name in HyperparameterChoice.model_fields
        if name != _SHUFFLE and (value := getattr(choice, name)) is not None
    }
    faults = [
        Fault(pointer(name), f"found {value}; needs {requirement}")
        for name, value in requested.items()
        if (requirement := _violated_requirement(model, name, value, limits))
    ]
    if faults:
        raise FaultyDocumentError("the hyperparameters have faults", faults)
    resolved = Hyperparameters.model_validate(
        {name: requested.get(name, parameter.default) for name, parameter in model.parameters.items()}
        | {
            _SHUFFLE: model.shuffle if choice.shuffle is None else choice.shuffle,
            "seed": model.seed.default if choice.seed is None else choice.seed,
        }
    )
    return resolved, [name for name, value in requested.items() if not _declared(model)[name].admits(value)]


def faults_for_any_model(choice: HyperparameterChoice) -> list[Fault]:
    """The faults of values that are invalid for every model."""
    return [
        Fault(pointer(name), f"found {value}; needs {requirement}")
        for name in HyperparameterChoice.model_fields
        if (value := getattr(choice, name)) is not None
        and (
            requirement := "a whole number from 1 to 2^63 - 1"
            if name in _COUNTS and value < 1
            else invalid_reason(name, value)
        )
    ]


_COUNTS = frozenset({"epochs", "mini_batch_size", "number_of_neighbors"})


def _declared(model: Trainable) -> dict[str, Parameter]:
    """The limits of each numeric hyperparameter. Every model has a seed, whether or not its file declares one."""
    return {**model.parameters, "seed": model.seed}


def _violated_requirement(model: Trainable, name: str, value: float, limits: Literal["enforce", "widen"]) -> str | None:
    """The requirement that `value` violates, as text for a message; None where `value` is valid."""
    parameter = _declared(model).get(name)
    if parameter is None:
        method = model.method.replace("_", " ")
        return f"to be left out: the model, trained by {method}, declares no {name}"
    if isinstance(parameter, IntegerParameter) and not parameter.type_min <= value <= parameter.type_max:
        return f"a whole number from {parameter.type_min} to 2^63 - 1"
    if reason := invalid_reason(name, value):
        return reason
    if limits == "enforce" and not parameter.admits(value):
        return f'{parameter.limits}, which the model sets, or "limits": "widen" in the job'
    return None
