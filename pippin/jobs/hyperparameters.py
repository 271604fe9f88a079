"""Resolves the hyperparameters of a request into those that a job trains with."""

from typing import Literal

from pippin.api.requests import HyperparameterChoice, Hyperparameters
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec import DoubleParameter, IntegerParameter
from pippin.models.spec.training import invalid_reason
from pippin.models.trainable import Trainable

Parameter = IntegerParameter | DoubleParameter

# A boolean, which every model can have as true or false.
_SHUFFLE = "shuffle"


def resolve_hyperparameters(
    model: Trainable, choice: HyperparameterChoice, limits: Literal["enforce", "widen"]
) -> tuple[Hyperparameters, list[str]]:
    """Resolve every hyperparameter: the value of the request, else the default of the model.

    Args:
        model: The model to train.
        choice: The hyperparameters of the request. A null takes the model's default; the default seed is 0 where the
            file has none, as in Core ML.
        limits: Whether to refuse a value outside the model's limits, or to train as if the limits were wider.

    Returns:
        The hyperparameters, and the names of those outside the model's limits.

    Raises:
        FaultyDocumentError: With all faults, whose pointers start at the hyperparameters.
    """
    requested: dict[str, int | float] = {
        name: value
        for name in HyperparameterChoice.model_fields
        if name != _SHUFFLE and (value := getattr(choice, name)) is not None
    }
    faults = [
        Fault(pointer(name), f"found {value}; needs {needed}")
        for name, value in requested.items()
        if (needed := _needed(model, name, value, limits))
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
    """The faults of values that no model can be trained with."""
    return [
        Fault(pointer(name), f"found {value}; needs {needed}")
        for name in HyperparameterChoice.model_fields
        if (value := getattr(choice, name)) is not None
        and (
            needed := "a whole number from 1 to 2^63 - 1"
            if name in _COUNTS and value < 1
            else invalid_reason(name, value)
        )
    ]


_COUNTS = frozenset({"epochs", "mini_batch_size", "number_of_neighbors"})


def _declared(model: Trainable) -> dict[str, Parameter]:
    """The limits of each numeric hyperparameter. Every model takes a seed, whether or not its file has one."""
    return {**model.parameters, "seed": model.seed}


def _needed(model: Trainable, name: str, value: float, limits: Literal["enforce", "widen"]) -> str | None:
    """What the hyperparameter needs, for a message; None where `value` is valid."""
    parameter = _declared(model).get(name)
    if parameter is None:
        what = model.method.replace("_", " ")
        return f"to be left out: the model, trained by {what}, declares no {name}"
    if isinstance(parameter, IntegerParameter) and not parameter.type_min <= value <= parameter.type_max:
        return f"a whole number from {parameter.type_min} to 2^63 - 1"
    if reason := invalid_reason(name, value):
        return reason
    if limits == "enforce" and not parameter.admits(value):
        return f'{parameter.limits}, which the model sets, or "limits": "widen" in the job'
    return None
