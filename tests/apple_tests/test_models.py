from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


def test_missing_or_invalid_file_does_not_compile(apple: SimpleNamespace, shared: Any, tmp_path: Path) -> None:
    (tmp_path / "not.mlmodel").write_bytes(b"\xff\xff")
    for name in ("missing.mlmodel", "not.mlmodel"):
        found, error = apple.CoreML.MLModel.compileModelAtURL_error_(shared.url(tmp_path / name), None)
        assert found is None
        assert (error.domain(), error.code()) == ("com.apple.CoreML", apple.CoreML.MLModelErrorIO)
        assert error.localizedDescription() in error.userInfo().values()


def test_only_a_compiled_folder_can_be_loaded_or_trained(
    apple: SimpleNamespace, shared: Any, where: Any, tmp_path: Path
) -> None:
    assert Path(where.path()).suffix == ".mlmodelc"
    (tmp_path / "empty.mlmodelc").mkdir()
    for path in (tmp_path / "small.mlmodel", tmp_path / "empty.mlmodelc", tmp_path / "gone.mlmodelc"):
        found, error = apple.CoreML.MLModel.modelWithContentsOfURL_error_(shared.url(path), None)
        assert found is None
        assert "Unable to load model" in error.localizedDescription()
        task, error = apple.CoreML.MLUpdateTask.updateTaskForModelAtURL_trainingData_completionHandler_error_(
            shared.url(path), shared.batch(), lambda _context: None, None
        )
        assert task is None
        assert error.code() == apple.CoreML.MLModelErrorIO


@pytest.mark.parametrize(("returns", "code"), [("float16", 65552), ("float32", 65568), ("float64", 65600)])
def test_weights_have_padded_strides_and_the_configured_type(
    apple: SimpleNamespace, model: Any, monkeypatch: pytest.MonkeyPatch, returns: str, code: int
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_RETURNS", returns)
    keys = apple.CoreML.MLParameterKey
    found, error = model.parameterValueForKey_error_(keys.weights().scopedTo_("dense"), None)
    assert error is None
    assert found.dataType() == code
    assert (list(found.shape()), list(found.strides())) == ([2, 3], [6, 1])
    assert found.objectForKeyedSubscript_([1, 2]) == pytest.approx(0.5, abs=1e-3)
    assert model.parameterValueForKey_error_(keys.learningRate(), None) == (pytest.approx(0.1), None)
    for wrong in (keys.weights(), keys.weights().scopedTo_("softmax"), keys.beta1()):
        found, error = model.parameterValueForKey_error_(wrong, None)
        assert found is None
        assert error.code() == apple.CoreML.MLModelErrorParameters


def test_transposed_layout_changes_the_shape_of_the_weights(
    apple: SimpleNamespace, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_LAYOUT", "transposed")
    key = apple.CoreML.MLParameterKey.weights().scopedTo_("dense")
    assert list(model.parameterValueForKey_error_(key, None)[0].shape()) == [3, 2]


def test_predictions_match_the_network(apple: SimpleNamespace, shared: Any, where: Any) -> None:
    configuration = apple.CoreML.MLModelConfiguration.alloc().init()
    model, _ = apple.CoreML.MLModel.modelWithContentsOfURL_configuration_error_(where, configuration, None)
    one, error = model.predictionFromFeatures_error_(shared.example(x=np.array([1, 2, 3], "f4")), None)
    assert error is None
    # The weights are 0, .1, .2 and .3, .4, .5: the logits are .8 and 2.6.
    found = one.featureValueForName_("y").multiArrayValue()
    assert found.objectAtIndexedSubscript_(1) == pytest.approx(1 / (1 + np.exp(-1.8)), rel=1e-6)
    several, error = model.predictionsFromBatch_error_(shared.batch(3), None)
    assert error is None
    assert several.count() == 3


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"x": np.zeros(4, "f4")}, "'x'"),
        ({"x": np.zeros(3, "i4")}, "'x'"),
        ({"z": np.zeros(3, "f4")}, "required but not specified"),
    ],
    ids=["another shape", "another type", "missing"],
)
def test_mismatching_feature_is_an_error(
    apple: SimpleNamespace, shared: Any, model: Any, features: dict[str, Any], message: str
) -> None:
    found, error = model.predictionFromFeatures_error_(shared.example(**features), None)
    assert found is None
    assert error.code() == apple.CoreML.MLModelErrorFeatureType
    assert message in error.localizedDescription()


def test_model_is_written_as_a_compiled_model(apple: SimpleNamespace, shared: Any, model: Any, tmp_path: Path) -> None:
    assert model.writeToURL_error_(shared.url(tmp_path / "kept.mlmodelc"), None) == (True, None)
    again, error = apple.CoreML.MLModel.modelWithContentsOfURL_error_(shared.url(tmp_path / "kept.mlmodelc"), None)
    assert error is None
    assert again.modelDescription().isUpdatable()
    written, error = model.writeToURL_error_(shared.url(tmp_path / "kept.mlmodel"), None)
    assert (written, error.code()) == (False, apple.CoreML.MLModelErrorIO)


def test_trained_model_is_written_and_predicts_the_same(
    apple: SimpleNamespace, shared: Any, where: Any, tmp_path: Path
) -> None:
    _, last = shared.train(where, shared.batch())
    trained, x = last.model(), shared.example(x=np.array([1, 2, 3], "f4"))
    assert trained.writeToURL_error_(shared.url(tmp_path / "kept.mlmodelc"), None) == (True, None)
    again, _ = apple.CoreML.MLModel.modelWithContentsOfURL_error_(shared.url(tmp_path / "kept.mlmodelc"), None)
    weights = apple.CoreML.MLParameterKey.weights().scopedTo_("dense")
    first, second = (model.parameterValueForKey_error_(weights, None)[0] for model in (trained, again))
    numbers = [[found.objectForKeyedSubscript_([i, j]) for i in (0, 1) for j in (0, 1, 2)] for found in (first, second)]
    assert numbers[0] == numbers[1] != pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    answers = [model.predictionFromFeatures_error_(x, None)[0].featureValueForName_("y") for model in (trained, again)]
    chances = [answer.multiArrayValue().objectAtIndexedSubscript_(0) for answer in answers]
    assert chances[0] == pytest.approx(chances[1], rel=1e-5)
