"""A service that has required tokens still requires them after Redis loses its records, and does not trust a proxy."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from pippin.api.tokens import Role, issue
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, connect
from pippin.store.token_requirement import TokenRequirement
from service.security import authentication
from tests.service.conftest import MakeService, StartProcess
from tests.service.security.conftest import AddToken, bearer
from tests.support.problems import is_problem
from tests.support.waiting import wait_for

Start = Callable[..., httpx2.Client]
Add = Callable[[Role], dict[str, str]]
BLOB = "/blobs/" + "0" * 64


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def start(make_service: MakeService, home: Path) -> Iterator[Start]:
    """Starts a service with the home; a client of it."""
    clients = []

    def begin(**settings: object) -> httpx2.Client:
        service = make_service(**{"home": home} | settings)
        clients.append(service.client())
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


@pytest.fixture
def add(add_token: AddToken) -> Add:
    """Creates a token; the header of requests with it."""
    return lambda role: bearer(add_token(role))


def test_tokens_stay_required_after_redis_is_emptied(start: Start, add: Add, store: Store, home: Path) -> None:
    http = start()
    assert http.get("/jobs").status_code == 200
    token = add("admin")
    session = {"cookie": f"pippin_session={store.tokens.open_session(store.tokens.all()[0])}"}
    assert http.get("/jobs", headers=token).status_code == 200
    store.redis.flushall()
    # A request without a token may be refused by a cached answer of Redis until a request with a token queries Redis.
    for headers in (token, session, {}):
        problem = is_problem(http.get("/jobs", headers=headers), 401, "unauthorized")
        assert "pippin tokens reset" in problem["detail"]
    for path in (BLOB, "/workers", "/metrics", "/nothing"):
        assert http.get(path).status_code == 401
    assert http.get("/healthz").status_code == 200
    # Another service with the same home, started after the loss, reads the requirement from the file, like a
    # running one.
    other = start()
    assert other.get("/jobs").status_code == 401
    assert http.get("/jobs", headers=add("read")).status_code == 200
    store.redis.flushall()
    TokenRequirement(home).reset()
    assert http.get("/jobs").status_code == other.get("/jobs").status_code == 200


def test_unused_token_makes_tokens_required(start: Start, add: Add, store: Store, home: Path) -> None:
    http = start(token_check_seconds=0.05)
    add("submit")
    wait_for(lambda: "submit" in TokenRequirement(home).recall().roles, "the service has seen the token")
    store.redis.flushall()
    assert http.get("/jobs").status_code == 401


def test_metric_reports_lost_token_records(make_service: MakeService, add: Add, store: Store) -> None:
    state = make_service(token_check_seconds=0.05).state
    value = state.meters.registry.get_sample_value
    add("read")
    wait_for(lambda: state.services.requirement.recall().roles, "the service has seen the token")
    assert value("pippin_token_records_lost") == 0
    store.redis.flushall()
    wait_for(lambda: value("pippin_token_records_lost") == 1, "the loss is noticed")
    add("admin")
    wait_for(lambda: value("pippin_token_records_lost") == 0, "there is a token again")


def test_lost_worker_token_keeps_only_the_blobs_closed(start: Start, add: Add, store: Store) -> None:
    http = start()
    assert http.get(BLOB, headers=add("worker")).status_code == 404
    store.redis.flushall()
    assert http.get(BLOB).status_code == 401
    assert http.get("/jobs").status_code == 200


def test_damaged_requirement_file_makes_tokens_required(start: Start, add: Add, home: Path) -> None:
    TokenRequirement(home).path.write_text("{")
    http = start()
    assert http.get("/jobs").status_code == 401
    assert http.get("/jobs", headers=add("read")).status_code == 200


def test_each_home_has_its_own_token_requirement(start: Start, add: Add, store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    add("read")
    services = [start(), start(home=other)]
    for home in (other, tmp_path / "home"):
        wait_for(TokenRequirement(home).recall, "it is remembered")
    assert [each.get("/jobs").status_code for each in services] == [401, 401]
    store.redis.flushall()
    TokenRequirement(other).reset()
    assert [each.get("/jobs").status_code for each in services] == [401, 200]


def test_require_tokens_always_closes_the_service_before_the_first_token(start: Start, add: Add) -> None:
    http = start(require_tokens="always")
    assert http.get("/jobs").status_code == http.get(BLOB).status_code == 401
    assert http.get("/metrics").status_code == 401
    assert http.get("/healthz").status_code == 200
    assert http.get("/jobs", headers=add("read")).status_code == 200


@pytest.mark.full
def test_require_tokens_always_needs_an_admin_token_to_start(start_process: StartProcess) -> None:
    refused = start_process(PIPPIN_REQUIRE_TOKENS="always").process
    _, output = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "PIPPIN_REQUIRE_TOKENS is always" in output
    assert "pippin tokens create --role admin" in output


HEADERS = [
    ("X-Forwarded-For", "203.0.113.7"),
    ("x-forwarded-proto", "https"),
    ("X-Forwarded-Host", "pippin.example.com"),
    ("X-Forwarded-Prefix", ""),
    ("Forwarded", "for=203.0.113.7"),
    ("X-Real-IP", "203.0.113.7"),
    ("Via", "1.1 proxy"),
    ("CF-Connecting-IP", "203.0.113.7"),
    ("X-Original-URL", "/jobs"),
]


@pytest.mark.parametrize(("name", "value"), HEADERS)
def test_service_without_tokens_refuses_proxied_requests(http: httpx2.Client, add: Add, name: str, value: str) -> None:
    for method, path in (("GET", "/jobs"), ("POST", "/jobs"), ("PUT", BLOB), ("GET", "/metrics"), ("GET", "/nothing")):
        problem = is_problem(http.request(method, path, headers={name: value}), 403, "behind-proxy")
        assert name.lower() in problem["detail"]
        assert "PIPPIN_REQUIRE_TOKENS" in problem["detail"]
    assert http.get("/healthz", headers={name: value}).status_code == 200
    token = add("read")
    # Once tokens are required, proxied requests are treated like any others.
    assert http.get("/jobs", headers={name: value}).status_code == 401
    assert http.get("/jobs", headers={name: value} | token).status_code == 200


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A server that a test may stop."""
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


def test_metrics_without_redis_are_open_only_if_tokens_were_never_required(
    start: Start, own_valkey: EmbeddedValkey, home: Path
) -> None:
    http = start(redis_url=SecretStr(own_valkey.url))
    own_valkey.stop()
    assert http.get("/metrics").status_code == 200
    assert http.get("/metrics", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 403
    TokenRequirement(home).remember({"read"}, TokenRequirement(home).recall())
    assert http.get("/metrics").status_code == 503


def test_request_without_token_is_refused_without_redis(
    start: Start, own_valkey: EmbeddedValkey, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_RECENT_SECONDS", 3600.0)
    http = start(redis_url=SecretStr(own_valkey.url))
    token = issue("read", None)
    with closing(Store(connect(own_valkey.url))) as store:
        store.tokens.add(token)
    assert http.get("/jobs", headers=bearer(token)).status_code == 200
    own_valkey.stop()
    assert http.get("/jobs").status_code == http.post("/specs/validate", json={}).status_code == 401
    for headers in (bearer(token), {"authorization": "Bearer"}, {"cookie": "pippin_session=x"}):
        assert http.get("/jobs", headers=headers).status_code == 503
    assert http.get("/workers").status_code == 401
    TokenRequirement(home).reset()
    assert http.get("/jobs").status_code == 503
