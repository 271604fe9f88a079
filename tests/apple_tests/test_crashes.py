import signal
import subprocess
from collections.abc import Callable

import pytest

# Whole processes take their time.
pytestmark = pytest.mark.full


Run = Callable[..., "subprocess.CompletedProcess[str]"]

TASK = """
where, data = compiled(small.classifier(), Path(sys.argv[1])), batch()
configuration = CoreML.MLModelConfiguration.alloc().init()
begun, done, go_on = threading.Event(), threading.Event(), threading.Event()

def progressed(context):
    begun.set()
    go_on.wait(30)

def completed(context):
    done.set()

handlers = CoreML.MLUpdateProgressHandlers.alloc().initForEvents_progressHandler_completionHandler_(
    3, progressed, completed
)
task, error = CoreML.MLUpdateTask.updateTaskForModelAtURL_trainingData_configuration_progressHandlers_error_(
    where, data, configuration, handlers, None
)
assert error is None
task.resume()
assert begun.wait(30)
"""
END = """
go_on.set()
assert done.wait(30)
print("trained")
"""

PROVIDER = """
class Rows(NSObject, protocols=[objc.protocolNamed("MLBatchProvider")]):
    def count(self):
        return 4

    def featuresAtIndex_(self, index):
        BODY

data = Rows.alloc().init()
train(compiled(small.classifier(), Path(sys.argv[1])), data)
"""


def _assert_aborted(done: "subprocess.CompletedProcess[str]", message: str) -> None:
    assert done.returncode == -signal.SIGABRT, done.stderr
    assert message in done.stderr


def test_training_succeeds_while_references_are_held(run_script: Run, tmp_path: object) -> None:
    done = run_script(TASK + END, str(tmp_path))
    assert done.stdout == "trained\n", done.stderr


@pytest.mark.parametrize(
    ("dropped", "message"),
    [
        ("handlers", "has lost the handlers"),
        ("data", "has lost the training data"),
        ("completed", "has lost a handler"),
        ("task", "has lost its own object"),
    ],
)
def test_dropped_reference_aborts_the_process(run_script: Run, tmp_path: object, dropped: str, message: str) -> None:
    _assert_aborted(run_script(TASK + f"del {dropped}\n" + END, str(tmp_path)), message)


def test_float_one_hot_target_aborts_the_process(run_script: Run, tmp_path: object) -> None:
    script = """
model = small.new_model([3], 2)
small.dense(model.neuralNetwork, "dense", "x", "logits", np.ones((2, 3)))
model = small.with_sgd(small.classifying(model, "logits", ([2], small.FLOAT32)))
train(compiled(model, Path(sys.argv[1])), batch(target=np.zeros((8, 2), "f4")))
"""
    _assert_aborted(run_script(script, str(tmp_path)), "BNNS error")


def test_handler_that_raises_aborts_the_process(run_script: Run, tmp_path: object) -> None:
    script = "train(compiled(small.classifier(), Path(sys.argv[1])), batch(), on_event=lambda context: 1 / 0)"
    _assert_aborted(run_script(script, str(tmp_path)), "a handler raised")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return {'x': 1}", "is no MLFeatureProvider"),
        ("raise OSError('gone')", "gone"),
        ("return example(x=np.zeros(3, 'f4'), t=over(np.zeros(1, 'i4')))", "was freed"),
    ],
)
def test_failing_batch_provider_aborts_the_process(run_script: Run, tmp_path: object, body: str, message: str) -> None:
    over = """
def over(values):
    made, error = CoreML.MLMultiArray.alloc().initWithDataPointer_shape_dataType_strides_deallocator_error_(
        values, list(values.shape), CoreML.MLMultiArrayDataTypeInt32, [1], None, None
    )
    return CoreML.MLFeatureValue.featureValueWithMultiArray_(made)

plain, array = array, None
def example(x, t):
    return CoreML.MLDictionaryFeatureProvider.alloc().initWithDictionary_error_({"x": plain(x), "t": t}, None)[0]
"""
    _assert_aborted(run_script(over + PROVIDER.replace("BODY", body), str(tmp_path)), message)
