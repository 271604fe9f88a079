"""Matching records and blobs, a second Redis as the target of a restore, and the commands as processes."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import redis
from typer.testing import CliRunner, Result

from pippin.api.jobs import Job
from pippin.api.metrics import BatchLosses
from pippin.api.requests import ResolvedDataset
from pippin.blobs import Blobs
from pippin.cli.app import app
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Claim, Store, connect, keys
from pippin.store.backup import Restored, Saved, restore, save
from pippin.store.backup.folder import Folder
from tests.pippin.store.driver import TENANT, Driver
from tests.support.environment import clean_environment
from tests.support.records import epoch_metrics, resolved_request, stored_checkpoint

_READS: dict[bytes, Callable[[Any, bytes], object]] = {
    b"hash": lambda pipe, key: pipe.hgetall(key),
    b"set": lambda pipe, key: pipe.smembers(key),
    b"stream": lambda pipe, key: pipe.xrange(key),
    b"zset": lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True),
    b"list": lambda pipe, key: pipe.lrange(key, 0, -1),
    b"string": lambda pipe, key: pipe.get(key),
}


@dataclass
class Side:
    """A Redis and its blob store, the folder `blobs` of PIPPIN_HOME."""

    url: str
    store: Store
    home: Path

    def __post_init__(self) -> None:
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.blobs = Blobs((self.home / "blobs").as_uri())

    def contents(self) -> dict[bytes, object]:
        """Every record's key as Redis has it, byte for byte."""
        with redis.Redis.from_url(self.url) as raw:
            names = [key for key in raw.scan_iter("pippin:*", 1000) if keys.is_record(key.decode("latin-1"))]
            with raw.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.type(name)
                for name, type_ in zip(names, pipe.execute(), strict=True):
                    _READS[type_](pipe, name)
                return dict(zip(names, pipe.execute(), strict=True))

    @property
    def is_empty(self) -> bool:
        """Whether it has neither a record nor a blob."""
        return not self.contents() and not list(self.blobs.names())

    def save(self, folder: Path, *, verify: bool = False) -> Saved:
        return save(self.url, self.store, self.blobs, Folder(folder), lambda _: None, verify=verify)

    def restore(self, folder: Path, *, replace: bool = False) -> Restored:
        return restore(self.url, self.blobs, Folder(folder), lambda _: None, replace=replace)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of commands for this Redis and these blobs."""
        return {"PIPPIN_REDIS_URL": self.url, "PIPPIN_HOME": str(self.home)}

    def run(self, *arguments: object) -> Result:
        """Run `pippin` with these arguments in this process."""
        return CliRunner().invoke(app, list(map(str, arguments)), env=self.environment)

    def command(self, *arguments: object) -> subprocess.Popen[str]:
        """`pippin` with these arguments as a process."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "pippin", *map(str, arguments)],
            env=clean_environment(**self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def driver(self) -> Driver:
        """The steps of jobs in the store."""
        return Driver(self.store)

    @cached_property
    def dataset(self) -> ResolvedDataset:
        """A dataset in the blob store."""
        return resolved_request().dataset.model_copy(update={"digest": self.blobs.put_bytes(b"arrays")})

    def submit(self, number: int = 0, *, tenant: str = TENANT, **fields: object) -> Job:
        """Submit a job that may be tried once."""
        usual = {"name": f"job-{number}", "dataset": self.dataset, "max_attempts": 1, "labels": {"team": "büro"}}
        return Driver(self.store, tenant).submit(**usual | fields)

    def start(self, number: int = 0, **fields: object) -> tuple[Job, Claim]:
        """Submit a job and run its first attempt."""
        job = self.submit(number, **fields)
        return job, self.driver.run(job)

    def finish_epoch(self, claim: Claim, epoch: int) -> str:
        """Record an epoch and its checkpoint, whose digest is returned."""
        content = f"{claim.job_id} {epoch}".encode()
        digest = self.blobs.put_bytes(content)
        stored = stored_checkpoint(epoch, digest=digest, bytes=len(content))
        metrics = epoch_metrics(epoch, attempt=claim.number)
        self.store.attempts.epoch(claim, metrics, BatchLosses([0.5, 0.25], 1, 2), stored)
        return digest

    def add_models(self, count: int) -> list[str]:
        """Records that name as many blobs of ten bytes, written together."""
        digests = [self._write_blob(f"{number:010}".encode()) for number in range(count)]
        with self.store.redis.pipeline(transaction=False) as pipe:
            for number, digest in enumerate(digests):
                record = f'{{"digest":"{digest}"}}'
                pipe.hset(keys.record(TENANT, "model", f"model_{number}"), "record", record)
                pipe.zadd(keys.listing(TENANT, "model"), {f"model_{number}": 0})
            pipe.execute()
        return digests

    def _write_blob(self, content: bytes) -> str:
        """Write a blob's file directly: thousands of puts would take long."""
        name = hashlib.sha256(content).hexdigest()
        path = self.home / "blobs" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"sha256:{name}"


def change_manifest(folder: Path, **fields: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.fixture
def source(store: Store, valkey_url: str, tmp_path: Path) -> Side:
    """The source of a backup."""
    return Side(valkey_url, store, tmp_path / "source")


@pytest.fixture(scope="session")
def second_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("second-valkey")) as server:
        yield server


@pytest.fixture
def target(second_server: EmbeddedValkey, tmp_path: Path) -> Iterator[Side]:
    """The empty target of a restore."""
    store = Store(connect(second_server.url))
    store.redis.config_set("appendfsync", "no")
    store.redis.flushall()
    yield Side(second_server.url, store, tmp_path / "target")
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the backups."""
    return tmp_path / "backup"


@pytest.fixture
def saved(source: Side, folder: Path) -> Path:
    """The folder of a backup of two models."""
    source.add_models(2)
    source.save(folder)
    return folder


BeforeEach = Callable[[type, str, Callable[[], object]], None]


@pytest.fixture
def before_each(monkeypatch: pytest.MonkeyPatch) -> BeforeEach:
    """Calls a function before each call of a method: `before_each(Blobs, "fetch", function)`."""

    def patch(owner: type, method: str, function: Callable[[], object]) -> None:
        original = getattr(owner, method)
        monkeypatch.setattr(owner, method, lambda *arguments: (function(), original(*arguments))[1])

    return patch
