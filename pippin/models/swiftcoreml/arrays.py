"""Weights and biases: flat lists in SwiftCoreMLTools, nested lists in the file's order in the spec language."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, TypeGuard

from pippin.errors import Fault
from pippin.models.spec.explain import shown
from pippin.models.spec.weighted import array_faults
from pippin.models.spec.weights import LayerWeights
from pippin.models.swiftcoreml.layers import LayerType
from pippin.models.swiftcoreml.reader import Object, Reader, at_key


def read_arrays(row: LayerType, base: Object, ours: str, theirs: str, reader: Reader) -> dict[str, object]:
    """The fields `weights` and `bias`, or an `initializer` if they are left out.

    The library draws weights and bias from ±√(6 / (in + out)) unless both are given; its out counts channels without
    the kernel's area. Pippin uses `glorot_uniform`, which includes the area on both sides, and a bias of zeros.
    """
    reader.place(ours + "/weights", theirs + "/weight")
    reader.place(ours + "/initializer", theirs + "/weight")
    reader.place(ours + "/bias", theirs + "/bias", is_same_inside=True)
    names = ("weight",) if "bias" in row.unused else ("weight", "bias")
    present = [name for name in names if name in base]
    if len(present) == len(names):
        return _explicit_arrays(row, base, theirs, reader)
    for name in present:
        other = "bias" if name == "weight" else "weight"
        reader.note(
            at_key(theirs, name),
            f"found no {other!r} beside it; ignored, since SwiftCoreMLTools draws both at random unless both are given",
        )
    return {"initializer": "glorot_uniform"}


def _explicit_arrays(row: LayerType, base: Object, theirs: str, reader: Reader) -> dict[str, object]:
    lengths = _lengths(row, base, theirs, reader)
    if lengths is None:
        return {}
    weights = _numbers(base["weight"], theirs + "/weight", lengths, reader)
    arrays: dict[str, object] = {}
    if weights is not None:
        arrays["weights"] = nested(weights, [length for _, length in lengths])
    channels = base["outputChannels"]
    if "bias" in base and "bias" not in row.unused and _is_length(channels):
        arrays["bias"] = _numbers(base["bias"], theirs + "/bias", [("outputChannels", channels)], reader)
    return arrays


def _lengths(row: LayerType, base: Object, theirs: str, reader: Reader) -> list[tuple[str, int]] | None:
    """The lengths of the weights' axes, each with the field that holds it; None if a field is missing or invalid.

    A missing value is reported here, because the spec would infer it. The spec's own checks report invalid values.
    """
    missing = [key for key in row.weights_shape if base.get(key, []) == []]
    for key in missing:
        reader.fault(at_key(theirs, key), "is required, since weights are given: their shape follows from it")
    field_lengths = (
        [] if missing else [(key, length) for key in row.weights_shape for length in _lengths_in(key, base[key])]
    )
    lengths = [(key, length) for key, length in field_lengths if _is_length(length)]
    if missing or len(lengths) < len(field_lengths):
        return None
    if row.ours != "deconvolution":
        return lengths
    channels, groups = lengths[1][1], base.get("nGroups") or 1
    if not _is_length(groups) or channels % groups:
        return None
    return [lengths[0], ("outputChannels / nGroups", channels // groups), *lengths[2:]]


def _lengths_in(key: str, value: object) -> Sequence[object]:
    """The lengths in a field: two for a kernel size, otherwise one."""
    if key != "kernelSize":
        return (value,)
    return value if isinstance(value, list) and len(value) == 2 else (None,)


def _is_length(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 2**31


def _numbers(value: object, at: str, lengths: Sequence[tuple[str, int]], reader: Reader) -> list[object] | None:
    """The flat list if it holds as many finite numbers as `lengths` require; otherwise None and a fault."""
    count = prod(length for _, length in lengths)
    if not isinstance(value, list):
        reader.fault(at, f"found {shown(value)}; needs a list of {count} numbers")
    elif len(value) != count:
        factors = " x ".join(f"{key} {length}" for key, length in lengths)
        reader.fault(at, f"found {len(value)} numbers; needs {count}: {factors}")
    elif faults := [fault.under(at) for fault in array_faults(value, (count,))]:
        reader.faults += faults
    else:
        return value
    return None


def nested(numbers: list[object], shape: Sequence[int]) -> list[object]:
    """A flat list as nested lists of `shape`; the number of values matches `shape`."""
    for length in reversed(shape[1:]):
        numbers = [numbers[start : start + length] for start in range(0, len(numbers), length)]
    return numbers


def flat(numbers: list[Any]) -> list[Any]:
    """Nested lists as one flat list, in the same order."""
    while numbers and isinstance(numbers[0], list):
        numbers = [number for inner in numbers for number in inner]
    return numbers


def write_arrays(
    row: LayerType, layer: Mapping[str, Any], at: str, weights: LayerWeights | None, faults: list[Fault]
) -> dict[str, Any]:
    """The fields `weight` and `bias` of a layer; empty if the library draws them.

    Args:
        row: The layer's type.
        layer: The layer in the spec language.
        at: The pointer to the layer in the spec.
        weights: The initial weights for a layer without explicit weights.
        faults: Collects faults for values that the library cannot express.
    """
    if layer.get("weights") is not None:
        bias = layer.get("bias")
        kernel = flat(layer["weights"])
        bias = [0.0] * layer["output_channels"] if bias is None else bias
    elif weights is not None:
        kernel, bias = (weights[key].ravel().tolist() if key in weights else [] for key in ("weights", "bias"))
    else:
        if layer.get("bias") is not None:
            faults.append(Fault(at + "/bias", "found a bias without weights; SwiftCoreMLTools takes only both or none"))
        if layer.get("initializer") != "glorot_uniform":
            faults.append(
                Fault(
                    at + "/initializer",
                    f"found {shown(layer.get('initializer'))}; SwiftCoreMLTools draws only 'glorot_uniform': "
                    "give the weights themselves",
                )
            )
        return {}
    return {"weight": kernel} | ({} if "bias" in row.unused else {"bias": bias})
