"""The packaged sample of MNIST, stored for every tenant, so that a first job has something to train on."""

import asyncio
from contextlib import suppress

import structlog

from pippin.api.tokens import DEFAULT_TENANT
from pippin.blobs import BlobError
from pippin.datasets.sample import NAME, prepare
from pippin.settings import Settings
from pippin.store import NameTaken, StoreUnavailable
from service.background.threads import run_in_background
from service.datasets.ingest import Ingestion
from service.work_folders import work_folder

_log = structlog.stdlib.get_logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_CHECK_SECONDS = 5.0


class Sample:
    """Gives every tenant the sample, once in this process's life and again whenever Redis has lost its records.

    A tenant that deletes the sample has it back after a restart.
    """

    def __init__(self, ingestion: Ingestion, settings: Settings) -> None:
        self._ingestion = ingestion
        self._settings = settings
        self._given: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._lost = asyncio.Event()

    async def keep(self) -> None:
        """Store it for the default tenant, and see every few seconds that it is not lost, until cancelled."""
        if not self._settings.sample:
            return
        while True:
            await self._give_patiently()
            self._lost.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), _CHECK_SECONDS)
            with suppress(StoreUnavailable, BlobError):
                self._given &= await run_in_background(self._still_given)

    async def offer(self, tenant: str) -> StoreUnavailable | BlobError | None:
        """Store it for a tenant that this process has not given it yet; the error that prevented it, if one did."""
        if tenant in self._given or not self._settings.sample:
            return None
        # A tenant's first requests may come together; the sample is prepared once.
        async with self._one_at_a_time:
            try:
                if tenant not in self._given:
                    await run_in_background(lambda: self._store(tenant))
            except (StoreUnavailable, BlobError) as error:
                return error
            self._given.add(tenant)
            return None

    async def is_ready(self) -> bool:
        """Whether the default tenant can use the sample, or has deleted it; if it is lost, it is stored at once.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached.
        """
        if not self._settings.sample:
            return True
        if DEFAULT_TENANT not in self._given:
            return False
        still = await run_in_background(self._still_given)
        if DEFAULT_TENANT not in still:
            self._lost.set()
        return DEFAULT_TENANT in still

    async def _give_patiently(self) -> None:
        """Store it for the default tenant; wait for Redis and the blobs as long as it takes."""
        pause = _FIRST_PAUSE
        while (trouble := await self.offer(DEFAULT_TENANT)) is not None:
            if pause == _FIRST_PAUSE:
                _log.warning("waiting for Redis and the blobs", error=str(trouble))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _still_given(self) -> set[str]:
        """The tenants that were given the sample and whose records were not lost since."""
        return self._ingestion.store.samples.given(list(self._given))

    def _store(self, tenant: str) -> None:
        store = self._ingestion.store
        known = store.datasets.get(tenant, NAME)
        if known is None or self._ingestion.blobs.head(known.digest) is None:
            try:
                with work_folder(self._settings) as folder:
                    self._ingestion.keep(prepare(folder), name=NAME, tenant=tenant)
            except NameTaken:
                _log.info("the packaged sample was not stored: another dataset has its name", dataset=NAME)
        store.samples.note(tenant)
