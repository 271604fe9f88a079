"""A Redis that lost its records, and a second service with a Redis of its own over the same blobs."""

import tempfile
from contextlib import closing
from pathlib import Path

import httpx2

from pippin.blobs import Blobs
from pippin.store import Store, connect
from tests.abuse.attacks import Damage
from tests.support.service_process import ServiceProcess
from tests.support.sweeps import wait_for_sweeps

# Blobs may be deleted as soon as no record names them.
_EAGER = {"sweep_interval_seconds": 0.3, "sweep_grace_seconds": 0}


def run(sweeps: int) -> Damage:
    """Run both losses, and wait for so many sweeps after each."""
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
            with ServiceProcess(Path(folder) / "second", blobs_url=(home / "blobs").as_uri(), **_EAGER) as second:
                _wait_for_sweeps(second, sweeps)
            damage.figures["blobs before, with a second service"] = f"{len(stored)}, {len(stored & _names(blobs))}"
            _expect_all(damage, stored, blobs, "a second service")
            _flush(first)
            _wait_for_sweeps(first, sweeps)
            damage.figures["blobs after Redis lost its records"] = str(len(stored & _names(blobs)))
            _expect_all(damage, stored, blobs, "the loss of the records")
            _expect_closed(damage, first.url, "after the loss")
        # The same loss while no service ran.
        with ServiceProcess(home, **_EAGER) as again:
            _flush(again)
        with ServiceProcess(home, **_EAGER) as again:
            _wait_for_sweeps(again, sweeps)
            _expect_all(damage, stored, blobs, "a restart after the loss")
            _expect_closed(damage, again.url, "after the loss and a restart")
    return damage


def _wait_for_sweeps(service: ServiceProcess, sweeps: int) -> None:
    with closing(Store(connect(service.valkey.url))) as store:
        wait_for_sweeps(store, sweeps)


def _add_dataset(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    content = b"label,a\n" + b"".join(b"%d,0.%d\n" % (row % 3, row) for row in range(100))
    httpx2.post(
        f"{url}/datasets", params={"name": "mine"}, content=content, headers=headers, timeout=120
    ).raise_for_status()


def _flush(service: ServiceProcess) -> None:
    with connect(service.valkey.url) as client:
        client.flushall()


def _names(blobs: Blobs) -> set[str]:
    return {*blobs.names()}


def _expect_all(damage: Damage, stored: set[str], blobs: Blobs, after: str) -> None:
    if lost := stored - _names(blobs):
        damage.wrong.append(f"{len(lost)} of {len(stored)} blobs were deleted by {after}")


def _expect_closed(damage: Damage, url: str, when: str) -> None:
    status = httpx2.get(f"{url}/jobs", timeout=120).status_code
    damage.figures[f"a stranger's GET /jobs {when}"] = str(status)
    if status != httpx2.codes.UNAUTHORIZED:
        damage.wrong.append(f"a stranger's GET /jobs was answered {status} {when}")
