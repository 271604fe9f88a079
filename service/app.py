"""The application: what it is made of, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from pippin import tracing
from pippin.blob_cache import BlobCache
from pippin.blobs import Blobs
from pippin.settings import Settings
from pippin.store import Store, StoreLimits, connect
from pippin.store.rates import Rates
from pippin.store.reader import EventReader
from service import dashboard, openapi, refusals
from service.background.census import BlobCensus
from service.background.reaper import Reaper
from service.background.sweeper import Sweeper
from service.datasets.ingest import Ingestion, limits_of, sweep_workrooms
from service.datasets.sample import Sample
from service.jobs.streaming import Streams
from service.models.checkpoints import CheckpointModels
from service.models.files import ModelFiles
from service.problems import MEDIA_TYPE
from service.routes import (
    artifacts,
    blobs,
    checkpoints,
    datasets,
    docs,
    health,
    jobs,
    metrics,
    models,
    predictions,
    presets,
    prometheus,
    retries,
    session,
    specs,
    workers,
)
from service.sandbox import Sandbox
from service.sandbox.tasks import TASKS
from service.security.first_token import keep_first_token
from service.security.gate import Gate
from service.security.guard import Guard
from service.security.headers import SecurityHeaders
from service.telemetry.collector import StoreCollector
from service.telemetry.meters import Meters
from service.telemetry.request_log import PROBES, RequestLog
from service.telemetry.request_meter import RequestMeter

_DESCRIPTION = "Trains Core ML models: post a spec, watch every epoch, download a trained `.mlmodel`."


def create_app(settings: Settings) -> FastAPI:
    """The service, to be run by an ASGI server. It connects to Redis and the blobs when it is started."""
    app = FastAPI(
        title="Pippin",
        version=version("pippin"),
        description=_DESCRIPTION,
        license_info={"name": "MIT"},
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        # A redirect would lead to whatever host the request named.
        redirect_slashes=False,
        telemetry=_telemetry(),
        responses={
            "default": {
                "description": "Any other problem.",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        },
    )
    app.state.settings = settings
    app.state.draining = False  # set by the server when it is told to stop
    meters = app.state.meters = Meters()
    of_jobs = (jobs, retries, metrics, artifacts, checkpoints, predictions)
    for routes in (*of_jobs, datasets, models, presets, specs, workers, blobs, session, health, prometheus, docs):
        app.include_router(routes.router)
    app.include_router(datasets.upload_router)
    app.include_router(models.upload_router)
    app.mount("/docs/assets", docs.assets)
    app.include_router(dashboard.router)
    app.mount("/dashboard", dashboard.assets)
    refusals.install(app)
    # The last one added is the first that a request meets.
    app.add_middleware(Guard, settings=settings)
    if settings.cors_origins:
        # No credentials: a session's cookie is for the service's own pages.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "idempotency-key", "if-none-match", "last-event-id", "range"],
            expose_headers=["etag", "link", "location", "repr-digest", "retry-after", "x-request-id"],
        )
    app.add_middleware(Gate, settings=settings)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    app.add_middleware(RequestMeter, meters=meters)
    describe_once(app)
    return app


def _telemetry() -> TelemetryConfig:
    """Spans of requests, where the process is traced. Its own logs and metrics would repeat ours."""
    provider = tracing.provider()
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
        "exclude": lambda scope: scope.get("path") in PROBES,
    }


def describe_once(app: FastAPI) -> None:
    """Have `app` describe itself in our words, the first time that somebody asks."""

    def described() -> dict[str, object]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.describe(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's documentation does it


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    sweep_workrooms(settings)
    limits = StoreLimits.of(settings)
    store = app.state.store = Store(connect(url), lease_seconds=settings.lease_seconds, limits=limits)
    app.state.rates = Rates(store.redis)
    app.state.blobs = Blobs(settings.blobs_url)
    app.state.cache = BlobCache(settings.blob_cache, settings.cache_bytes, app.state.blobs)
    # Two uploads of datasets, two of models, and room for predictions beside them.
    sandbox = app.state.sandbox = Sandbox(TASKS, children=6)
    files = app.state.model_files = ModelFiles(sandbox, app.state.cache)
    app.state.checkpoint_models = CheckpointModels(files, app.state.blobs, settings)
    # One evaluation at a time: it keeps a core busy for minutes.
    app.state.evaluations = asyncio.Lock()
    ingestion = app.state.ingestion = Ingestion(store, app.state.blobs, sandbox, limits_of(settings))
    sample = app.state.sample = Sample(ingestion, settings)
    meters: Meters = app.state.meters
    reaper = Reaper(
        store,
        interval=settings.reaper_interval_seconds,
        grace=settings.reaper_grace_seconds,
        gap=settings.longest_gap_seconds,
        meters=meters,
    )
    sweeper = Sweeper(store, app.state.blobs, app.state.cache, settings, acts=lambda: reaper.acts)
    census = BlobCensus(store, app.state.blobs)
    # Without retries: whoever scrapes waits ten seconds, and is to hear that Redis is away.
    watched = Store(connect(url, retries=0), limits=limits)
    meters.registry.register(StoreCollector(watched.overviews))
    with closing(sandbox), closing(watched):
        sandbox.start()
        async with EventReader(url) as reader:
            app.state.streams = Streams(store, reader, meters, send_timeout=settings.send_timeout_seconds)
            runs = (reaper.run(), sweeper.run(), census.run(), sample.keep(), keep_first_token(store, settings))
            duties = [asyncio.create_task(duty) for duty in runs]
            yield
            census.close()
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)
    store.close()
