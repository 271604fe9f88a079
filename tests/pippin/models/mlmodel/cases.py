"""Files that Apple's validator refuses, each beside one that it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pippin.models.mlmodel.proto import ARRAY_TYPES, Message, at
from tests.pippin.models.mlmodel.files import DENSE, HEAD, SOFTMAX, embedding, neighbors, network, pipeline

Change = Callable[[Message], object]


@dataclass(frozen=True)
class Case:
    """What to change in a file so that it breaks a rule at a pointer, `at`, and what so that it keeps the rule."""

    at: str
    base: Callable[[], Message]
    broken: Change
    kept: Change = lambda model: model

    @property
    def rule(self) -> str:
        return self.at.partition(" ")[0]

    @property
    def pointer(self) -> str:
        return self.at.partition(" ")[2]


PICTURE = {"name": "x", "type": "image", "color": "rgb", "width": 2, "height": 2}
CLIP = {"type": "clip", "name": "clip", "min_val": 0, "max_val": 1}


def chain() -> Message:
    """A network in front of nearest neighbours."""
    return pipeline(embedding(), neighbors(), names=["embed", "ask"])


def towers() -> Message:
    """Two networks in front of a third."""
    return pipeline(embedding(makes="middle"), embedding(reads="middle"), network())


def dyad() -> Message:
    """A network in front of another."""
    return pipeline(embedding(), network())


def picture() -> Message:
    """A network of an image with a mean image."""
    model = network(inputs=[PICTURE], layers=HEAD)
    model.neuralNetwork.preprocessing.add(featureName="x").meanImage.meanImage.extend(range(12))
    return model


def clipped() -> Message:
    """A network of an image alone with a layer of version 4."""
    return network(inputs=[PICTURE], layers=[CLIP, *HEAD])


def classifier() -> Message:
    """A network that tells the probabilities of its two classes."""
    return network(outputs=..., classifier={"labels": ["a", "b"], "probabilities": "chances"})


def recurrent(kind: str = "uni_directional_lstm", outputs: int = 3) -> Message:
    """A recurrent layer below the trained one."""
    layer = {
        "type": kind,
        "name": "recurrent",
        "output_vector_size": 2,
        "output": ["made", *(f"state{index}" for index in range(1, outputs))],
    }
    return network(layers=[layer, DENSE | {"input": "made"}, SOFTMAX])


def gated() -> Message:
    """A gated recurrent unit below the trained layer."""
    return recurrent("gru", 2)


def below(layer: dict[str, Any], shape: list[int]) -> Callable[[], Message]:
    """A layer with arrays below the trained one."""
    return lambda: network(inputs=[{"name": "point", "shape": shape}], layers=[layer | {"name": "below"}, *HEAD])


def keep_twice(path: str) -> Change:
    """Keeps an array of the first layer as half floats too."""

    def change(model: Message) -> None:
        blob = at(model.neuralNetwork.layers[0], path)
        blob.float16Value = bytes(2 * len(blob.floatValue))

    return change


def halve(*paths: str) -> Change:
    """Keeps arrays of the first layer in half precision."""

    def change(model: Message) -> None:
        for path in paths:
            blob = at(model.neuralNetwork.layers[0], path)
            blob.float16Value = bytes(2 * len(blob.floatValue))
            del blob.floatValue[:]

    return change


def halve_all(path: str) -> Change:
    """Keeps all arrays below a message of the first layer in half precision."""

    def change(model: Message) -> None:
        names = [
            field.name
            for field, _ in at(model.neuralNetwork.layers[0], path).ListFields()
            if field.message_type is not None and field.message_type.name == "WeightParams"
        ]
        halve(*(f"{path}.{name}" for name in names))(model)

    return change


def default(field: str, numbers: str = "float") -> Change:
    """Gives an input a default value, and its numbers a type."""

    def change(model: Message) -> None:
        for feature in (model.description.input[0], model.description.trainingInput[0]):
            setattr(feature.type.multiArrayType, field, 1)
            feature.type.multiArrayType.dataType = ARRAY_TYPES[numbers]

    return change


def default_of_output(field: str) -> Change:
    """Gives an output a default value."""
    return lambda model: setattr(model.description.output[0].type.multiArrayType, field, 0)


def version(number: int) -> Change:
    """Gives the model a version, and those inside it none."""
    return lambda model: setattr(model, "specificationVersion", number)


def state_rank(field: str, rank: int, index: int = 0, times: int = 1) -> Change:
    """Makes a layer state the rank of its blob."""

    def change(model: Message) -> None:
        for _ in range(times):
            getattr(model.neuralNetwork.layers[index], field).add(rank=rank)

    return change


def hand_over_whole_numbers(model: Message) -> None:
    """Makes what one model of a pipeline hands to the next an INT32."""
    front, last = model.pipeline.models
    for feature in (front.description.output[0], last.description.input[0], last.description.trainingInput[0]):
        feature.type.multiArrayType.dataType = ARRAY_TYPES["int"]


LSTM = "uniDirectionalLSTM.weightParams"
CHANNELS: list[tuple[dict[str, Any], str]] = [
    ({"type": "batchnorm"}, "variance"),
    ({"type": "scale", "shape_scale": [2], "has_bias": True, "shape_bias": [2]}, "bias"),
]

CASES = [
    *(
        Case("model.functions", base, lambda model: setattr(model.description, "defaultFunctionName", "main"))
        for base in (network, chain)
    ),
    Case("model.functions", network, lambda model: model.description.functions.add(name="main")),
    Case("model.functions /models/0", dyad, lambda model: model.pipeline.models[0].description.state.add(name="s")),
    Case("layers.tensors /layers/0/input", clipped, state_rank("inputTensor", 4), state_rank("inputTensor", 5)),
    Case("layers.tensors /layers/3/output", clipped, state_rank("outputTensor", 1, 3)),
    Case("layers.tensors /layers/0/input", clipped, state_rank("inputTensor", 5, 0, 2)),
    Case("features.defaults /inputs/0", network, default("intDefaultValue"), default("floatDefaultValue")),
    Case("features.defaults /inputs/0", network, default("doubleDefaultValue")),
    Case(
        "features.defaults /inputs/0",
        network,
        default("floatDefaultValue", "double"),
        default("doubleDefaultValue", "double"),
    ),
    Case(
        "features.defaults /inputs/0", network, default("floatDefaultValue", "int"), default("intDefaultValue", "int")
    ),
    Case(
        "features.defaults /outputs/0",
        network,
        default_of_output("intDefaultValue"),
        default_of_output("floatDefaultValue"),
    ),
    Case(
        "features.keys /outputs/1",
        classifier,
        lambda model: model.description.output[1].type.dictionaryType.ClearField("stringKeyType"),
    ),
    Case("features.mean-image", picture, lambda model: model.neuralNetwork.preprocessing[0].meanImage.meanImage.pop()),
    Case(
        "features.output-ranks /outputs/0/shape",
        clipped,
        lambda model: model.description.output[0].type.multiArrayType.shape.__setitem__(slice(None), [2]),
        lambda model: model.description.output[0].type.multiArrayType.ClearField("shape"),
    ),
    Case("weights.payload /layers/0/bias", network, keep_twice("innerProduct.bias")),
    Case("weights.payload /layers/0/weights", network, keep_twice("innerProduct.weights")),
    Case(
        "weights.payload /layers/0/output_gate_weight_matrix", recurrent, keep_twice(f"{LSTM}.outputGateWeightMatrix")
    ),
    Case("weights.payload /layers/0/reset_gate_bias_vector", gated, keep_twice("gru.resetGateBiasVector")),
    Case(
        "weights.payload /layers/0/data",
        below({"type": "load_constant", "shape": [2, 1, 1]}, [2]),
        keep_twice("loadConstant.data"),
    ),
    Case("weights.payload /layers/0/alpha", below({"type": "prelu"}, [2]), keep_twice("activation.PReLU.alpha")),
    Case(
        "weights.precision /layers/0/bias",
        network,
        halve("innerProduct.bias"),
        halve("innerProduct.bias", "innerProduct.weights"),
    ),
    Case("weights.precision /layers/0/weights", network, halve("innerProduct.weights")),
    Case(
        "weights.precision /layers/0/input_gate_recursion_matrix",
        recurrent,
        halve(f"{LSTM}.inputGateRecursionMatrix"),
        halve_all(LSTM),
    ),
    Case(
        "weights.precision /layers/0/update_gate_weight_matrix",
        gated,
        halve("gru.updateGateWeightMatrix"),
        halve_all("gru"),
    ),
    *(
        Case(
            f"weights.precision /layers/0/{name}",
            below(layer, [2, 1, 1]),
            halve(f"{layer['type']}.{name}"),
            halve_all(layer["type"]),
        )
        for layer, name in CHANNELS
    ),
    Case("pipeline.version /version", chain, version(3)),
    Case("pipeline.version /version", towers, version(11), version(10)),
    Case("pipeline.version /version", dyad, version(100)),
    Case("pipeline.outputs /outputs", chain, lambda model: model.description.ClearField("output")),
    Case("pipeline.features /models/1/inputs", dyad, hand_over_whole_numbers),
]
