import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.apple_tests import small


def test_handlers_run_on_another_thread_with_the_events_metrics(
    apple: SimpleNamespace, shared: Any, where: Any
) -> None:
    seen: list[tuple[int, set[str]]] = []
    threads = set()

    def look(context: Any) -> None:
        seen.append((context.event(), {key.name() for key in context.metrics()}))
        threads.add(threading.get_ident())
        assert context.task().state() == apple.CoreML.MLTaskStateRunning

    task, last = shared.train(where, shared.batch(6), on_event=look, mask=7)
    of_batch = {"lossValue", "epochIndex", "miniBatchIndex"}
    of_epoch = [(4, of_batch), (4, of_batch), (2, {"lossValue", "epochIndex"})]
    assert seen == [(1, set()), *of_epoch, *of_epoch]
    assert threading.get_ident() not in threads
    assert (task.state(), task.error()) == (apple.CoreML.MLTaskStateCompleted, None)
    assert last.parameters()[apple.CoreML.MLParameterKey.epochs()] == 2


def test_epochs_alone_are_reported_on_request_and_their_loss_decreases(
    apple: SimpleNamespace, shared: Any, where: Any
) -> None:
    events: list[int] = []
    losses: list[float] = []

    def look(context: Any) -> None:
        events.append(context.event())
        losses.append(context.metrics()[apple.CoreML.MLMetricKey.lossValue()])

    shared.train(where, shared.batch(), {apple.CoreML.MLParameterKey.epochs(): 20}, on_event=look, mask=2)
    assert events == [2] * 20
    assert losses[-1] < losses[0] / 1.5


@pytest.mark.parametrize(
    ("name", "value"),
    [("learningRate", 2.0), ("epochs", 0), ("epochs", 1.5), ("miniBatchSize", 5), ("beta1", 0.9), ("seed", 1)],
)
def test_undeclared_or_disallowed_parameter_is_refused(
    apple: SimpleNamespace, shared: Any, name: str, value: float, where: Any
) -> None:
    configuration = apple.CoreML.MLModelConfiguration.alloc().init()
    configuration.setParameters_({getattr(apple.CoreML.MLParameterKey, name)(): value})
    make = apple.CoreML.MLUpdateTask.updateTaskForModelAtURL_trainingData_configuration_completionHandler_error_
    task, error = make(where, shared.batch(), configuration, lambda _context: None, None)
    assert task is None
    assert error.code() == apple.CoreML.MLModelErrorParameters
    assert name in error.localizedDescription()


def test_only_the_learning_rate_can_change_and_only_in_a_handler(
    apple: SimpleNamespace, shared: Any, where: Any
) -> None:
    keys = apple.CoreML.MLParameterKey
    refused: list[str] = []

    def change(context: Any) -> None:
        for key, value in ((keys.momentum(), 0.5), (keys.learningRate(), 3.0)):
            with pytest.raises(apple.objc.error) as raised:
                context.task().resumeWithParameters_({key: value})
            refused.append(str(raised.value))
        context.task().resumeWithParameters_({keys.learningRate(): 0.0})

    task, last = shared.train(where, shared.batch(), on_event=change, mask=1)
    assert "cannot be changed while the task runs" in refused[0]
    assert "not among those that the model allows" in refused[1]
    found, _ = last.model().parameterValueForKey_error_(keys.weights().scopedTo_("dense"), None)
    assert found.objectForKeyedSubscript_([1, 2]) == np.float32(0.5)
    with pytest.raises(apple.objc.error, match="outside of the task's own handler"):
        task.resumeWithParameters_({keys.learningRate(): 0.1})


def test_model_of_a_progress_handler_is_invalid_after_it(apple: SimpleNamespace, shared: Any, where: Any) -> None:
    key, lent = apple.CoreML.MLParameterKey.weights().scopedTo_("dense"), []

    def look(context: Any) -> None:
        lent.append(context.model())
        assert lent[-1].parameterValueForKey_error_(key, None)[1] is None

    _, last = shared.train(where, shared.batch(), on_event=look, mask=2)
    for model in lent:
        with pytest.raises(apple.inside("faults").Fault, match="after the handler returned"):
            model.parameterValueForKey_error_(key, None)
        with pytest.raises(apple.inside("faults").Fault, match="after the handler returned"):
            model.predictionsFromBatch_error_(shared.batch(), None)
    assert last.model().parameterValueForKey_error_(key, None)[1] is None


@pytest.mark.parametrize("knob", ["silent", "completes"])
def test_cancelled_task_completes_only_when_configured(
    apple: SimpleNamespace, shared: Any, monkeypatch: pytest.MonkeyPatch, knob: str, where: Any
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_CANCELLED", knob)
    called: list[str] = []

    def progressed(context: Any) -> None:
        called.append("progressed")
        context.task().cancel()

    def completed(_context: Any) -> None:
        called.append("completed")

    handlers = apple.CoreML.MLUpdateProgressHandlers.alloc(
    ).initForEvents_progressHandler_completionHandler_(1, progressed, completed)  # fmt: skip
    data = shared.batch()
    task, _ = apple.CoreML.MLUpdateTask.updateTaskForModelAtURL_trainingData_progressHandlers_error_(
        where, data, handlers, None
    )
    assert task.state() == apple.CoreML.MLTaskStateSuspended
    before = set(threading.enumerate())
    task.resume()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
    assert called == (["progressed"] if knob == "silent" else ["progressed", "completed"])
    assert task.state() == apple.CoreML.MLTaskStateCancelling


@pytest.mark.parametrize("step", ["begin", "epoch", "completion"])
def test_failure_is_passed_to_the_completion_handler(
    apple: SimpleNamespace, shared: Any, where: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("APPLE_STANDIN_FAIL", step)
    task, last = shared.train(where, shared.batch())
    assert last.task().state() == apple.CoreML.MLTaskStateFailed
    assert task.error().code() == apple.CoreML.MLModelErrorUpdate


def test_mismatching_example_fails_the_task(apple: SimpleNamespace, shared: Any, where: Any) -> None:
    rows = [shared.example(x=np.zeros(3, "f4"), t=np.zeros(1, "f4"))]
    data = apple.CoreML.MLArrayBatchProvider.alloc().initWithFeatureProviderArray_(rows)
    task, _ = shared.train(where, data)
    assert task.error().code() == apple.CoreML.MLModelErrorFeatureType


def _with_lstm(model: Any) -> None:
    layer = model.neuralNetwork.layers.add(name="lstm", input=["x"], output=["unused"])
    layer.uniDirectionalLSTM.inputVectorSize = 3


def _with_batchnorm(model: Any) -> None:
    layers = model.neuralNetwork.layers
    layers[0].output[0] = "raw"
    layer = layers.add(name="norm", input=["raw"], output=["logits"])
    layer.batchnorm.channels = 2
    for name, values in (("gamma", [1, 1]), ("beta", [0, 0]), ("mean", [0, 0]), ("variance", [1, 1])):
        getattr(layer.batchnorm, name).floatValue[:] = values
    softmax = layers[1]
    moved = type(softmax)()
    moved.CopyFrom(softmax)
    del layers[1]
    layers.append(moved)


@pytest.mark.parametrize(("change", "message"), [(_with_lstm, "LSTM"), (_with_batchnorm, "inference mode batchnorm")])
def test_untrainable_layers_compile_and_fail_the_task(
    apple: SimpleNamespace, shared: Any, tmp_path: Path, change: Any, message: str
) -> None:
    model = small.classifier()
    change(model)
    task, _ = shared.train(shared.compiled(model, tmp_path), shared.batch())
    assert task.state() == apple.CoreML.MLTaskStateFailed
    assert message in task.error().localizedDescription()


def test_five_argument_constructor_is_repaired_by_metadata(
    apple: SimpleNamespace, shared: Any, monkeypatch: pytest.MonkeyPatch, where: Any
) -> None:
    # What a program registers stays for the whole process.
    monkeypatch.setattr(apple.inside("metadata"), "_registered", {})
    monkeypatch.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "raises")
    with pytest.raises(TypeError, match="is not callable"):
        shared.train(where, shared.batch())
    apple.objc.registerMetaDataForSelector(
        b"MLUpdateTask",
        b"updateTaskForModelAtURL:trainingData:configuration:progressHandlers:error:",
        {"arguments": {5: {"type": b"@"}, 6: {"type_modifier": b"o"}}},
    )
    task, _ = shared.train(where, shared.batch())
    assert task.error() is None
    monkeypatch.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "always_raises")
    with pytest.raises(TypeError, match="is not callable"):
        shared.train(where, shared.batch())


@pytest.mark.parametrize("step", ["compile", "task", "read", "write", "predict"])
def test_configured_call_fails_with_an_error(  # noqa: PLR0917 - fixtures
    apple: SimpleNamespace,
    shared: Any,
    where: Any,
    model: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    models, file = apple.CoreML.MLModel, shared.url(tmp_path / "small.mlmodel")
    data, key = shared.batch(), apple.CoreML.MLParameterKey.weights().scopedTo_("dense")
    make = apple.CoreML.MLUpdateTask.updateTaskForModelAtURL_trainingData_completionHandler_error_
    calls: dict[str, Callable[[], tuple[object, object]]] = {
        "compile": lambda: models.compileModelAtURL_error_(file, None),
        "task": lambda: make(where, data, lambda _context: None, None),
        "read": lambda: model.parameterValueForKey_error_(key, None),
        "write": lambda: model.writeToURL_error_(shared.url(tmp_path / "kept.mlmodelc"), None),
        "predict": lambda: model.predictionsFromBatch_error_(data, None),
    }
    monkeypatch.setenv("APPLE_STANDIN_FAIL", step)
    for name, call in calls.items():
        found, error = call()
        assert (error is not None) == (name == step)
        assert bool(found) != (name == step)


def test_non_finite_loss_is_reported_unchanged(apple: SimpleNamespace, shared: Any, tmp_path: Path) -> None:
    model = small.new_model([3], 3)
    small.dense(model.neuralNetwork, "dense", "x", "y", np.ones((3, 3)))
    model = small.with_sgd(small.regressing(model, 3))
    model.neuralNetwork.updateParams.optimizer.sgdOptimizer.learningRate.ClearField("range")
    keys, losses = apple.CoreML.MLParameterKey, []

    def look(context: Any) -> None:
        losses.append(context.metrics()[apple.CoreML.MLMetricKey.lossValue()])

    data = shared.batch(target=np.ones((8, 3), "f4"))
    shared.train(
        shared.compiled(model, tmp_path), data, {keys.learningRate(): 1e30, keys.epochs(): 9}, on_event=look, mask=2
    )
    assert not np.isfinite(losses[-1])
