"""The packaged sample of MNIST, stored when the service starts, so that a first job has something to train on."""

import asyncio

import structlog
from starlette.concurrency import run_in_threadpool

from pippin.blobs import BlobError
from pippin.datasets.sample import NAME, prepare
from pippin.settings import Settings
from pippin.store import NameTaken, StoreUnavailable
from service.ingest import Ingestion, workroom

_log = structlog.stdlib.get_logger(__name__)
_TENANT = "default"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


async def keep_sample(ingestion: Ingestion, settings: Settings) -> None:
    """Store the sample unless it is there; wait for Redis and the blobs as long as it takes."""
    pause = _FIRST_PAUSE
    while True:
        try:
            await run_in_threadpool(_store, ingestion, settings)
        except (StoreUnavailable, BlobError) as error:
            if pause == _FIRST_PAUSE:
                _log.warning("waiting for Redis and the blobs", error=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        except NameTaken:
            _log.info("the packaged sample was not stored: another dataset has its name", dataset=NAME)
            return
        else:
            return


def _store(ingestion: Ingestion, settings: Settings) -> None:
    known = ingestion.store.datasets.get(_TENANT, NAME)
    if known is not None and ingestion.blobs.head(known.digest) is not None:
        return
    with workroom(settings) as folder:
        ingestion.keep(prepare(folder), name=NAME, tenant=_TENANT)
