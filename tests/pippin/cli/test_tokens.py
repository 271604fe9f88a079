from pathlib import Path

import pytest

from pippin.store import Store
from pippin.store.token_requirement import TokenRequirement
from tests.pippin.cli.conftest import Invoke

CREATE = ("tokens", "create", "--role")


@pytest.fixture(autouse=True)
def redis_url(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)


def test_token_is_printed_alone_on_stdout_and_only_once(invoke: Invoke, store: Store) -> None:
    created = invoke(*CREATE, "worker", "--name", "mac-mini")
    assert created.exit_code == 0, created.output
    token = created.stdout.removesuffix("\n")
    record = store.tokens.check(token).token
    assert record is not None
    assert record.role == "worker"
    assert "not shown again" in created.stderr
    listed = invoke("tokens", "list")
    assert "mac-mini" in listed.stdout
    assert token.rpartition("_")[2] not in listed.output


def test_token_as_json_has_its_record(invoke: Invoke) -> None:
    record = invoke.json(*CREATE, "worker")
    assert record.pop("token").startswith("pippin_")
    assert invoke.json("tokens", "list") == [record]


def test_token_is_revoked_by_name_or_id(invoke: Invoke, store: Store) -> None:
    for name in ("mac-mini", "studio"):
        invoke.ok(*CREATE, "worker", "--name", name)
    invoke.ok("tokens", "revoke", "mac-mini")
    (left,) = store.tokens.all()
    assert left.name == "studio"
    invoke.ok("tokens", "revoke", left.id)
    assert store.tokens.all() == []
    assert "no token" in invoke.ok("tokens", "list")


def test_an_unknown_token_and_an_ambiguous_name_are_refused(invoke: Invoke, store: Store) -> None:
    invoke.refused(3, "tokens", "revoke", "mac-mini")
    for _ in range(2):
        invoke.ok(*CREATE, "worker", "--name", "mac-mini")
    refusal = invoke.refused(3, "tokens", "revoke", "mac-mini")
    assert all(token.id in refusal for token in store.tokens.all())


def test_unknown_role_is_refused(invoke: Invoke) -> None:
    invoke.refused(2, *CREATE, "emperor")


def test_tokens_without_redis_name_the_setting(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "PIPPIN_REDIS_URL" in invoke.refused(4, "tokens", "list")


def test_a_token_has_a_tenant_and_limits(invoke: Invoke, store: Store) -> None:
    quotas = {"queued_jobs": 5, "active_jobs": 9, "stored_bytes": 10**9, "requests_per_minute": 600}
    options = [word for name, number in quotas.items() for word in (f"--{name.replace('_', '-')}", number)]
    invoke.ok(*CREATE, "submit", "--tenant", "team-a", *options)
    (token,) = store.tokens.all()
    assert token.tenant == "team-a"
    assert token.quotas.model_dump() == quotas
    listed = invoke.ok("tokens", "list")
    assert "team-a" in listed
    assert "stored bytes 1,000,000,000" in listed


def test_invalid_tenant_name_is_refused(invoke: Invoke, store: Store) -> None:
    assert "no tenant can be called 'a:b'" in invoke.refused(2, *CREATE, "read", "--tenant", "a:b")
    assert store.tokens.all() == []


def test_reset_without_live_tokens_ends_the_token_requirement(
    invoke: Invoke, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_HOME", str(tmp_path))
    requirement = TokenRequirement(tmp_path)
    invoke.ok(*CREATE, "admin", "--name", "ada")
    requirement.remember(store.tokens.issued_roles(), requirement.recall())
    assert "There are valid tokens" in invoke.refused(3, "tokens", "reset")
    assert requirement.recall().roles == store.tokens.issued_roles() == {"admin"}
    invoke.ok("tokens", "revoke", "ada")
    assert requirement.recall().roles == {"admin"}
    assert invoke.json("tokens", "reset") == {"reset": str(requirement.path)}
    assert requirement.recall().roles == store.tokens.issued_roles() == frozenset()


def test_reset_of_an_absent_home_is_refused(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_HOME", str(tmp_path / "missing"))
    assert "PIPPIN_HOME" in invoke.refused(3, "tokens", "reset")


def test_unreadable_token_is_reported_in_one_line(invoke: Invoke, store: Store) -> None:
    store.redis.hset("pippin:tokens", "token_x\x1b[31m\nforged", "{}")
    printed = invoke("tokens", "list").stderr
    assert "\x1b" not in printed
    assert not any(line.startswith("forged") for line in printed.splitlines())
    assert "token_x\\x1b[31m\\x0aforged is damaged" in printed
