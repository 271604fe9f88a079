"""Translates a SwiftCoreMLTools document to the spec language."""

from collections.abc import Sequence
from typing import Any, Final

from pippin.errors import pointer
from pippin.models.spec.explain import shown
from pippin.models.spec.model import MAX_LAYERS
from pippin.models.swiftcoreml.arrays import read_arrays
from pippin.models.swiftcoreml.features import blobs, names, ordered, place_features, read_features
from pippin.models.swiftcoreml.layers import COMMON, LAYERS_BY_OURS, LAYERS_BY_THEIRS, LayerType
from pippin.models.swiftcoreml.reader import Object, Reader, SwiftDocumentError, Translation, at_key
from pippin.models.swiftcoreml.training import read_training

METADATA: Final = {
    "version": "version",
    "short_description": "shortDescription",
    "author": "author",
    "license": "license",
    "user_defined": "userDefined",
}
"""The model's fields in SwiftCoreMLTools by those in the spec language; the values are the same."""

FEATURES: Final = {"inputs": "inputs", "outputs": "outputs", "training_inputs": "trainingInputs"}
"""The fields with features in SwiftCoreMLTools by those in the spec language."""

NETWORK: Final = ("losses", "optimizer", "epochDefault", "epochSet", "shuffle", "layers")
"""The fields of a `neuralNetwork`."""


def looks_like(document: object) -> bool:
    """Whether a JSON value is a model of SwiftCoreMLTools rather than a spec."""
    return isinstance(document, dict) and "neuralNetwork" in document


def from_swift(document: object) -> Translation:
    """Translate a model as SwiftCoreMLTools' `Codable` writes it; values with the same form in both are not checked.

    Values that the library's format leaves open follow its export: a range begins at 0, `miniBatchSizeRange` and
    `epochSet` are sets, the seed is 0, arrays are mapped to rank 5. Where the export has a known bug (a convolution's
    dilation, the type of ScaledTanh), the document's value is used, and a note says so. The unordered features are
    sorted: inputs as layers first read them, outputs as layers make them, and training inputs with the model's inputs
    first and the target last.

    Args:
        document: A JSON value.

    Raises:
        SwiftDocumentError: With every fault, each with a pointer from the document's root.
    """
    reader = Reader()
    spec = _model(document, reader)
    if reader.faults:
        raise SwiftDocumentError("the SwiftCoreMLTools document has faults", reader.faults)
    return Translation(spec, tuple(reader.notes), reader.places)


def _model(document: object, reader: Reader) -> dict[str, Any]:
    model = reader.fields(document, "", "a model")
    if model is None:
        return {}
    reader.keys(model, "", always=(), known={*METADATA.values(), *FEATURES.values(), "neuralNetwork"})
    for ours, theirs in METADATA.items():
        reader.place(pointer(ours), pointer(theirs), is_same_inside=True)
    spec: dict[str, Any] = {ours: model[theirs] for ours, theirs in METADATA.items() if theirs in model}
    at = "/neuralNetwork"
    network = reader.fields(model.get("neuralNetwork"), at, ", ".join(NETWORK))
    if network is None:
        return spec
    reader.keys(network, at, always=(), known=NETWORK)
    reader.place("/layers", at + "/layers", is_same_inside=True)
    listed = reader.entries(network.get("layers", []), at + "/layers", "layers") or ()
    if len(listed) > MAX_LAYERS:
        reader.fault(at + "/layers", f"found {len(listed)} layers; needs at most {MAX_LAYERS}")
    layers = [read_layer(layer, index, reader) for index, layer in enumerate(listed[:MAX_LAYERS])]
    training = read_training(network, at, reader)
    return spec | _features(model, layers, training, reader) | {"layers": layers} | training


def _features(
    model: Object, layers: Sequence[dict[str, Any]], training: dict[str, Any], reader: Reader
) -> dict[str, Any]:
    features = {ours: read_features(model.get(theirs), theirs, reader) for ours, theirs in FEATURES.items()}
    if not features["training_inputs"]:
        features["training_inputs"] = None
        reader.note("/trainingInputs", "found no training inputs; using the model's inputs and the loss's target")
    target = training.get("loss", {}).get("target")
    inputs = ordered(features["inputs"], list(blobs(layers, "input")))
    listed = {
        "inputs": inputs,
        "outputs": ordered(features["outputs"], list(blobs(layers, "output"))),
        "training_inputs": ordered(features["training_inputs"], names(inputs), last=target),
    }
    spec: dict[str, Any] = {}
    for ours, theirs in FEATURES.items():
        place_features(listed[ours], ours, theirs, reader)
        if features[ours] is not None:
            spec[ours] = [feature for _, feature in listed[ours]]
    return spec


def read_layer(value: object, index: int, reader: Reader) -> dict[str, Any]:
    """The layer at `index` in the spec language; empty, with a fault, if its type is unknown."""
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
    """The layer's actual type: the library uses two of its type names for two types each."""
    if kind == "convolution":
        return LAYERS_BY_OURS["deconvolution" if base.get("deconvolution") is True else "convolution"]
    # ScaledTanh declares the type of Tanh; only its alpha and beta distinguish the two in a document.
    if kind == "tanh" and ("alpha" in base or "beta" in base):
        reader.note(
            at + "/type",
            "found 'tanh' with alpha or beta, which is how SwiftCoreMLTools writes a ScaledTanh; read as one",
        )
        return LAYERS_BY_OURS["scaled_tanh"]
    return LAYERS_BY_THEIRS[kind]


def _check_keys(row: LayerType, base: Object, at: str, reader: Reader) -> None:
    """Report missing, unknown and unused keys, and values that the library's own export writes incorrectly."""
    written = [field.theirs for field in (*COMMON, *row.fields)]
    arrays = ("weight", "bias") if row.weights_shape else ()
    reader.keys(base, at, always=[*written, *row.unused], known={*written, *row.unused, *arrays})
    for key, expected in row.unused.items():
        actual = base.get(key, expected)
        if isinstance(expected, bool):
            if not isinstance(actual, bool):
                reader.fault(at_key(at, key), f"found {shown(actual)}; needs true or false")
        elif _numbers(actual) not in (expected, []):
            reader.note(at_key(at, key), f"found {shown(actual)}, which Core ML does not use in this layer; ignored")
    if row.ours == "convolution":
        _check_dilation(base, at, reader)
    if row.ours in ("prelu", "parametric_softplus"):
        reader.note(
            at, f"found a {row.theirs}, for which SwiftCoreMLTools holds no parameters; using the spec's defaults"
        )


def _check_dilation(base: Object, at: str, reader: Reader) -> None:
    dilation, stride = _numbers(base.get("dilationFactor")) or [1, 1], _numbers(base.get("stride")) or [1, 1]
    if dilation != stride:
        reader.note(
            at + "/dilationFactor",
            f"found {shown(dilation)}, which is used; SwiftCoreMLTools' own export would write the stride, "
            f"{shown(stride)}, instead",
        )


def _numbers(value: object) -> list[int] | None:
    """`value` if it is a list of integers, which is cheap to compare; otherwise None."""
    if not isinstance(value, list):
        return None
    numbers = [entry for entry in value if isinstance(entry, int)]
    return numbers if len(numbers) == len(value) else None
