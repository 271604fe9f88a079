"""What endpoints work with, handed to them by FastAPI: the store, the blobs, the settings, whose request it is."""

import asyncio
from typing import Annotated, cast

from fastapi import Depends, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from pippin.api.jobs import Job
from pippin.api.tokens import DEFAULT_TENANT
from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.ids import is_id
from pippin.settings import Settings
from pippin.store import Store
from service.datasets.ingest import Ingestion
from service.datasets.preview import Previews
from service.datasets.sample import Sample
from service.jobs.streaming import Streams
from service.models.checkpoints import CheckpointModels
from service.models.files import ModelFiles
from service.problems import not_found
from service.sandbox import Sandbox, Workload
from service.security.principal import Principal
from service.telemetry.meters import Meters


# The small ones are coroutines, since FastAPI would send plain functions to a thread each.
async def _draining(request: Request) -> bool:
    return bool(request.app.state.draining)


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


async def _store(request: Request) -> Store:
    return cast("Store", request.app.state.store)


async def _blobs(request: Request) -> Blobs:
    return cast("Blobs", request.app.state.blobs)


async def _cache(request: Request) -> BlobCache:
    return cast("BlobCache", request.app.state.cache)


async def _sandbox(request: Request) -> Sandbox:
    return cast("Sandbox", request.app.state.sandbox)


async def _workload(request: Request) -> Workload:
    return cast("Workload", request.app.state.workload)


async def _evaluations(request: Request) -> asyncio.Lock:
    return cast("asyncio.Lock", request.app.state.evaluations)


async def _model_files(request: Request) -> ModelFiles:
    return cast("ModelFiles", request.app.state.model_files)


async def _checkpoint_models(request: Request) -> CheckpointModels:
    return cast("CheckpointModels", request.app.state.checkpoint_models)


async def _streams(request: Request) -> Streams:
    return cast("Streams", request.app.state.streams)


async def _ingestion(request: Request) -> Ingestion:
    return cast("Ingestion", request.app.state.ingestion)


async def _previews(request: Request) -> Previews:
    return cast("Previews", request.app.state.previews)


async def _meters(request: Request) -> Meters:
    return cast("Meters", request.app.state.meters)


async def _caller(request: Request) -> Principal:
    return cast("Principal", request.state.principal)


Caller = Annotated[Principal, Depends(_caller)]


async def _sample(request: Request) -> Sample:
    return cast("Sample", request.app.state.sample)


TheSample = Annotated[Sample, Depends(_sample)]


async def _tenant(caller: Caller, sample: TheSample) -> str:
    # The default tenant is offered it when the service starts, and its requests wait for nothing.
    if caller.tenant != DEFAULT_TENANT:
        await sample.offer(caller.tenant)
    return caller.tenant


Draining = Annotated[bool, Depends(_draining)]
TheSettings = Annotated[Settings, Depends(_settings)]
TheStore = Annotated[Store, Depends(_store)]
TheBlobs = Annotated[Blobs, Depends(_blobs)]
TheCache = Annotated[BlobCache, Depends(_cache)]
TheSandbox = Annotated[Sandbox, Depends(_sandbox)]
TheWorkload = Annotated[Workload, Depends(_workload)]
TheEvaluations = Annotated[asyncio.Lock, Depends(_evaluations)]
TheModelFiles = Annotated[ModelFiles, Depends(_model_files)]
TheCheckpointModels = Annotated[CheckpointModels, Depends(_checkpoint_models)]
TheIngestion = Annotated[Ingestion, Depends(_ingestion)]
TheStreams = Annotated[Streams, Depends(_streams)]
ThePreviews = Annotated[Previews, Depends(_previews)]
TheMeters = Annotated[Meters, Depends(_meters)]
Tenant = Annotated[str, Depends(_tenant)]


async def _job_id(
    job_id: Annotated[
        str,
        Path(
            description="The job's id, its name, the beginning of its id (4 characters or more after `job_`), or "
            "`last` for the newest.",
            examples=["job_01k9x2m4v8q0r7tz3yhc5d6wbe"],
        ),
    ],
    tenant: Tenant,
    store: TheStore,
) -> str:
    # A complete id is told by its form, without asking Redis; what uses it finds out whether there is such a job.
    return job_id if is_id(job_id, "job") else await run_in_threadpool(store.jobs.id_of, tenant, job_id)


JobId = Annotated[str, Depends(_job_id)]


def _job(job_id: JobId, tenant: Tenant, store: TheStore) -> Job:
    job = store.jobs.get(tenant, job_id)
    if job is None:
        raise not_found(f"job {job_id}")
    return job


def _room(store: TheStore, tenant: Tenant) -> None:
    # Before the body is read; the store looks again, with the record's size, before it keeps anything.
    store.usage.require_room(tenant)


NeedsRoom = Depends(_room)
ExistingJob = Annotated[Job, Depends(_job)]
