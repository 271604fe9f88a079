"""Redis over TLS, as used by a worker on another machine: every kind of connection that Pippin makes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis
from rq import Queue

from pippin.settings import Settings, SettingsError
from pippin.store import EventReader, Store, StoreUnavailable, connect
from tests.pippin.store.driver import QUEUE, TENANT, Driver
from tests.support.tls import Authority, TlsFront
from worker.parent.rq_worker import AttemptRef, AttemptWorker


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def front(valkey_url: str, authority: Authority) -> Iterator[TlsFront]:
    with TlsFront(urlsplit(valkey_url).port, authority) as front:
        yield front


@pytest.fixture
def address(valkey_url: str, front: TlsFront) -> str:
    """The address of the server over TLS."""
    return f"rediss://:{urlsplit(valkey_url).password}@127.0.0.1:{front.port}/0"


@pytest.fixture
def trusted(address: str, authority: Authority) -> str:
    """The same with the authority's certificate."""
    return f"{address}?ssl_ca_certs={authority.certificate}"


def test_store_works_over_tls_with_a_private_authority(driver: Driver, trusted: str) -> None:
    job = driver.submit()
    with closing(Store(connect(trusted))) as store:
        assert store.jobs.get(TENANT, job.id) == job


async def test_events_are_read_over_tls(trusted: str) -> None:
    async with EventReader(trusted) as reader:
        assert await reader._query_client.ping()


def test_rq_takes_jobs_over_tls(driver: Driver, trusted: str) -> None:
    job = driver.submit()
    taken: list[str] = []

    def take(attempt: AttemptRef, forget: Callable[[], None]) -> None:
        taken.append(attempt.job_id)
        forget()

    with Redis.from_url(trusted) as connection:
        worker = AttemptWorker(
            QUEUE,
            name="far",
            connection=connection,
            handle=take,
            stopping=lambda: bool(taken),
        )
        worker.work()
        assert taken == [job.id]
        assert Queue(QUEUE, connection=connection).count == 0


def test_untrusted_authority_is_reported(address: str) -> None:
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        connect(address, retries=0).ping()


def test_certificate_of_another_host_is_refused(trusted: str) -> None:
    # The same machine by a name that the certificate does not carry.
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        connect(trusted.replace("@127.0.0.1:", "@127.1:"), retries=0).ping()


def test_missing_certificate_file_is_reported(address: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="No such file"):
        connect(f"{address}?ssl_ca_certs={tmp_path / 'away.pem'}", retries=0).ping()


def test_misspelt_tls_option_is_refused_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "rediss://:secret@127.0.0.1:6379/0?ssl_ca_certs=/etc/ca.pem"
    monkeypatch.setenv("PIPPIN_REDIS_URL", url.replace("certs", "cert"))
    with pytest.raises(SettingsError, match=r"PIPPIN_REDIS_URL .*'ssl_ca_cert'") as raised:
        Settings()
    assert "secret" not in str(raised.value)
    monkeypatch.setenv("PIPPIN_REDIS_URL", url)
    Settings()
