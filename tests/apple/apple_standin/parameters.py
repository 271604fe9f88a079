"""The update parameters that a model declares: their defaults, and what else they may be."""

from typing import Any

from apple_standin.bridge import refuse_numpy
from apple_standin.errors import CoreMLError
from apple_standin.keys import MLParameterKey
from apple_standin.multi_array import MLMultiArray
from apple_standin.network import weights_of
from apple_standin.objects import NSDictionary, is_int, is_number
from apple_standin.proto import network_of

WEIGHTS = ("weights", "biases")


def declared_parameters(model: Any) -> dict[str, Any]:
    """The messages by the name of their key."""
    update = network_of(model).updateParams
    which = update.optimizer.WhichOneof("OptimizerType")
    if not model.isUpdatable or which is None:
        raise CoreMLError("Update", "the model is not updatable")
    optimizer = getattr(update.optimizer, which)
    messages = [
        *((optimizer, name) for name in ("learningRate", "momentum", "miniBatchSize", "beta1", "beta2", "eps")),
        *((update, name) for name in ("epochs", "shuffle", "seed")),
    ]
    return {
        name: getattr(owner, name)
        for owner, name in messages
        if name in owner.DESCRIPTOR.fields_by_name and owner.HasField(name)
    }


def defaults(model: Any) -> dict[str, Any]:
    """The values that hold where a configuration names none."""
    return {name: message.defaultValue for name, message in declared_parameters(model).items()}


def _allowed(message: Any, value: Any) -> bool:
    which = message.WhichOneof("AllowedValues") if "AllowedValues" in message.DESCRIPTOR.oneofs_by_name else None
    if which == "range":
        return bool(message.range.minValue <= value <= message.range.maxValue)
    return which is None or value in message.set.values


def _checked_number(model: Any, name: str, value: Any) -> Any:
    message = declared_parameters(model).get(name)
    if message is None:
        raise CoreMLError("Parameters", f"the model declares no parameter {name}")
    kind = message.DESCRIPTOR.name
    if not {"Int64Parameter": is_int, "DoubleParameter": is_number, "BoolParameter": is_number}[kind](value):
        raise CoreMLError("Parameters", f"parameter {name}: {value!r} is no {kind.removesuffix('Parameter')}")
    value = float(value) if kind == "DoubleParameter" else value
    if not _allowed(message, value):
        raise CoreMLError("Parameters", f"parameter {name}: the value {value} is not among those that the model allows")
    return value


def _check_array(model: Any, key: Any, value: Any) -> None:
    arrays = weights_of(model).get(key._scope or "", {})
    trained = key._scope in {layer.name for layer in network_of(model).layers if layer.isUpdatable}
    if not trained or key._name not in arrays or not isinstance(value, MLMultiArray):
        raise CoreMLError("Parameters", f"parameter {key!r}: no {key._name} of an updatable layer of the model")
    if value._shape != arrays[key._name].shape:
        raise CoreMLError(
            "Parameters", f"parameter {key!r}: the shape is {value._shape}, not {arrays[key._name].shape}"
        )


def chosen(model: Any, given: Any) -> dict[str, Any]:
    """The numbers to train with: the model's own, and over them those given."""
    values = defaults(model)
    for key, value in (given or {}).items():
        if key._name in WEIGHTS:
            _check_array(model, key, value)
        elif key._scope is not None:
            raise CoreMLError("Parameters", f"parameter {key!r} has a scope")
        else:
            values[key._name] = _checked_number(model, key._name, value)
    return values


def chosen_arrays(given: Any) -> dict[tuple[str, str], Any]:
    """The weights given, by layer and part."""
    return {(key._scope, key._name): value._values() for key, value in (given or {}).items() if key._name in WEIGHTS}


def is_parameters(value: object) -> bool:
    """A dictionary by MLParameterKey of numbers and arrays."""
    if not isinstance(value, (dict, NSDictionary)):
        return False
    for key, item in value.items():
        refuse_numpy(item, "parameters")
        if not isinstance(key, MLParameterKey) or not (is_number(item) or isinstance(item, MLMultiArray)):
            return False
    return True
