"""The store's invariants hold for any operations on jobs in any order."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pippin.api.metrics import BatchLosses
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.jobs.states import TRANSITIONS
from pippin.store import Claim, Control, LeaseLost, Refused, Store, keys, new_token
from tests.pippin.store.driver import FAILURE, QUEUE, TENANT, trained_model
from tests.support.records import epoch_metrics, resolved_request, stored_checkpoint

HELD = {Status.STARTING, Status.RUNNING, Status.PAUSING, Status.CANCELLING}
RESTING = {Status.PAUSED, Status.PAUSING}
ENDINGS = {
    "succeed": Status.SUCCEEDED,
    "fail": Status.FAILED,
    "cancelled": Status.CANCELLED,
    "paused": Status.PAUSED,
    "hand_back": Status.QUEUED,
}
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

    jobs: Bundle[str] = Bundle("jobs")
    claims: Bundle[Claim] = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.store.redis.flushall()
        self.expected: dict[str, Expected] = {}

    def holds(self, claim: Claim) -> bool:
        return self.expected[claim.job_id].holder == claim

    def succeeds(self, action: Callable[[], object], *, expected: bool, error: type[Exception] = Refused) -> bool:
        """Whether the action, which is expected to succeed or to be refused with this error, has succeeded."""
        with nullcontext() if expected else pytest.raises(error):
            action()
        return expected

    def writes(self, claim: Claim, action: Callable[[], object]) -> bool:
        """Whether the action is not refused because the claim no longer holds its job."""
        return self.succeeds(action, expected=self.holds(claim), error=LeaseLost)

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
        taking = partial(self.store.attempts.claim, claim, worker="w", engine="jax")
        if self.succeeds(taking, expected=due or self.holds(claim)) and due:
            job.status, job.holder = Status.STARTING, claim

    @rule(claim=claims)
    def start_running(self, claim: Claim) -> None:
        job = self.expected[claim.job_id]
        if self.writes(claim, lambda: self.store.attempts.running(claim)) and job.status is Status.STARTING:
            job.status = Status.RUNNING

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        controls: list[Control] = []

        def note(read: Callable[[Claim], Control]) -> None:
            controls.append(read(claim))

        for read in (self.store.attempts.renew, self.store.attempts.read_control):
            self.writes(claim, partial(note, read))
        wanted = {Status.CANCELLING: Control.CANCEL, Status.PAUSING: Control.PAUSE}
        assert set(controls) <= {wanted.get(self.expected[claim.job_id].status, Control.CONTINUE)}

    @rule(claim=claims, epoch=st.integers(1, 3))
    def finish_epoch(self, claim: Claim, epoch: int) -> None:
        ids: list[str] = []
        losses = BatchLosses.of([0.5], 1000)
        if self.writes(claim, lambda: ids.append(self.store.attempts.epoch(claim, epoch_metrics(epoch), losses))):
            assert self.expected[claim.job_id].epochs.setdefault(epoch, ids[0]) == ids[0]

    @rule(claim=claims, place=st.tuples(st.integers(0, 3), st.integers(1, 3)))
    def keep_a_checkpoint(self, claim: Claim, place: tuple[int, int]) -> None:
        job = self.expected[claim.job_id]
        stored = self.writes(claim, lambda: self.store.attempts.checkpoint(claim, stored_checkpoint(*place)))
        if stored and (job.place is None or place > job.place):
            job.place, job.losses = place, 0

    @rule(job_id=jobs)
    def pause(self, job_id: str) -> None:
        job = self.expected[job_id]
        allowed = not job.status.is_final and job.status is not Status.CANCELLING
        paused = self.succeeds(lambda: self.store.jobs.pause(TENANT, job_id), expected=allowed)
        if paused and job.status not in RESTING:
            job.status = Status.PAUSED if job.status is Status.QUEUED else Status.PAUSING

    @rule(job_id=jobs)
    def resume(self, job_id: str) -> None:
        job = self.expected[job_id]
        allowed = job.status in {Status.PAUSED, Status.QUEUED}
        if self.succeeds(lambda: self.store.jobs.resume(TENANT, job_id), expected=allowed):
            job.status = Status.QUEUED

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        job = self.expected[job_id]
        if self.succeeds(lambda: self.store.jobs.cancel(TENANT, job_id), expected=not job.status.is_final):
            job.status = Status.CANCELLING if job.status in HELD else Status.CANCELLED

    @rule(job_id=jobs)
    def lose_worker(self, job_id: str) -> None:
        self.store.redis.zadd(keys.LEASES, {keys.member(TENANT, job_id): 1}, xx=True)
        self.check_loss(self.expected[job_id].holder, job_id, self.store.reaping.requeue_lost(TENANT, job_id))

    @rule(claim=claims)
    def lose_process(self, claim: Claim) -> None:
        holder = claim if self.holds(claim) else None
        self.check_loss(holder, claim.job_id, self.store.reaping.report_lost(claim, FAILURE))

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

    @rule(claim=claims, ending=st.sampled_from(list(ENDINGS)))
    def end(self, claim: Claim, ending: str) -> None:
        job = self.expected[claim.job_id]
        arguments: dict[str, list[object]] = {"succeed": [trained_model(claim.job_id)], "fail": [FAILURE]}
        target = ENDINGS[ending]
        if job.status is Status.CANCELLING and ending != "succeed":
            target = Status.CANCELLED
        if job.status is Status.PAUSING and ending == "hand_back":
            target = Status.PAUSED

        act = partial(getattr(self.store.attempts, ending), claim, *arguments.get(ending, []))
        if not self.holds(claim):
            # An ending may be sent again.
            self.succeeds(act, expected=job.endings.get(claim.token) == ending, error=LeaseLost)
        elif self.succeeds(act, expected=target in TRANSITIONS[job.status]):
            job.endings[claim.token] = ending
            job.end(target)

    @invariant()
    def every_record_and_its_history_are_as_expected(self) -> None:
        page = self.store.jobs.page(TENANT, limit=100).items
        assert {job.id for job in page} == self.expected.keys()
        for job in page:
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
        waiting = self.store.queues.waiting(QUEUE)
        assert all((job_id, self.expected[job_id].number) in waiting for job_id in members[Status.QUEUED])
        assert not any((job_id, self.expected[job_id].number) in waiting for job_id in members[Status.PAUSED])

    @invariant()
    def the_tenant_is_charged_what_its_jobs_are(self) -> None:
        assert self.store.usage.recount(TENANT) == 0


@pytest.mark.parametrize("sequences", [10, pytest.param(30, marks=pytest.mark.full)])
def test_random_sequences_of_operations_keep_the_invariants(store: Store, sequences: int) -> None:
    Life.store, Life.request = store, resolved_request(max_attempts=MAX_ATTEMPTS)
    run_state_machine_as_test(
        Life,
        settings=settings(max_examples=sequences, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]),
    )
