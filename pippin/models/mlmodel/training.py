"""Training parameters of a network: `NetworkUpdateParameters`."""

from collections.abc import Mapping

from pippin.models.mlmodel.errors import LOSS_ONE, ModelFileError
from pippin.models.mlmodel.proto import Message
from pippin.models.spec import (
    SGD,
    Adam,
    CategoricalCrossEntropy,
    DoubleParameter,
    IntegerParameter,
    MeanSquaredError,
    ModelSpec,
)
from pippin.models.spec.parameters import parameter_document

_LOSSES = {loss.proto_field: loss for loss in (CategoricalCrossEntropy, MeanSquaredError)}
_OPTIMIZERS = {optimizer.proto_field: optimizer for optimizer in (SGD, Adam)}

# The parameters of optimizers, by their names in the spec language.
_FIELDS = {
    "learning_rate": "learningRate",
    "mini_batch_size": "miniBatchSize",
    "momentum": "momentum",
    "beta1": "beta1",
    "beta2": "beta2",
    "eps": "eps",
}

# Parameters outside the optimizer, with the same names in both formats.
_OF_THE_NETWORK = frozenset({"epochs", "seed"})


def write_training(spec: ModelSpec, message: Message) -> None:
    """Write loss, optimizer, epochs, shuffle and seed of a resolved spec."""
    loss = message.lossLayers.add(name=spec.loss.name)
    loss_message = getattr(loss, spec.loss.proto_field)
    loss_message.input, loss_message.target = spec.loss.input, spec.loss.target
    optimizer = getattr(message.optimizer, spec.optimizer.proto_field)
    for name, field in _FIELDS.items():
        parameter: IntegerParameter | DoubleParameter | None = getattr(spec.optimizer, name, None)
        if parameter is not None:
            _write_parameter(parameter, getattr(optimizer, field))
    _write_parameter(spec.epochs, message.epochs)
    message.shuffle.defaultValue = spec.shuffle
    _write_parameter(spec.seed, message.seed)


def read_training(message: Message) -> dict[str, object]:
    """Loss, optimizer, epochs, shuffle and seed, as a spec's document has them.

    Fields that the message does not set are left out, except shuffle, which is then false (the proto3 default).

    Raises:
        ModelFileError: There is not exactly one loss.
    """
    if len(message.lossLayers) != 1:
        raise ModelFileError(
            f"the model has {len(message.lossLayers)} loss layers; an updatable model needs exactly one",
            rule=LOSS_ONE,
        )
    document: dict[str, object] = {
        "shuffle": message.shuffle.defaultValue,
        "seed": parameter_document(message.seed),
    }
    (loss,) = message.lossLayers
    if field := loss.WhichOneof("LossLayerType"):
        loss_message = getattr(loss, field)
        document["loss"] = {
            "type": _type_of(_LOSSES[field]),
            "name": loss.name,
            "input": loss_message.input,
            "target": loss_message.target,
        }
    if field := message.optimizer.WhichOneof("OptimizerType"):
        optimizer = getattr(message.optimizer, field)
        document["optimizer"] = {"type": _type_of(_OPTIMIZERS[field])} | {
            name: parameter_document(getattr(optimizer, field))
            for name, field in _FIELDS.items()
            if field in optimizer.DESCRIPTOR.fields_by_name and optimizer.HasField(field)
        }
    if message.HasField("epochs"):
        document["epochs"] = parameter_document(message.epochs)
    return document


def widen_training(message: Message, values: Mapping[str, float]) -> None:
    """Widen the limits of a `NetworkUpdateParameters` just enough to contain `values`, given by name."""
    kind = message.optimizer.WhichOneof("OptimizerType")
    declared = {name: getattr(message.optimizer, kind) for name in _FIELDS} if kind else {}
    for name, value in values.items():
        holder, field = (message, name) if name in _OF_THE_NETWORK else (declared.get(name), _FIELDS.get(name, ""))
        if holder is None or field not in holder.DESCRIPTOR.fields_by_name or not holder.HasField(field):
            continue
        widen_parameter(getattr(holder, field), value)


def widen_parameter(message: Message, value: float | None) -> None:
    """Widen the limits of an `Int64Parameter` or `DoubleParameter` just enough to contain `value`."""
    if value is None:
        return
    match message.WhichOneof("AllowedValues"):
        case "range":
            message.range.minValue = min(message.range.minValue, value)
            message.range.maxValue = max(message.range.maxValue, value)
        case "set" if value not in message.set.values:
            members = sorted({*message.set.values, int(value)})
            del message.set.values[:]
            message.set.values.extend(members)


def _type_of(kind: type[CategoricalCrossEntropy | MeanSquaredError | SGD | Adam]) -> str:
    name: str = kind.model_fields["type"].default
    return name


def _write_parameter(parameter: IntegerParameter | DoubleParameter, message: Message) -> None:
    """Write an `Int64Parameter` or a `DoubleParameter`."""
    # A default of 0 sets no field; the message must be present even so.
    message.SetInParent()
    message.defaultValue = parameter.default
    if parameter.minimum is not None:
        message.range.minValue, message.range.maxValue = parameter.minimum, parameter.maximum
        # A range from 0 to 0 sets no field; the message must be present even so.
        message.range.SetInParent()
    if isinstance(parameter, IntegerParameter) and parameter.allowed is not None:
        message.set.values.extend(parameter.allowed)
