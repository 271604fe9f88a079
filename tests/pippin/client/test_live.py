"""Live jobs of both clients, against a server with scripted answers."""

import asyncio
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pippin.client import AsyncClient, Client, ServiceUnreachable
from pippin.errors import PippinError
from tests.pippin.client.conftest import STREAM, Ask, Serve, job_document
from tests.support.records import epoch_metrics
from tests.support.scripted_server import Answer, Seen

Document = dict[str, object]
Waited = Callable[[str, list[object]], Any]


class Service:
    """Answers for a job of three epochs; the keywords are members of the epochs."""

    def __init__(self, name: str | None = None, cancel_status: int = 202, **members: object) -> None:
        self.job = job_document(name=name, progress={"epoch": 0, "epochs": 3})
        self.cancel_status = cancel_status
        self.epochs = [self._epoch(number, members) for number in (1, 2, 3)]
        self.away = False

    @staticmethod
    def _epoch(number: int, members: Document) -> Document:
        measured = {"loss": 1 / number, "validation_loss": None, "validation_accuracy": 0.5, "learning_rate": 0.1}
        return epoch_metrics(number, **measured | members).model_dump(mode="json")

    def __call__(self, seen: Seen, _: int) -> Answer | None:
        if self.away:
            return None
        if seen.path.endswith("/metrics") and seen.headers["accept"] == "text/event-stream":
            events = [f"id: {each['epoch']}-0\nevent: epoch\ndata: {json.dumps(each)}\n\n" for each in self.epochs]
            return Answer(200, ("".join(events) + "id: 9-0\nevent: end\ndata: {}\n\n").encode(), STREAM)
        if seen.path.endswith("/metrics"):
            page = {"job": "job_1", "status": "running", "data": self.epochs, "has_more": False, "next": None}
            return Answer(200, page)
        if seen.path.endswith("/cancel"):
            self.job = self.job | {"status": "cancelled"}
            return Answer(self.cancel_status, self.job | {"title": "It is over"})
        return Answer(202 if seen.method == "POST" else 200, self.job)


class Spy:
    """A callback that sets `stop_training` after `enough` epochs."""

    def __init__(self, enough: int = 99) -> None:
        self.enough = enough
        self.calls: list[tuple[Any, ...]] = []

    def set_model(self, model: Any) -> None:  # noqa: ANN401 - whatever has stop_training
        self.model = model

    def set_params(self, params: dict[str, object]) -> None:
        self.calls.append(("params", params["epochs"]))

    def on_train_begin(self, logs: dict[str, float]) -> None:
        self.calls.append(("train", logs))

    def on_epoch_begin(self, number: int, logs: dict[str, float]) -> None:
        self.calls.append(("begin", number, logs))

    def on_epoch_end(self, number: int, logs: dict[str, float]) -> None:
        self.calls.append(("end", number, logs))
        self.model.stop_training = number + 1 >= self.enough

    def on_train_end(self, logs: dict[str, float]) -> None:
        self.calls.append(("over", logs))


@pytest.fixture(params=["sync", "async"])
def waited(request: pytest.FixtureRequest) -> Waited:
    """Waits for a job of the service with callbacks; the live job afterwards."""

    def with_client(url: str, callbacks: list[object]) -> object:
        with Client(url, patience=0.5) as client:
            job = client.live("job_1")
            job.wait(callbacks=callbacks)
            return job

    async def with_async_client(url: str, callbacks: list[object]) -> object:
        async with AsyncClient(url, patience=0.5) as client:
            job = await client.live("job_1")
            await job.wait(callbacks=callbacks)
            return job

    if request.param == "sync":
        return with_client
    return lambda url, callbacks: asyncio.run(with_async_client(url, callbacks))


def test_callbacks_are_called_as_by_keras(waited: Waited, serve: Serve) -> None:
    spy = Spy()
    job = waited(serve(Service()).url, [spy, object()])
    logs = [{"loss": 1 / number, "val_accuracy": 0.5, "learning_rate": 0.1} for number in (1, 2, 3)]
    assert spy.calls == [
        ("params", 3),
        ("train", {}),
        *(call for at in range(3) for call in (("begin", at, {}), ("end", at, logs[at]))),
        ("over", logs[2]),
    ]
    assert [each.epoch for each in job.epochs] == [1, 2, 3]


def test_diverged_loss_is_nan_for_callbacks(waited: Waited, serve: Serve) -> None:
    spy = Spy()
    waited(serve(Service(loss=None, diverged=True)).url, [spy])
    assert all(math.isnan(call[2]["loss"]) for call in spy.calls if call[0] == "end")


@pytest.mark.parametrize("cancel_status", [202, 409])
def test_stop_training_of_a_callback_cancels_the_job_once(waited: Waited, serve: Serve, cancel_status: int) -> None:
    server = serve(Service(cancel_status=cancel_status))
    spy = Spy(enough=2)
    job = waited(server.url, [spy])
    assert [seen.path for seen in server.seen if seen.method == "POST"] == ["/jobs/job_1/cancel"]
    assert [call[1] for call in spy.calls if call[0] == "end"] == [0, 1]
    assert job.status == "cancelled"


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("mnist-cnn", {"preset": "mnist-cnn"}),
        ("drawing", {"id": "drawing"}),
        ("job_01m888gczja37vn2ng2ma0eeq8", {"job": "job_01m888gczja37vn2ng2ma0eeq8"}),
        ({"preset": "mnist-cnn"}, {"preset": "mnist-cnn"}),
        ({"inputs": [], "layers": []}, {"spec": {"inputs": [], "layers": []}}),
    ],
)
def test_train_sends_the_models_form_of_the_contract(ask: Ask, serve: Serve, model: object, sent: Document) -> None:
    server = serve(Service())
    ask(server.url, "train", model, "digits", name="mine", options={"engine": "jax"}, epochs=2, seed=7)
    assert json.loads(server.seen[0].body) == {
        "name": "mine",
        "model": sent,
        "dataset": "digits",
        "hyperparameters": {"epochs": 2, "seed": 7},
        "engine": "jax",
    }


def test_train_accepts_a_job_and_refuses_a_missing_file(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    server = serve(Service())
    with Client(server.url) as client:
        job = client.live("job_1")
        for model in (job, job.record):
            ask(server.url, "train", model, {"id": "digits", "validation_fraction": 0.1})
            sent = json.loads(server.seen[-1].body)
            assert (sent["model"], sent["dataset"]["validation_fraction"]) == ({"job": "job_1"}, 0.1)
            assert "name" not in sent
    with pytest.raises(FileNotFoundError):
        ask(server.url, "train", tmp_path / "no.mlmodel", "digits")


def test_repr_html_shows_current_curves_or_cached_without_a_service(serve: Serve) -> None:
    service = Service(name="<b>mine")
    server = serve(service)
    with Client(server.url, patience=0) as client:
        job = client.live("job_1")
        shown = job._repr_html_()
        assert "&lt;b&gt;mine" in shown
        assert f'href="{server.url}/#/jobs/job_1"' in shown
        assert (shown.count("<svg"), shown.count("<polyline")) == (2, 2)
        assert repr(job) == "<LiveJob job_1 queued, epoch 3 of 3>"
        service.away = True
        assert job._repr_html_() == shown
        with pytest.raises(ServiceUnreachable):
            job.refresh()


def test_notebook_redraws_the_curves_after_each_epoch(serve: Serve) -> None:
    display = pytest.importorskip("IPython.core.interactiveshell")
    from IPython.utils.capture import capture_output  # noqa: PLC0415 - it takes a while

    display.InteractiveShell.instance()
    try:
        with Client(serve(Service()).url) as client, capture_output() as captured:
            client.live("job_1").show()
    finally:
        display.InteractiveShell.clear_instance()
    pages = [output.data["text/html"] for output in captured.outputs]
    assert len(pages) == 5
    assert pages[-1].count("<polyline") == 2


def test_show_outside_a_notebook_suggests_follow(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with Client(serve(Service()).url) as client, pytest.raises(PippinError, match=r"use follow\(\)"):
        client.live("job_1").show()


def test_package_exports_its_clients() -> None:
    import pippin  # noqa: PLC0415 - what is tested

    assert (pippin.Client, pippin.AsyncClient) == (Client, AsyncClient)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = pippin.Nonsense
