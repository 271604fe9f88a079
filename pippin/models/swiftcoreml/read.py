"""From a document that SwiftCoreMLTools wrote to one in the spec language."""

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
"""Their fields of the model by ours; the values are the same."""

FEATURES: Final = {"inputs": "inputs", "outputs": "outputs", "training_inputs": "trainingInputs"}
"""Their fields with features by ours."""

NETWORK: Final = ("losses", "optimizer", "epochDefault", "epochSet", "shuffle", "layers")
"""The fields of a `neuralNetwork`."""


def looks_like(document: object) -> bool:
    """Whether a JSON value is a model of SwiftCoreMLTools rather than a spec."""
    return isinstance(document, dict) and "neuralNetwork" in document


def from_swift(document: object) -> Translation:
    """Translate a model as SwiftCoreMLTools' `Codable` writes it; values that are the same in both pass unchecked.

    What the library's format leaves open is taken as its export takes it: a range begins at 0, `miniBatchSizeRange`
    and `epochSet` are sets, the seed is 0, arrays are mapped to rank 5. Where the export has a known mistake (a
    convolution's dilation, the type of ScaledTanh), the document is taken at its author's word, and a note says so.
    Its features stand in no order, and get one: inputs as layers first read them, outputs as layers make them, and of
    training inputs the model's own first and the target last.

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
        reader.note("/trainingInputs", "found no training inputs; the model's inputs and the loss's target are taken")
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
