"""From the hyperparameters that a job asks for to those that it trains with."""

from typing import Literal

from pippin.api.requests import HyperparameterChoice, Hyperparameters
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec import DoubleParameter, IntegerParameter
from pippin.models.spec.training import nonsense
from pippin.models.trainable import Trainable

Parameter = IntegerParameter | DoubleParameter

# No number, and every model admits both of its values.
_SHUFFLE = "shuffle"


def resolve_hyperparameters(
    model: Trainable, asked: HyperparameterChoice, limits: Literal["enforce", "widen"]
) -> tuple[Hyperparameters, list[str]]:
    """Decide every hyperparameter: as asked, else as the model has it.

    Args:
        model: What is to be trained.
        asked: What is null takes the model's default, which for a seed is 0 where the file has none, as in Core ML.
        limits: What to do about a value outside the model's limits: refuse it, or train as if they were wider.

    Returns:
        The hyperparameters, and the names of those that lie outside the model's limits.

    Raises:
        FaultyDocumentError: With every fault at once, each with a pointer from the hyperparameters' root.
    """
    wanted: dict[str, int | float] = {
        name: value
        for name in HyperparameterChoice.model_fields
        if name != _SHUFFLE and (value := getattr(asked, name)) is not None
    }
    faults = [
        Fault(pointer(name), f"found {value}; needs {needed}")
        for name, value in wanted.items()
        if (needed := _needed(model, name, value, limits))
    ]
    if faults:
        raise FaultyDocumentError("the hyperparameters have faults", faults)
    decided = Hyperparameters.model_validate(
        {name: wanted.get(name, parameter.default) for name, parameter in model.parameters.items()}
        | {
            _SHUFFLE: model.shuffle if asked.shuffle is None else asked.shuffle,
            "seed": model.seed.default if asked.seed is None else asked.seed,
        }
    )
    return decided, [name for name, value in wanted.items() if not _declared(model)[name].admits(value)]


def faults_for_any_model(asked: HyperparameterChoice) -> list[Fault]:
    """What no model can be trained with, whichever it is."""
    return [
        Fault(pointer(name), f"found {value}; needs {needed}")
        for name in HyperparameterChoice.model_fields
        if (value := getattr(asked, name)) is not None
        and (needed := "a whole number from 1 to 2^63 - 1" if name in _COUNTS and value < 1 else nonsense(name, value))
    ]


_COUNTS = frozenset({"epochs", "mini_batch_size", "number_of_neighbors"})


def _declared(model: Trainable) -> dict[str, Parameter]:
    """What limits each hyperparameter that is a number. Every model takes a seed, whether or not its file has one."""
    return {**model.parameters, "seed": model.seed}


def _needed(model: Trainable, name: str, value: float, limits: Literal["enforce", "widen"]) -> str | None:
    """What would be right; None when `value` is."""
    parameter = _declared(model).get(name)
    if parameter is None:
        what = model.method.replace("_", " ")
        return f"to be left out: the model, trained by {what}, declares no {name}"
    if isinstance(parameter, IntegerParameter) and not parameter.least <= value <= parameter.most:
        return f"a whole number from {parameter.least} to 2^63 - 1"
    if senseful := nonsense(name, value):
        return senseful
    if limits == "enforce" and not parameter.admits(value):
        return f'{parameter.limits}, which the model sets, or "limits": "widen" in the job'
    return None
