"""Helpers for scripts that run the stand-in in a separate process, and for tests in this process."""

import sys
import threading
from pathlib import Path
from typing import Any

import CoreML
import numpy as np
import objc
from Foundation import NSURL, NSObject

from tests.apple_tests import small

__all__ = [
    "NSURL",
    "CoreML",
    "NSObject",
    "Path",
    "array",
    "batch",
    "compiled",
    "example",
    "np",
    "objc",
    "small",
    "sys",
    "threading",
    "train",
    "url",
]  # fmt: skip


def url(path: Path | str) -> Any:
    return NSURL.fileURLWithPath_(str(path))


def compiled(model: Any, folder: Path) -> Any:
    """The URL of the compiled model."""
    (folder / "small.mlmodel").write_bytes(model.SerializeToString())
    found, error = CoreML.MLModel.compileModelAtURL_error_(url(folder / "small.mlmodel"), None)
    assert error is None, error
    return found


def array(values: Any) -> Any:
    """A feature value with the values' own shape and type."""
    code = {"f4": CoreML.MLMultiArrayDataTypeFloat32, "i4": CoreML.MLMultiArrayDataTypeInt32}[values.dtype.str[1:]]
    made, error = CoreML.MLMultiArray.alloc().initWithShape_dataType_error_(list(values.shape), code, None)
    assert error is None, error
    np.frombuffer(made.dataPointer().as_buffer(values.nbytes), values.dtype)[:] = values.reshape(-1)
    return CoreML.MLFeatureValue.featureValueWithMultiArray_(made)


def example(**features: Any) -> Any:
    values = {name: array(value) for name, value in features.items()}
    return CoreML.MLDictionaryFeatureProvider.alloc().initWithDictionary_error_(values, None)[0]


def batch(count: int = 8, target: Any = None) -> Any:
    """Examples of `small.classifier()`: the class is the sign of the first number."""
    x = np.random.default_rng(0).normal(size=(count, 3)).astype("f4")
    labels = (x[:, :1] > 0).astype("i4") if target is None else target
    rows = [example(x=x[row], t=labels[row]) for row in range(count)]
    return CoreML.MLArrayBatchProvider.alloc().initWithFeatureProviderArray_(rows)


def train(where: Any, data: Any, parameters: Any = None, on_event: Any = None, mask: int = 3) -> Any:
    """Train to the end. Returns the task and the last context."""
    done, last = threading.Event(), []

    def progressed(context: Any) -> None:
        if on_event is not None:
            on_event(context)

    def completed(context: Any) -> None:
        last.append(context)
        done.set()

    configuration = CoreML.MLModelConfiguration.alloc().init()
    configuration.setParameters_(parameters)
    handlers = CoreML.MLUpdateProgressHandlers.alloc().initForEvents_progressHandler_completionHandler_(
        mask, progressed, completed
    )
    task, error = CoreML.MLUpdateTask.updateTaskForModelAtURL_trainingData_configuration_progressHandlers_error_(
        where, data, configuration, handlers, None
    )
    assert error is None, error
    task.resume()
    assert done.wait(60)
    return task, last[0]
