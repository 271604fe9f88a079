"""Stores the packaged sample of MNIST for every tenant, so that a first job has a dataset."""

import asyncio
from contextlib import suppress

import structlog

from pippin.api.tokens import DEFAULT_TENANT
from pippin.blobs import BlobError
from pippin.datasets.sample import NAME, prepare
from pippin.settings import Settings
from pippin.store import NameTaken, StoreUnavailable
from pippin.system.retry import Backoff
from service.background.threads import run_in_background
from service.datasets.ingest import Ingestion
from service.work_folders import work_folder

_log = structlog.stdlib.get_logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_CHECK_SECONDS = 5.0


class SampleDataset:
    """Stores the sample for every tenant, once in each process, and again after Redis has lost its records.

    A tenant that deletes the sample gets it again after a restart of the service.
    """

    def __init__(self, ingestion: Ingestion, settings: Settings) -> None:
        self._ingestion = ingestion
        self._settings = settings
        self._stored: set[str] = set()
        self._lock = asyncio.Lock()
        self._lost = asyncio.Event()

    async def keep_stored(self) -> None:
        """Store the sample for the default tenant, and check every few seconds that it is not lost, until cancelled."""
        if not self._settings.sample:
            return
        while True:
            await self._store_with_retries()
            self._lost.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), _CHECK_SECONDS)
            with suppress(StoreUnavailable, BlobError):
                self._stored &= await run_in_background(self._still_stored)

    async def store_for(self, tenant: str) -> StoreUnavailable | BlobError | None:
        """Store the sample for a tenant, unless this process has done so before.

        Returns:
            The error that prevented it, if there was one.
        """
        if tenant in self._stored or not self._settings.sample:
            return None
        # A tenant may send its first requests at the same time; the sample is prepared once.
        async with self._lock:
            try:
                if tenant not in self._stored:
                    await run_in_background(lambda: self._store(tenant))
            except (StoreUnavailable, BlobError) as error:
                return error
            self._stored.add(tenant)
            return None

    async def is_ready(self) -> bool:
        """Whether the default tenant has the sample, or has deleted it. A lost sample is stored again at once.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached.
        """
        if not self._settings.sample:
            return True
        if DEFAULT_TENANT not in self._stored:
            return False
        still = await run_in_background(self._still_stored)
        if DEFAULT_TENANT not in still:
            self._lost.set()
        return DEFAULT_TENANT in still

    async def _store_with_retries(self) -> None:
        """Store the sample for the default tenant, with retries until Redis and the blobs can be reached."""
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while (error := await self.store_for(DEFAULT_TENANT)) is not None:
            if not backoff.failures:
                _log.warning("waiting for Redis and the blobs", error=str(error))
            await asyncio.sleep(backoff.pause())

    def _still_stored(self) -> set[str]:
        """The tenants for which the sample was stored and whose records were not lost since."""
        return self._ingestion.store.samples.recipients(list(self._stored))

    def _store(self, tenant: str) -> None:
        store = self._ingestion.store
        manifest = store.datasets.get(tenant, NAME)
        if manifest is None or self._ingestion.blobs.head(manifest.digest) is None:
            try:
                with work_folder(self._settings) as folder:
                    self._ingestion.store_prepared(prepare(folder), name=NAME, tenant=tenant)
            except NameTaken:
                _log.info("the packaged sample was not stored: another dataset has its name", dataset=NAME)
        store.samples.record(tenant)
