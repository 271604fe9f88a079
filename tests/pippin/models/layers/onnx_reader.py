"""A reader of `.mlmodel` files that is not ours: onnxmltools makes an ONNX model of one, and onnxruntime runs it."""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from coremltools.proto import Model_pb2
from google.protobuf.message import Message  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from onnxmltools.convert.common import (  # type: ignore[import-untyped]  # it ships no types
    data_types,
    shape_calculator,
    utils,
)

TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
"""NumPy's types by onnxruntime's, for the inputs that the converter declares."""


def run(data: bytes, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What a model answers, as the converter understands it.

    Args:
        data: The file. What only training needs is not looked at.
        inputs: [N, *declared shape] each, by name.

    Returns:
        [N, sequence, ...] each, by name; sequence is 1 unless the model declares one, with [sequence, 1, C, H, W].

    Raises:
        Exception: The converter has no way to say a layer in ONNX, or says what onnxruntime refuses; of any class.
    """
    model = Model_pb2.Model()
    model.ParseFromString(data)
    _keep_what_answers(model)
    sequences = _with_sequences_as_batches(model)
    with warnings.catch_warnings():
        # Names that we may give and ONNX would not.
        warnings.simplefilter("ignore")
        converted = convert(model)
    options = onnxruntime.SessionOptions()
    # The arrays are tiny. What it has to say, it says in the error that it raises.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])
    # A state that a recurrent layer may do without is an initializer.
    nodes = [*session.get_inputs(), *session.get_overridable_initializers()]
    names = [node.name for node in session.get_outputs()]
    answers = []
    for index in range(len(next(iter(inputs.values())))):
        given = {}
        for node in nodes:
            array = inputs[node.name][index].astype(TYPES[node.type])
            array = array.reshape(-1, *sequences.get(node.name, array.shape))
            # It declares some vectors as pictures of one pixel.
            given[node.name] = array.reshape(array.shape + (1,) * (len(node.shape) - array.ndim))
        answers.append(session.run(names, given))
    return {name: np.stack(arrays) for name, arrays in zip(names, zip(*answers, strict=True), strict=True)}


def _with_sequences_as_batches(model: Message) -> dict[str, list[int]]:
    """Declare the inputs of shape [sequence, 1, C, H, W] as those of one step: its batch is a layer's sequence.

    Returns:
        The shapes of one step, by input.
    """
    sequences = {
        declared.name: declared.type.multiArrayType.shape
        for declared in model.description.input
        if len(declared.type.multiArrayType.shape) == 5
    }
    steps = {name: list(shape[2:]) for name, shape in sequences.items()}
    if all(shape[1:] == [1, 1] for shape in steps.values()):
        steps = {name: shape[:1] for name, shape in steps.items()}
    for name, shape in sequences.items():
        assert shape[1] == 1
        shape[:] = steps[name]
    return steps


def _keep_what_answers(model: Message) -> None:
    """Drop the layers and inputs that no output comes from: the converter stumbles over the unread, too."""
    network = getattr(model, model.WhichOneof("Type"))
    wanted = {output.name for output in model.description.output}
    kept: list[Message] = []
    for layer in reversed(network.layers):
        if wanted.intersection(layer.output):
            kept.insert(0, layer)
            wanted.update(layer.input)
    read = [declared for declared in model.description.input if declared.name in wanted]
    for field, items in ((network.layers, kept), (model.description.input, read)):
        copies = [type(item).FromString(item.SerializeToString()) for item in items]
        del field[:]
        field.extend(copies)


def _joined_by(source_type: object, target_type: object) -> str:
    """The operator between a model's input and the blob that its layers read: both are tensors of one type here."""
    assert type(source_type) is type(target_type)
    return "identity"


def _working_converter() -> Callable[[Message], onnx.ModelProto]:
    """Its converter, with what release 1.16.0 lost when its common code moved, and with every layer's part loaded."""
    vars(onnx)["onnx_proto"] = onnx
    data_types.find_type_conversion = _joined_by
    for name in ("check_input_and_output_numbers", "check_input_and_output_types"):
        setattr(utils, name, getattr(shape_calculator, name))
    package = import_module("onnxmltools.convert.coreml")
    for kind in ("shape_calculators", "operator_converters"):
        parts = import_module(f"{package.__name__}.{kind}")
        # Importing a part enters it in the converter's registry.
        for part in walk_packages(parts.__path__, f"{parts.__name__}."):
            import_module(part.name)
    converter: Callable[[Message], onnx.ModelProto] = package.convert
    return converter


convert = _working_converter()
