"""The workers that were heard of lately."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from pippin.jobs.worker import Worker
from service.bodies import JsonRoute
from service.context import TheStore
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
def workers(store: TheStore) -> WorkerList:
    """Who trains: where, with which engines, and on what at this moment."""
    return WorkerList(data=store.workers.all())
