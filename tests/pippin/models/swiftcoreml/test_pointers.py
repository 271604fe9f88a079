from typing import Any

import pytest

from pippin.models.spec import SpecError, resolve
from pippin.models.swiftcoreml import from_swift
from tests.pippin.models.swiftcoreml.documents import dense
from tests.pippin.models.swiftcoreml.layer_cases import CONVOLUTION

LAYER = "/neuralNetwork/layers/0"
OPTIMIZER = "/neuralNetwork/optimizer/base"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("", ""),
        ("/short_description", "/shortDescription"),
        ("/user_defined/pippin.x", "/userDefined/pippin.x"),
        ("/classifier/labels", ""),
        ("/inputs", "/inputs"),
        ("/inputs/0", "/inputs/a~1b"),
        ("/inputs/0/shape/2", "/inputs/a~1b/shape/2"),
        ("/inputs/7", "/inputs"),
        ("/training_inputs/1/type", "/trainingInputs/output_true/featureType"),
        ("/layers", "/neuralNetwork/layers"),
        ("/layers/0", LAYER),
        ("/layers/0/type", f"{LAYER}/type"),
        ("/layers/0/name", f"{LAYER}/base/name"),
        ("/layers/0/input/0", f"{LAYER}/base/input/0"),
        ("/layers/0/kernel_size/1", f"{LAYER}/base/kernelSize/1"),
        ("/layers/0/groups", f"{LAYER}/base/nGroups"),
        ("/layers/0/weights/1/0/0/0", f"{LAYER}/base/weight"),
        ("/layers/0/initializer", f"{LAYER}/base/weight"),
        ("/layers/0/bias/1", f"{LAYER}/base/bias/1"),
        ("/layers/0/has_bias", LAYER),
        ("/layers/0/padding", f"{LAYER}/base/paddingType"),
        ("/layers/0/padding/borders/1", f"{LAYER}/base/paddingType/valid/1"),
        ("/layers/0/padding/borders/1/0", f"{LAYER}/base/paddingType/valid/1/startEdgeSize"),
        ("/layers/0/padding/borders/0/1", f"{LAYER}/base/paddingType/valid/0/endEdgeSize"),
        ("/loss/target", "/neuralNetwork/losses/0/base/target"),
        ("/optimizer", "/neuralNetwork/optimizer"),
        ("/optimizer/type", "/neuralNetwork/optimizer/type"),
        ("/optimizer/learning_rate", f"{OPTIMIZER}/learningRateDefault"),
        ("/optimizer/learning_rate/default", f"{OPTIMIZER}/learningRateDefault"),
        ("/optimizer/momentum/max", f"{OPTIMIZER}/momentumMax"),
        ("/optimizer/mini_batch_size/set/0", f"{OPTIMIZER}/miniBatchSizeRange/0"),
        ("/epochs/default", "/neuralNetwork/epochDefault"),
        ("/epochs/set/3", "/neuralNetwork/epochSet/3"),
        ("/shuffle", "/neuralNetwork/shuffle"),
        ("no pointer", ""),
    ],
)
def test_spec_pointer_maps_back_to_the_document(ours: str, theirs: str) -> None:
    feature = {"name": "a/b", "shape": [3, 4, 4], "featureType": "float"}
    names = {"name": "c", "input": ["a/b"], "output": ["output"]}
    document = dense(
        {
            "inputs": {"a/b": feature},
            "trainingInputs.a/b": feature,
            "trainingInputs.dense_input": ...,
            "neuralNetwork.layers.0": {"type": "convolution", "base": names | CONVOLUTION},
        }
    )
    assert from_swift(document).original(ours) == theirs


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({f"neuralNetwork.{key}": ... for key in ("losses", "optimizer")}, "/neuralNetwork/optimizer"),
        ({"neuralNetwork.losses": []}, "/neuralNetwork/losses"),
        ({"neuralNetwork.epochDefault": ...}, "/neuralNetwork/epochDefault"),
        ({"neuralNetwork.epochDefault": 3}, "/neuralNetwork/epochDefault"),
        ({"neuralNetwork.epochSet": [2, 0]}, "/neuralNetwork/epochSet/1"),
        ({"neuralNetwork.optimizer.base.learningRateMax": "x"}, f"{OPTIMIZER}/learningRateMax"),
        ({"neuralNetwork.layers.0.base.outputChannels": -1}, f"{LAYER}/base/outputChannels"),
        ({"neuralNetwork.layers.0.base.name": 3}, f"{LAYER}/base/name"),
        ({"neuralNetwork.layers.0.base.input": ["x"]}, f"{LAYER}/base/input"),
        ({"neuralNetwork.layers.0.base.input": [None]}, f"{LAYER}/base/input/0"),
        ({"inputs.dense_input.shape": [0]}, "/inputs/dense_input/shape/0"),
        ({"version": "4"}, "/version"),
    ],
)
def test_spec_faults_point_into_the_document(changes: dict[str, Any], pointer: str) -> None:
    translation = from_swift(dense(changes))
    with pytest.raises(SpecError) as raised:
        resolve(translation.spec)
    assert pointer in {translation.original(fault.pointer) for fault in raised.value.faults}
