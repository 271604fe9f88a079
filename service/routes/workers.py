"""The workers that were heard of lately."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from pippin.jobs.worker import Worker
from service.bodies import JsonRoute
from service.context import Tenant, TheStore
from service.problems import responses

router = APIRouter(tags=["workers"], route_class=JsonRoute)


class WorkerList(BaseModel):
    """Every worker that was heard of in the last two minutes."""

    model_config = ConfigDict(frozen=True)

    data: list[Worker]


@router.get(
    "/workers",
    operation_id="listWorkers",
    summary="List the workers",
    response_description="The workers, by name.",
    responses=responses(503),
)
def workers(tenant: Tenant, store: TheStore) -> WorkerList:
    """Who trains: where, with which engines, and on what at this moment. A job of another tenant is not named."""
    found = store.workers.all()
    own = store.jobs.of_tenant(tenant, [worker.current_job for worker in found if worker.current_job])
    return WorkerList(
        data=[
            worker if worker.current_job in own else worker.model_copy(update={"current_job": None}) for worker in found
        ]
    )
