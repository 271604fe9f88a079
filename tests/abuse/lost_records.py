"""A Redis that lost its records, and a second service with a Redis of its own over the same blobs."""

import tempfile
import time
from pathlib import Path

import httpx2

from pippin.blobs import Blobs
from pippin.store import connect
from tests.abuse.attacks import Damage
from tests.support.service_process import ServiceProcess

# At the interval below, far more sweeps than the deletion of a blob takes.
_SECONDS = 5.0
# Blobs may be deleted as soon as no record names them.
_EAGER = {"sweep_interval_seconds": 0.3, "sweep_grace_seconds": 0}


def run() -> tuple[Damage, float]:
    """Run both losses.

    Returns:
        The damage, and the duration in seconds.
    """
    began = time.monotonic()
    damage = Damage()
    with tempfile.TemporaryDirectory(prefix="pippin-abuse-") as folder:
        home = Path(folder) / "first"
        home.mkdir(mode=0o700)
        blobs = Blobs((home / "blobs").as_uri())
        with ServiceProcess(home, **_EAGER) as first:
            first.wait_for_sample()
            token = first.add_token("admin")
            _add_dataset(first.url, token)
            stored = _names(blobs)
            assert stored
            _second_service(Path(folder) / "second", home)
            damage.figures["blobs before, with a second service"] = f"{len(stored)}, {len(stored & _names(blobs))}"
            _expect_all(damage, stored, blobs, "a second service")
            _flush(first)
            time.sleep(_SECONDS)
            damage.figures["blobs after Redis lost its records"] = str(len(stored & _names(blobs)))
            _expect_all(damage, stored, blobs, "the loss of the records")
            _expect_closed(damage, first.url, "after the loss")
        # The same loss while no service ran.
        with ServiceProcess(home, **_EAGER) as again:
            _flush(again)
        with ServiceProcess(home, **_EAGER) as again:
            time.sleep(_SECONDS)
            _expect_all(damage, stored, blobs, "a restart after the loss")
            _expect_closed(damage, again.url, "after the loss and a restart")
    return damage, time.monotonic() - began


def _second_service(home: Path, other: Path) -> None:
    with ServiceProcess(home, blobs_url=(other / "blobs").as_uri(), **_EAGER):
        time.sleep(_SECONDS)


def _add_dataset(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    content = b"label,a\n" + b"".join(b"%d,0.%d\n" % (row % 3, row) for row in range(100))
    httpx2.post(f"{url}/datasets", params={"name": "mine"}, content=content, headers=headers).raise_for_status()


def _flush(service: ServiceProcess) -> None:
    client = connect(service.valkey.url)
    client.flushall()
    client.close()


def _names(blobs: Blobs) -> set[str]:
    return {*blobs.names()}


def _expect_all(damage: Damage, stored: set[str], blobs: Blobs, after: str) -> None:
    if lost := stored - _names(blobs):
        damage.wrong.append(f"{len(lost)} of {len(stored)} blobs were deleted by {after}")


def _expect_closed(damage: Damage, url: str, when: str) -> None:
    status = httpx2.get(f"{url}/jobs").status_code
    damage.figures[f"a stranger's GET /jobs {when}"] = str(status)
    if status != httpx2.codes.UNAUTHORIZED:
        damage.wrong.append(f"a stranger's GET /jobs was answered {status} {when}")
