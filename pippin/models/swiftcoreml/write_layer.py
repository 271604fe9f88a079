"""One layer, from a resolved spec to SwiftCoreMLTools."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from pippin.errors import Fault
from pippin.models.spec.explain import shown
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weights import LayerWeights
from pippin.models.swiftcoreml.arrays import write_arrays
from pippin.models.swiftcoreml.layers import COMMON, LAYERS_BY_OURS, LayerType


def write_layer(
    layer: Mapping[str, Any], at: str, weights: LayerWeights | None, faults: list[Fault]
) -> tuple[dict[str, Any], bool]:
    """The layer at `at` with its type and all its fields, and whether its weights are left for the library to draw."""
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
    _check_rest(row, layer, at, faults)
    return {"type": row.theirs, "base": base | arrays}, bool(row.weights_shape) and not arrays


def _check_rest(row: LayerType, layer: Mapping[str, Any], at: str, faults: list[Fault]) -> None:
    """Faults for fields that the library has not, unless they hold what is the case there anyway."""
    said = {field.ours for field in (*COMMON, *row.fields)} | {"type"}
    if row.weights_shape:
        said |= {"weights", "bias", "initializer"}
    for key, value in layer.items():
        if key in said:
            continue
        only = row.fixed[key] if key in row.fixed else LAYERS[row.ours].model_fields[key].get_default()
        if value != only:
            needed = "no such thing" if only is None else f"only {shown(only)}"
            faults.append(Fault(f"{at}/{key}", f"found {shown(value)}; SwiftCoreMLTools' {row.theirs} has {needed}"))
