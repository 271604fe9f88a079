"""The store's invariants hold for any operations on jobs in any order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Artifact, Failure
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Reason, Status
from pippin.jobs.states import TRANSITIONS
from pippin.store import Claim, Control, LeaseLost, Refused, Store, keys, new_token

TENANT = "default"
HELD = {Status.STARTING, Status.RUNNING, Status.PAUSING, Status.CANCELLING}
RESTING = {Status.PAUSED, Status.PAUSING}
MAX_ATTEMPTS = 2


@dataclass
class Expected:
    """The expected state of a job."""

    status: Status = Status.QUEUED
    number: int = 1
    losses: int = 0
    holder: Claim | None = None
    endings: dict[str, str] = field(default_factory=dict)  # token -> the ending that it recorded
    epochs: dict[int, str] = field(default_factory=dict)
    place: tuple[int, int] | None = None  # of the checkpoint to go on from

    def end(self, status: Status) -> None:
        self.status, self.holder = status, None
        if not status.is_final:
            self.number += 1


class Life(RuleBasedStateMachine):
    """Random operations on a few jobs, each step compared with a small model."""

    store: Store
    request: ResolvedRequest
    metrics: Callable[..., EpochMetrics]
    checkpoint: Callable[..., StoredCheckpoint]

    jobs: Bundle[str] = Bundle("jobs")
    claims: Bundle[Claim] = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.store.redis.flushall()
        self.expected: dict[str, Expected] = {}

    def holds(self, claim: Claim) -> bool:
        return self.expected[claim.job_id].holder == claim

    def refused(self, action: Callable[[], object], error: type[Exception]) -> None:
        try:
            action()
        except error:
            return
        raise AssertionError(f"not refused with {error.__name__}")

    @rule(target=jobs)
    def submit(self) -> str:
        job = self.store.jobs.submit(TENANT, self.request, spec={})
        self.expected[job.id] = Expected()
        return job.id

    @rule(target=claims, job_id=jobs, skew=st.sampled_from([0, 0, 0, 1, -1]))
    def claim(self, job_id: str, skew: int) -> Claim:
        claim = Claim(TENANT, job_id, self.expected[job_id].number + skew, new_token())
        self.claim_again(claim)
        return claim

    @rule(claim=claims)
    def claim_again(self, claim: Claim) -> None:
        job = self.expected[claim.job_id]
        # A claim that was refused while the job was paused is valid once the job is queued again.
        due = job.status is Status.QUEUED and claim.number == job.number
        if not due and not self.holds(claim):
            self.refused(lambda: self.store.attempts.claim(claim, worker="w", engine="jax"), Refused)
            return
        self.store.attempts.claim(claim, worker="w", engine="jax")
        if due:
            job.status, job.holder = Status.STARTING, claim

    @rule(claim=claims)
    def start_running(self, claim: Claim) -> None:
        job = self.expected[claim.job_id]
        if not self.holds(claim):
            self.refused(lambda: self.store.attempts.running(claim), LeaseLost)
            return
        self.store.attempts.running(claim)
        if job.status is Status.STARTING:
            job.status = Status.RUNNING

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        if not self.holds(claim):
            self.refused(lambda: self.store.attempts.renew(claim), LeaseLost)
            return
        wanted = {Status.CANCELLING: Control.CANCEL, Status.PAUSING: Control.PAUSE}
        told = wanted.get(self.expected[claim.job_id].status, Control.CONTINUE)
        assert (self.store.attempts.renew(claim), self.store.attempts.read_control(claim)) == (told, told)

    @rule(claim=claims, epoch=st.integers(1, 3))
    def finish_epoch(self, claim: Claim, epoch: int) -> None:
        job = self.expected[claim.job_id]
        if not self.holds(claim):
            self.refused(lambda: self.store.attempts.epoch(claim, self.metrics(epoch)), LeaseLost)
            return
        event_id = self.store.attempts.epoch(claim, self.metrics(epoch), BatchLosses.of([0.5], 1000))
        assert job.epochs.setdefault(epoch, event_id) == event_id

    @rule(claim=claims, place=st.tuples(st.integers(0, 3), st.integers(1, 3)))
    def keep_a_checkpoint(self, claim: Claim, place: tuple[int, int]) -> None:
        job = self.expected[claim.job_id]
        stored = self.checkpoint(*place)
        if not self.holds(claim):
            self.refused(lambda: self.store.attempts.checkpoint(claim, stored), LeaseLost)
            return
        self.store.attempts.checkpoint(claim, stored)
        if job.place is None or place > job.place:
            job.place, job.losses = place, 0

    @rule(job_id=jobs)
    def pause(self, job_id: str) -> None:
        job = self.expected[job_id]
        if job.status.is_final or job.status is Status.CANCELLING:
            self.refused(lambda: self.store.jobs.pause(TENANT, job_id), Refused)
            return
        self.store.jobs.pause(TENANT, job_id)
        if job.status not in RESTING:
            job.status = Status.PAUSED if job.status is Status.QUEUED else Status.PAUSING

    @rule(job_id=jobs)
    def resume(self, job_id: str) -> None:
        job = self.expected[job_id]
        if job.status not in {Status.PAUSED, Status.QUEUED}:
            self.refused(lambda: self.store.jobs.resume(TENANT, job_id), Refused)
            return
        self.store.jobs.resume(TENANT, job_id)
        job.status = Status.QUEUED

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        job = self.expected[job_id]
        if job.status.is_final:
            self.refused(lambda: self.store.jobs.cancel(TENANT, job_id), Refused)
            return
        self.store.jobs.cancel(TENANT, job_id)
        job.status = Status.CANCELLING if job.status in HELD else Status.CANCELLED

    @rule(job_id=jobs)
    def lose_worker(self, job_id: str) -> None:
        self.store.redis.zadd(keys.LEASES, {keys.member(TENANT, job_id): 1}, xx=True)
        self.check_loss(self.expected[job_id].holder, job_id, self.store.reaping.requeue_lost(TENANT, job_id))

    @rule(claim=claims)
    def lose_process(self, claim: Claim) -> None:
        holder = claim if self.holds(claim) else None
        failure = Failure(code=Reason.WORKER_LOST, detail="It died.")
        self.check_loss(holder, claim.job_id, self.store.reaping.report_lost(claim, failure))

    def check_loss(self, holder: Claim | None, job_id: str, outcome: Status | None) -> None:
        job = self.expected[job_id]
        if holder is None:
            assert outcome is None
            return
        job.losses += 1
        job.endings[holder.token] = "lost"
        if job.status is Status.CANCELLING:
            job.end(Status.CANCELLED)
        elif job.losses >= MAX_ATTEMPTS:
            job.end(Status.FAILED)
        else:
            job.end(Status.PAUSED if job.status is Status.PAUSING else Status.QUEUED)
        assert outcome is job.status

    @rule(claim=claims)
    def fall_silent(self, claim: Claim) -> None:
        job = self.expected[claim.job_id]
        self.store.redis.zadd(keys.LEASES, {keys.member(TENANT, claim.job_id): 1}, xx=True)
        assert ((TENANT, claim.job_id) in self.store.leases.expired()) == (job.holder is not None)

    @rule(claim=claims, ending=st.sampled_from(["succeed", "fail", "cancelled", "paused", "hand_back"]))
    def end(self, claim: Claim, ending: str) -> None:
        job = self.expected[claim.job_id]
        artifact = Artifact(variant="trained", digest="sha256:" + "1" * 64, bytes=1, url="/model")
        failure = Failure(code=Reason.ENGINE_ERROR, detail="It stopped.")
        arguments = {"succeed": [artifact], "fail": [failure]}.get(ending, [])
        target = {
            "succeed": Status.SUCCEEDED,
            "fail": Status.FAILED,
            "cancelled": Status.CANCELLED,
            "paused": Status.PAUSED,
            "hand_back": Status.QUEUED,
        }[ending]
        if job.status is Status.CANCELLING and ending != "succeed":
            target = Status.CANCELLED
        if job.status is Status.PAUSING and ending == "hand_back":
            target = Status.PAUSED

        def act() -> None:
            getattr(self.store.attempts, ending)(claim, *arguments)

        if not self.holds(claim):
            if job.endings.get(claim.token) == ending:
                act()
            else:
                self.refused(act, LeaseLost)
        elif target in TRANSITIONS[job.status]:
            act()
            job.endings[claim.token] = ending
            job.end(target)
        else:
            self.refused(act, Refused)

    @invariant()
    def every_record_and_its_history_are_as_expected(self) -> None:
        found = self.store.jobs.page(TENANT, limit=100).items
        assert {job.id for job in found} == self.expected.keys()
        for job in found:
            expected = self.expected[job.id]
            assert job.status is expected.status
            assert (job.checkpoint and (job.checkpoint.epoch, job.checkpoint.step)) == expected.place
            assert job.progress.epoch == max(expected.epochs, default=0)
            assert (job.finished_at is not None) == expected.status.is_final
            assert (job.reason is not None) == (expected.status is Status.FAILED)
            assert sum(attempt.ended_at is None for attempt in job.attempts) == (expected.holder is not None)

            moves = [(move.from_, move.to) for move in job.transitions]
            assert moves[0] == (None, Status.QUEUED)
            for (_, before), (start, to) in pairwise(moves):
                assert start is before
                assert to in TRANSITIONS[before]

            events = self.store.events.read(TENANT, job.id)
            assert [(event.data["from"], event.data["to"]) for event in events if event.type == "state"] == moves
            epochs = [(event.data["epoch"], event.id) for event in events if event.type == "epoch"]
            assert sorted(epochs) == sorted(expected.epochs.items())

    @invariant()
    def every_index_agrees_with_the_records(self) -> None:
        members: dict[Status, set[str]] = {status: set() for status in Status}
        for job_id, expected in self.expected.items():
            members[expected.status].add(job_id)
        with self.store.redis.pipeline() as pipe:
            for status in Status:
                pipe.zrange(keys.jobs_by_status(TENANT, status), 0, -1)
            pipe.zrange(keys.LEASES, 0, -1)
            pipe.zrange(keys.QUEUED, 0, -1)
            *by_status, leases, queued = map(set, pipe.execute())
        assert by_status == list(members.values())
        assert leases == {keys.member(TENANT, job_id) for status in HELD for job_id in members[status]}
        assert queued == {keys.member(TENANT, job_id) for job_id in members[Status.QUEUED]}
        waiting = self.store.queues.waiting("pippin-jax")
        assert all((job_id, self.expected[job_id].number) in waiting for job_id in members[Status.QUEUED])
        assert not any((job_id, self.expected[job_id].number) in waiting for job_id in members[Status.PAUSED])

    @invariant()
    def the_tenant_is_charged_what_its_jobs_are(self) -> None:
        assert self.store.usage.recount(TENANT) == 0


def test_random_sequences_of_operations_keep_the_invariants(
    *,
    store: Store,
    ask: Callable[..., ResolvedRequest],
    metrics: Callable[..., EpochMetrics],
    checkpoint: Callable[..., StoredCheckpoint],
) -> None:
    Life.store, Life.request = store, ask(max_attempts=MAX_ATTEMPTS)
    Life.metrics, Life.checkpoint = staticmethod(metrics), staticmethod(checkpoint)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
