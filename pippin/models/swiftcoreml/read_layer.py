"""One layer, from SwiftCoreMLTools to the spec language."""

from typing import Any

from pippin.errors import pointer
from pippin.models.spec.explain import shown
from pippin.models.swiftcoreml.arrays import read_arrays
from pippin.models.swiftcoreml.layers import COMMON, LAYERS_BY_OURS, LAYERS_BY_THEIRS, LayerType
from pippin.models.swiftcoreml.reader import Object, Reader, at_key


def read_layer(value: object, index: int, reader: Reader) -> dict[str, Any]:
    """The layer at `index` in the spec language; empty where its type cannot be known, which is then a fault."""
    ours, theirs = pointer("layers", index), pointer("neuralNetwork", "layers", index)
    reader.place(ours, theirs)
    reader.place(ours + "/type", theirs + "/type")
    tagged = reader.tagged(value, theirs, LAYERS_BY_THEIRS)
    if tagged is None:
        return {}
    row, base = _row(*tagged, theirs, reader), tagged[1]
    at = theirs + "/base"
    _check_keys(row, base, at, reader)
    layer: dict[str, Any] = {"type": row.ours}
    for field in (*COMMON, *row.fields):
        place, origin = f"{ours}/{field.ours}", f"{at}/{field.theirs}"
        reader.place(place, origin)
        value = field.kind.read(base[field.theirs], place, origin, reader) if field.theirs in base else None
        if value is not None:
            layer[field.ours] = value
    if row.weights_shape:
        layer |= read_arrays(row, base, ours, at, reader)
    return {**layer, **row.fixed}


def _row(kind: str, base: Object, at: str, reader: Reader) -> LayerType:
    """What type a layer really is: two of the library's share their name with another."""
    if kind == "convolution":
        return LAYERS_BY_OURS["deconvolution" if base.get("deconvolution") is True else "convolution"]
    # ScaledTanh declares the type of Tanh, so that its alpha and beta are all that tells the two apart in a document.
    if kind == "tanh" and ("alpha" in base or "beta" in base):
        reader.note(
            at + "/type",
            "found 'tanh' with alpha or beta, which is how SwiftCoreMLTools writes a ScaledTanh; taken as one",
        )
        return LAYERS_BY_OURS["scaled_tanh"]
    return LAYERS_BY_THEIRS[kind]


def _check_keys(row: LayerType, base: Object, at: str, reader: Reader) -> None:
    """Tells what is missing, unknown or unused, and what the library's own export would get wrong."""
    written = [field.theirs for field in (*COMMON, *row.fields)]
    arrays = ("weight", "bias") if row.weights_shape else ()
    reader.keys(base, at, always=[*written, *row.unused], known={*written, *row.unused, *arrays})
    for key, expected in row.unused.items():
        found = base.get(key, expected)
        if isinstance(expected, bool):
            if not isinstance(found, bool):
                reader.fault(at_key(at, key), f"found {shown(found)}; needs true or false")
        elif _numbers(found) not in (expected, []):
            reader.note(at_key(at, key), f"found {shown(found)}, which Core ML does not use in this layer; ignored")
    if row.ours == "convolution":
        _check_dilation(base, at, reader)
    if row.ours in ("prelu", "parametric_softplus"):
        reader.note(
            at, f"found a {row.theirs}, for which SwiftCoreMLTools holds no parameters; the spec's own are taken"
        )


def _check_dilation(base: Object, at: str, reader: Reader) -> None:
    dilation, stride = _numbers(base.get("dilationFactor")) or [1, 1], _numbers(base.get("stride")) or [1, 1]
    if dilation != stride:
        reader.note(
            at + "/dilationFactor",
            f"found {shown(dilation)}, which is taken as it is; SwiftCoreMLTools' own export would write the stride, "
            f"{shown(stride)}, in its place",
        )


def _numbers(value: object) -> list[int] | None:
    """`value`, where it is a list of whole numbers, and so no deep thing to compare."""
    if not isinstance(value, list):
        return None
    numbers = [entry for entry in value if isinstance(entry, int)]
    return numbers if len(numbers) == len(value) else None
