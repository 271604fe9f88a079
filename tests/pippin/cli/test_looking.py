"""`pippin plot`, `top`, `open` and `export` against a whole Pippin."""

import contextlib
import csv
import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from typer.testing import Result

from pippin.client import Client, LiveJob

Invoke = Callable[..., Result]

SPEC = {
    "inputs": [{"name": "image", "shape": [1, 28, 28]}],
    "outputs": [{"name": "digit", "shape": [10]}],
    "layers": [
        {"type": "flatten", "name": "flat"},
        {"type": "inner_product", "name": "dense", "output_channels": 10, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ],
    "loss": {"type": "categorical_cross_entropy"},
    "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 100},
    "epochs": 3,
}


@pytest.fixture
def with_service(invoke: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """`invoke`, with the running service as the one that is asked."""
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    return invoke


@pytest.fixture(scope="module")
def finished(running_up: SimpleNamespace) -> LiveJob:
    """A job of three epochs that has succeeded."""
    with Client(running_up.url) as client:
        job = client.train(SPEC, "mnist-sample", name="lines", options={"labels": {"team": "cli"}}, seed=7)
        assert job.wait().status == "succeeded"
        return job


@pytest.fixture
def queued(running_up: SimpleNamespace) -> Iterator[LiveJob]:
    """A queued job that needs a Mac."""
    with Client(running_up.url) as client:
        job = client.train(SPEC, "mnist-sample", name="waits", options={"engine": "coreml"})
        yield job
        job.cancel()


def test_curves_in_a_pipe_are_text_without_colours(with_service: Invoke, finished: LiveJob) -> None:
    lines = with_service("plot", finished.id).stdout.splitlines()
    assert lines[0] == "lines, succeeded"
    titles = [line for line in lines if "━━" in line]
    assert [title.split()[0] for title in titles] == ["loss", "accuracy"]
    assert "training" in titles[0]
    assert "validation" in titles[0]
    assert lines[-1].split() == ["1", "2", "3"]
    assert "\x1b" not in "".join(lines)


def test_curves_are_drawn_as_a_picture(with_service: Invoke, finished: LiveJob, tmp_path: Path) -> None:
    file = tmp_path / "curves.png"
    told = json.loads(with_service("plot", finished.id, "--png", file, "--json").stdout)
    assert told == {"path": str(file), "bytes": file.stat().st_size}
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("PNG", (900, 920))
    assert with_service("plot", finished.id, "--png", tmp_path / "no" / "x.png").exit_code == 2


def test_curves_are_numbers_as_json(with_service: Invoke, finished: LiveJob) -> None:
    charts = json.loads(with_service("plot", finished.id, "--json").stdout)["charts"]
    assert charts[0]["curves"][0]["values"] == [each.loss for each in finished.epochs]
    assert charts[0]["curves"][0]["epochs"] == [1, 2, 3]


def test_plot_without_epochs_says_so(with_service: Invoke, queued: LiveJob, tmp_path: Path) -> None:
    done = with_service("plot", queued.id)
    assert (done.exit_code, "it is queued, and no epoch has ended" in done.stdout) == (0, True)
    done = with_service("plot", queued.id, "--png", tmp_path / "x.png")
    assert (done.exit_code, list(tmp_path.iterdir())) == (3, [])


def test_top_in_a_pipe_prints_jobs_and_workers_once(with_service: Invoke, finished: LiveJob, queued: LiveJob) -> None:
    lines = with_service("top").stdout.splitlines()
    assert "1 queued" in lines[0]
    rows = {line.split()[0]: line for line in lines if line}
    assert rows[queued.id].split()[1] == "queued"
    assert "No live worker has the coreml engine" in rows[queued.id]
    assert rows[finished.id].split()[1] == "succeeded"
    assert "lines" in rows[finished.id]
    assert any(line.startswith("WORKER") for line in lines)
    told = json.loads(with_service("top", "--json").stdout)
    assert queued.id in [job["id"] for job in told["live"]]
    assert finished.id in [job["id"] for job in told["ended"]]
    assert told["workers"][0]["engines"] == ["jax"]


def test_top_refreshes_at_a_terminal_until_ctrl_c(running_up: SimpleNamespace, finished: LiveJob) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "top", "--seconds", "0.2"],
        env=os.environ | {"PIPPIN_URL": running_up.url, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as watching:
        os.close(theirs)
        shown = b""
        while shown.count(finished.id.encode()) < 3:
            shown += os.read(ours, 65_536)
        watching.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):
            while os.read(ours, 65_536):
                pass
        assert watching.wait(60) == 130
    os.close(ours)


def test_open_starts_the_browser_at_the_jobs_page(
    with_service: Invoke,
    running_up: SimpleNamespace,
    finished: LiveJob,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"{running_up.url}/#/jobs/{finished.id}"
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform != "darwin":
        assert json.loads(with_service("open", finished.id, "--json").stdout) == {"url": url, "opened": False}
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/asked\n')
    browser.chmod(0o755)
    opened = subprocess.run(
        [sys.executable, "-P", "-m", "pippin", "open", finished.id],
        env=os.environ | {"PIPPIN_URL": running_up.url, "BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert opened.stdout == f"{url}\n"
    assert (tmp_path / "asked").read_text() == url
    assert with_service("open", "job_0").exit_code == 3
    assert with_service("open").stdout == f"{running_up.url}/\n"


def test_epochs_are_exported_as_csv(with_service: Invoke, finished: LiveJob, tmp_path: Path) -> None:
    file = tmp_path / "epochs.csv"
    assert with_service("export", finished.id, "--to", "csv", "-o", file).exit_code == 0
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [float(row["loss"]) for row in rows] == [each.loss for each in finished.epochs]
    piped = with_service("export", finished.id, "--to", "csv").stdout
    assert piped.splitlines() == file.read_text().splitlines()
    done = with_service("export", finished.id, "--to", "csv", "-o", tmp_path / "no" / "x.csv")
    assert (done.exit_code, "cannot be written: there is no folder" in done.stderr) == (2, True)


def test_tensorboard_reads_the_export(with_service: Invoke, finished: LiveJob, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415 - heavy
    from tensorboard.plugins.hparams import plugin_data_pb2  # noqa: PLC0415

    done = with_service("export", finished.id, "--to", "tensorboard", "-o", tmp_path, "--json")
    assert json.loads(done.stdout) == {"path": str(tmp_path / finished.id), "epochs": 3}
    train = EventAccumulator(str(tmp_path / finished.id / "train")).Reload()
    validation = EventAccumulator(str(tmp_path / finished.id / "validation")).Reload()
    assert set(train.Tags()["tensors"]) == {"loss", "learning_rate", "examples_per_second", "seconds"}
    for read, tag, wanted in (
        (train, "loss", [each.loss for each in finished.epochs]),
        (validation, "loss", [each.validation_loss for each in finished.epochs]),
        (validation, "accuracy", [each.validation_accuracy for each in finished.epochs]),
    ):
        found = read.Tensors(tag)
        assert [each.step for each in found] == [1, 2, 3]
        assert [each.tensor_proto.float_val[0] for each in found] == pytest.approx(wanted)
        assert [each.wall_time for each in found] == pytest.approx([each.time.timestamp() for each in finished.epochs])
    settings = EventAccumulator(str(tmp_path / finished.id)).Reload()
    content = settings.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    session = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert session.hparams["learning_rate"].number_value == 0.1
    assert session.hparams["dataset"].string_value == "mnist-sample"


def test_mlflow_reads_the_export(
    with_service: Invoke, finished: LiveJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient  # noqa: PLC0415 - heavy

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    done = with_service("export", finished.id, "--to", "mlflow", "-o", tmp_path / "mlruns", "--json")
    told = json.loads(done.stdout)
    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    run = client.get_run(told["run"])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "lines")
    assert run.data.params["learning_rate"] == "0.1"
    assert (run.data.tags["pippin.job"], run.data.tags["team"]) == (finished.id, "cli")
    history = client.get_metric_history(told["run"], "validation_accuracy")
    assert [each.step for each in history] == [1, 2, 3]
    assert [each.value for each in history] == [each.validation_accuracy for each in finished.epochs]
    assert run.data.metrics["loss"] == finished.epochs[-1].loss
    model = client.download_artifacts(told["run"], f"model/{told['model']}", str(tmp_path))
    trained = next(each for each in finished.record.artifacts if each.variant == "trained")
    assert "sha256:" + hashlib.sha256(Path(model).read_bytes()).hexdigest() == trained.digest
    again = json.loads(
        with_service("export", finished.id, "--to", "mlflow", "-o", tmp_path / "mlruns", "--json").stdout
    )
    assert (again["experiment"], again["run"] != told["run"]) == (told["experiment"], True)


@pytest.mark.parametrize(("to", "module"), [("tensorboard", "tensorboard.summary"), ("mlflow", "mlflow.tracking")])
def test_missing_export_library_is_reported_with_the_install_command(
    *, with_service: Invoke, finished: LiveJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    done = with_service("export", finished.id, "--to", to, "-o", tmp_path / "x")
    assert done.exit_code == 2
    assert f"pip install -e '.[{to}]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_unreachable_tracking_server_is_reported(with_service: Invoke, finished: LiveJob, unused_port: int) -> None:
    done = with_service("export", finished.id, "--to", "mlflow", "-o", f"http://127.0.0.1:{unused_port}")
    assert done.exit_code == 2
    assert f"MLflow at http://127.0.0.1:{unused_port} refused the job" in done.stderr


def test_shell_completion_offers_job_ids(running_up: SimpleNamespace, finished: LiveJob) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("pippin")],
        env=os.environ
        | {
            "PIPPIN_URL": running_up.url,
            "_PIPPIN_COMPLETE": "complete_bash",
            "COMP_WORDS": "pippin plot job_",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.id in done.stdout.split()
