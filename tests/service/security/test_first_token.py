"""A service that other machines can reach has an admin token, or does not start."""

import subprocess
import sys
from collections.abc import Callable
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
from tests.service.conftest import StartProcess
from tests.support.environment import clean_environment
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


# Such a service listens on every address of the machine.
REACHABLE = {"PIPPIN_HOST": "0.0.0.0"}


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


def test_service_without_an_admin_token_does_not_start(start_process: StartProcess) -> None:
    refused = start_process(**REACHABLE).process
    _, output = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert len(output.splitlines()) == 1
    assert "there is no token of the role admin" in output


def test_missing_admin_token_file_is_created_with_a_valid_token(
    start_process: StartProcess, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "admin.token"
    service = start_process(**REACHABLE, PIPPIN_ADMIN_TOKEN_FILE=str(file))
    url = service.address().replace("0.0.0.0", "127.0.0.1")
    token = read_token(file)
    assert token is not None
    assert file.stat().st_mode & 0o777 == 0o600
    assert httpx2.get(f"{url}/jobs").status_code == 401
    shown = {"authorization": f"Bearer {token}"}
    wait_for(lambda: httpx2.get(f"{url}/jobs", headers=shown).status_code == 200, "the first token is kept")
    service.terminate()
    assert token.rpartition("_")[2] not in str(service.log)
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
    assert "the role already has other tokens" in log[0]["event"]
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
    home = tmp_path / "home"
    command = [sys.executable, "-P", "-m", "pippin", "up", "--host", "0.0.0.0", "--port", "0", "--workers", "0"]
    command += ["--home", str(home)]
    refused = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "pippin tokens create --role admin" in refused.stderr
    listed = subprocess.run(["ps", "-Aww", "-o", "args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert str(home) not in listed
