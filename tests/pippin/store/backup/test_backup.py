"""A backup is restored with matching records and blobs, or refused with one sentence."""

import gzip
import json
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pippin.api.states import Status
from pippin.api.tokens import issue
from pippin.blobs import Blobs
from pippin.store import Refusal, keys
from pippin.store.backup import BackupError
from pippin.store.backup.folder import Folder
from pippin.store.backup.hold import SweepHold
from pippin.store.blob_ownership import BlobOwnership
from pippin.store.versions import FIELD, VERSION
from tests.pippin.store.backup.conftest import TENANT, Side

WaitUntil = Callable[..., None]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest_of(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return manifest


def killed(command: subprocess.Popen[str], when: Callable[[], object]) -> None:
    """Kill a command as soon as `when()` is true; the command must still be running then."""
    deadline = time.monotonic() + 60
    while not when():
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    command.send_signal(signal.SIGKILL)
    command.communicate()
    assert command.returncode == -signal.SIGKILL


def count(folder: Path) -> int:
    return sum(1 for path in folder.glob("??/*") if "." not in path.name and "#" not in path.name)


def test_records_and_blobs_are_restored(source: Side, target: Side, folder: Path) -> None:
    token = issue("admin", "mine")
    source.store.tokens.add(token)
    source.store.samples.record(TENANT)
    source.add_models(5)
    job_id = source.submit(1)
    source.store.usage.recount(TENANT)
    saved = source.save(folder)
    assert (saved.blobs, saved.copied, saved.missing) == (6, 6, ())
    restored = target.restore(folder)
    assert (restored.keys, restored.blobs, restored.given_back, restored.refusal) == (saved.keys, 6, 0, None)
    assert target.contents() == source.contents()
    assert set(target.blobs.names()) == set(source.blobs.names())
    assert target.store.tokens.check(token.text).token == token.record
    assert target.store.tokens.issued_roles() == {"admin"}, "tokens are required at once"
    assert target.store.samples.recipients([TENANT]) == {TENANT}
    assert target.store.usage.stored_bytes(TENANT) == source.store.usage.stored_bytes(TENANT)
    assert target.store.usage.recount(TENANT) == 0
    job = target.store.jobs.get(TENANT, job_id)
    assert job is not None
    assert job.status is Status.QUEUED
    assert target.store.queues.waiting("pippin-jax") == [(job_id, 1)]
    assert BlobOwnership(target.store, target.blobs).inspect().refusal is None


def test_backup_folder_is_private(source: Side, folder: Path) -> None:
    source.add_models(3)
    source.save(folder)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_restored_running_job_resumes_from_its_last_checkpoint(source: Side, target: Side, folder: Path) -> None:
    job_id = source.submit(1, timeout_seconds=3600)
    claim = source.begin(job_id)
    digest = source.finish_epoch(claim, 1)
    saved = source.save(folder)
    assert saved.blobs == 2
    source.finish_epoch(claim, 2)  # after the backup
    assert target.restore(folder).given_back == 1
    job = target.store.jobs.get(TENANT, job_id)
    assert job is not None
    # max_attempts is 1: a hand-back does not count as a lost attempt.
    assert (job.status, job.progress.epoch) == (Status.QUEUED, 1)
    assert job.checkpoint is not None
    assert job.checkpoint.digest == digest
    assert target.blobs.head(digest) is not None
    assert target.store.queues.waiting("pippin-jax") == [(job_id, 2)]
    assert target.store.leases.expired() == []
    assert target.store.usage.recount(TENANT) == 0
    assert target.store.redis.hget(keys.job(TENANT, job_id).job, FIELD) == VERSION
    target.finish_epoch(target.begin(job_id, 2), 2)


def test_time_between_backup_and_restore_is_no_training_time(source: Side, target: Side, folder: Path) -> None:
    job_id = source.submit(1, timeout_seconds=3600)
    source.begin(job_id)
    source.save(folder)
    manifest = manifest_of(folder)
    # As if it had been made a day ago, ten minutes after the attempt was last seen, whose leases are an hour long.
    second = 10**6
    day = 24 * 3600 * second
    manifest["moment"] -= day
    records = folder / manifest["records"]["name"]
    moved = []
    for line in gzip.decompress(records.read_bytes()).decode().splitlines():
        key, type_, value, expires_at = json.loads(line)
        if key == keys.job(TENANT, job_id).attempts:
            value |= {"1:started_at": str(manifest["moment"] - day), "1:seen": str(manifest["moment"] - 600 * second)}
        if key == keys.job(TENANT, job_id).job:
            value["lease"] = str(3600 * second)
        moved.append(json.dumps([key, type_, value, expires_at]))
    with Folder(folder).writing(records.name) as file:
        for line in moved:
            file.write(line)
    manifest["records"] |= Folder(folder).describe(records.name, file.count).model_dump()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert target.restore(folder).given_back == 1
    spent = int(target.store.redis.hget(keys.job(TENANT, job_id).job, "spent") or 0)
    assert 600 * second <= spent < 1800 * second


def test_damaged_running_job_does_not_stop_a_restore(source: Side, target: Side, folder: Path) -> None:
    damaged, sound = source.submit(1), source.submit(2)
    source.begin(damaged)
    source.begin(sound)
    source.store.redis.hset(keys.job(TENANT, damaged).attempts, "1:seen", "yesterday")
    source.save(folder)
    assert target.restore(folder).given_back == 1
    assert target.store.queues.waiting("pippin-jax") == [(sound, 2)]


@pytest.mark.parametrize(("ask", "then"), [("cancel", Status.CANCELLED), ("pause", Status.PAUSED)])
def test_restore_completes_a_pending_cancel_or_pause(
    *, source: Side, target: Side, folder: Path, ask: str, then: Status
) -> None:
    job_id = source.submit(1)
    source.begin(job_id)
    getattr(source.store.jobs, ask)(TENANT, job_id)
    source.save(folder)
    target.restore(folder)
    job = target.store.jobs.get(TENANT, job_id)
    assert job is not None
    assert job.status is then


@pytest.mark.full
def test_queued_jobs_keep_their_order(source: Side, target: Side, folder: Path) -> None:
    # More than a reaper queues again in one look.
    jobs = [source.submit(number, tenant=tenant) for number in range(255) for tenant in ("zeta", "alpha")]
    source.store.jobs.cancel("zeta", jobs[2])
    before = source.store.queues.waiting("pippin-jax")
    assert [job_id for job_id, _ in before] == [jobs[0], jobs[1], *jobs[3:]]
    source.save(folder)
    target.restore(folder)
    assert target.store.queues.waiting("pippin-jax") == before


def test_second_backup_copies_new_blobs_and_deletes_unused_ones(source: Side, target: Side, folder: Path) -> None:
    digests = source.add_models(3)
    source.save(folder)
    times = {path: path.stat().st_mtime_ns for path in (folder / "blobs").rglob("*") if path.is_file()}
    source.store.redis.delete(keys.record(TENANT, "model", "model_0"))
    source.store.redis.zrem(keys.listing(TENANT, "model"), "model_0")
    source.submit(1)
    saved = source.save(folder)
    assert (saved.blobs, saved.copied) == (3, 1)
    kept = {path: times[path] for path in times if path.name != digests[0].removeprefix("sha256:")}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(Folder(folder).stored_blobs())) == 3
    assert len(list(folder.glob("*.gz"))) == 2
    target.restore(folder)
    assert target.contents() == source.contents()


def test_verify_copies_damaged_blobs_of_the_backup_again(source: Side, folder: Path) -> None:
    source.add_models(2)
    source.save(folder)
    first, *_ = sorted(Folder(folder).stored_blobs())
    first.write_bytes(b"x" * first.stat().st_size)
    assert source.save(folder).copied == 0
    assert source.save(folder, verify=True).copied == 1
    first.write_bytes(b"x")  # another size is noticed anyway
    assert source.save(folder).copied == 1


def test_missing_and_damaged_blobs_are_named(source: Side, target: Side, folder: Path) -> None:
    gone, bad, good = source.add_models(3)
    source.blobs.delete(gone)
    name = bad.removeprefix("sha256:")
    (source.home / "blobs" / name[:2] / name).write_bytes(b"0" * 10)
    saved = source.save(folder)
    assert set(saved.missing) == {gone, bad}
    restored = target.restore(folder)
    assert set(restored.missing) == {gone, bad}
    assert list(target.blobs.names()) == [good]


def test_sweeper_is_held_while_a_backup_runs(source: Side, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.add_models(1)
    seen = []
    fetch = Blobs.fetch

    def look(self: Blobs, digest: str, path: Path) -> None:
        seen.append(source.store.blob_ledger.holder())
        fetch(self, digest, path)

    monkeypatch.setattr(Blobs, "fetch", look)
    source.save(folder)
    assert seen[0] is not None
    assert seen[0].startswith("backup ")
    assert source.store.blob_ledger.holder() is None


def test_lost_sweep_hold_fails_the_backup(source: Side, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.add_models(1)
    fetch = Blobs.fetch

    def lose(self: Blobs, digest: str, path: Path) -> None:
        source.store.redis.delete(keys.SWEEP_HOLD)
        fetch(self, digest, path)

    monkeypatch.setattr(Blobs, "fetch", lose)
    with pytest.raises(BackupError, match="was suspended"):
        source.save(folder)
    assert not (folder / "manifest.json").exists()


def test_concurrent_backups_are_refused(source: Side, folder: Path, tmp_path: Path) -> None:
    with SweepHold(source.store.blob_ledger, "backup"), pytest.raises(BackupError, match=r"a backup .* is running"):
        source.save(folder)
    with Folder(folder).opened_for_writing(), pytest.raises(BackupError, match="another backup is running"):
        source.save(folder)
    source.save(tmp_path / "other")


def test_sweep_hold_of_a_dead_process_is_taken_over(source: Side, folder: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    hold = SweepHold(source.store.blob_ledger, "backup")
    hold._holder = hold._holder.replace(hold._holder.split()[1].partition("@")[0], str(ended.pid))
    source.store.blob_ledger.hold(hold._holder)
    source.save(folder)


@pytest.mark.full
def test_killed_backup_keeps_the_previous_one(source: Side, target: Side, folder: Path) -> None:
    source.add_models(3)
    source.save(folder)
    before = files_of(folder)
    contents = source.contents()
    source.add_models(500)
    command = source.command("backup", folder)
    killed(command, lambda: count(folder / "blobs") > 10)
    after = files_of(folder)
    assert before.items() <= after.items()
    assert len(after) > len(before)
    target.restore(folder)
    assert target.contents() == contents
    # The next backup reuses the blobs that the killed one had copied.
    copied = count(folder / "blobs")
    saved = source.save(folder)
    assert saved.copied <= 503 - copied
    assert len(files_of(folder)) == 500 + 4


@pytest.mark.full
def test_killed_first_backup_cannot_be_restored(source: Side, target: Side, folder: Path) -> None:
    source.add_models(500)
    killed(source.command("backup", folder), lambda: count(folder / "blobs") > 10)
    with pytest.raises(BackupError, match="contains no complete backup: a backup there did not finish"):
        target.restore(folder)
    refused = target.command("restore", folder)
    out, err = refused.communicate()
    assert (refused.returncode, out) == (3, "")
    assert len(err.splitlines()) == 1
    assert target.contents() == {}
    assert list(target.blobs.names()) == []


@pytest.mark.full
def test_restore_killed_while_storing_blobs_changes_no_record(source: Side, target: Side, folder: Path) -> None:
    source.add_models(500)
    source.save(folder)
    killed(target.command("restore", folder), lambda: count(target.home / "blobs") > 10)
    assert target.contents() == {}
    assert target.restore(folder).refusal is None
    assert target.contents() == source.contents()
    assert set(target.blobs.names()) == set(source.blobs.names())


def test_restore_killed_while_writing_records_changes_no_record(source: Side, target: Side, folder: Path) -> None:
    source.add_models(1)
    with source.store.redis.pipeline(transaction=False) as pipe:
        for number in range(8_000):
            pipe.set(f"pippin:default:filler:{number}", "x" * 100)
        pipe.execute()
    source.save(folder)
    present = target.submit(7)
    before = target.contents()
    killed(
        target.command("restore", folder, "--replace"),
        lambda: target.store.redis.dbsize() > len(before) + 500,
    )
    assert target.contents() == before
    assert target.store.jobs.get(TENANT, present) is not None
    target.restore(folder, replace=True)
    assert target.contents() == source.contents()
    assert list(target.store.redis.scan_iter(f"{keys.STAGED}*")) == []
    assert target.store.jobs.get(TENANT, present) is None


def test_failed_restore_leaves_nothing_staged(source: Side, target: Side, folder: Path) -> None:
    source.add_models(10)
    source.save(folder)
    target.store.redis.config_set("maxmemory", 1)
    try:
        failed = target.command("restore", folder)
        _, err = failed.communicate()
    finally:
        target.store.redis.config_set("maxmemory", 0)
    assert failed.returncode == 4
    assert "maxmemory" in err
    assert target.store.redis.dbsize() == 0


def test_records_or_other_blobs_at_the_target_are_not_replaced_by_default(
    source: Side, target: Side, folder: Path
) -> None:
    source.add_models(2)
    source.save(folder)
    stray = target.blobs.put_bytes(b"stray")
    with pytest.raises(BackupError, match="the blob store has blobs that are not in the backup"):
        target.restore(folder)
    target.blobs.delete(stray)
    target.submit(1)
    before = target.contents()
    with pytest.raises(BackupError, match="Redis already has records"):
        target.restore(folder)
    assert target.contents() == before


def test_other_blobs_are_not_swept_before_the_store_is_adopted(source: Side, target: Side, folder: Path) -> None:
    source.add_models(2)
    source.save(folder)
    BlobOwnership(target.store, target.blobs).claim()
    stray = target.blobs.put_bytes(b"stray")
    assert target.restore(folder, replace=True).refusal is Refusal.CLOSED
    assert target.blobs.head(stray) == 5
    ownership = BlobOwnership(target.store, target.blobs)
    assert ownership.claim().refusal is Refusal.CLOSED
    ownership.adopt()
    assert ownership.inspect().refusal is None


def test_blob_store_of_another_redis_is_not_claimed(source: Side, target: Side, folder: Path) -> None:
    BlobOwnership(source.store, source.blobs).claim()
    source.add_models(2)
    source.save(folder)
    clone = Side(target.url, target.store, source.home, source.blobs)
    assert clone.restore(folder).refusal is Refusal.LOST
    assert BlobOwnership(source.store, source.blobs).inspect().refusal is None


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncated, flipped, Path.unlink])
@pytest.mark.parametrize("pattern", ["records-*.gz", "blobs-*.gz", "blobs/*/*"])
def test_a_damaged_backup_is_refused_before_anything_changes(
    *, source: Side, target: Side, folder: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    source.add_models(2)
    source.save(folder)
    damage(next(folder.glob(pattern)))
    with pytest.raises(BackupError, match=r"damaged|incomplete"):
        target.restore(folder)
    assert target.contents() == {}
    assert list(target.blobs.names()) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 2, "pippin": "9.0"}', "has the format 2, made by Pippin 9.0; this one reads up to 1"),
        (None, "contains no complete backup"),
    ],
)
def test_unusable_manifest_is_refused(*, source: Side, target: Side, folder: Path, text: str | None, why: str) -> None:
    source.add_models(1)
    source.save(folder)
    manifest = folder / "manifest.json"
    if text is None:
        manifest.unlink()
    else:
        manifest.write_text(text)
    with pytest.raises(BackupError, match=why):
        target.restore(folder)
    assert target.contents() == {}


def test_manifest_cannot_name_a_file_outside_the_folder(source: Side, target: Side, folder: Path) -> None:
    source.save(folder)
    manifest = manifest_of(folder)
    manifest["records"]["name"] = "../records-1.jsonl.gz"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="is damaged"):
        target.restore(folder)


def test_unknown_manifest_fields_are_ignored(source: Side, target: Side, folder: Path) -> None:
    source.add_models(1)
    source.save(folder)
    manifest = manifest_of(folder) | {"later": {"a": 1}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    target.restore(folder)
    assert target.contents() == source.contents()


def test_a_folder_with_other_files_is_refused(source: Side, folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(BackupError, match=r"contains thesis\.tex, which is not part of a backup"):
        source.save(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


@pytest.mark.full
def test_backups_of_running_jobs_hold_every_referenced_blob(source: Side, target: Side, folder: Path) -> None:
    def work() -> Iterator[None]:
        for number in range(40):
            claim = source.begin(source.submit(number))
            for epoch in (1, 2, 3):
                source.finish_epoch(claim, epoch)
                yield
            source.store.attempts.hand_back(claim)

    steps = work()
    copies = Blobs.fetch

    def fetch_and_go_on(self: Blobs, digest: str, path: Path) -> None:
        for _ in range(3):
            next(steps, None)
        copies(self, digest, path)

    with pytest.MonkeyPatch.context() as patch:
        next(steps)
        patch.setattr(Blobs, "fetch", fetch_and_go_on)
        for _ in range(4):
            assert source.save(folder).missing == ()
            target.store.redis.flushall()
            for digest in list(target.blobs.names()):
                target.blobs.delete(digest)
            (target.home / "blobs" / "pippin" / "owner.json").unlink(missing_ok=True)
            assert target.restore(folder).missing == ()
            named = set(target.store.references.digests())
            assert named
            assert named <= set(target.blobs.names())
