"""A service that other machines can reach has an admin token, or does not start."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from pippin.api.tokens import ROLES, issue
from pippin.http.token_file import TokenFileError, read_token
from pippin.settings import Settings, SettingsError
from pippin.store import Store
from pippin.store.token_requirement import TokenRequirement, require_admin
from service.security.first_token import check_first_token, store_first_token
from tests.support.environment import clean_environment
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


class Process:
    """A service that listens on every address of the machine."""

    def __init__(self, valkey_url: str, home: Path, **variables: str) -> None:
        clean = clean_environment()
        ours = {"PIPPIN_REDIS_URL": valkey_url, "PIPPIN_HOME": str(home), "PIPPIN_PORT": "0", "PIPPIN_HOST": "0.0.0.0"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "service"], env=clean | ours | variables, stderr=subprocess.PIPE, text=True
        )
        self.log: list[str] = []

    def url(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "listening":
                return f"http://127.0.0.1:{event['address'][1]}"
        pytest.fail(f"the service did not start: {self.log}")

    def end(self) -> str:
        """Terminate the service; its whole log."""
        self.process.send_signal(signal.SIGTERM)
        _, rest = self.process.communicate(timeout=60)
        return "".join([*self.log, rest])


@pytest.fixture
def start(valkey_url: str, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(**variables: str) -> Process:
        started.append(Process(valkey_url, tmp_path / "home", **variables))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("setting", [{"host": "0.0.0.0"}, {"allowed_hosts": ("localhost", "pippin.example.com")}])
def test_only_an_admin_token_satisfies_require_admin(
    store: Store, make_settings: Callable[..., Settings], setting: dict[str, Any]
) -> None:
    settings = make_settings(**setting)
    for role in ROLES[1:]:
        store.tokens.add(issue(role, None))
        with pytest.raises(SettingsError, match=r"pippin tokens create --role admin.*PIPPIN_ADMIN_TOKEN_FILE"):
            require_admin(settings, store)
    store.tokens.add(issue("admin", None))
    require_admin(settings, store)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_no_admin_token(store: Store, make_settings: Callable[..., Settings], host: str) -> None:
    require_admin(make_settings(host=host), store)


def test_service_without_an_admin_token_does_not_start(start: Callable[..., Process]) -> None:
    refused = start()
    _, output = refused.process.communicate(timeout=60)
    assert refused.process.returncode == 2
    assert len(output.splitlines()) == 1
    assert "there is no token of the role admin" in output


def test_missing_admin_token_file_is_created_with_a_valid_token(
    start: Callable[..., Process], store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "admin.token"
    service = start(PIPPIN_ADMIN_TOKEN_FILE=str(file))
    url = service.url()
    token = read_token(file)
    assert token is not None
    assert file.stat().st_mode & 0o777 == 0o600
    assert httpx2.get(f"{url}/jobs").status_code == 401
    shown = {"authorization": f"Bearer {token}"}
    wait_for(lambda: httpx2.get(f"{url}/jobs", headers=shown).status_code == 200, "the first token is kept")
    assert token.rpartition("_")[2] not in service.end()
    (record,) = store.tokens.all()
    assert (record.role, record.tenant, record.name) == ("admin", "default", "first")


async def test_revoked_first_token_is_not_restored(
    store: Store, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(admin_token_file=tmp_path / "admin.token")
    requirement = TokenRequirement(settings.home)
    check_first_token(settings)
    text = read_token(settings.admin_token_file)
    for _ in range(2):
        await store_first_token(store, settings, requirement)
        assert [token.role for token in store.tokens.all()] == ["admin"]
    store.tokens.revoke(store.tokens.all()[0].id)
    check_first_token(settings)
    with structlog.testing.capture_logs() as log:
        await store_first_token(store, settings, requirement)
    assert store.tokens.all() == []
    assert "not the first any more" in log[0]["event"]
    assert read_token(settings.admin_token_file) == text


async def test_first_token_is_not_restored_after_redis_loses_its_records(
    store: Store, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(admin_token_file=tmp_path / "admin.token")
    requirement = TokenRequirement(settings.home)
    check_first_token(settings)
    await store_first_token(store, settings, requirement)
    requirement.remember(store.tokens.issued_roles(), requirement.recall())
    store.redis.flushall()
    for _ in range(2):
        await store_first_token(store, settings, requirement)
        assert store.tokens.all() == []
        # As after a restart of the service.
        requirement = TokenRequirement(settings.home)
    requirement.reset()
    await store_first_token(store, settings, requirement)
    assert [token.role for token in store.tokens.all()] == ["admin"]


def test_token_file_readable_by_others_is_refused(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    file = tmp_path / "admin.token"
    file.write_text(issue("admin", None).text)
    file.chmod(0o644)
    with pytest.raises(TokenFileError, match=f"PIPPIN_ADMIN_TOKEN_FILE.*chmod 600 {file}"):
        check_first_token(make_settings(admin_token_file=file))


def test_pippin_up_without_an_admin_token_leaves_no_process(tmp_path: Path) -> None:
    clean = clean_environment()
    command = [sys.executable, "-P", "-m", "pippin", "up", "--host", "0.0.0.0", "--port", "0", "--workers", "0"]
    home = tmp_path / "home"
    refused = subprocess.run(
        [*command, "--home", str(home)], env=clean, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 2
    assert "pippin tokens create --role admin" in refused.stderr
    listed = subprocess.run(["ps", "-Aww", "-o", "args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert str(home) not in listed
