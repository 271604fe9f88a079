"""Any bytes to any endpoint cause no 5xx, and the process keeps running without growing."""

import socket
import sys
from collections import Counter
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.service.process.requests import RawRequest, requests
from tests.support.service_process import ServiceProcess

SEED = 20_261_125
SECONDS = 60.0
# An incomplete request may never be answered.
SHORT_SECONDS = 0.05
GROWTH = 128 * 2**20
AS = pytest.mark.parametrize("caller", ["anybody", "admin"])


def response_status(address: tuple[str, int], request: RawRequest) -> int | None:
    """The status of the response; None when the service has closed the connection or waits for the rest."""
    with socket.create_connection(address, timeout=SECONDS) as connection:
        head = b""
        try:
            connection.sendall(request.content)
            connection.settimeout(SECONDS if request.is_whole else SHORT_SECONDS)
            while b"\r\n\r\n" not in head and (chunk := connection.recv(65536)):
                head += chunk
                # Skip an interim (1xx) response.
                if head.startswith(b"HTTP/1.1 1"):
                    head = head.partition(b"\r\n\r\n")[2]
        except TimeoutError:
            assert not request.is_whole, f"no answer within {SECONDS:g} s: {request.content[:2000]!r}"
        except ConnectionError:
            pass
    return int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.") else None


def send(process: ServiceProcess, held: dict[str, str], cases: int, token: str | None = None) -> Counter[int | None]:
    """Send so many requests, most of them with the token; the number of responses by status."""
    document = httpx2.get(f"{process.url}/openapi.json").json()
    parts = urlsplit(process.url)
    assert parts.hostname
    assert parts.port
    address = parts.hostname, parts.port
    known = {
        "job_id": tuple(held[state] for state in ("trained", "failed", "queued", "resting", "doomed")),
        "epoch": ("1",),
        "dataset_id": ("contract", "mnist-sample"),
        "model_id": ("contract",),
        "name": (held["worker"],),
        "sha256": (held["blob"],),
    }
    statuses: Counter[int | None] = Counter()

    @seed(SEED)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(request=requests(document, known, token))
    def send_one(request: RawRequest) -> None:
        status = response_status(address, request)
        statuses[status] += 1
        assert status is None or status < 500, f"{status}: {request.content[:4000]!r}"

    send_one()
    return statuses


@pytest.mark.full
@pytest.mark.timeout(900)
@AS
def test_thousands_of_malformed_requests_cause_no_5xx_and_no_leak(
    process: ServiceProcess, held: dict[str, str], caller: str, capsys: pytest.CaptureFixture[str]
) -> None:
    token = process.add_token("admin") if caller == "admin" else None
    send(process, held, 500, token)
    resident, files = process.resident_bytes, process.open_files
    statuses = send(process, held, 5_000, token)
    table = "\n".join(f"{status or 'none':>6} {times:>6}" for status, times in sorted(statuses.items(), key=str))
    grown = process.resident_bytes - resident
    with capsys.disabled():
        sys.stdout.write(f"\nas {caller}\nstatus  times\n{table}\nmemory grew by {grown / 2**20:.0f} MB\n")
    assert httpx2.get(f"{process.url}/readyz").status_code == 200
    assert grown < GROWTH
    assert process.open_files <= files + 10
    refused = {401} if token else set()
    assert {200, 202, 400, 403, 404, 405, 409, 415, 421, 422} | refused <= statuses.keys(), "many were reached"
