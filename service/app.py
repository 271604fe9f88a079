"""The application: its routes, its middleware, and the objects that exist while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.settings import Settings
from pippin.store import Store, StoreLimits, connect
from pippin.store.blob_ownership import BlobOwnership
from pippin.store.rates import Rates
from pippin.store.reader import EventReader
from pippin.store.token_requirement import TokenRequirement
from pippin.system import tracing
from service import dashboard, error_handlers, openapi
from service.background.blob_stats import BlobStats
from service.background.memory import MemoryTrimmer
from service.background.reaper import Reaper
from service.background.releases import BlobReleases
from service.background.sweeper import Sweeper
from service.background.threads import run_in_background
from service.datasets.ingest import Ingestion, limits_of
from service.datasets.preview import Previews
from service.datasets.sample import SampleDataset
from service.http.bodies import BodyBudget
from service.jobs.streaming import Streams
from service.models.checkpoints import CheckpointModels
from service.models.files import ModelFiles
from service.problems import MEDIA_TYPE
from service.routes import (
    artifacts,
    blobs,
    datasets,
    docs,
    health,
    jobs,
    metrics,
    models,
    predictions,
    presets,
    session,
    specs,
    workers,
)
from service.sandbox import Sandbox, Workload
from service.sandbox.workload import CHILDREN
from service.security.access import Operations
from service.security.authentication import AuthenticationMiddleware
from service.security.browsers import AbsoluteTargets, HostAndOriginCheck, SecurityHeaders
from service.security.first_token import store_first_token
from service.security.open_requests import OpenRequests
from service.services import Services
from service.tasks import TASKS
from service.telemetry.collector import StoreCollector
from service.telemetry.meters import Meters
from service.telemetry.requests import PROBES, RequestLog, RequestMeter
from service.work_folders import sweep_work_folders

_DESCRIPTION = "Trains Core ML models: post a spec, watch every epoch, download a trained `.mlmodel`."

_CLAIM_SECONDS = 5


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application. It connects to Redis and the blobs at startup."""
    app = FastAPI(
        title="Pippin",
        version=version("pippin"),
        description=_DESCRIPTION,
        # Without an identifier: Swagger UI would turn it into a link to another site.
        license_info={"name": "MIT"},
        lifespan=_lifespan,
        # FastAPI's own routes would declare no role; the service's are in routes/docs.py.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # A redirect would lead to any host that the request names.
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
    app.state.draining = False  # set by the server when it receives the signal to stop
    meters = app.state.meters = Meters()
    of_jobs = (jobs, metrics, artifacts, predictions)
    for routes in (*of_jobs, datasets, models, presets, specs, workers, blobs, session, health, docs):
        app.include_router(routes.router)
    app.include_router(datasets.upload_router)
    app.include_router(models.upload_router)
    app.mount("/docs/assets", docs.assets)
    app.include_router(dashboard.router)
    app.mount("/dashboard", dashboard.assets)
    error_handlers.install(app)
    # The middleware that is added last handles a request first.
    operations = app.state.operations = Operations(app.routes)
    app.add_middleware(AuthenticationMiddleware, settings=settings, operations=operations)
    if settings.cors_origins:
        # No credentials: a session's cookie is for the service's own pages.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "idempotency-key", "if-none-match", "last-event-id", "range"],
            expose_headers=["etag", "link", "location", "repr-digest", "retry-after", "x-request-id"],
        )
    app.add_middleware(HostAndOriginCheck, settings=settings)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    app.add_middleware(RequestMeter, meters=meters)
    app.add_middleware(AbsoluteTargets)
    describe_once(app)
    return app


def _telemetry() -> TelemetryConfig:
    """Spans of requests, if tracing is on. FastAPI's own logs and metrics would duplicate the service's."""
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
    """Build the OpenAPI document at the first request for it."""

    def described() -> dict[str, object]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.describe(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # the way of FastAPI's documentation


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    meters: Meters = app.state.meters
    sweep_work_folders(settings)
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    limits = StoreLimits.of(settings)
    # Without retries: a scrape waits ten seconds at most, and has to report that Redis cannot be reached.
    unretried = Store(connect(url, retries=0), limits=limits)
    with (
        closing(Store(connect(url), lease_seconds=settings.lease_seconds, limits=limits)) as store,
        closing(unretried),
        closing(Sandbox(TASKS, children=CHILDREN, max_answer_bytes=settings.max_answer_bytes)) as sandbox,
    ):
        meters.registry.register(StoreCollector(unretried.overviews, store.members))
        sandbox.start()
        async with EventReader(url) as reader:
            services = app.state.services = _services(
                settings=settings, meters=meters, store=store, unretried=unretried, sandbox=sandbox, reader=reader
            )
            async with _background(services):
                yield


def _services(
    *, settings: Settings, meters: Meters, store: Store, unretried: Store, sandbox: Sandbox, reader: EventReader
) -> Services:
    requirement = TokenRequirement(settings.home)
    blobs = Blobs(settings.blobs_url)
    cache = BlobCache(settings.blob_cache, settings.cache_bytes, blobs)
    model_files = ModelFiles(sandbox, cache)
    ingestion = Ingestion(store, blobs, sandbox, limits_of(settings))
    wait_seconds = settings.busy_wait_seconds
    return Services(
        settings=settings,
        requirement=requirement,
        meters=meters,
        store=store,
        rates=Rates(store.redis),
        blobs=blobs,
        cache=cache,
        bodies=BodyBudget(max_bytes=settings.body_memory_bytes, wait_seconds=wait_seconds, meter=meters),
        sandbox=sandbox,
        workload=Workload(wait_seconds=wait_seconds, meter=meters),
        model_files=model_files,
        checkpoint_models=CheckpointModels(model_files, blobs, settings),
        ingestion=ingestion,
        previews=Previews(blobs, sandbox, settings.max_answer_bytes),
        sample=SampleDataset(ingestion, settings),
        streams=Streams(store, reader, meters, settings.max_answer_bytes, send_timeout=settings.send_timeout_seconds),
        open_requests=OpenRequests(unretried, requirement, meters, settings),
        evaluations=asyncio.Lock(),
    )


@asynccontextmanager
async def _background(services: Services) -> AsyncIterator[None]:
    """Run the background loops while the `with` block lasts."""
    settings, store, blobs, meters = services.settings, services.store, services.blobs, services.meters
    reaper = Reaper(
        store,
        interval=settings.reaper_interval_seconds,
        grace=settings.reaper_grace_seconds,
        gap=settings.longest_gap_seconds,
        meters=meters,
    )
    sweeper = Sweeper(store, blobs, services.cache, settings, acts=lambda: reaper.acts)
    ownership = BlobOwnership(store, blobs)
    releases = BlobReleases(
        store,
        blobs,
        seconds=settings.blob_release_seconds,
        may_delete=lambda: reaper.acts and ownership.may_delete(),
        meters=meters,
    )
    blob_stats = BlobStats(store, blobs)
    # Before anything is stored here. Claiming a large store without an owner takes longer; requests do not wait for it.
    claim = asyncio.create_task(run_in_background(sweeper.claim))
    await asyncio.wait({claim}, timeout=_CLAIM_SECONDS)
    loops = (
        services.open_requests.run(),
        reaper.run(),
        sweeper.run(),
        releases.run(),
        blob_stats.run(),
        services.sample.keep_stored(),
        store_first_token(store, settings, services.requirement),
        MemoryTrimmer(meters).run(),
    )
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        blob_stats.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
