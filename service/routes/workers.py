"""Lists the workers, and drains and undrains them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from pippin.api.pages import UnreadableEntry
from pippin.api.workers import Drain, DrainRequest, Worker, WorkerList
from pippin.store import Store
from service.http import schemas
from service.http.bodies import optional_body
from service.http.route_classes import JsonRoute
from service.problems import responses
from service.security.access import requires
from service.services import Tenant, TheServices

router = APIRouter(tags=["workers"], route_class=JsonRoute)


WorkerName = Annotated[str, Path(description="The worker's name, or a unique prefix of it.", examples=["laptop-4f1c"])]


@router.get(
    "/workers",
    operation_id="listWorkers",
    summary="List the workers",
    response_description="The workers, by name.",
    responses=responses(503),
    dependencies=[requires("read")],
)
def list_workers(tenant: Tenant, services: TheServices) -> WorkerList:
    """Lists the workers that have reported in the last two minutes, with their hosts, engines and current jobs.

    The ids of other tenants' jobs are left out.
    """
    workers, unreadable = services.store.workers.listing()
    return WorkerList(
        data=_as_seen_by(tenant, services.store, workers),
        unreadable=[UnreadableEntry(id=each.id, detail=each.detail) for each in unreadable],
    )


@router.post(
    "/workers/{name}/drain",
    status_code=202,
    operation_id="drainWorker",
    summary="Drain a worker",
    response_description="The worker: draining, until it has no job and is drained.",
    responses=responses(400, 404, "ambiguous-name", 413, 415, 422, 503),
    openapi_extra=schemas.body(DrainRequest, required=False),
    dependencies=[requires("admin")],
)
def drain_worker(
    name: WorkerName,
    asked: Annotated[DrainRequest, Depends(optional_body(DrainRequest))],
    tenant: Tenant,
    services: TheServices,
) -> Worker:
    """Drains a worker: it does not begin jobs that are submitted after this answer.

    The worker keeps running, without jobs, until it is undrained or restarted.
    """
    drained = services.store.workers.drain(name, Drain.HAND_BACK if asked.hand_back else Drain.FINISH)
    return _as_seen_by(tenant, services.store, [drained])[0]


@router.delete(
    "/workers/{name}/drain",
    operation_id="undrainWorker",
    summary="Undrain a worker",
    response_description="The worker. It takes jobs again within two seconds.",
    responses=responses(404, "ambiguous-name", 503),
    dependencies=[requires("admin")],
)
def undrain_worker(name: WorkerName, tenant: Tenant, services: TheServices) -> Worker:
    """Ends the draining of a worker. A worker that was not drained does not change."""
    return _as_seen_by(tenant, services.store, [services.store.workers.undrain(name)])[0]


def _as_seen_by(tenant: str, store: Store, workers: list[Worker]) -> list[Worker]:
    """The workers without the ids of other tenants' jobs."""
    own = store.jobs.of_tenant(tenant, [worker.current_job for worker in workers if worker.current_job])
    return [
        worker if worker.current_job in own else worker.model_copy(update={"current_job": None}) for worker in workers
    ]
