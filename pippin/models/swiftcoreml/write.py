"""Translates a resolved spec to a document that SwiftCoreMLTools reads."""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, Final

from pippin.errors import Fault, pointer
from pippin.models.spec.explain import shown
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weights import LayerWeights, Weights
from pippin.models.swiftcoreml.arrays import write_arrays
from pippin.models.swiftcoreml.features import FIELDS, TYPES
from pippin.models.swiftcoreml.layers import COMMON, LAYERS_BY_OURS, LayerType
from pippin.models.swiftcoreml.read import FEATURES, METADATA
from pippin.models.swiftcoreml.reader import SwiftDocumentError
from pippin.models.swiftcoreml.training import EPOCHS, LOSS_FIELDS, LOSSES, OPTIMIZERS

_FIXED: Final = {
    "version_string": "",
    "seed": 0,
    "array_input_shape_mapping": "rank5",
    "image_input_shape_mapping": "rank5",
}
"""Fields of a spec that the library lacks, with the values that its models have."""

_SUPPORTED: Final = frozenset(
    {*METADATA, *FEATURES, "layers", "loss", "optimizer", "epochs", "shuffle", "initial_seed", *_FIXED}
)


def to_swift(spec: Mapping[str, Any], weights: Weights | None = None) -> dict[str, Any]:
    """Translate a resolved spec to a model as SwiftCoreMLTools' `Codable` writes it and reads it.

    These are lost without a fault: the order of features, which the library stores by name; a bias that is left out
    beside explicit weights, which becomes an explicit bias of zeros; and, once the library itself exports the model, a
    dilation, in whose place the export writes the stride.

    Args:
        spec: The result of `ModelSpec.document()` for a resolved spec.
        weights: The initial weights of layers without explicit weights, as drawn by `initial_weights`. By default such
            layers get no `weight` and `bias`, which Swift code may leave out but the library's decoder requires.

    Raises:
        SwiftDocumentError: The library cannot express the spec: unsupported types of layers or features; classifiers
            and regressors; parameters without limits, or with another kind of limit; layers without a bias;
            initializers other than `glorot_uniform`, and an `initial_seed`, unless weights are given. It carries every
            such fault, with pointers into `spec`.
    """
    faults: list[Fault] = list(_unsupported_fields(spec))
    layers = [
        write_layer(layer, pointer("layers", index), (weights or {}).get(layer["name"]), faults)
        for index, layer in enumerate(spec["layers"])
    ]
    if spec.get("initial_seed") and any(is_drawn for _, is_drawn in layers):
        faults.append(Fault("/initial_seed", f"found {spec['initial_seed']}; SwiftCoreMLTools draws without a seed"))
    document = {theirs: spec[ours] for ours, theirs in METADATA.items()}
    document |= {theirs: _features(spec[ours], ours, faults) for ours, theirs in FEATURES.items()}
    document["neuralNetwork"] = _training(spec, faults) | {"layers": [layer for layer, _ in layers]}
    if faults:
        raise SwiftDocumentError("SwiftCoreMLTools cannot represent the whole spec", faults)
    return document


def _unsupported_fields(spec: Mapping[str, Any]) -> Iterator[Fault]:
    for key, value in spec.items():
        if key not in _SUPPORTED:
            yield Fault(pointer(key), f"found {shown(value)}; SwiftCoreMLTools does not support it; remove it")
        elif key in _FIXED and value != _FIXED[key]:
            yield Fault(pointer(key), f"found {shown(value)}; SwiftCoreMLTools knows only {shown(_FIXED[key])}")


def _features(features: list[dict[str, Any]], ours: str, faults: list[Fault]) -> dict[str, Any]:
    for index, feature in enumerate(features):
        if feature["type"] not in TYPES:
            known = " and ".join(TYPES)
            faults.append(
                Fault(pointer(ours, index, "type"), f"found {feature['type']!r}; SwiftCoreMLTools has only {known}")
            )
    return {feature["name"]: {theirs: feature.get(key) for key, theirs in FIELDS.items()} for feature in features}


def _training(spec: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    loss, optimizer = spec["loss"], spec["optimizer"]
    kind = next(theirs for theirs, ours in LOSSES.items() if ours == loss["type"])
    base: dict[str, Any] = {}
    for parameter in OPTIMIZERS[optimizer["type"]]:
        base |= parameter.write(optimizer, "/optimizer", faults)
    return {
        "losses": [{"type": kind, "base": {field: loss[field] for field in LOSS_FIELDS}}],
        "optimizer": {"type": optimizer["type"], "base": base},
        **EPOCHS.write(spec, "", faults),
        "shuffle": spec["shuffle"],
    }


def write_layer(
    layer: Mapping[str, Any], at: str, weights: LayerWeights | None, faults: list[Fault]
) -> tuple[dict[str, Any], bool]:
    """The layer at `at` with its type and fields, and whether the library draws its weights."""
    row = LAYERS_BY_OURS.get(layer["type"])
    if row is None:
        known = ", ".join(LAYERS_BY_OURS)
        faults.append(Fault(at + "/type", f"found {layer['type']!r}; SwiftCoreMLTools has only {known}"))
        return {}, False
    base = {key: copy(value) for key, value in row.unused.items()}
    for field in (*COMMON, *row.fields):
        base[field.theirs] = field.kind.write(layer.get(field.ours))
        if base[field.theirs] is None:
            faults.append(Fault(f"{at}/{field.ours}", "is required; needs a resolved spec"))
    arrays = write_arrays(row, layer, at, weights, faults) if row.weights_shape else {}
    _check_other_fields(row, layer, at, faults)
    return {"type": row.theirs, "base": base | arrays}, bool(row.weights_shape) and not arrays


def _check_other_fields(row: LayerType, layer: Mapping[str, Any], at: str, faults: list[Fault]) -> None:
    """Add faults for fields that the library lacks, unless they hold the library's fixed value."""
    written = {field.ours for field in (*COMMON, *row.fields)} | {"type"}
    if row.weights_shape:
        written |= {"weights", "bias", "initializer"}
    for key, value in layer.items():
        if key in written:
            continue
        fixed_value = row.fixed[key] if key in row.fixed else LAYERS[row.ours].model_fields[key].get_default()
        if value != fixed_value:
            needed = "no such field" if fixed_value is None else f"only {shown(fixed_value)}"
            faults.append(Fault(f"{at}/{key}", f"found {shown(value)}; SwiftCoreMLTools' {row.theirs} has {needed}"))
