"""MLUpdateTask, its handlers and its contexts. A task keeps nothing of Python's alive: its maker must."""

import inspect
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from apple_standin import compiled, metadata
from apple_standin.bridge import class_method, error, method
from apple_standin.errors import CoreMLError, fail_if_asked, reporting_errors
from apple_standin.faults import crash
from apple_standin.features import is_batch
from apple_standin.keys import MLMetricKey, MLParameterKey
from apple_standin.knobs import knob
from apple_standin.models import is_configuration, is_url, loaded
from apple_standin.objects import NSDictionary, NSObject, is_int, number
from apple_standin.parameters import chosen, chosen_arrays, is_parameters
from apple_standin.training import BEGIN, EPOCH_END, MINI_BATCH_END, Training

SUSPENDED, RUNNING, CANCELLING, COMPLETED, FAILED = 1, 2, 3, 4, 5


def _takes_context(value: object) -> bool:
    """A callable of one argument, as the block's signature has it."""
    if not callable(value):
        return False
    try:
        inspect.signature(value).bind(None)
    except TypeError:
        return False
    return True


def _weakly(function: Any) -> Callable[[], Any]:
    if inspect.ismethod(function):
        return weakref.WeakMethod(function)
    return weakref.ref(function)


class MLUpdateProgressHandlers(NSObject):
    __slots__ = ("_completed", "_mask", "_progressed")

    @method(
        lambda mask: is_int(mask) and 0 <= mask <= BEGIN | EPOCH_END | MINI_BATCH_END,
        lambda value: value is None or _takes_context(value),
        _takes_context,
    )
    def initForEvents_progressHandler_completionHandler_(self, mask: int, progressed: Any, completed: Any) -> Any:
        self._mask, self._initialised = int(mask), True
        self._progressed = None if progressed is None else _weakly(progressed)
        self._completed = _weakly(completed)
        return self


class MLUpdateContext(NSObject):
    __slots__ = ("_event", "_lent", "_metrics", "_model", "_parameters", "_task", "_weights")

    @method()
    def task(self) -> Any:
        return self._task

    @method()
    def model(self) -> Any:
        made = loaded(self._model, self._weights)
        self._lent.append(made)
        return made

    @method()
    def event(self) -> int:
        return int(self._event)

    @method()
    def metrics(self) -> Any:
        return NSDictionary._made(
            items={MLMetricKey._made(name=name, scope=None): number(value) for name, value in self._metrics.items()}
        )

    @method()
    def parameters(self) -> Any:
        return NSDictionary._made(
            items={
                MLParameterKey._made(name=name, scope=None): number(value) for name, value in self._parameters.items()
            }
        )


class MLTask(NSObject):
    __slots__ = ()


class MLUpdateTask(MLTask):
    __slots__ = ("_data", "_error", "_handlers", "_in_handler", "_state", "_training")
    _state: int

    @class_method(is_url, is_batch, is_configuration, lambda value: isinstance(value, MLUpdateProgressHandlers))
    def updateTaskForModelAtURL_trainingData_configuration_progressHandlers_error_(
        cls, url: Any, data: Any, configuration: Any, handlers: Any
    ) -> Any:
        how = knob("FIVE_ARGUMENTS")
        if how == "always_raises" or (how == "raises" and not _corrected()):
            raise TypeError("Object of type MLUpdateProgressHandlers is not callable")
        if how == "error":
            return None, CoreMLError("Update", "the stand-in was asked to refuse the five arguments").ns_error()
        return _task(cls, url, data, configuration._parameters, handlers)

    @class_method(is_url, is_batch, lambda value: isinstance(value, MLUpdateProgressHandlers))
    def updateTaskForModelAtURL_trainingData_progressHandlers_error_(cls, url: Any, data: Any, handlers: Any) -> Any:
        return _task(cls, url, data, None, handlers)

    @class_method(is_url, is_batch, is_configuration, _takes_context)
    def updateTaskForModelAtURL_trainingData_configuration_completionHandler_error_(
        cls, url: Any, data: Any, configuration: Any, completed: Any
    ) -> Any:
        return _task(cls, url, data, configuration._parameters, completed)

    @class_method(is_url, is_batch, _takes_context)
    def updateTaskForModelAtURL_trainingData_completionHandler_error_(cls, url: Any, data: Any, completed: Any) -> Any:
        return _task(cls, url, data, None, completed)

    @method()
    def resume(self) -> None:
        if self._state == SUSPENDED:
            self._state = RUNNING
            # The thread holds the training, and not the task: a running task ends with its last reference.
            threading.Thread(
                target=_run, args=(weakref.ref(self), self._training), name="com.apple.coreml.update", daemon=True
            ).start()

    @method(is_parameters)
    def resumeWithParameters_(self, parameters: Any) -> None:
        if self._in_handler != threading.get_ident():
            raise error("NSInternalInconsistencyException - resumeWithParameters: outside of the task's own handler")
        for key in parameters:
            if key._name != "learningRate":
                raise error(f"NSInvalidArgumentException - {key!r} cannot be changed while the task runs")
        try:
            self._training.values["learningRate"] = chosen(self._training.model, parameters)["learningRate"]
        except CoreMLError as refused:
            raise error(f"NSInvalidArgumentException - {refused.message}") from None

    @method()
    def cancel(self) -> None:
        if self._state in (SUSPENDED, RUNNING):
            self._state = CANCELLING

    @method()
    def state(self) -> int:
        return int(self._state)

    @method()
    def error(self) -> Any:
        return self._error


def _corrected() -> bool:
    """Has the program registered the constructor anew, with no block where the handlers stand?"""
    selector = "updateTaskForModelAtURL:trainingData:configuration:progressHandlers:error:"
    given = metadata.registered("MLUpdateTask", selector)
    return given is not None and "callable" not in given.get("arguments", {}).get(5, {})


@reporting_errors()
def _task(cls: Any, url: Any, data: Any, parameters: Any, handlers: Any) -> Any:
    fail_if_asked("task", "Update")
    model = compiled.read(url)
    training = Training(model, chosen(model, parameters), chosen_arrays(parameters))
    return cls._made(
        training=training, data=weakref.ref(data), handlers=_weakly(handlers), state=SUSPENDED,
        error=None, in_handler=None,
    )  # fmt: skip


def _alive(reference: Callable[[], Any], what: str) -> Any:
    found = reference()
    if found is None:
        crash(f"a running MLUpdateTask has lost {what}: its references keep nothing alive")
    return found


def _run(task: Callable[[], Any], training: Training) -> None:
    """On a thread of Core ML's own."""

    def data() -> Any:
        return _alive(_alive(task, "its own object")._data, "the training data")

    def report(event: int, metrics: dict[str, Any]) -> bool:
        running = _alive(task, "its own object")
        handlers = _alive(running._handlers, "the handlers")
        if running._state == RUNNING and isinstance(handlers, MLUpdateProgressHandlers) and handlers._mask & event:
            _call(running, handlers._progressed, event, metrics)
        _after(event, metrics)
        return bool(running._state == RUNNING)

    try:
        if not training.run(data, report):
            _let_go(_alive(task, "its own object"))
            return
        fail_if_asked("completion", "Update")
    except CoreMLError as failed:
        _finish(_alive(task, "its own object"), FAILED, failed.ns_error())
    except Exception as fault:  # noqa: BLE001  # a `Fault`, or one of the stand-in's own: no caller waits for this thread
        crash("Core ML's own thread met a fault that no caller can catch", fault)
    else:
        _finish(_alive(task, "its own object"), COMPLETED, None)


def _after(event: int, metrics: dict[str, Any]) -> None:
    if event == BEGIN:
        fail_if_asked("begin", "Update")
    elif event == MINI_BATCH_END:
        time.sleep(float(knob("BATCH_DELAY")))
    else:
        time.sleep(float(knob("EPOCH_DELAY")))
        if metrics["epochIndex"] == int(knob("FAIL_EPOCH")):
            fail_if_asked("epoch", "Update")


def _let_go(task: Any) -> None:
    """What becomes of a task that was cancelled."""
    if knob("CANCELLED") == "completes":
        _finish(task, CANCELLING, None)


def _finish(task: Any, state: int, failure: Any) -> None:
    if task._state not in (RUNNING, state):
        return
    task._error, task._state = failure, state
    handlers = _alive(task._handlers, "the handlers")
    if isinstance(handlers, MLUpdateProgressHandlers):
        _call(task, handlers._completed, 0, {})
    else:
        _call(task, task._handlers, 0, {})


def _call(task: Any, handler: Any, event: int, metrics: dict[str, Any]) -> None:
    """A handler, while the task waits."""
    if handler is None:
        return
    function = _alive(handler, "a handler")
    training = task._training
    context = MLUpdateContext._made(
        task=task, event=event, metrics=metrics, model=training.model, weights=training.weights,
        parameters=dict(training.values), lent=[],
    )  # fmt: skip
    task._in_handler = threading.get_ident()
    try:
        returned = function(context)
    except BaseException as raised:  # noqa: BLE001  # whatever Python raised
        crash("a handler raised on Core ML's queue", raised)
    finally:
        task._in_handler = None
    if event:
        for model in context._lent:
            model._lapsed = True
    if returned is not None:
        crash(f"a handler returned {returned!r}: its block returns nothing")
