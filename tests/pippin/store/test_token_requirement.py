import json
import os
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
import structlog

from pippin.api.tokens import ROLES
from pippin.store.token_requirement import RequirementError, TokenRequirement
from tests.pippin.store.driver import at_once

EVERY = frozenset(ROLES)


@pytest.fixture
def requirement(tmp_path: Path) -> TokenRequirement:
    """The requirement of a home, as one process has it."""
    return TokenRequirement(tmp_path)


def recalled(home: Path) -> Collection[str]:
    """The roles that another process of the home reads."""
    return TokenRequirement(home).recall().roles


def remember(requirement: TokenRequirement, *roles: str) -> None:
    requirement.remember(roles, requirement.recall())


@pytest.mark.parametrize("folder", [".", "missing"])
def test_new_home_demands_no_role(tmp_path: Path, folder: str) -> None:
    assert recalled(tmp_path / folder) == frozenset()


def test_roles_are_shared_by_the_processes_of_a_home(requirement: TokenRequirement, tmp_path: Path) -> None:
    other = TokenRequirement(tmp_path)
    remember(requirement, "worker")
    remember(other, "admin")
    assert requirement.recall().roles == other.recall().roles == recalled(tmp_path) == {"admin", "worker"}
    assert requirement.path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [requirement.path]


def test_reset_takes_effect_at_once_in_a_running_process(requirement: TokenRequirement, tmp_path: Path) -> None:
    remember(requirement, "admin")
    TokenRequirement(tmp_path).reset()
    assert requirement.recall().roles == frozenset()


def test_roles_read_before_a_reset_are_not_stored_after_it(requirement: TokenRequirement, tmp_path: Path) -> None:
    before = requirement.recall()
    TokenRequirement(tmp_path).reset()
    requirement.remember({"admin"}, before)
    assert requirement.recall().roles == frozenset()
    remember(requirement, "read")
    assert recalled(tmp_path) == {"read"}


def test_deleted_file_keeps_the_roles_and_is_written_again(requirement: TokenRequirement, tmp_path: Path) -> None:
    remember(requirement, "admin")
    requirement.path.unlink()
    assert requirement.recall().roles == {"admin"}
    remember(requirement)
    assert recalled(tmp_path) == {"admin"}


DAMAGED = [
    b"",
    b"\0" * 100,
    b"{}",
    b"[]",
    b"null",
    b'{"version": 1, "roles": []',
    b'{"version": 1, "roles": 3, "generation": ""}',
    b'{"version": 1, "roles": [3], "generation": ""}',
    b'{"version": 1, "roles": [[]], "generation": ""}',
    b'{"version": 1, "roles": [], "generation": null}',
    b'{"version": 2, "roles": [], "generation": ""}',
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: repr(content[:20]))
def test_damaged_file_demands_every_role_and_is_not_changed(requirement: TokenRequirement, content: bytes) -> None:
    requirement.path.write_bytes(content)
    requirement.path.chmod(0o600)
    with structlog.testing.capture_logs() as log:
        assert [requirement.recall().roles for _ in range(3)] == [EVERY] * 3
    (line,) = log
    assert str(requirement.path) in line["reason"]
    remember(requirement, "worker")
    assert requirement.path.read_bytes() == content
    requirement.reset()
    assert requirement.recall().roles == frozenset()


def test_file_writable_by_others_demands_every_role(requirement: TokenRequirement) -> None:
    requirement.reset()
    requirement.path.chmod(0o666)
    assert requirement.recall().roles == EVERY


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_folder_or_pipe_instead_of_the_file_demands_every_role(
    requirement: TokenRequirement, make: Callable[[Path, int], None]
) -> None:
    make(requirement.path, 0o600)
    assert requirement.recall().roles == EVERY


def test_unknown_members_are_ignored(requirement: TokenRequirement) -> None:
    requirement.path.write_text(json.dumps({"version": 1, "roles": ["read"], "generation": "x", "since": 1}))
    requirement.path.chmod(0o600)
    assert requirement.recall().roles == {"read"}


def test_unwritable_home_is_logged_and_roles_are_kept_in_memory(tmp_path: Path) -> None:
    home = tmp_path / "missing"
    requirement = TokenRequirement(home)
    with structlog.testing.capture_logs() as log:
        for _ in range(2):
            remember(requirement, "admin")
    assert [entry["event"] for entry in log] == ["the token requirement cannot be written and is kept in memory only"]
    assert requirement.recall().roles == {"admin"}
    with pytest.raises(RequirementError, match="cannot be written"):
        TokenRequirement(home).reset()
    # The file is written as soon as the folder exists.
    home.mkdir()
    remember(requirement, "admin")
    assert recalled(home) == {"admin"}


def test_many_threads_lose_no_role(requirement: TokenRequirement, tmp_path: Path) -> None:
    at_once(lambda role: remember(requirement, role), ROLES * 4)
    assert recalled(tmp_path) == EVERY
