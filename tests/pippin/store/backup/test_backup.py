"""A backup is restored with matching records and blobs, or refused with one sentence."""

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
from tests.pippin.store.backup.conftest import BeforeEach, Side, change_manifest
from tests.pippin.store.driver import TENANT


def test_records_and_blobs_are_restored(source: Side, target: Side, folder: Path) -> None:
    token = issue("admin", "mine")
    source.store.tokens.add(token)
    source.store.samples.record(TENANT)
    source.add_models(5)
    job = source.submit()
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
    assert target.driver.status(job) is Status.QUEUED
    assert target.driver.waiting() == [(job.id, 1)]
    assert BlobOwnership(target.store, target.blobs).inspect().refusal is None


def test_restored_running_job_resumes_from_its_last_checkpoint(source: Side, target: Side, folder: Path) -> None:
    job, claim = source.start(timeout_seconds=3600)
    digest = source.finish_epoch(claim, 1)
    assert source.save(folder).blobs == 2
    source.finish_epoch(claim, 2)  # after the backup
    assert target.restore(folder).given_back == 1
    restored = target.driver.read(job)
    # max_attempts is 1: a hand-back does not count as a lost attempt.
    assert restored.checkpoint is not None
    assert (restored.status, restored.progress.epoch, restored.checkpoint.digest) == (Status.QUEUED, 1, digest)
    assert target.blobs.head(digest) is not None
    assert target.driver.waiting() == [(job.id, 2)]
    assert target.store.leases.expired() == []
    assert target.store.usage.recount(TENANT) == 0
    assert target.store.redis.hget(keys.job(TENANT, job.id).job, FIELD) == VERSION
    target.finish_epoch(target.driver.run(job, 2), 2)


def test_time_between_backup_and_restore_is_no_training_time(source: Side, target: Side, folder: Path) -> None:
    job, _ = source.start(timeout_seconds=3600)
    source.save(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    # As if it had been made a day ago, ten minutes after the attempt was last seen, whose leases are an hour long.
    second = 10**6
    day = 24 * 3600 * second
    moment = manifest["moment"] - day
    changes = {
        keys.job(TENANT, job.id).attempts: {"1:started_at": str(moment - day), "1:seen": str(moment - 600 * second)},
        keys.job(TENANT, job.id).job: {"lease": str(3600 * second)},
    }
    records = folder / manifest["records"]["name"]
    rows = [json.loads(line) for line in gzip.decompress(records.read_bytes()).decode().splitlines()]
    with Folder(folder).writing(records.name) as file:
        for key, type_, value, expires_at in rows:
            changed = value | changes[key] if key in changes else value
            file.write(json.dumps([key, type_, changed, expires_at]))
    described = Folder(folder).describe(records.name, file.count).model_dump()
    change_manifest(folder, moment=moment, records=manifest["records"] | described)
    assert target.restore(folder).given_back == 1
    spent = int(target.store.redis.hget(keys.job(TENANT, job.id).job, "spent"))
    assert 600 * second <= spent < 1800 * second


def test_damaged_running_job_does_not_stop_a_restore(source: Side, target: Side, folder: Path) -> None:
    (damaged, _), (sound, _) = source.start(1), source.start(2)
    source.store.redis.hset(keys.job(TENANT, damaged.id).attempts, "1:seen", "yesterday")
    source.save(folder)
    assert target.restore(folder).given_back == 1
    assert target.driver.waiting() == [(sound.id, 2)]


@pytest.mark.parametrize(("change", "status"), [("cancel", Status.CANCELLED), ("pause", Status.PAUSED)])
def test_restore_completes_a_pending_cancel_or_pause(
    source: Side, target: Side, folder: Path, change: str, status: Status
) -> None:
    job, _ = source.start()
    getattr(source.store.jobs, change)(TENANT, job.id)
    source.save(folder)
    target.restore(folder)
    assert target.driver.status(job) is status


@pytest.mark.full
def test_queued_jobs_keep_their_order(source: Side, target: Side, folder: Path) -> None:
    # More than a reaper queues again in one look.
    jobs = [source.submit(number, tenant=tenant).id for number in range(255) for tenant in ("zeta", "alpha")]
    source.store.jobs.cancel("zeta", jobs[2])
    before = source.driver.waiting()
    assert [job_id for job_id, _ in before] == [jobs[0], jobs[1], *jobs[3:]]
    source.save(folder)
    target.restore(folder)
    assert target.driver.waiting() == before


def test_second_backup_copies_new_blobs_and_deletes_unused_ones(source: Side, target: Side, folder: Path) -> None:
    unused, *_ = source.add_models(3)
    source.save(folder)
    times = {path: path.stat().st_mtime_ns for path in (folder / "blobs").rglob("*") if path.is_file()}
    source.store.redis.delete(keys.record(TENANT, "model", "model_0"))
    source.store.redis.zrem(keys.listing(TENANT, "model"), "model_0")
    source.submit()
    saved = source.save(folder)
    assert (saved.blobs, saved.copied) == (3, 1)
    kept = {path: time for path, time in times.items() if path.name != unused.removeprefix("sha256:")}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(Folder(folder).stored_blobs())) == 3
    assert len(list(folder.glob("*.gz"))) == 2
    target.restore(folder)
    assert target.contents() == source.contents()


def test_verify_copies_damaged_blobs_of_the_backup_again(source: Side, saved: Path) -> None:
    first, *_ = sorted(Folder(saved).stored_blobs())
    first.write_bytes(b"x" * first.stat().st_size)
    assert source.save(saved).copied == 0
    assert source.save(saved, verify=True).copied == 1
    first.write_bytes(b"x")  # another size is noticed anyway
    assert source.save(saved).copied == 1


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


def test_sweeper_is_held_while_a_backup_runs(source: Side, folder: Path, before_each: BeforeEach) -> None:
    source.add_models(1)
    holders: list[str | None] = []
    before_each(Blobs, "fetch", lambda: holders.append(source.store.blob_ledger.holder()))
    source.save(folder)
    assert holders[0] is not None
    assert holders[0].startswith("backup ")
    assert source.store.blob_ledger.holder() is None


def test_lost_sweep_hold_fails_the_backup(source: Side, folder: Path, before_each: BeforeEach) -> None:
    source.add_models(1)
    before_each(Blobs, "fetch", lambda: source.store.redis.delete(keys.SWEEP_HOLD))
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


def test_failed_restore_leaves_nothing_staged(target: Side, saved: Path) -> None:
    target.store.redis.config_set("maxmemory", 1)
    try:
        failed = target.run("restore", saved)
    finally:
        target.store.redis.config_set("maxmemory", 0)
    assert failed.exit_code == 4
    assert "maxmemory" in failed.stderr
    assert target.store.redis.dbsize() == 0


def test_records_or_other_blobs_at_the_target_are_not_replaced_by_default(target: Side, saved: Path) -> None:
    stray = target.blobs.put_bytes(b"stray")
    with pytest.raises(BackupError, match="the blob store has blobs that are not in the backup"):
        target.restore(saved)
    target.blobs.delete(stray)
    target.submit(1)
    before = target.contents()
    with pytest.raises(BackupError, match="Redis already has records"):
        target.restore(saved)
    assert target.contents() == before


def test_other_blobs_are_not_swept_before_the_store_is_adopted(target: Side, saved: Path) -> None:
    ownership = BlobOwnership(target.store, target.blobs)
    ownership.claim()
    stray = target.blobs.put_bytes(b"stray")
    assert target.restore(saved, replace=True).refusal is Refusal.CLOSED
    assert target.blobs.head(stray) == 5
    assert ownership.claim().refusal is Refusal.CLOSED
    ownership.adopt()
    assert ownership.inspect().refusal is None


def test_blob_store_of_another_redis_is_not_claimed(source: Side, target: Side, folder: Path) -> None:
    BlobOwnership(source.store, source.blobs).claim()
    source.save(folder)
    assert Side(target.url, target.store, source.home).restore(folder).refusal is Refusal.LOST
    assert BlobOwnership(source.store, source.blobs).inspect().refusal is None


@pytest.mark.full
def test_backups_of_running_jobs_hold_every_referenced_blob(
    source: Side, target: Side, folder: Path, before_each: BeforeEach
) -> None:
    def work() -> Iterator[None]:
        for number in range(40):
            _, claim = source.start(number)
            for epoch in (1, 2, 3):
                source.finish_epoch(claim, epoch)
                yield
            source.store.attempts.hand_back(claim)

    steps = work()
    next(steps)
    before_each(Blobs, "fetch", lambda: [next(steps, None) for _ in range(3)])
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
