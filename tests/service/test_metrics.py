import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from service.http.responses import generated
from tests.service.conftest import MakeTrainer, RunningService, Submit
from tests.support.problems import faults, is_problem


@pytest.fixture
def trained(start_job: MakeTrainer) -> str:
    """The path of a job that has trained two epochs with batch reports, and then diverged."""
    attempt = start_job(report="batch")
    attempt.log('a "line", with\nmore')
    attempt.epoch(1, [0.75, 0.25])
    attempt.epoch(2, [0.5, float("nan")], loss=None)
    attempt.fail()
    return attempt.path


def test_metrics_default_to_one_json_document(http: httpx2.Client, trained: str) -> None:
    answer = http.get(f"{trained}/metrics")
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert (f"/jobs/{document['job']}", document["status"]) == (trained, "failed")
    assert [(row["epoch"], row["loss"], row["diverged"]) for row in document["data"]] == [
        (1, 0.5, False),
        (2, None, True),
    ]
    assert "batch_losses" not in document["data"][0]


def test_batch_losses_are_included_on_request(http: httpx2.Client, trained: str) -> None:
    rows = http.get(f"{trained}/metrics?batches=true").json()["data"]
    assert [row["batch_losses"] for row in rows] == [[0.75, 0.25], [0.5, None]]


def test_job_without_batch_reports_has_null_batch_losses(
    http: httpx2.Client, submit: Submit, trainer: MakeTrainer
) -> None:
    attempt = trainer(submit()["id"])
    attempt.train()
    rows = http.get(f"{attempt.path}/metrics?batches=true").json()["data"]
    assert [row["batch_losses"] for row in rows] == [None, None, None]


def test_snapshot_as_ndjson(http: httpx2.Client, trained: str) -> None:
    answer = http.get(f"{trained}/metrics", headers={"accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["epoch"] for line in answer.text.splitlines()] == [1, 2]


def test_snapshot_as_csv(http: httpx2.Client, trained: str) -> None:
    answer = http.get(f"{trained}/metrics?batches=true", headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    first, second = csv.DictReader(io.StringIO(answer.text))
    columns = ("epoch", "loss", "diverged", "batch_losses")
    assert [first[column] for column in columns] == ["1", "0.5", "false", "[0.75,0.25]"]
    assert [second[column] for column in columns] == ["2", "", "true", "[0.5,null]"]


def test_csv_of_a_job_without_epochs_has_its_header(http: httpx2.Client, submit: Submit) -> None:
    answer = http.get(f"/jobs/{submit()['id']}/metrics", headers={"accept": "text/csv"})
    assert answer.text.startswith("epoch,epochs,loss,")
    assert len(answer.text.splitlines()) == 1


def test_events_are_listed_in_order(http: httpx2.Client, trained: str) -> None:
    rows = http.get(f"{trained}/events").json()["data"]
    kinds = [row["data"].get("to", row["type"]) for row in rows]
    assert kinds == ["queued", "starting", "running", "log", "epoch", "epoch", "failed"]
    assert {row["type"] for row in rows if "to" in row["data"]} == {"state"}
    assert rows[3]["data"]["line"] == 'a "line", with\nmore'
    assert rows[-1]["data"]["reason"]["code"] == "diverged"
    assert rows[0]["time"].endswith("Z")


def test_events_as_csv_contain_their_data_as_json(http: httpx2.Client, trained: str) -> None:
    answer = http.get(f"{trained}/events", headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert json.loads(rows[3]["data"])["line"] == 'a "line", with\nmore'


def test_a_snapshot_can_begin_after_an_event(http: httpx2.Client, trained: str) -> None:
    rows = http.get(f"{trained}/events").json()["data"]
    later = http.get(f"{trained}/events", params={"after": rows[4]["id"]}).json()["data"]
    assert later == rows[5:]


@pytest.mark.parametrize("path", ["metrics", "events"])
def test_invalid_request_is_refused_before_streaming(http: httpx2.Client, submit: Submit, path: str) -> None:
    url = f"/jobs/{submit()['id']}/{path}"
    is_problem(http.get(url, headers={"accept": "text/html"}), 406, "not-acceptable")
    streamed = {"accept": "text/event-stream"}
    assert "Last-Event-ID" in faults(http.get(url, headers=streamed | {"last-event-id": "x"}))
    for parameter, value in (("after", "1-2-3"), ("follow", "true"), ("folow", "true")):
        assert parameter in faults(http.get(url, params={parameter: value}))
    is_problem(http.get(f"/jobs/job_{'0' * 26}/{path}", headers=streamed), 404, "not-found")


@pytest.mark.parametrize("path", ["metrics?batches=true", "events?"])
def test_long_document_is_paginated_without_gaps(
    http: httpx2.Client, service: RunningService, trained: str, path: str
) -> None:
    whole = http.get(f"{trained}/{path}").json()
    assert (whole["has_more"], whole["next"]) == (False, None)
    state = service.state
    usual = state.services
    state.services = replace(usual, streams=replace(usual.streams, max_bytes=1))
    try:
        rows: list[dict[str, Any]] = []
        part = {"next": ""}
        while part["next"] is not None:
            part = http.get(f"{trained}/{path}&after={part['next']}").json()
            assert len(part["data"]) <= 1
            rows += part["data"]
    finally:
        state.services = usual
    assert rows == whole["data"]


def test_long_response_is_generated_while_it_is_sent() -> None:
    made: list[int] = []

    def content() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x" * 2**14

    short = generated([b"a", b"b"], "text/csv", {})
    assert (short.body, short.headers["content-length"]) == (b"ab", "2")
    long = generated(content(), "text/csv", {})
    assert len(made) < 10
    assert "content-length" not in long.headers
