"""References to jobs, models and datasets by id, name, id prefix and `last`; valid names and cursors."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from pippin.api.tokens import issue
from pippin.models.mlmodel.proto import serialize
from pippin.store import Store
from tests.pippin.models.mlmodel.files import network
from tests.service.conftest import Submit, Trained
from tests.service.hostile_models import mnist_file
from tests.support.problems import fault, faults, is_problem

Add = Callable[[str, str], dict[str, Any]]

TABLE = b"x,label\n1,a\n2,b\n"


@pytest.fixture
def add(http: httpx2.Client) -> Add:
    """Uploads a small model or dataset under a name."""

    def add_one(kind: str, name: str) -> dict[str, Any]:
        content = TABLE if kind == "datasets" else serialize(network())
        answer = http.post(f"/{kind}", params={"name": name}, content=content)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    return add_one


def distinguishing_length(one: str, other: str) -> int:
    """The length of the shortest prefix of `one` that differs from `other`."""
    return next(n for n, (a, b) in enumerate(zip(one, other, strict=True), 1) if a != b)


def test_job_is_found_by_name_by_id_prefix_and_as_last(http: httpx2.Client, submit: Submit) -> None:
    first, second = submit(name="first")["id"], submit(name="second")["id"]
    beginning = first[: distinguishing_length(first, second)]
    for reference, job_id in (("first", first), ("second", second), (beginning, first), ("last", second)):
        assert http.get(f"/jobs/{reference}").json()["id"] == job_id, reference
    assert http.post("/jobs/first/cancel").json()["id"] == first
    assert http.get("/jobs/first/events").json()["job"] == first
    assert http.post("/jobs/first/retry").json()["retry_of"] == first
    # The retry has the name of the old job, so the name is ambiguous; the id prefix is not.
    assert http.delete(f"/jobs/{beginning}").status_code == 204
    assert http.get(f"/jobs/{first}").status_code == 404


def test_ambiguous_name_is_refused_with_the_ids(http: httpx2.Client, submit: Submit) -> None:
    ids = [submit(name="twice")["id"] for _ in range(12)]
    problem = is_problem(http.post("/jobs/twice/cancel"), 409, "ambiguous-name")
    assert problem["detail"].startswith("More than 10 jobs are called 'twice': ")
    assert [job_id in problem["detail"] for job_id in ids] == [False] * 2 + [True] * 10
    assert {job["status"] for job in http.get("/jobs").json()["data"]} == {"queued"}
    problem = is_problem(http.get(f"/jobs/{ids[0][:8]}"), 409, "ambiguous-name")
    assert "have an id that begins with" in problem["detail"]
    assert len(problem["detail"]) < 1000


def test_id_prefix_needs_four_characters(http: httpx2.Client, submit: Submit) -> None:
    job_id = submit()["id"]
    assert http.get(f"/jobs/{job_id[:8]}").json()["id"] == job_id
    for reference in (job_id[:7], "job_", "job", job_id[4:], job_id.upper(), f"{job_id}0", "job_01*", "nonesuch"):
        is_problem(http.get(f"/jobs/{reference}"), 404, "not-found")


def test_last_of_an_empty_list_is_not_found(http: httpx2.Client) -> None:
    for kind in ("jobs", "models", "datasets"):
        is_problem(http.get(f"/{kind}/last"), 404, "not-found")


def test_models_and_datasets_are_found_by_name_by_id_prefix_and_as_last(http: httpx2.Client, add: Add) -> None:
    for kind in ("models", "datasets"):
        first, second = add(kind, "first")["id"], add(kind, "second")["id"]
        beginning = first[: distinguishing_length(first, second)]
        for reference, record_id in (("first", first), (beginning, first), ("last", second)):
            assert http.get(f"/{kind}/{reference}").json()["id"] == record_id, reference
        common = first[: distinguishing_length(first, second) - 1]
        problem = is_problem(http.get(f"/{kind}/{common}"), 409, "ambiguous-name")
        assert first in problem["detail"]
        assert second in problem["detail"]
        assert http.delete(f"/{kind}/last").status_code == 204
        assert http.get(f"/{kind}/last").json()["id"] == first


def test_job_request_accepts_references_and_records_ids(
    http: httpx2.Client, tiny: dict[str, Any], trained: Trained
) -> None:
    model = http.post("/models?name=cnn", content=mnist_file()).json()
    for asked in (model["id"], "cnn", "last", model["id"][:12]):
        job = http.post("/jobs", json={"model": {"id": asked}, "dataset": "last"}).json()
        assert job["request"]["model"]["id"] == model["id"]
        assert job["request"]["dataset"]["id"] == tiny["id"]
    made = trained(mnist_file())
    job = http.post("/jobs", json={"model": {"job": "last"}, "dataset": tiny["id"][:9]}).json()
    assert job["request"]["model"]["job"] == made


def test_ambiguous_reference_in_a_body_is_a_fault_with_its_pointer(
    http: httpx2.Client, tiny: dict[str, Any], add: Add, submit: Submit
) -> None:
    ids = [add("models", name)["id"] for name in ("one", "two")]
    jobs = [submit(name="twice")["id"] for _ in range(2)]
    common = ids[0][: distinguishing_length(*ids) - 1]
    for member, reference, meant in (("id", common, ids), ("job", "twice", jobs)):
        answer = http.post("/jobs", json={"model": {member: reference}, "dataset": tiny["name"]})
        place, detail = fault(answer)
        assert place == f"/model/{member}"
        assert all(each in detail for each in meant)


def test_no_reference_leads_to_another_tenant(
    http: httpx2.Client, submit: Submit, tiny: dict[str, Any], store: Store
) -> None:
    job = submit(name="mine")
    admin, other = issue("admin", None), issue("submit", None, tenant="other")
    store.tokens.add(admin)
    store.tokens.add(other)
    for kind, reference in (
        ("jobs", "mine"),
        ("jobs", "last"),
        ("jobs", job["id"][:9]),
        ("datasets", tiny["name"]),
        ("datasets", tiny["id"][:9]),
        ("datasets", "last"),
    ):
        path = f"/{kind}/{reference}"
        assert http.get(path, headers={"authorization": f"Bearer {admin.text}"}).status_code == 200
        assert http.get(path, headers={"authorization": f"Bearer {other.text}"}).status_code == 404


def test_a_deleted_job_leaves_its_name_free(http: httpx2.Client, submit: Submit, store: Store) -> None:
    old = submit(name="again")["id"]
    http.post(f"/jobs/{old}/cancel")
    assert http.delete("/jobs/again").status_code == 204
    new = submit(name="again")["id"]
    assert http.get("/jobs/again").json()["id"] == new
    http.post("/jobs/again/cancel")
    store.jobs._client.hset(f"pippin:default:job:{new}", "request", "{")  # type: ignore[misc]
    assert http.delete("/jobs/again").status_code == 204
    assert http.get("/jobs/again").status_code == 404
    assert not list(store.jobs._client.scan_iter(match="pippin:default:jobs:*"))


UNUSABLE = (
    *("last", "LAST", "a/b", "/", "..", ".", "../x", "a..b", "a\\b", " ", "line\nbreak", "tab\there", "nul\x00"),
    *("bell\x07", "escape\x1b[31m", "c1\x9b", "right\u202eleft", "zero\u200bwidth", "line\u2028separator"),
    *(f"{kind}_01k9x2m4v8q0r7tz3yhc5d6wbe" for kind in ("job", "model", "ds", "dataset", "token")),
    "JOB_01K9X2M4V8Q0R7TZ3YHC5D6WBE",
)
USABLE = ("mnist", "v1.2", "Zahlen für Müller", "数字", "model_v2", "last-run", "a+b=c?", "50 %", "job_1", "👩‍🔬")


@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_invalid_name_is_refused_alike_for_every_kind(
    http: httpx2.Client, job_request: dict[str, Any], name: str
) -> None:
    refused = {
        fault(http.post("/datasets", params={"name": name}, content=TABLE)),
        fault(http.post("/models", params={"name": name}, content=b"")),
        fault(http.post("/jobs", json=job_request | {"name": name})),
    }
    (detail,) = {detail for _, detail in refused}
    assert {place for place, _ in refused} == {"name", "/name"}
    assert detail.startswith("found ")
    assert "; needs " in detail
    assert detail.isprintable()
    with pytest.raises(Exception, match="needs "):
        issue("read", name)


@pytest.mark.parametrize("name", USABLE)
def test_valid_names_are_accepted_and_found(
    http: httpx2.Client, job_request: dict[str, Any], add: Add, name: str
) -> None:
    dataset = add("datasets", name)
    assert http.get(f"/datasets/{quote(name, safe='')}").json()["id"] == dataset["id"]
    job = http.post("/jobs", json=job_request | {"name": name})
    assert job.status_code == 202
    assert http.get(f"/jobs/{quote(name, safe='')}").json()["id"] == job.json()["id"]


@pytest.mark.parametrize("labels", [{"a\nb": "1"}, {"a": "1\x1b"}, {"a=b": "1"}, {"right\u202eleft": "1"}], ids=ascii)
def test_labels_with_control_characters_are_refused(
    http: httpx2.Client, job_request: dict[str, Any], labels: dict[str, str]
) -> None:
    place, detail = fault(http.post("/jobs", json=job_request | {"labels": labels}))
    assert place.startswith("/labels")
    assert detail.isprintable()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/jobs", "zzz"),
        ("/jobs", "job_zzz"),
        ("/jobs", "model_01k9x2m4v8q0r7tz3yhc5d6wbe"),
        ("/jobs", "job_01K9X2M4V8Q0R7TZ3YHC5D6WBE"),
        ("/jobs", "-1"),
        ("/models", "zzz"),
        ("/models", "ds_01k9x2m4v8q0r7tz3yhc5d6wbe"),
        ("/datasets", "zzz"),
        ("/datasets", "dataset_01k9x2m4v8q0r7tz3yhc5d6wbe"),
        ("/jobs/last/events", "zzz"),
        ("/jobs/last/metrics", "1-x"),
    ],
)
def test_invalid_cursor_is_refused(http: httpx2.Client, submit: Submit, path: str, value: str) -> None:
    submit()
    place, detail = fault(http.get(path, params={"after": value}))
    assert place == "after"
    assert "Value error" not in detail


def test_invalid_last_event_id_is_refused(http: httpx2.Client, submit: Submit) -> None:
    job_id = submit()["id"]
    for path in ("events", "metrics"):
        answer = http.get(f"/jobs/{job_id}/{path}", headers={"last-event-id": "zzz"}, params={"after": "yyy"})
        assert faults(answer).keys() == {"Last-Event-ID", "after"}
