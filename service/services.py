"""The dependencies of endpoints: the service's parts (`Services`), and a request's principal (`Caller`, `Tenant`)."""

import asyncio
from dataclasses import dataclass
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
from pippin.store.rates import Rates
from pippin.store.token_requirement import TokenRequirement
from service.datasets.ingest import Ingestion
from service.datasets.preview import Previews
from service.datasets.sample import SampleDataset
from service.http.bodies import BodyBudget
from service.jobs.streaming import Streams
from service.models.checkpoints import CheckpointModels
from service.models.files import ModelFiles
from service.problems import not_found
from service.sandbox import Sandbox, Workload
from service.security.access import Principal
from service.security.open_requests import OpenRequests
from service.telemetry.meters import Meters


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts that live as long as the service runs. `service.app` builds them once, when the service starts.

    Attributes:
        settings: The settings of the process.
        requirement: The roles of which this service has required tokens.
        meters: The metrics of this process.
        store: The records in Redis.
        rates: The requests of each token in the last minute.
        blobs: The files.
        cache: This machine's copies of blobs.
        bodies: The memory that request bodies may take.
        sandbox: Runs tasks on untrusted input in child processes.
        workload: Limits how many requests wait for the sandbox.
        model_files: Reads model files and documents that describe models.
        checkpoint_models: Creates models from checkpoints.
        ingestion: Stores uploaded datasets.
        previews: Reads examples of datasets.
        sample: The packaged dataset.
        streams: Answers with the events of jobs.
        open_requests: The requests that are being answered.
        evaluations: Held during an evaluation, which keeps a core busy for minutes: one runs at a time.
    """

    settings: Settings
    requirement: TokenRequirement
    meters: Meters
    store: Store
    rates: Rates
    blobs: Blobs
    cache: BlobCache
    bodies: BodyBudget
    sandbox: Sandbox
    workload: Workload
    model_files: ModelFiles
    checkpoint_models: CheckpointModels
    ingestion: Ingestion
    previews: Previews
    sample: SampleDataset
    streams: Streams
    open_requests: OpenRequests
    evaluations: asyncio.Lock


# These three are coroutines, since FastAPI runs a plain function in a thread.
async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


TheServices = Annotated[Services, Depends(_services)]
"""The parts of the service."""


async def _caller(request: Request) -> Principal:
    return cast("Principal", request.state.principal)


Caller = Annotated[Principal, Depends(_caller)]
"""The principal that makes the request."""


async def _tenant(caller: Caller, services: TheServices) -> str:
    # The default tenant gets the sample when the service starts, so its requests do not wait for it.
    if caller.tenant != DEFAULT_TENANT:
        await services.sample.store_for(caller.tenant)
    return caller.tenant


Tenant = Annotated[str, Depends(_tenant)]
"""The tenant of the caller, which has the packaged dataset by then."""


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
    services: TheServices,
) -> str:
    # A complete id needs no look-up in Redis: the endpoint itself checks whether the job exists.
    return job_id if is_id(job_id, "job") else await run_in_threadpool(services.store.jobs.id_of, tenant, job_id)


JobId = Annotated[str, Depends(_job_id)]
"""The complete id of the job that the path names."""


def _job(job_id: JobId, tenant: Tenant, services: TheServices) -> Job:
    job = services.store.jobs.get(tenant, job_id)
    if job is None:
        raise not_found(f"job {job_id}")
    return job


ExistingJob = Annotated[Job, Depends(_job)]
"""The job that the path names; 404 without one."""


def _require_space(tenant: Tenant, services: TheServices) -> None:
    # Before the body is read. The store checks again, with the size of the record, before it writes the record.
    services.store.usage.require_space(tenant)


RequiresSpace = Depends(_require_space)
"""Answers 507 when the tenant's records take all the memory of Redis that they may."""
