import json
import os
import threading
from pathlib import Path

import pytest
import structlog

from pippin.api.tokens import ROLES
from pippin.store.token_requirement import RequirementError, TokenRequirement

EVERY = frozenset(ROLES)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def remember(requirement: TokenRequirement, *roles: str) -> None:
    requirement.remember(roles, requirement.recall())


def test_new_home_demands_no_role(home: Path) -> None:
    assert TokenRequirement(home).recall().roles == frozenset()
    assert TokenRequirement(home / "missing").recall().roles == frozenset()


def test_roles_are_shared_by_the_processes_of_a_home(home: Path) -> None:
    one, other = TokenRequirement(home), TokenRequirement(home)
    remember(one, "worker")
    remember(other, "admin")
    assert one.recall().roles == other.recall().roles == {"admin", "worker"}
    assert TokenRequirement(home).recall().roles == {"admin", "worker"}
    assert one.path.stat().st_mode & 0o777 == 0o600
    assert sorted(home.iterdir()) == [one.path]


def test_reset_takes_effect_at_once_in_a_running_process(home: Path) -> None:
    running = TokenRequirement(home)
    remember(running, "admin")
    TokenRequirement(home).reset()
    assert running.recall().roles == frozenset()


def test_roles_read_before_a_reset_are_not_stored_after_it(home: Path) -> None:
    running = TokenRequirement(home)
    before = running.recall()
    TokenRequirement(home).reset()
    running.remember({"admin"}, before)
    assert running.recall().roles == frozenset()
    remember(running, "read")
    assert TokenRequirement(home).recall().roles == {"read"}


def test_deleted_file_keeps_the_roles_and_is_written_again(home: Path) -> None:
    running = TokenRequirement(home)
    remember(running, "admin")
    running.path.unlink()
    assert running.recall().roles == {"admin"}
    remember(running)
    assert TokenRequirement(home).recall().roles == {"admin"}


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
def test_damaged_file_demands_every_role_and_is_not_changed(home: Path, content: bytes) -> None:
    requirement = TokenRequirement(home)
    requirement.path.write_bytes(content)
    requirement.path.chmod(0o600)
    with structlog.testing.capture_logs() as log:
        for _ in range(3):
            assert requirement.recall().roles == EVERY
    assert len(log) == 1
    assert str(requirement.path) in log[0]["reason"]
    remember(requirement, "worker")
    assert requirement.path.read_bytes() == content
    requirement.reset()
    assert requirement.recall().roles == frozenset()


def test_file_writable_by_others_demands_every_role(home: Path) -> None:
    requirement = TokenRequirement(home)
    requirement.reset()
    requirement.path.chmod(0o666)
    assert requirement.recall().roles == EVERY


def test_folder_or_pipe_instead_of_the_file_demands_every_role(home: Path) -> None:
    requirement = TokenRequirement(home)
    requirement.path.mkdir()
    assert requirement.recall().roles == EVERY
    requirement.path.rmdir()
    os.mkfifo(requirement.path, 0o600)
    assert requirement.recall().roles == EVERY


def test_unknown_members_are_ignored(home: Path) -> None:
    requirement = TokenRequirement(home)
    requirement.path.write_text(json.dumps({"version": 1, "roles": ["read"], "generation": "x", "since": 1}))
    requirement.path.chmod(0o600)
    assert requirement.recall().roles == {"read"}


def test_unwritable_home_is_logged_and_roles_are_kept_in_memory(home: Path) -> None:
    requirement = TokenRequirement(home / "missing")
    with structlog.testing.capture_logs() as log:
        remember(requirement, "admin")
        remember(requirement, "admin")
    assert [entry["event"] for entry in log] == ["the token requirement cannot be written and is kept in memory only"]
    assert requirement.recall().roles == {"admin"}
    with pytest.raises(RequirementError, match="cannot be written"):
        TokenRequirement(home / "missing").reset()
    # The file is written as soon as the folder exists.
    (home / "missing").mkdir()
    remember(requirement, "admin")
    assert TokenRequirement(home / "missing").recall().roles == {"admin"}


def test_many_threads_lose_no_role(home: Path) -> None:
    requirement = TokenRequirement(home)
    threads = [threading.Thread(target=remember, args=(requirement, role)) for role in ROLES for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert TokenRequirement(home).recall().roles == EVERY
