"""`pippin plot`, `top`, `open` and `export` against a whole Pippin."""

import csv
import hashlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pippin.client import Client, LiveJob
from tests.conftest import Up
from tests.pippin.cli.conftest import Invoke, Processes, Terminal
from tests.support.specs import digits_spec


@pytest.fixture(scope="module")
def job(running_up: Up, finished: dict[str, Any]) -> LiveJob:
    """A job of three epochs that has succeeded."""
    with Client(running_up.url) as client:
        live = client.live(finished["id"])
        live.wait()
        return live


@pytest.fixture
def queued(running_up: Up) -> Iterator[LiveJob]:
    """A queued job that needs a Mac."""
    with Client(running_up.url) as client:
        job = client.train(digits_spec(), "mnist-sample", name="waits", options={"engine": "coreml"})
        yield job
        job.cancel()


def test_curves_in_a_pipe_are_text_without_colours(with_service: Invoke, job: LiveJob) -> None:
    lines = with_service.ok("plot", job.id).splitlines()
    assert lines[0] == "small, succeeded"
    titles = [line for line in lines if "━━" in line]
    assert [title.split()[0] for title in titles] == ["loss", "accuracy"]
    assert "training" in titles[0]
    assert "validation" in titles[0]
    assert lines[-1].split() == ["1", "2", "3"]
    assert "\x1b" not in "".join(lines)


def test_curves_are_drawn_as_a_picture(with_service: Invoke, job: LiveJob, tmp_path: Path) -> None:
    file = tmp_path / "curves.png"
    assert with_service.json("plot", job.id, "--png", file) == {"path": str(file), "bytes": file.stat().st_size}
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("PNG", (900, 920))
    with_service.refused(2, "plot", job.id, "--png", tmp_path / "no" / "x.png")


def test_curves_are_numbers_as_json(with_service: Invoke, job: LiveJob) -> None:
    curve = with_service.json("plot", job.id)["charts"][0]["curves"][0]
    assert curve["values"] == [each.loss for each in job.epochs]
    assert curve["epochs"] == [1, 2, 3]


def test_plot_without_epochs_says_so(with_service: Invoke, queued: LiveJob, tmp_path: Path) -> None:
    assert "it is queued, and no epoch has ended" in with_service.ok("plot", queued.id)
    with_service.refused(3, "plot", queued.id, "--png", tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("job")
def test_top_in_a_pipe_prints_jobs_and_workers_once(with_service: Invoke, queued: LiveJob) -> None:
    lines = with_service.ok("top").splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    assert f"{sum(row.split()[1] == 'queued' for row in rows.values())} queued" in lines[0]
    assert rows[queued.id].split()[1] == "queued"
    assert "No live worker has the coreml engine" in rows[queued.id]
    assert any(line.startswith("WORKER") for line in lines)
    overview = with_service.json("top")
    assert queued.id in [each["id"] for each in overview["live"]]
    assert overview["workers"][0]["engines"] == ["jax"]
    assert overview["ended"]
    for ended in overview["ended"]:
        assert rows[ended["id"]].split()[1] == ended["status"]
        assert (ended["name"] or "") in rows[ended["id"]]


@pytest.mark.full
@pytest.mark.usefixtures("job")
def test_top_refreshes_at_a_terminal_until_ctrl_c(processes: Processes, with_service: Invoke) -> None:
    newest = with_service.json("top")["ended"][0]["id"]
    with Terminal(processes, "top", "--seconds", "0.2") as terminal:
        terminal.read_until(newest, count=3)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130


def test_open_prints_the_address_of_the_page(
    with_service: Invoke, running_up: Up, job: LiveJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform != "darwin":
        url = f"{running_up.url}/#/jobs/{job.id}"
        assert with_service.json("open", job.id) == {"url": url, "opened": False}
    with_service.refused(3, "open", "job_0")
    assert with_service.ok("open") == f"{running_up.url}/\n"


@pytest.mark.full
def test_open_starts_the_browser_at_the_jobs_page(
    processes: Processes, running_up: Up, job: LiveJob, tmp_path: Path
) -> None:
    url = f"{running_up.url}/#/jobs/{job.id}"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/asked\n')
    browser.chmod(0o755)
    opened = processes.run("open", job.id, BROWSER=f"{browser} %s")
    assert (opened.returncode, opened.stdout) == (0, f"{url}\n")
    assert (tmp_path / "asked").read_text() == url


def test_epochs_are_exported_as_csv(with_service: Invoke, job: LiveJob, tmp_path: Path) -> None:
    file = tmp_path / "epochs.csv"
    with_service.ok("export", job.id, "--to", "csv", "-o", file)
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [float(row["loss"]) for row in rows] == [each.loss for each in job.epochs]
    assert with_service.ok("export", job.id, "--to", "csv").splitlines() == file.read_text().splitlines()
    refusal = with_service.refused(2, "export", job.id, "--to", "csv", "-o", tmp_path / "no" / "x.csv")
    assert "cannot be written: there is no folder" in refusal


def test_tensorboard_reads_the_export(with_service: Invoke, job: LiveJob, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415 - heavy
    from tensorboard.plugins.hparams import plugin_data_pb2  # noqa: PLC0415

    exported = with_service.json("export", job.id, "--to", "tensorboard", "-o", tmp_path)
    assert exported == {"path": str(tmp_path / job.id), "epochs": 3}
    train = EventAccumulator(str(tmp_path / job.id / "train")).Reload()
    validation = EventAccumulator(str(tmp_path / job.id / "validation")).Reload()
    assert set(train.Tags()["tensors"]) == {"loss", "learning_rate", "examples_per_second", "seconds"}
    for events, tag, expected in (
        (train, "loss", [each.loss for each in job.epochs]),
        (validation, "loss", [each.validation_loss for each in job.epochs]),
        (validation, "accuracy", [each.validation_accuracy for each in job.epochs]),
    ):
        tensors = events.Tensors(tag)
        assert [each.step for each in tensors] == [1, 2, 3]
        assert [each.tensor_proto.float_val[0] for each in tensors] == pytest.approx(expected)
        assert [each.wall_time for each in tensors] == pytest.approx([each.time.timestamp() for each in job.epochs])
    settings = EventAccumulator(str(tmp_path / job.id)).Reload()
    content = settings.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    session = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert session.hparams["learning_rate"].number_value == 0.1
    assert session.hparams["dataset"].string_value == "mnist-sample"


@pytest.mark.full
def test_mlflow_reads_the_export(
    with_service: Invoke, job: LiveJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient  # noqa: PLC0415 - heavy

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    export = ["export", job.id, "--to", "mlflow", "-o", tmp_path / "mlruns"]
    exported = with_service.json(*export)
    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    run = client.get_run(exported["run"])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "small")
    assert run.data.params["learning_rate"] == "0.1"
    assert (run.data.tags["pippin.job"], run.data.tags["team"]) == (job.id, "cli")
    history = client.get_metric_history(exported["run"], "validation_accuracy")
    assert [each.step for each in history] == [1, 2, 3]
    assert [each.value for each in history] == [each.validation_accuracy for each in job.epochs]
    assert run.data.metrics["loss"] == job.epochs[-1].loss
    model = client.download_artifacts(exported["run"], f"model/{exported['model']}", str(tmp_path))
    trained = next(each for each in job.record.artifacts if each.variant == "trained")
    assert "sha256:" + hashlib.sha256(Path(model).read_bytes()).hexdigest() == trained.digest
    again = with_service.json(*export)
    assert again["experiment"] == exported["experiment"]
    assert again["run"] != exported["run"]


@pytest.mark.parametrize(("to", "module"), [("tensorboard", "tensorboard.summary"), ("mlflow", "mlflow.tracking")])
def test_missing_export_library_is_reported_with_the_install_command(
    *, with_service: Invoke, job: LiveJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    refusal = with_service.refused(2, "export", job.id, "--to", to, "-o", tmp_path / "x")
    assert f"pip install -e '.[{to}]'" in refusal
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
def test_unreachable_tracking_server_is_reported(with_service: Invoke, job: LiveJob, unused_port: int) -> None:
    refusal = with_service.refused(2, "export", job.id, "--to", "mlflow", "-o", f"http://127.0.0.1:{unused_port}")
    assert f"MLflow at http://127.0.0.1:{unused_port} refused the job" in refusal


@pytest.mark.full
def test_shell_completion_offers_job_ids(processes: Processes, job: LiveJob) -> None:
    words = {"_PIPPIN_COMPLETE": "complete_bash", "COMP_WORDS": "pippin plot job_", "COMP_CWORD": "2"}
    done = processes.run_line([str(Path(sys.executable).with_name("pippin"))], **words)
    assert job.id in done.stdout.split()
