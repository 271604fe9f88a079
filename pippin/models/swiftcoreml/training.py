"""Losses, optimizers and training parameters with their names in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pippin.errors import Fault
from pippin.models.spec.explain import shown
from pippin.models.swiftcoreml.reader import Object, Reader

LOSSES: Final = {"mse": "mean_squared_error", "categoricalCrossEntropy": "categorical_cross_entropy"}
"""The spec language's loss types by SwiftCoreMLTools' loss types."""

LOSS_FIELDS: Final = ("name", "input", "target")
"""The fields of a loss, the same in both languages."""


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter: one value in the spec language, two fields in SwiftCoreMLTools.

    Attributes:
        ours: The name in the spec language.
        default: SwiftCoreMLTools' field with the default.
        limit: SwiftCoreMLTools' field with the limit.
        is_set: Whether the limit is the list of allowed values; otherwise it is the maximum of a range from 0.
    """

    ours: str
    default: str
    limit: str
    is_set: bool = False

    @property
    def fields(self) -> tuple[str, str]:
        """The names of both fields."""
        return self.default, self.limit

    def read(self, base: Object, ours: str, theirs: str, reader: Reader) -> dict[str, Any]:
        """The parameter as an entry of a spec's object; empty if the document leaves it out."""
        key = "set" if self.is_set else "max"
        reader.place(f"{ours}/{self.ours}", f"{theirs}/{self.default}")
        reader.place(f"{ours}/{self.ours}/{key}", f"{theirs}/{self.limit}", is_same_inside=True)
        fields = {"default": base[self.default]} if self.default in base else {}
        if self.limit in base:
            fields |= ({} if self.is_set else {"min": 0}) | {key: base[self.limit]}
        return {self.ours: fields} if fields else {}

    def write(self, spec: Mapping[str, Any], at: str, faults: list[Fault]) -> dict[str, Any]:
        """Both fields for the parameter in the resolved spec's object at `at`; a fault if they cannot express it."""
        match spec.get(self.ours):
            case {"default": default, "set": allowed} if self.is_set:
                return {self.default: default, self.limit: allowed}
            case {"default": default, "min": 0, "max": maximum} if not self.is_set:
                return {self.default: default, self.limit: maximum}
            case None:
                described = "nothing"
            case {"default": _, "min": minimum, "max": maximum}:
                described = f"a range from {minimum} to {maximum}"
            case other:
                described = f"{shown(other)} without limits"
        needed = "a default and a set" if self.is_set else "a default and a range from 0"
        faults.append(Fault(f"{at}/{self.ours}", f"found {described}; SwiftCoreMLTools has only {needed}"))
        return {}


def _of_range(ours: str, theirs: str) -> Parameter:
    return Parameter(ours, theirs + "Default", theirs + "Max")


_LEARNING_RATE: Final = _of_range("learning_rate", "learningRate")
_MINI_BATCH_SIZE: Final = Parameter("mini_batch_size", "miniBatchSizeDefault", "miniBatchSizeRange", is_set=True)

OPTIMIZERS: Final = {
    "sgd": (_LEARNING_RATE, _MINI_BATCH_SIZE, _of_range("momentum", "momentum")),
    "adam": (
        _LEARNING_RATE,
        _MINI_BATCH_SIZE,
        _of_range("beta1", "beta1"),
        _of_range("beta2", "beta2"),
        _of_range("eps", "eps"),
    ),
}
"""The parameters of each optimizer, whose types have the same names in both languages."""

EPOCHS: Final = Parameter("epochs", "epochDefault", "epochSet", is_set=True)


def read_training(network: Object, theirs: str, reader: Reader) -> dict[str, Any]:
    """The training fields of a `neuralNetwork` in the spec language; missing fields stay missing."""
    reader.place("/shuffle", theirs + "/shuffle")
    spec = _loss(network.get("losses", []), theirs + "/losses", reader)
    spec |= _optimizer(network.get("optimizer"), theirs + "/optimizer", reader)
    spec |= EPOCHS.read(network, "", theirs, reader)
    if EPOCHS.default in network and EPOCHS.limit not in network:
        reader.note(theirs, f"found no {EPOCHS.limit!r}; a job may train for any number of epochs")
    if "shuffle" in network:
        return spec | {"shuffle": network["shuffle"]}
    reader.note(theirs, "found no 'shuffle'; using true")
    return spec


def _loss(value: object, theirs: str, reader: Reader) -> dict[str, Any]:
    reader.place("/loss", theirs)
    losses = reader.entries(value, theirs, "one loss")
    if not losses:
        return {}
    if len(losses) > 1:
        reader.fault(f"{theirs}/1", f"found {len(losses)} losses; Core ML trains with one")
    at = f"{theirs}/0"
    tagged = reader.tagged(losses[0], at, LOSSES)
    if tagged is None:
        return {}
    kind, base = tagged
    reader.place("/loss", at)
    reader.place("/loss/type", at + "/type")
    reader.keys(base, at + "/base", always=LOSS_FIELDS, known=LOSS_FIELDS)
    for field in LOSS_FIELDS:
        reader.place(f"/loss/{field}", f"{at}/base/{field}", is_same_inside=True)
    return {"loss": {"type": LOSSES[kind]} | {field: base[field] for field in LOSS_FIELDS if field in base}}


def _optimizer(value: object, theirs: str, reader: Reader) -> dict[str, Any]:
    reader.place("/optimizer", theirs)
    tagged = reader.tagged(value, theirs, OPTIMIZERS) if value is not None else None
    if tagged is None:
        return {}
    kind, base = tagged
    reader.place("/optimizer/type", theirs + "/type")
    fields = [field for parameter in OPTIMIZERS[kind] for field in parameter.fields]
    reader.keys(base, theirs + "/base", always=fields, known=fields)
    optimizer: dict[str, Any] = {"type": kind}
    for parameter in OPTIMIZERS[kind]:
        optimizer |= parameter.read(base, "/optimizer", theirs + "/base", reader)
    return {"optimizer": optimizer}
