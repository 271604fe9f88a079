"""A job that a test trains itself, in the place of a worker."""

import httpx2

from pippin.api.tokens import DEFAULT_TENANT
from pippin.store import Claim, Store, new_token


def claimed_job(store: Store, http: httpx2.Client, epochs: int, *, tenant: str = DEFAULT_TENANT) -> Claim:
    """Submit a job that reports its mini-batches, and claim it."""
    body = {
        "model": {"preset": "mnist-cnn"},
        "dataset": "mnist-sample",
        "report": "batch",
        "hyperparameters": {"epochs": epochs},
    }
    job_id = str(http.post("/jobs", json=body).raise_for_status().json()["id"])
    claim = Claim(tenant, job_id, 1, new_token())
    store.attempts.claim(claim, worker="test", engine="jax")
    return claim
