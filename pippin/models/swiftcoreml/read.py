"""From a document that SwiftCoreMLTools wrote to one in the spec language."""

from collections.abc import Sequence
from typing import Any, Final

from pippin.errors import pointer
from pippin.models.spec.model import MOST_LAYERS
from pippin.models.swiftcoreml.errors import SwiftDocumentError
from pippin.models.swiftcoreml.features import blobs, names, ordered, place_features, read_features
from pippin.models.swiftcoreml.read_layer import read_layer
from pippin.models.swiftcoreml.reader import Object, Reader
from pippin.models.swiftcoreml.training import read_training
from pippin.models.swiftcoreml.translation import Translation

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
    if len(listed) > MOST_LAYERS:
        reader.fault(at + "/layers", f"found {len(listed)} layers; needs at most {MOST_LAYERS}")
    layers = [read_layer(layer, index, reader) for index, layer in enumerate(listed[:MOST_LAYERS])]
    training = read_training(network, at, reader)
    return spec | _features(model, layers, training, reader) | {"layers": layers} | training


def _features(
    model: Object, layers: Sequence[dict[str, Any]], training: dict[str, Any], reader: Reader
) -> dict[str, Any]:
    found = {ours: read_features(model.get(theirs), theirs, reader) for ours, theirs in FEATURES.items()}
    if not found["training_inputs"]:
        found["training_inputs"] = None
        reader.note("/trainingInputs", "found no training inputs; the model's inputs and the loss's target are taken")
    target = training.get("loss", {}).get("target")
    inputs = ordered(found["inputs"], list(blobs(layers, "input")))
    listed = {
        "inputs": inputs,
        "outputs": ordered(found["outputs"], list(blobs(layers, "output"))),
        "training_inputs": ordered(found["training_inputs"], names(inputs), last=target),
    }
    spec: dict[str, Any] = {}
    for ours, theirs in FEATURES.items():
        place_features(listed[ours], ours, theirs, reader)
        if found[ours] is not None:
            spec[ours] = [feature for _, feature in listed[ours]]
    return spec
