"""An attempt of a job without a training: what a worker writes to the records."""

from dataclasses import dataclass, field

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.jobs import Artifact, Failure, Variant
from pippin.api.metrics import BatchLosses
from pippin.api.states import Reason
from pippin.store import Claim, Store, new_token
from tests.support.records import DIGEST, epoch_metrics


@dataclass
class Trainer:
    """Updates a job's records as a worker does."""

    store: Store
    job_id: str
    tenant: str = "default"
    claim: Claim = field(init=False)

    @property
    def path(self) -> str:
        return f"/jobs/{self.job_id}"

    def begin(self, number: int = 1, resumed: Resumption | None = None) -> None:
        self.claim = Claim(self.tenant, self.job_id, number, new_token())
        self.store.attempts.claim(self.claim, worker="worker-1", engine="jax")
        self.store.attempts.running(self.claim, resumed)

    def epoch(
        self,
        epoch: int,
        batch_losses: list[float] | None = None,
        loss: float | None = 0.5,
        checkpoint: StoredCheckpoint | None = None,
    ) -> str:
        metrics = epoch_metrics(epoch, loss=loss, attempt=self.claim.number, diverged=loss is None)
        batches = None if batch_losses is None else BatchLosses(batch_losses, 1, len(batch_losses))
        return self.store.attempts.epoch(self.claim, metrics, batches, checkpoint)

    def log(self, line: str) -> None:
        self.store.attempts.log(self.claim, line)

    def artifact(self, variant: Variant, digest: str, size: int) -> Artifact:
        url = f"/jobs/{self.job_id}/model?variant={variant}"
        made = Artifact(variant=variant, digest=digest, bytes=size, url=url)
        if variant != "trained":
            self.store.attempts.artifact(self.claim, made)
        return made

    def succeed(self, digest: str = DIGEST, size: int = 1) -> None:
        self.store.attempts.succeed(self.claim, self.artifact("trained", digest, size))

    def fail(self) -> None:
        self.store.attempts.fail(self.claim, Failure(code=Reason.DIVERGED, detail="The loss was not finite."))

    def train(self, epochs: int = 3) -> None:
        self.begin()
        for epoch in range(1, epochs + 1):
            self.epoch(epoch)
        self.succeed()
