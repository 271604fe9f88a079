import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from pippin.store import Store
from pippin.store.token_requirement import TokenRequirement

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def redis_url(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)


def test_token_is_printed_alone_on_stdout_and_only_once(invoke: Invoke, store: Store) -> None:
    made = invoke("tokens", "create", "--role", "worker", "--name", "mac-mini")
    assert made.exit_code == 0, made.output
    token = made.stdout.removesuffix("\n")
    known = store.tokens.check(token).token
    assert known is not None
    assert known.role == "worker"
    assert "not shown again" in made.stderr
    listed = invoke("tokens", "list")
    assert "mac-mini" in listed.stdout
    assert token.rpartition("_")[2] not in listed.output


def test_token_as_json_has_its_record(invoke: Invoke) -> None:
    made = json.loads(invoke("tokens", "create", "--role", "worker", "--json").stdout)
    token = made.pop("token")
    assert token.startswith("pippin_")
    assert json.loads(invoke("tokens", "list", "--json").stdout) == [made]


def test_token_is_revoked_by_name_or_id(invoke: Invoke, store: Store) -> None:
    for name in ("mac-mini", "studio"):
        invoke("tokens", "create", "--role", "worker", "--name", name)
    assert invoke("tokens", "revoke", "mac-mini").exit_code == 0
    (left,) = store.tokens.all()
    assert left.name == "studio"
    assert invoke("tokens", "revoke", left.id).exit_code == 0
    assert store.tokens.all() == []
    assert "no token" in invoke("tokens", "list").stdout


def test_an_unknown_token_and_an_ambiguous_name_are_refused(invoke: Invoke, store: Store) -> None:
    assert invoke("tokens", "revoke", "mac-mini").exit_code == 3
    for _ in range(2):
        invoke("tokens", "create", "--role", "worker", "--name", "mac-mini")
    refused = invoke("tokens", "revoke", "mac-mini")
    assert refused.exit_code == 3
    assert all(token.id in refused.stderr for token in store.tokens.all())


def test_unknown_role_is_refused(invoke: Invoke) -> None:
    assert invoke("tokens", "create", "--role", "emperor").exit_code == 2


def test_tokens_without_redis_name_the_setting(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL")
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = invoke("tokens", "list")
    assert refused.exit_code == 4
    assert "PIPPIN_REDIS_URL" in refused.stderr


def test_a_token_has_a_tenant_and_limits(invoke: Invoke, store: Store) -> None:
    made = invoke(
        *("tokens", "create", "--role", "submit", "--tenant", "team-a", "--queued-jobs", 5, "--active-jobs", 9),
        *("--stored-bytes", 10**9, "--requests-per-minute", 600),
    )
    assert made.exit_code == 0, made.output
    (token,) = store.tokens.all()
    assert token.tenant == "team-a"
    assert token.quotas.model_dump() == {
        "queued_jobs": 5,
        "active_jobs": 9,
        "stored_bytes": 10**9,
        "requests_per_minute": 600,
    }
    listed = invoke("tokens", "list").stdout
    assert "team-a" in listed
    assert "stored bytes 1,000,000,000" in listed


def test_invalid_tenant_name_is_refused(invoke: Invoke, store: Store) -> None:
    refused = invoke("tokens", "create", "--role", "read", "--tenant", "a:b")
    assert refused.exit_code == 2
    assert "no tenant can be called 'a:b'" in refused.stderr
    assert store.tokens.all() == []


def test_reset_without_live_tokens_ends_the_token_requirement(
    invoke: Invoke, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_HOME", str(tmp_path))
    requirement = TokenRequirement(tmp_path)
    invoke("tokens", "create", "--role", "admin", "--name", "ada")
    requirement.remember(store.tokens.issued_roles(), requirement.recall())
    refused = invoke("tokens", "reset")
    assert refused.exit_code == 3
    assert "There are valid tokens" in refused.stderr
    assert requirement.recall().roles == store.tokens.issued_roles() == {"admin"}
    invoke("tokens", "revoke", "ada")
    assert requirement.recall().roles == {"admin"}
    done = invoke("tokens", "reset", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"reset": str(requirement.path)}
    assert requirement.recall().roles == store.tokens.issued_roles() == frozenset()


def test_reset_of_an_absent_home_is_refused(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_HOME", str(tmp_path / "missing"))
    refused = invoke("tokens", "reset")
    assert refused.exit_code == 3
    assert "PIPPIN_HOME" in refused.stderr


def test_unreadable_token_is_reported_in_one_line(invoke: Invoke, store: Store) -> None:
    store.redis.hset("pippin:tokens", "token_x\x1b[31m\nforged", "{}")
    printed = invoke("tokens", "list").stderr
    assert "\x1b" not in printed
    assert not any(line.startswith("forged") for line in printed.splitlines())
    assert "token_x\\x1b[31m\\x0aforged is damaged" in printed
