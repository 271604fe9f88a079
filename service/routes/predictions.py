"""Predictions and evaluations of trained models."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast

import anyio
from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool

from pippin.api.jobs import Artifact
from pippin.api.predictions import Evaluation, EvaluationReport, EvaluationRequest, Prediction
from pippin.api.problems import ErrorItem
from pippin.datasets.examples import TrainingRows
from pippin.datasets.picture_decoding import BACKGROUND_PATTERN
from pippin.documents.errors import MalformedDocumentError
from pippin.errors import Fault, FaultyDocumentError
from pippin.models.spec.explain import parse
from service.http import schemas
from service.http.bodies import LimitedRequest
from service.http.media_types import is_json, media_type, unsupported
from service.http.route_classes import JsonRoute
from service.http.uploads import spooled
from service.jobs.evaluation import EvaluatedRows
from service.jobs.training_history import trained_labels
from service.problems import Problem, invalid_request, malformed, responses
from service.routes.artifacts import artifact_of
from service.sandbox import Answer, Sandbox, SandboxError, TaskRefused
from service.security.access import requires
from service.services import ExistingJob, Tenant, TheServices
from service.work_folders import work_folder

router = APIRouter(tags=["jobs"], route_class=JsonRoute)

# The first bytes of a picture determine its format. Generated clients send it as bytes without a format.
PICTURES = ("image/png", "image/jpeg", "image/x-portable-graymap", "application/octet-stream")

# A user waits for a prediction. Thousands of digits take less than a second.
_PREDICT_SECONDS = 30.0
# The benchmarks' MNIST network (585,958 parameters) took 0.9 s for 2,000 digits on one busy core, so half a minute for
# all of MNIST.
_EVALUATE_SECONDS = 300.0
# As long as the preceding evaluation may take.
_WAIT_SECONDS = 300.0
# In addition to the model: a body of 32 MiB parsed as JSON takes half of it, the arrays of one batch the rest.
_WORKING_BYTES = 2**30
# The file's bytes, the message parsed from them and the arrays make 3; 4-bit weights grow to 8 times their size.
_TIMES_THE_FILE = 8

# A thread of its own: the threads that all other requests share must not wait for the sandbox.
_evaluation_thread = anyio.CapacityLimiter(1)

_PREDICT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "additionalProperties": False,
                    "properties": {
                        "inputs": {
                            "type": "object",
                            "description": "Numbers by input name, nested as the model declares them, examples first; "
                            "a single example may omit the first level. Arrays scaled as for the training, images "
                            "as pixels 0 to 255.",
                        }
                    },
                },
                "example": {"inputs": {"size": [[10.0, 2.0], [4.0, 1.5]]}},
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}},
        },
    }
}


@router.post(
    "/jobs/{job_id}/predict",
    response_model=Prediction,
    operation_id="predict",
    summary="Predict with a trained model",
    response_description="The prediction.",
    responses=responses(400, 404, 409, "ambiguous-name", 413, 415, 422, 503),
    openapi_extra=_PREDICT_BODY,
    dependencies=[requires("read")],
)
async def predict(
    *,
    request: Request,
    job: ExistingJob,
    tenant: Tenant,
    services: TheServices,
    top: Annotated[int, Query(ge=1, le=1000, description="Number of most probable classes to return.")] = 5,
    background: Annotated[
        str | None,
        Query(
            pattern=BACKGROUND_PATTERN,
            description="Pictures: background of transparent pixels: white, black or a color such as `ff8000`. "
            "Default: white.",
        ),
    ] = None,
) -> Response:
    """Returns the predictions of the trained model for examples as JSON, or for one picture.

    A picture is the body itself, in PNG, JPEG or PGM; its media type may also name the format. It is turned upright,
    put on a background where it is transparent, and resized and scaled to fit the model.
    """
    if not is_json(request) and media_type(request) not in PICTURES:
        raise unsupported(request, "application/json", *PICTURES)
    if background is not None and is_json(request):
        raise invalid_request(
            [ErrorItem(parameter="background", detail="it applies to pictures; JSON contains numbers")]
        )
    async with contextmanager_in_threadpool(work_folder(services.settings)) as folder:
        body = await spooled(request, folder / "body", services.settings.max_body_bytes)
        if not body.bytes:
            raise malformed('it is empty; needs JSON, {"inputs": {…}}, or a picture')
        model = artifact_of(job, "trained")

        def ask() -> Answer:
            arguments = {
                "picture": not is_json(request),
                "dataset_labels": trained_labels(job, tenant, services.store),
                "top": top,
                "background": background,
            }
            task = _Task(services.sandbox, "predict", arguments, _PREDICT_SECONDS, model)
            return services.cache.open(model.digest, lambda path: task.run(path=path, body=body.path))

        with _json_faults():
            prediction = await services.workload.run(services.workload.predictions, tenant, ask)
    return Response(prediction.attachment, media_type="application/json")


@router.post(
    "/jobs/{job_id}/evaluate",
    operation_id="evaluate",
    summary="Evaluate a trained model",
    response_description="The evaluation.",
    responses=responses(400, 404, 409, "ambiguous-name", 413, 415, 422, 503),
    openapi_extra=schemas.body(EvaluationRequest),
    dependencies=[requires("submit")],
)
async def evaluate(
    *,
    request: Request,
    document: Annotated[object, Body()],
    job: ExistingJob,
    tenant: Tenant,
    services: TheServices,
) -> EvaluationReport:
    """Returns loss, accuracy, confusion and worst mistakes of the trained model on a split of any dataset that fits it.

    The answer contains which rows were measured, and how many of them the model was trained on. The service runs one
    evaluation at a time.
    """
    request_body = parse(EvaluationRequest, document)
    # An evaluation takes minutes, in which its body would keep other requests waiting for memory.
    await cast("LimitedRequest", request).release()
    model = artifact_of(job, "trained")
    measured = await run_in_threadpool(EvaluatedRows.of, request_body, job, tenant, services.store)
    manifest = measured.manifest
    own = job.request.dataset
    arguments = {
        "manifest": measured.manifest_of_split.model_dump(mode="json"),
        "dataset": {
            "id": manifest.id,
            "train": measured.split,
            "bind": request_body.bind or (own.bind if manifest.digest == own.digest else None),
        },
        "part": measured.part,
        "own": TrainingRows.of(job.request).model_dump() if measured.is_own_split else None,
        "trained": [each.model_dump() for each in measured.trainings],
        "most": request_body.max_examples,
        "trained_labels": await run_in_threadpool(trained_labels, job, tenant, services.store),
    }

    task = _Task(services.sandbox, "evaluate", arguments, _EVALUATE_SECONDS, model)

    def measure() -> Answer:
        return services.cache.open(
            model.digest,
            lambda path: services.cache.open(manifest.digest, lambda arrays: task.run(path=path, arrays=arrays)),
        )

    async with exclusively(services.evaluations):
        began = time.perf_counter()
        with _dataset_faults():
            answer = await anyio.to_thread.run_sync(measure, limiter=_evaluation_thread)
        seconds = time.perf_counter() - began
    evaluation = Evaluation.model_validate(answer.document["evaluation"])
    seen = measured.seen(answer.document["seen"])
    return EvaluationReport(
        **dict(evaluation),
        dataset=manifest.id,
        split=measured.split,
        part=measured.part,
        seen_in_training=seen,
        notice=measured.notice(seen, evaluation.examples),
        seconds=round(seconds, 3),
    )


@dataclass(frozen=True)
class _Task:
    """A task for the sandbox.

    Attributes:
        arguments: All arguments but the files.
        model: The model; its size determines the memory limit.
    """

    sandbox: Sandbox
    name: str
    arguments: Mapping[str, object]
    seconds: float
    model: Artifact

    def run(self, **files: Path) -> Answer:
        """Run the task on these files.

        Raises:
            TaskRefused: As the sandbox does.
            FaultyDocumentError: The task takes too much time or memory, or crashes.
            FileNotFoundError: The cache removed a file before it was read.
            SandboxError: This machine is the cause.
        """
        memory = _WORKING_BYTES + _TIMES_THE_FILE * self.model.bytes
        arguments = {**self.arguments, **{name: str(path) for name, path in files.items()}}
        try:
            return self.sandbox.run(self.name, arguments, seconds=self.seconds, memory_bytes=memory)
        except SandboxError as error:
            if error.why == "unavailable":
                raise
            # The cache may have removed a file before the child opened it; on FileNotFoundError it fetches it again.
            for path in files.values():
                path.stat()
            raise FaultyDocumentError("too much", [Fault("", self._detail(error.why, memory))]) from error

    def _detail(self, why: str, memory: int) -> str:
        match why:
            case "too_slow":
                return f"this took more than the {self.seconds:g} s allowed; needs fewer examples or a smaller model"
            case "too_large":
                return (
                    f"this took more than the {memory / 2**30:.1f} GiB of memory allowed, or its result is too "
                    "large to send; needs fewer examples, or a model with smaller outputs"
                )
        return "this ended the process that computed it: Pippin cannot compute this model"


@contextmanager
def _json_faults() -> Iterator[None]:
    """Answer 400 when the task cannot parse the body as JSON."""
    try:
        yield
    except TaskRefused as error:
        if error.kind != MalformedDocumentError.__name__:
            raise
        raise malformed(str(error)) from error


@contextmanager
def _dataset_faults() -> Iterator[None]:
    """Report the faults of a task as faults of this body; a fault without a pointer is one of `/dataset`."""
    try:
        yield
    except TaskRefused as error:
        if not error.faults:
            raise
        faults = [replace(fault, pointer=fault.pointer or "/dataset") for fault in error.faults]
        raise FaultyDocumentError("the dataset does not fit", faults) from error


@asynccontextmanager
async def exclusively(lock: asyncio.Lock) -> AsyncIterator[None]:
    """Hold the lock while the `with` block lasts. A coroutine waits for it, since threads are few.

    Raises:
        Problem: 503, when the wait takes too long.
    """
    try:
        await asyncio.wait_for(lock.acquire(), _WAIT_SECONDS)
    except TimeoutError:
        detail = f"Other evaluations kept this one waiting for {_WAIT_SECONDS:g} s; send the request again later."
        raise Problem("unavailable", detail, headers={"retry-after": "60"}) from None
    try:
        yield
    finally:
        lock.release()
