"""Redis over TLS, as used by a worker on another machine: every kind of connection that Pippin makes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis
from rq import Queue

from pippin.settings import Settings, SettingsError
from pippin.store import EventReader, Store, StoreUnavailable, connect
from tests.support.tls import Authority, TlsFront
from worker.parent.rq_worker import AttemptWorker


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def front(valkey_url: str, authority: Authority) -> Iterator[TlsFront]:
    port = urlsplit(valkey_url).port
    assert port is not None
    with TlsFront(port, authority) as front:
        yield front


@pytest.fixture
def secure(valkey_url: str, front: TlsFront) -> Callable[..., str]:
    """The address of the server over TLS; keywords are its options."""

    def address(**options: object) -> str:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"rediss://:{urlsplit(valkey_url).password}@127.0.0.1:{front.port}/0?{query}"

    return address


def test_store_works_over_tls_with_a_private_authority(
    secure: Callable[..., str], authority: Authority, submit: Callable[..., Any]
) -> None:
    store = Store(connect(secure(ssl_ca_certs=authority.certificate)))
    job = submit()
    found = store.jobs.get("default", job.id)
    assert found is not None
    assert found.id == job.id
    store.close()


async def test_events_are_read_over_tls(secure: Callable[..., str], authority: Authority) -> None:
    async with EventReader(secure(ssl_ca_certs=authority.certificate)) as reader:
        assert await reader._query_client.ping()


def test_rq_takes_jobs_over_tls(secure: Callable[..., str], authority: Authority, submit: Callable[..., Any]) -> None:
    job = submit()
    taken: list[str] = []
    with Redis.from_url(secure(ssl_ca_certs=authority.certificate)) as connection:
        worker = AttemptWorker(
            "pippin-jax",
            name="far",
            connection=connection,
            handle=lambda attempt, forget: (taken.append(attempt.job_id), forget())[0],
            stopping=lambda: bool(taken),
        )
        worker.work()
        assert taken == [job.id]
        assert Queue("pippin-jax", connection=connection).count == 0


def test_untrusted_authority_is_reported(secure: Callable[..., str]) -> None:
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        connect(secure(), retries=0).ping()


def test_a_certificate_of_another_host_is_refused(secure: Callable[..., str], authority: Authority) -> None:
    # The same machine by a name that the certificate does not carry.
    url = secure(ssl_ca_certs=authority.certificate).replace("@127.0.0.1:", "@127.1:")
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        connect(url, retries=0).ping()


def test_missing_certificate_file_is_reported(secure: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="No such file"):
        connect(secure(ssl_ca_certs=tmp_path / "away.pem"), retries=0).ping()


def test_misspelt_tls_option_is_refused_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", "rediss://:secret@127.0.0.1:6379/0?ssl_ca_cert=/etc/ca.pem")
    with pytest.raises(SettingsError, match=r"PIPPIN_REDIS_URL .*'ssl_ca_cert'") as raised:
        Settings()
    assert "secret" not in str(raised.value)
    monkeypatch.setenv("PIPPIN_REDIS_URL", "rediss://:secret@127.0.0.1:6379/0?ssl_ca_certs=/etc/ca.pem")
    Settings()
