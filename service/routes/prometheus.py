"""The service's own numbers, as Prometheus asks for them."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from prometheus_client.exposition import choose_encoder

from service.http.bodies import JsonRoute
from service.security.access import requires
from service.services import TheServices

router = APIRouter(tags=["health"], route_class=JsonRoute)

_EXAMPLE = "# HELP pippin_redis_up 1 while Redis answers, else 0.\n# TYPE pippin_redis_up gauge\npippin_redis_up 1.0\n"


@router.get(
    "/metrics",
    response_class=Response,
    operation_id="getServiceMetrics",
    summary="Watch the service",
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
    """Queues, jobs, workers, requests, streams and blobs in numbers. While Redis is away it says so, and the rest.

    A job's own metrics are at `/jobs/{id}/metrics`.
    """
    encode, media_type = choose_encoder(accept or "")
    return Response(encode(services.meters.registry), headers={"content-type": media_type, "cache-control": "no-store"})
