"""The packaged sample of MNIST, stored for every tenant, so that a first job has something to train on."""

import asyncio

import structlog

from pippin.blobs import BlobError
from pippin.datasets.sample import NAME, prepare
from pippin.settings import Settings
from pippin.store import NameTaken, StoreUnavailable
from pippin.tokens import DEFAULT_TENANT
from service.background.threads import run_duty
from service.datasets.ingest import Ingestion, workroom

_log = structlog.stdlib.get_logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class Sample:
    """Offers the sample to every tenant once in this process's life: who deletes it has it back after a restart."""

    def __init__(self, ingestion: Ingestion, settings: Settings) -> None:
        self._ingestion = ingestion
        self._settings = settings
        self._offered: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def keep(self) -> None:
        """Store it for the default tenant; wait for Redis and the blobs as long as it takes."""
        pause = _FIRST_PAUSE
        while (trouble := await self.offer(DEFAULT_TENANT)) is not None:
            if pause == _FIRST_PAUSE:
                _log.warning("waiting for Redis and the blobs", error=str(trouble))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def offer(self, tenant: str) -> StoreUnavailable | BlobError | None:
        """Store it for a tenant that this process has not met before; what came between, if anything did."""
        if tenant in self._offered:
            return None
        # Its first requests may come together; the sample is prepared once.
        async with self._one_at_a_time:
            try:
                if tenant not in self._offered:
                    await run_duty(lambda: self._store(tenant))
            except (StoreUnavailable, BlobError) as error:
                return error
            except NameTaken:
                _log.info("the packaged sample was not stored: another dataset has its name", dataset=NAME)
            self._offered.add(tenant)
            return None

    def _store(self, tenant: str) -> None:
        known = self._ingestion.store.datasets.get(tenant, NAME)
        if known is not None and self._ingestion.blobs.head(known.digest) is not None:
            return
        with workroom(self._settings) as folder:
            self._ingestion.keep(prepare(folder), name=NAME, tenant=tenant)
