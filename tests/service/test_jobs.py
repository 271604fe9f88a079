import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import redis

from pippin.blobs import Blobs
from pippin.store import Store
from service.jobs import search
from service.routes import jobs
from tests.service.conftest import MakeTrainer, Submit
from tests.support.problems import fault, is_problem


def test_submitted_job_is_found_at_its_location(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    answer = http.post("/jobs", json=job_request)
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert job["status"] == "queued"
    assert job["progress"] == {"epoch": 0, "epochs": 3}
    assert job["transitions"][0] | {"at": ""} == {"from": None, "to": "queued", "at": ""}
    assert http.get(answer.headers["location"]).json() == job


def test_job_request_has_every_default_resolved(submit: Submit, tiny: dict[str, Any]) -> None:
    request = submit()["request"]
    assert request["dataset"] == {
        "id": tiny["id"],
        "name": "tiny",
        "digest": tiny["digest"],
        "train": "train",
        "validation": "test",
        "validation_fraction": None,
        "bind": {"image": "image", "output_true": "output_true"},
        "classes": None,
        "notices": [],
    }
    assert request["hyperparameters"]["mini_batch_size"] == 128
    assert request["hyperparameters"]["learning_rate"] == 0.0001
    assert isinstance(request["hyperparameters"]["seed"], int)
    assert (request["limits"], request["engine"], request["max_attempts"]) == ("enforce", "auto", 3)


def test_queued_job_states_that_no_worker_is_live(submit: Submit) -> None:
    assert "pippin worker" in submit()["waiting_for"]


def test_explicit_weights_are_stored_as_a_blob_and_left_out_of_the_record(
    submit: Submit, mnist_spec: dict[str, Any], blobs: Blobs
) -> None:
    bias = [0.5] * 10
    mnist_spec["layers"][-2]["bias"] = bias
    mnist_spec["layers"].insert(0, {"type": "leaky_relu", "name": "leaky", "alpha": 0.25})
    model = submit(model={"spec": mnist_spec})["request"]["model"]
    assert "bias" not in model["spec"]["layers"][-2]
    assert model["spec"]["layers"][0]["alpha"] == 0.25  # a number, unlike the alpha array of prelu
    assert json.loads(b"".join(blobs.read(model["spec_digest"])))["layers"][-2]["bias"] == bias


def test_explicit_weights_are_never_in_redis(
    http: httpx2.Client, submit: Submit, mnist_spec: dict[str, Any], store: Store, valkey_url: str
) -> None:
    raw = redis.Redis.from_url(valkey_url)
    dense = mnist_spec["layers"][-2]
    dense["bias"] = [0.12345] * 10
    job = submit(model={"spec": mnist_spec})
    digest = job["request"]["model"]["spec_digest"]

    def is_in_redis() -> bool:
        return any("0.12345" in _content(raw, key) for key in raw.scan_iter("*"))

    assert not is_in_redis()
    assert digest in set(store.references.digests())
    assert http.post(f"/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    assert not is_in_redis()
    assert digest not in set(store.references.digests())
    raw.close()


def _content(raw: redis.Redis, key: bytes) -> str:
    """The content of a key as text; sets and lists hold only ids and are skipped."""
    readers: dict[object, Callable[[bytes], object]] = {b"hash": raw.hgetall, b"stream": raw.xrange, b"string": raw.get}
    read = readers.get(raw.type(key))
    return repr(read(key)) if read else ""


def test_a_large_spec_without_weights_is_a_blob_too(submit: Submit, mnist_spec: dict[str, Any], blobs: Blobs) -> None:
    model = submit(model={"spec": mnist_spec})["request"]["model"]
    assert (model["spec"], model["spec_digest"]) == (mnist_spec, None)
    mnist_spec["short_description"] = "x" * 20_000
    digest = submit(model={"spec": mnist_spec})["request"]["model"]["spec_digest"]
    assert json.loads(b"".join(blobs.read(digest)))["short_description"] == "x" * 20_000


def test_submission_is_refused_while_redis_is_nearly_full(
    http: httpx2.Client, job_request: dict[str, Any], store: Store
) -> None:
    limit = store.redis.config_get("maxmemory")["maxmemory"]
    store.redis.config_set("maxmemory", int(store.redis.info("memory")["used_memory"] * 1.1))
    try:
        answer = http.post("/jobs", json=job_request)
    finally:
        store.redis.config_set("maxmemory", str(limit))
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "60"


def test_a_widened_limit_is_recorded(submit: Submit) -> None:
    job = submit(hyperparameters={"epochs": 2, "learning_rate": 0.9}, limits="widen")
    assert job["request"]["widened"] == ["learning_rate"]


def test_unchanged_job_is_a_304(http: httpx2.Client, submit: Submit, trainer: MakeTrainer) -> None:
    attempt = trainer(submit()["id"])
    etag = http.get(attempt.path).headers["etag"]
    same = http.get(attempt.path, headers={"if-none-match": f'"other", W/{etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    attempt.begin()
    changed = http.get(attempt.path, headers={"if-none-match": etag})
    assert (changed.status_code, changed.json()["status"]) == (200, "running")


def test_jobs_are_listed_newest_first_page_by_page(http: httpx2.Client, submit: Submit) -> None:
    ids = [submit(labels={"team": "a b"})["id"] for _ in range(5)][::-1]
    submit(labels={"team": "c"})
    first = http.get("/jobs", params={"limit": 2, "label": "team=a b"})
    second = http.get(first.links["next"]["url"])
    last = http.get(second.links["next"]["url"])
    pages = [[job["id"] for job in page.json()["data"]] for page in (first, second, last)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert first.json()["has_more"] is True
    assert (last.json()["has_more"], last.json()["next"], "link" in last.headers) == (False, None, False)


def test_search_finds_the_jobs_with_all_words(http: httpx2.Client, submit: Submit) -> None:
    digits = submit(name="digits at night", labels={"team": "vision"})["id"]
    letters = submit(name="letters", labels={"team": "vision"})["id"]
    plain = submit(name="plain")["id"]

    def listed(text: str, **more: str | int) -> list[str]:
        return [job["id"] for job in http.get("/jobs", params={"text": text, **more}).json()["data"]]

    assert listed("TEAM=vision") == [letters, digits]
    assert listed("vision night") == [digits]
    assert listed("mnist-cnn tiny queued") == [plain, letters, digits]
    assert listed(plain[-12:]) == [plain]
    assert listed("nothing-is-called-so") == []
    first = http.get("/jobs", params={"text": "vision", "limit": 1}).json()
    assert ([job["id"] for job in first["data"]], first["has_more"], first["total"]) == ([letters], True, None)
    assert listed("vision", limit=1, after=first["next"]) == [digits]


def test_search_looks_at_a_limited_number_of_jobs(
    http: httpx2.Client, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_READS", 1)
    monkeypatch.setattr(jobs, "_SEARCHED", 2)
    oldest = submit(name="wanted")["id"]
    for n in range(3):
        submit(name=f"other {n}")
    first = http.get("/jobs", params={"text": "wanted"}).json()
    assert (first["data"], first["has_more"]) == ([], True)
    rest = http.get("/jobs", params={"text": "wanted", "after": first["next"]}).json()
    assert ([job["id"] for job in rest["data"]], rest["has_more"]) == ([oldest], False)


def test_page_of_jobs_has_their_total_number(http: httpx2.Client, submit: Submit) -> None:
    for n in range(3):
        submit(labels={"team": "vision"} if n else {})
    totals = {
        query: http.get(f"/jobs?limit=1&{query}").json()["total"]
        for query in ("", "status=queued", "status=failed", "label=team=vision", "label=team=vision&status=queued")
    }
    assert list(totals.values()) == [3, 3, 0, 2, None]


def test_list_can_be_filtered_by_status_and_labels(http: httpx2.Client, submit: Submit) -> None:
    wanted = submit(labels={"team": "vision", "run": "1"})["id"]
    other = submit(labels={"team": "vision", "run": "2"})["id"]
    http.post(f"/jobs/{other}/cancel")

    def listed(*query: tuple[str, str]) -> set[str]:
        return {job["id"] for job in http.get("/jobs", params=list(query)).json()["data"]}

    assert listed(("status", "queued")) == {wanted}
    assert listed(("status", "cancelled")) == {other}
    assert listed(("label", "team=vision")) == {wanted, other}
    assert listed(("label", "team=vision"), ("label", "run=2")) == {other}
    assert listed(("label", "team=vision"), ("label", "run=2"), ("status", "queued")) == set()


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_by_its_worker(
    http: httpx2.Client, submit: Submit, start_job: MakeTrainer
) -> None:
    answer = http.post(f"/jobs/{submit()['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    running = start_job()
    for _ in range(2):
        answer = http.post(f"{running.path}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")


def test_a_job_can_be_deleted_and_not_cancelled_once_it_has_ended(
    http: httpx2.Client, submit: Submit, trainer: MakeTrainer
) -> None:
    attempt = trainer(submit()["id"])
    assert "cancel it first" in is_problem(http.delete(attempt.path), 409, "state-conflict")["detail"]
    attempt.train()
    assert "succeeded" in is_problem(http.post(f"{attempt.path}/cancel"), 409, "state-conflict")["detail"]
    answer = http.delete(attempt.path)
    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("", "/metrics", "/events", "/model"):
        is_problem(http.get(f"{attempt.path}{path}"), 404, "not-found")
    is_problem(http.delete(attempt.path), 404, "not-found")
    assert http.get("/jobs").json()["data"] == []


@pytest.mark.parametrize("job_id", ["job_0", "job_" + "0" * 26, "x", "job_0:events", "%00", "*", "é"])
def test_unknown_job_id_of_any_form_is_not_found(http: httpx2.Client, job_id: str) -> None:
    is_problem(http.get(f"/jobs/{job_id}"), 404, "not-found")
    is_problem(http.post(f"/jobs/{job_id}/cancel"), 404, "not-found")


def test_body_with_very_many_faults_is_refused_with_one_fault(http: httpx2.Client) -> None:
    body = b'{"model": {"spec": {"layers": [' + b"1," * 200_000 + b"1]}}}"
    answer = http.post("/jobs", content=body, headers={"content-type": "application/json"})
    assert fault(answer)[0] == "/model/spec/layers"
