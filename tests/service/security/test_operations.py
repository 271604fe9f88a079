"""Every operation of the service, requested by every role and another tenant; the operations come from the routes."""

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.api.tokens import ROLES, Role, grants
from pippin.blobs import Blobs
from pippin.store import Store
from service.security.access import Operation
from tests.service.conftest import MakeTrainer, RunningService, Save
from tests.service.security.conftest import AddToken, bearer
from tests.support.records import worker_report

CONTENT = b"weights"
BLOB = hashlib.sha256(CONTENT).hexdigest()
OWNER, OTHER = "team-a", "team-b"
# Last parts of operations' paths, which must not decide the role.
DATASET, MODEL = "predict", "validate"


@dataclass(frozen=True)
class Example:
    """A request for one operation, and the status for a sufficient role.

    Attributes:
        status: The status for the tenant that owns the requested objects.
        foreign: The status for another tenant.
        options: The request's body, headers and query.
    """

    status: int
    foreign: int
    options: dict[str, Any] = field(default_factory=dict)


def shared(status: int, **options: object) -> Example:
    """An operation with the same status for every tenant, each with its own objects only."""
    return Example(status, status, options)


def owned(status: int, **options: object) -> Example:
    """An operation on one object of a tenant, which is a 404 for another tenant."""
    return Example(status, 404, options)


JSON = {"content-type": "application/json"}
# Requested in this order: operations that delete objects that others need come last.
EXAMPLES: dict[tuple[str, str], Example] = {
    ("GET", "/"): shared(200),
    ("GET", "/docs"): shared(200),
    ("GET", "/docs/start.js"): shared(200),
    ("GET", "/openapi.json"): shared(200),
    ("HEAD", "/openapi.json"): shared(200),
    ("GET", "/problems/{kind}"): shared(200),
    ("GET", "/netron/"): shared(200),
    ("GET", "/netron/browser.js"): shared(200),
    ("GET", "/netron/{name}"): shared(200),
    ("GET", "/healthz"): shared(200),
    ("GET", "/readyz"): shared(200),
    ("GET", "/metrics"): shared(200),
    ("POST", "/session"): shared(201),
    ("GET", "/session"): shared(200),
    ("GET", "/presets"): shared(200),
    ("GET", "/presets/{name}/spec"): shared(200),
    ("GET", "/presets/{name}/file"): shared(200),
    ("POST", "/specs/validate"): shared(422, content="{}", headers=JSON),
    ("GET", "/workers"): shared(200),
    ("POST", "/workers/{name}/drain"): shared(202),
    ("DELETE", "/workers/{name}/drain"): shared(200),
    ("PUT", "/blobs/{sha256}"): shared(204, content=CONTENT),
    ("GET", "/blobs/{sha256}"): shared(200),
    ("HEAD", "/blobs/{sha256}"): shared(200),
    ("POST", "/jobs"): Example(202, 422, {"json": {"model": {"preset": "mnist-cnn"}, "dataset": DATASET}}),
    ("GET", "/jobs"): shared(200),
    ("GET", "/jobs/{job_id}"): owned(200),
    ("GET", "/jobs/{job_id}/metrics"): owned(200),
    ("GET", "/jobs/{job_id}/events"): owned(200),
    ("GET", "/jobs/{job_id}/model"): owned(200),
    ("HEAD", "/jobs/{job_id}/model"): owned(200),
    ("GET", "/jobs/{job_id}/checkpoints"): owned(200),
    ("GET", "/jobs/{job_id}/checkpoints/{epoch}/model"): owned(200),
    ("HEAD", "/jobs/{job_id}/checkpoints/{epoch}/model"): owned(200),
    ("POST", "/jobs/{job_id}/predict"): owned(422, content="{}", headers=JSON),
    ("POST", "/jobs/{job_id}/evaluate"): owned(422, content="{}", headers=JSON),
    ("POST", "/jobs/{job_id}/cancel"): owned(409),
    ("POST", "/jobs/{job_id}/pause"): owned(409),
    ("POST", "/jobs/{job_id}/resume"): owned(409),
    ("POST", "/jobs/{job_id}/retry"): owned(409),
    ("POST", "/datasets"): shared(415, params={"name": "new"}, content="{}", headers={"content-type": "text/html"}),
    ("GET", "/datasets"): shared(200),
    ("GET", "/datasets/{dataset_id}"): owned(200),
    ("GET", "/datasets/{dataset_id}/preview"): owned(200),
    ("GET", "/datasets/{dataset_id}/classes"): owned(200),
    ("POST", "/models"): shared(422, content="{}", headers=JSON),
    ("GET", "/models"): shared(200),
    ("GET", "/models/{model_id}"): owned(200),
    ("GET", "/models/{model_id}/file"): owned(200),
    ("HEAD", "/models/{model_id}/file"): owned(200),
    ("GET", "/models/{model_id}/spec"): owned(200),
    ("DELETE", "/jobs/{job_id}"): owned(204),
    ("DELETE", "/datasets/{dataset_id}"): owned(409),
    ("DELETE", "/models/{model_id}"): owned(204),
    ("DELETE", "/session"): shared(204),
}
PARAMETERS = {"kind": "unauthorized", "sha256": BLOB, "epoch": "1", "dataset_id": DATASET, "model_id": MODEL}


@dataclass(frozen=True)
class Caller:
    """The credentials of a request.

    Attributes:
        role: The granted role; None when the credentials must be refused.
        headers: The token or the session cookie.
        by_session: Whether the credentials are a session cookie.
    """

    role: Role | None
    headers: dict[str, str]
    by_session: bool = False


@dataclass
class World:
    """The objects of the tenant `OWNER`, and the callers."""

    http: httpx2.Client
    store: Store
    add_token: AddToken
    job_id: str
    dataset_id: str
    model_id: str

    def ask(self, operation: Operation, caller: Caller) -> httpx2.Response:
        parameters = PARAMETERS | {"job_id": self.job_id}
        name = {"/netron/{name}": "index.js", "/workers/{name}/drain": "mac-1"}.get(operation.path, "mnist-cnn")
        options = dict(EXAMPLES[operation.method, operation.path].options)
        options["headers"] = options.get("headers", {}) | caller.headers
        self.http.cookies.clear()
        return self.http.request(operation.method, operation.path.format(name=name, **parameters), **options)

    def callers(self, tenant: str) -> dict[str, Caller]:
        """One caller of each kind in a tenant."""
        tokens = {role: self.add_token(role, tenant=tenant) for role in ROLES}
        callers: dict[str, Caller] = {role: Caller(role, bearer(token)) for role, token in tokens.items()}
        origin = {"origin": str(self.http.base_url).rstrip("/")}
        session = self.store.tokens.open_session(tokens["submit"].record)
        callers["session"] = Caller("submit", {"cookie": f"pippin_session={session}"} | origin, by_session=True)
        revoked = self.add_token("admin", tenant=tenant)
        session = self.store.tokens.open_session(revoked.record)
        self.store.tokens.revoke(revoked.record.id)
        callers["revoked"] = Caller(None, bearer(revoked))
        callers["session of a revoked token"] = Caller(None, {"cookie": f"pippin_session={session}"} | origin)
        callers["none"] = Caller(None, {})
        return callers


@pytest.fixture
def operations(service: RunningService) -> list[Operation]:
    """Every operation that the service's routes declare, in the order of `EXAMPLES`."""
    declared = list(service.state.operations)
    missing = [(each.method, each.path) for each in declared if (each.method, each.path) not in EXAMPLES]
    assert not missing, "give these operations an example, so that every role is tried on them"
    order = list(EXAMPLES)
    return sorted(declared, key=lambda each: order.index((each.method, each.path)))


@pytest.fixture
def world(
    *,
    http: httpx2.Client,
    store: Store,
    add_token: AddToken,
    blobs: Blobs,
    tiny_npz: bytes,
    digits: bytes,
    trainer: MakeTrainer,
    save: Save,
) -> World:
    """A trained job, a dataset, a model and a worker that is busy with the job."""
    ours = bearer(add_token("submit", tenant=OWNER))
    dataset = http.post(f"/datasets?name={DATASET}", content=tiny_npz, headers=ours)
    assert dataset.status_code == 201, dataset.text
    model = http.post(f"/models?name={MODEL}", content=digits, headers=ours)
    assert model.status_code == 201, model.text
    blobs.put_bytes(CONTENT)
    request = {"model": {"preset": "mnist-cnn"}, "dataset": DATASET, "checkpoint": {"keep": 1}}
    job = http.post("/jobs", json=request, headers=ours)
    assert job.status_code == 202, job.text
    attempt = trainer(job.json()["id"], tenant=OWNER)
    attempt.begin()
    attempt.artifact("initial", blobs.put_bytes(digits), len(digits))
    attempt.epoch(1, checkpoint=save(1, {"hidden2": {"bias": np.zeros(10, np.float32)}}))
    attempt.succeed(blobs.put_bytes(digits), len(digits))
    store.workers.heartbeat(worker_report(state="busy", current_job=job.json()["id"]))
    return World(http, store, add_token, job.json()["id"], dataset.json()["id"], model.json()["id"])


def test_examples_cover_exactly_the_declared_operations(operations: list[Operation]) -> None:
    assert EXAMPLES.keys() == {(each.method, each.path) for each in operations}


def expected(operation: Operation, caller: Caller, *, own: bool) -> int:
    """The status according to the declaration of the operation."""
    example = EXAMPLES[operation.method, operation.path]
    needed = operation.access.role
    if needed is None:
        return example.status
    if caller.role is None:
        return 401
    if not grants(caller.role, needed):
        return 403
    if caller.by_session and (operation.method, operation.path) == ("POST", "/session"):
        return 401  # a session cannot start another session
    return example.status if own else example.foreign


REFUSED = ("revoked", "session of a revoked token", "none")
# Their requests change the objects of the tenant that owns them, so each needs a world of its own.
CHANGING = ("admin", "submit", "session")


@pytest.mark.parametrize(
    ("tenant", "kinds"),
    [
        pytest.param(OTHER, (*ROLES, "session", *REFUSED), id="another tenant"),
        pytest.param(OWNER, ("read", "worker", *REFUSED), id="owner without the right to change"),
        *(pytest.param(OWNER, (kind,), id=f"owner with {kind}") for kind in CHANGING),
    ],
)
def test_every_role_and_tenant_gets_the_declared_status(
    world: World, operations: list[Operation], tenant: str, kinds: tuple[str, ...]
) -> None:
    callers = world.callers(tenant)
    wrong = []
    for kind, operation in itertools.product(kinds, operations):
        answer = world.ask(operation, callers[kind])
        status = expected(operation, callers[kind], own=tenant == OWNER)
        if answer.status_code != status:
            wrong.append((kind, operation.method, operation.path, answer.status_code, status, answer.text[:200]))
        if answer.status_code == 403:
            assert f'scope="{operation.access.role}"' in answer.headers["www-authenticate"]
        asked_for = any(f"{{{name}_id}}" in operation.path for name in ("job", "dataset", "model"))
        if tenant == OTHER and not asked_for:
            assert not any(each in answer.text for each in (world.job_id, world.dataset_id, world.model_id))
    assert not wrong
    if not (tenant == OWNER and set(kinds) & set(CHANGING)):
        assert world.store.jobs.get(OWNER, world.job_id) is not None
        assert world.store.models.get(OWNER, world.model_id) is not None
    assert world.store.datasets.get(OWNER, world.dataset_id) is not None


def test_openapi_document_states_the_declared_role(http: httpx2.Client, operations: list[Operation]) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    for operation in operations:
        described = paths.get(operation.path, {}).get(operation.method.lower())
        if described is None:
            # The document leaves out the HTML pages, and HEAD, which needs the role of GET.
            as_get = [each.access for each in operations if (each.method, each.path) == ("GET", operation.path)]
            assert operation.access.role is None or as_get == [operation.access]
        elif operation.access.role is None:
            assert described["security"] == []
        else:
            assert described["security"][0] == {"bearer": [operation.access.role]}
            assert {"401", "403", "429"} <= described["responses"].keys()
