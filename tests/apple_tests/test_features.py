from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.apple_tests import small


def _classifier(labels: list[Any]) -> Any:
    """`small.classifier()` with labels of its own."""
    model, plain = small.classifier(), small.classifier().neuralNetwork
    kind = "stringClassLabels" if isinstance(labels[0], str) else "int64ClassLabels"
    named = model.neuralNetworkClassifier
    named.layers.extend(plain.layers)
    named.updateParams.CopyFrom(plain.updateParams)
    getattr(named, kind).vector[:] = labels
    named.labelProbabilityLayerName = "y"
    model.description.predictedFeatureName, model.description.predictedProbabilitiesName = "label", "chances"
    del model.description.output[:]
    label, chances = model.description.output.add(name="label"), model.description.output.add(name="chances")
    plain_type = "stringType" if isinstance(labels[0], str) else "int64Type"
    getattr(label.type, plain_type).SetInParent()
    getattr(chances.type.dictionaryType, plain_type.replace("Type", "KeyType")).SetInParent()
    model.description.trainingInput[1].name = "label"
    getattr(model.description.trainingInput[1].type, plain_type).SetInParent()
    return model


@pytest.mark.parametrize(("labels", "code"), [(["no", "yes"], 3), ([10, 20], 1)])
def test_classifier_trains_on_labels_and_predicts_them(
    apple: SimpleNamespace, shared: Any, tmp_path: Path, labels: list[Any], code: int
) -> None:
    values = apple.CoreML.MLFeatureValue
    make = values.featureValueWithString_ if isinstance(labels[0], str) else values.featureValueWithInt64_
    numbers = np.random.default_rng(0).normal(size=(40, 3)).astype("f4")

    def rows(named: list[Any]) -> Any:
        made = [
            apple.CoreML.MLDictionaryFeatureProvider.alloc().initWithDictionary_error_(
                {"x": shared.array(x), "label": make(named[int(x[0] > 0)])}, None
            )[0]
            for x in numbers
        ]
        return apple.CoreML.MLArrayBatchProvider.alloc().initWithFeatureProviderArray_(made)

    where = shared.compiled(_classifier(labels), tmp_path)
    task, last = shared.train(where, rows(labels), {apple.CoreML.MLParameterKey.epochs(): 50})
    assert task.error() is None
    answer, error = last.model().predictionFromFeatures_error_(shared.example(x=np.array([4, 0, 0], "f4")), None)
    assert error is None
    label = answer.featureValueForName_("label")
    assert label.type() == code
    assert (label.stringValue() if code == 3 else label.int64Value()) == labels[1]
    chances = answer.featureValueForName_("chances").dictionaryValue()
    assert chances[labels[1]] > 0.8
    assert sum(chances.values()) == pytest.approx(1)
    wrong = rows([labels[0], "maybe" if code == 3 else 30])
    task, _ = shared.train(where, wrong)
    assert "is none of the classes" in task.error().localizedDescription()


def _first_channel_model(color: int) -> Any:
    """A model on an image of 2 by 1, scaled by 2, with weights on the first colour plane only."""
    model = small.new_model([1], 1)
    channels = 1 if color == 10 else 3
    for features in (model.description.input, model.description.trainingInput):
        image = features[0].type.imageType
        image.width, image.height, image.colorSpace = 2, 1, color
    scaler = model.neuralNetwork.preprocessing.add(featureName="x").scaler
    scaler.channelScale, scaler.grayBias, scaler.redBias = 2.0, 1.0, 1.0
    weights = np.zeros((1, 2 * channels))
    weights[0, 0] = 1.0
    small.dense(model.neuralNetwork, "dense", "x", "y", weights)
    return small.with_sgd(small.regressing(model, 1))


@pytest.mark.parametrize(("color", "kind"), [(10, "L"), (20, "BGRA"), (30, "BGRA"), (20, "ARGB")])
def test_image_is_read_in_the_declared_channel_order(
    apple: SimpleNamespace, shared: Any, tmp_path: Path, color: int, kind: str
) -> None:
    quartz = apple.Quartz
    formats = {
        "L": quartz.kCVPixelFormatType_OneComponent8,
        "BGRA": quartz.kCVPixelFormatType_32BGRA,
        "ARGB": quartz.kCVPixelFormatType_32ARGB,
    }
    first = {10: "L", 20: "R", 30: "B"}[color]
    # A row is longer than its pixels, as Core Video's often are.
    pixels = np.full(2 * len(kind) + 5, 99, np.uint8)
    pixels[kind.index(first)] = 7
    status, buffer = quartz.CVPixelBufferCreateWithBytes(
        None, 2, 1, formats[kind], pixels, len(pixels), None, None, None, None
    )
    assert status == quartz.kCVReturnSuccess
    features = {"x": apple.CoreML.MLFeatureValue.featureValueWithPixelBuffer_(buffer)}
    example, _ = apple.CoreML.MLDictionaryFeatureProvider.alloc().initWithDictionary_error_(features, None)
    model, _ = apple.CoreML.MLModel.modelWithContentsOfURL_error_(
        shared.compiled(_first_channel_model(color), tmp_path), None
    )
    answer, error = model.predictionFromFeatures_error_(example, None)
    assert error is None, error
    bias = 0 if color == 30 else 1
    assert answer.featureValueForName_("y").multiArrayValue().objectAtIndexedSubscript_(0) == 14 + bias
    del pixels
    with pytest.raises(apple.inside("faults").Fault, match="was freed"):
        model.predictionFromFeatures_error_(example, None)


def test_pixel_buffer_larger_than_its_bytes_is_refused(apple: SimpleNamespace) -> None:
    pixels = np.zeros(7, np.uint8)
    made = apple.Quartz.CVPixelBufferCreateWithBytes(
        None, 2, 1, apple.Quartz.kCVPixelFormatType_32BGRA, pixels, 8, None, None, None, None
    )
    assert made == (-6661, None)
