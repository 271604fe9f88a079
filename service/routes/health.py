"""Liveness, readiness and the metrics of the service itself."""

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from prometheus_client.exposition import choose_encoder
from starlette.concurrency import run_in_threadpool

from pippin.api.service import Health, Liveness
from service.http.route_classes import JsonRoute
from service.problems import Problem, responses
from service.security.access import PUBLIC, requires
from service.services import TheServices

router = APIRouter(tags=["health"], route_class=JsonRoute)

# No blob has this name: any answer shows that the blob store can be reached.
_MISSING_BLOB = "0" * 64
_VERSION = version("pippin")


@router.get(
    "/healthz",
    operation_id="getHealth",
    summary="Check that the process is alive",
    response_description="The process is alive.",
    dependencies=[PUBLIC],
)
async def get_health() -> Liveness:
    """Returns the version of the service. Does not check Redis or the blobs."""
    return Liveness(version=_VERSION)


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Check that the service is ready",
    response_description="Redis and the blobs can be reached, the packaged dataset can be used, and the service is not "
    "about to stop.",
    responses=responses(503),
    dependencies=[PUBLIC],
)
async def get_readiness(*, request: Request, services: TheServices) -> Health:
    """Returns 503 with the reason while Redis, the blobs or the packaged dataset is missing, and during a shutdown."""
    if request.app.state.draining:
        detail = "The service is draining: it is about to stop, and serves requests only for a short time."
        raise Problem("unavailable", detail, headers={"retry-after": "2"})
    await run_in_threadpool(services.store.ping)
    await run_in_threadpool(services.blobs.head, _MISSING_BLOB)
    if not await services.sample.is_ready():
        detail = "The service is starting: the packaged dataset is being stored."
        raise Problem("unavailable", detail, headers={"retry-after": "1"})
    return Health()


_EXAMPLE = "# HELP pippin_redis_up 1 while Redis answers, else 0.\n# TYPE pippin_redis_up gauge\npippin_redis_up 1.0\n"


@router.get(
    "/metrics",
    response_class=Response,
    operation_id="getServiceMetrics",
    summary="Get metrics of the service",
    responses={
        200: {
            "description": "Prometheus text, or OpenMetrics if `Accept` asks for it.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        }
    },
    dependencies=[requires("read", answers_without_redis=True)],
)
def get_service_metrics(
    services: TheServices, accept: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Response:
    """Returns metrics of queues, jobs, workers, requests, streams and blobs.

    While Redis cannot be reached, `pippin_redis_up` is 0. The metrics of a job are at `/jobs/{id}/metrics`.
    """
    encode, media_type = choose_encoder(accept or "")
    return Response(encode(services.meters.registry), headers={"content-type": media_type, "cache-control": "no-store"})
