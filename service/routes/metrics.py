"""The metrics and events of a job, in four media types, of which `Accept` selects one."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import AfterValidator, WithJsonSchema

from pippin.api.events import JobEvents
from pippin.api.metrics import JobMetrics
from pippin.store import MalformedEventId, parse_event_id
from service.http.media_types import negotiate
from service.http.route_classes import JsonRoute
from service.jobs.streaming import CSV, FORMS, JSON, NDJSON, SSE
from service.jobs.views import EventsView, MetricsView
from service.problems import invalid_parameter, responses
from service.security.access import requires
from service.services import ExistingJob, Tenant, TheServices

router = APIRouter(tags=["jobs"], route_class=JsonRoute)

_START = "0-0"


def _event_id(text: str) -> str:
    try:
        if text:
            parse_event_id(text)
    except MalformedEventId as error:
        raise ValueError(str(error)) from None
    return text


# An empty id counts as no id.
_EventId = Annotated[
    str,
    AfterValidator(_event_id),
    WithJsonSchema({"type": "string", "pattern": "^(?:[0-9]{1,20}(?:-[0-9]{1,20})?)?$"}),
]
After = Annotated[
    _EventId | None, Query(description="Only events after the event with this id.", examples=["1763940000000-0"])
]
LastEventId = Annotated[
    _EventId | None,
    Header(
        alias="Last-Event-ID", description="Like `after`, with precedence over it; browsers send it to resume a stream."
    ),
]
Follow = Annotated[bool, Query(description="Continue until the job has ended; event streams always do.")]


def _forms(text: str) -> dict[int | str, dict[str, Any]]:
    content = {form: {"schema": {"type": "string"}} for form in (SSE, NDJSON, CSV)}
    return {
        200: {"description": text, "content": content},
        204: {"description": "The job has ended, and the client has all events."},
        **responses(404, 406, "ambiguous-name", 422, 503),
    }


@router.get(
    "/jobs/{job_id}/metrics",
    response_model=JobMetrics,
    operation_id="getMetrics",
    summary="Get the epochs",
    responses=_forms("One object, line, row or event per epoch; an event stream ends with `event: end`."),
    dependencies=[requires("read")],
)
def get_job_metrics(
    *,
    request: Request,
    job: ExistingJob,
    tenant: Tenant,
    services: TheServices,
    after: After = None,
    last_event_id: LastEventId = None,
    follow: Follow = False,
    batches: Annotated[bool, Query(description="Also the losses of mini-batches, if the job records them.")] = False,
) -> Response:
    """Returns the metrics of all finished epochs, once or as a stream."""
    view = MetricsView(batches=batches)
    return services.streams.answer(
        tenant, job, view, _form(request, follow), _start_id(after, last_event_id), follow=follow
    )


@router.get(
    "/jobs/{job_id}/events",
    response_model=JobEvents,
    operation_id="getEvents",
    summary="Get all events",
    responses=_forms("One object, line, row or event per event of the job; an event stream ends with `end`."),
    dependencies=[requires("read")],
)
def get_job_events(
    *,
    request: Request,
    job: ExistingJob,
    tenant: Tenant,
    services: TheServices,
    after: After = None,
    last_event_id: LastEventId = None,
    follow: Follow = False,
) -> Response:
    """Returns state changes, epochs, log lines and files of a job, once or as a stream."""
    form, start = _form(request, follow), _start_id(after, last_event_id)
    return services.streams.answer(tenant, job, EventsView(), form, start, follow=follow)


def _form(request: Request, follow: bool) -> str:
    """The media type of the answer."""
    form = negotiate(request.headers.get("accept"), FORMS)
    if form == JSON and follow:
        raise invalid_parameter(
            "follow", f"a JSON document cannot be followed; request {SSE}, {NDJSON} or {CSV} in Accept"
        )
    return form


def _start_id(after: str | None, last_event_id: str | None) -> str:
    """The id to begin after. The header has priority: a reconnecting browser repeats the URL with its old `after`."""
    return last_event_id or after or _START
