"""The commands against a whole, real Pippin."""

import contextlib
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from pippin.blobs import Blobs
from pippin.cli.arguments import complete_datasets, complete_jobs
from pippin.datasets.sample import mnist_sample_path
from pippin.documents import yaml12
from pippin.local.valkey import running_url
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.store import connect
from tests.support.waiting import wait_for

Invoke = Callable[..., Result]

CSV = {"content-type": "text/csv"}

JOB = """\
# A small model on the packaged digits.
name: small
labels: {team: cli}
model:
  spec:
    inputs: [{name: image, shape: [1, 28, 28]}]
    outputs: [{name: digit, shape: [10]}]
    layers:
      - {type: flatten, name: flat}
      - {type: inner_product, name: dense, output_channels: 10, updatable: true}
      - {type: softmax, name: softmax}
    loss: {type: categorical_cross_entropy}
    optimizer: {type: sgd, learning_rate: 1e-1, mini_batch_size: 100}
    epochs: {default: 2, max: 100000}
dataset: mnist-sample
hyperparameters: {seed: 7}
"""


@pytest.fixture
def with_service(invoke: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """`invoke`, with the running service as the one that is asked."""
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    return invoke


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    file = tmp_path / "job.yaml"
    file.write_text(JOB)
    return file


@pytest.fixture(scope="module")
def finished(running_up: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A job that has succeeded: the last line of `submit --follow --json`."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pippin", "submit", "-", "--follow", "--json"],
        input=JOB,
        env=os.environ | {"PIPPIN_URL": running_up.url},
        cwd=tmp_path_factory.mktemp("finished"),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("epoch") for line in lines] == [None, 1, 2, None]
    assert (lines[0]["status"], lines[-1]["status"]) == ("queued", "succeeded")
    assert lines[0]["id"] == lines[-1]["id"]
    found: dict[str, Any] = lines[-1]
    return found


def test_a_job_is_submitted_and_its_id_printed(with_service: Invoke, job_file: Path) -> None:
    done = with_service("submit", job_file)
    assert done.exit_code == 0
    assert done.stdout.startswith("job_")
    assert len(done.stdout.splitlines()) == 1
    shown = json.loads(with_service("job", done.stdout.strip(), "--json").stdout)
    assert shown["request"]["model"]["spec"]["optimizer"]["learning_rate"] == 0.1
    assert shown["labels"] == {"team": "cli"}


def test_a_jobs_notice_is_printed_beside_its_id(with_service: Invoke, tmp_path: Path) -> None:
    table = tmp_path / "numbered.csv"
    table.write_text("kind,a,b\n0,1,2\n1,2,1\n")
    assert with_service("datasets", "add", "numbered", "--from", table, "--target", "kind").exit_code == 0
    spec = {
        "inputs": [{"name": "features", "shape": [2]}],
        "outputs": [{"name": "kind", "type": "string"}],
        "layers": [
            {"type": "inner_product", "name": "dense", "output_channels": 2, "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "classifier": {"labels": ["cat", "dog"], "predicted_feature": "kind"},
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
    }
    done = with_service("submit", "-", stdin=json.dumps({"model": {"spec": spec}, "dataset": "numbered"}))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("job_")
    assert len(done.stdout.splitlines()) == 1
    assert "Note: the dataset's numbers are read as positions" in done.stderr
    assert "0 is 'cat', 1 is 'dog'." in done.stderr


def test_options_override_engine_and_compute_units_of_the_file(with_service: Invoke, job_file: Path) -> None:
    job_file.write_text(JOB + "engine: jax\n")
    done = with_service("submit", job_file, "--engine", "coreml", "--compute-units", "cpu_only", "--json")
    assert done.exit_code == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["request"]["engine"], job["request"]["compute_units"]) == ("coreml", "cpu_only")
    text = with_service("job", job["id"]).stdout
    assert "waiting for No live worker has the coreml engine" in text
    assert "compute on  cpu_only" in text
    assert with_service("cancel", job["id"]).exit_code == 0


def test_compute_units_without_core_ml_are_refused(with_service: Invoke, job_file: Path) -> None:
    done = with_service("submit", job_file, "--engine", "jax", "--compute-units", "cpu_only")
    assert done.exit_code == 3
    assert "compute_units: found 'cpu_only', but the engine is jax" in done.stderr


def test_following_in_a_pipe_prints_a_line_per_epoch(with_service: Invoke, job_file: Path) -> None:
    done = with_service("submit", job_file, "--follow")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[1] == "queued"
    assert [line.split("  ")[0] for line in lines if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    assert lines[-2:] == [f"{lines[0]} succeeded.", f"Download its model: pippin download {lines[0]}"]


@pytest.mark.full
def test_following_at_a_terminal_shows_a_progress_bar(running_up: SimpleNamespace, finished: dict[str, Any]) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "metrics", finished["id"], "--follow"],
        env=os.environ | {"PIPPIN_URL": running_up.url, "TERM": "xterm-256color", "COLUMNS": "150"},
        stdout=theirs,
    ):
        os.close(theirs)
        shown = b""
        # Linux raises EIO at the end of a pseudo-terminal.
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 65_536):
                shown += chunk
    os.close(ours)
    assert "━" in shown.decode()
    assert "epoch 2/2  loss" in shown.decode()
    assert "succeeded" in shown.decode()
    assert " left" not in shown.decode().rpartition("2/2")[2]  # no time is left of a job that has ended


@pytest.mark.full
def test_following_at_a_terminal_shows_the_waiting_reason(
    running_up: SimpleNamespace, with_service: Invoke, job_file: Path
) -> None:
    job_id = with_service("submit", job_file, "--engine", "coreml").stdout.strip()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "metrics", job_id, "--follow"],
        env=os.environ | {"PIPPIN_URL": running_up.url, "TERM": "xterm-256color", "COLUMNS": "150"},
        stdout=theirs,
        stderr=theirs,
    ) as following:
        os.close(theirs)
        shown = b""
        while b"No live worker has the coreml engine" not in shown:
            shown += os.read(ours, 65_536)
        assert with_service("cancel", job_id).exit_code == 0
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 65_536):
                shown += chunk
        assert following.wait(60) == 1
    os.close(ours)
    assert shown.count(b"No live worker") == 1


@pytest.mark.full
def test_following_as_json_prints_the_waiting_reason_on_stderr(
    running_up: SimpleNamespace, with_service: Invoke, job_file: Path
) -> None:
    job_id = with_service("submit", job_file, "--engine", "coreml").stdout.strip()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "metrics", job_id, "--follow", "--json"],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stderr.readline().startswith("No live worker has the coreml engine")
        assert with_service("cancel", job_id).exit_code == 0
        assert [json.loads(line)["status"] for line in following.stdout] == ["cancelled"]
        assert following.wait(60) == 1


def test_faults_of_a_job_have_line_and_pointer(with_service: Invoke, job_file: Path) -> None:
    job_file.write_text(JOB.replace("output_channels: 10", "output_channels: 0").replace("mnist-sample", "no-such"))
    done = with_service("submit", job_file)
    assert done.exit_code == 3
    assert done.stdout == ""
    assert f"{job_file}:10:44: model.spec.layers[1].output_channels: " in done.stderr
    job_file.write_text(JOB.replace("mnist-sample", "no-such"))
    done = with_service("submit", job_file)
    assert done.exit_code == 3
    assert f"{job_file}:15:1: dataset: " in done.stderr


def test_jobs_are_listed_and_chosen_by_status_and_label(with_service: Invoke, finished: dict[str, Any]) -> None:
    table = with_service("jobs", "--label", "team=cli", "--status", "succeeded").stdout.splitlines()
    assert table[0].split() == ["ID", "NAME", "STATUS", "EPOCH", "LOSS", "ACCURACY", "CREATED"]
    assert any(line.split()[:4] == [finished["id"], "small", "succeeded", "2/2"] for line in table)
    assert with_service("jobs", "--label", "team=none").stdout == ""
    assert len(json.loads(with_service("jobs", "--limit", "1", "--json").stdout)) == 1
    done = with_service("jobs", "--status", "nonsense")
    assert done.exit_code == 3
    assert "status: " in done.stderr


def test_one_job_is_shown(with_service: Invoke, finished: dict[str, Any]) -> None:
    text = with_service("job", finished["id"]).stdout
    assert text.splitlines()[0] == finished["id"]
    assert "status      succeeded" in text
    assert "seed 7" in text
    assert "epoch 2 of 2" in text
    assert "engine      jax (auto was requested)" in text
    assert json.loads(with_service("job", finished["id"], "--json").stdout) == finished


def test_metrics_are_a_table_or_json(with_service: Invoke, finished: dict[str, Any]) -> None:
    table = with_service("metrics", finished["id"]).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["EPOCH", "1/2", "2/2"]
    found = json.loads(with_service("metrics", finished["id"], "--json").stdout)
    assert [each["epoch"] for each in found["data"]] == [1, 2]
    assert found["data"][-1] == finished["latest_metrics"]


@pytest.mark.parametrize("variant", ["trained", "initial", "inference"])
def test_model_is_downloaded_completely(
    with_service: Invoke, finished: dict[str, Any], tmp_path: Path, variant: str
) -> None:
    target = tmp_path / "mine.mlmodel"
    done = with_service("download", finished["id"], "-o", target, "--variant", variant, "--json")
    assert json.loads(done.stdout) == {"path": str(target), "bytes": target.stat().st_size}
    digests = {each["variant"]: each["digest"] for each in finished["artifacts"]}
    assert digests.get(variant, digests["trained"]).startswith("sha256:")
    if variant != "inference":
        assert digests[variant] == f"sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}"
        assert read(target.read_bytes()).weights["dense"]["weights"].shape == (10, 784)


def test_model_is_downloaded_into_the_current_folder_by_default(
    with_service: Invoke, finished: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_service("download", finished["id"]).stdout.startswith("small.mlmodel (")
    assert (tmp_path / "small.mlmodel").is_file()


def test_unwritable_output_path_is_reported(with_service: Invoke, finished: dict[str, Any], tmp_path: Path) -> None:
    done = with_service("download", finished["id"], "-o", tmp_path / "no" / "x.mlmodel")
    assert done.exit_code == 2
    assert "cannot be written: there is no folder" in done.stderr


@pytest.mark.parametrize("command", ["job", "metrics", "cancel", "download"])
def test_unknown_job_is_reported(with_service: Invoke, command: str) -> None:
    done = with_service(command, "job_0")
    assert done.exit_code == 3
    assert "There is no job job_0." in done.stderr
    assert "`pippin jobs`" in done.stderr


@pytest.mark.full
def test_cancelled_job_ends_its_followers_with_1(
    running_up: SimpleNamespace, with_service: Invoke, job_file: Path
) -> None:
    job_file.write_text(JOB.replace("{seed: 7}", "{epochs: 100000}"))
    job_id = with_service("submit", job_file).stdout.strip()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "metrics", job_id, "--follow"],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        for line in follower.stdout:
            if line.startswith("epoch"):
                break
        done = with_service("cancel", job_id)
        assert done.exit_code == 0
        assert done.stdout in {f"{job_id} is cancelling.\n", f"{job_id} is cancelled.\n"}
        follower.stdout.read()
        assert f"{job_id} was cancelled" in follower.stderr.read()
        assert follower.wait(60) == 1


@pytest.mark.full
def test_ctrl_c_stops_following_but_not_the_job(
    running_up: SimpleNamespace, with_service: Invoke, job_file: Path
) -> None:
    job_file.write_text(JOB.replace("{seed: 7}", "{epochs: 100000}"))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "submit", str(job_file), "--follow"],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        job_id = follower.stdout.readline().strip()
        for line in follower.stdout:
            if line.startswith("epoch"):
                break
        follower.send_signal(signal.SIGINT)
        follower.stdout.read()
        said = follower.stderr.read()
        assert follower.wait(60) == 130
    assert (
        f"the job continues. Follow it again: pippin metrics {job_id} --follow. Cancel it: pippin cancel {job_id}"
        in said
    )
    assert json.loads(with_service("job", job_id, "--json").stdout)["status"] == "running"
    assert with_service("cancel", job_id).exit_code == 0


def test_workers_are_listed(with_service: Invoke) -> None:
    table = with_service("workers").stdout.splitlines()
    assert table[0].split() == ["NAME", "STATE", "ENGINES", "COMPUTES", "ON", "JOB", "SYSTEM", "HEARTBEAT"]
    assert any("jax" in line and "cpu_only" in line for line in table[1:])
    assert json.loads(with_service("workers", "--json").stdout)[0]["engines"] == ["jax"]


def test_worker_is_drained_and_undrained_by_a_prefix_of_its_name(with_service: Invoke) -> None:
    def only() -> Any:  # noqa: ANN401
        (worker,) = json.loads(with_service("workers", "--json").stdout)
        return worker

    # The training that was cancelled last may still be stopping.
    wait_for(lambda: only()["state"] == "idle")
    worker = only()
    try:
        done = with_service("workers", "drain", worker["name"][:-4])
        assert done.stdout == f"{worker['name']} takes no more jobs.\n"
        assert json.loads(with_service("workers", "--json").stdout)[0]["state"] in {"draining", "drained"}
        shown = json.loads(with_service("workers", "drain", worker["name"], "--hand-back", "--json").stdout)
        assert shown["name"] == worker["name"]
        refused = with_service("workers", "drain", "nobody")
        assert refused.exit_code == 3
        assert f"There is no worker 'nobody'; the workers are {worker['name']}." in refused.stderr
    finally:
        done = with_service("workers", "undrain", worker["name"])
    assert done.stdout == f"{worker['name']} takes jobs again.\n"


def test_a_table_is_uploaded_by_name_and_listed(with_service: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "houses.csv"
    file.write_text("size,rooms,price\n50,2,100\n70,3,150\n90,4,200\n")
    done = with_service("datasets", "add", "houses", "--from", file, "--target", "price", "--inputs", "x:size,rooms")
    assert done.exit_code == 0, done.stderr
    assert "houses, train 3; x float32 2, price" in done.stdout
    manifest = json.loads(
        with_service(
            "datasets", "add", "houses", "--from", file, "--target", "price", "--inputs", "x:size,rooms", "--json"
        ).stdout
    )
    assert done.stdout.startswith(f"{manifest['id']}: ")
    table = with_service("datasets", "list").stdout.splitlines()
    assert table[0].split() == ["NAME", "ID", "FORMAT", "SPLITS", "FEATURES", "SIZE", "CREATED"]
    assert any(line.startswith("houses ") for line in table)
    assert {"houses", "mnist-sample"} <= {
        each["name"] for each in json.loads(with_service("datasets", "list", "--json").stdout)
    }


def test_table_without_a_target_is_refused_and_assumptions_are_noted(with_service: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "irises.data"
    file.write_text("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-virginica\n")
    refused = with_service("datasets", "add", "irises", "--from", file)
    assert refused.exit_code == 3
    assert "set --target to the number of the column to predict" in " ".join(refused.stderr.split())
    done = with_service("datasets", "add", "irises", "--from", file, "--target", "kind:3", "--header", "false")
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Note: the target, column 3, holds text, which became 2 classes: 'Iris-setosa', 'Iris-virginica'." in said


def test_folder_of_class_folders_is_uploaded_as_one_dataset(with_service: Invoke, tmp_path: Path) -> None:
    for number, kind in enumerate(["cat", "dog"]):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for index in range(3):
            pixels = np.full((4, 4), 40 * number + index, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / kind / f"{index}.png")
    done = with_service("datasets", "add", "pets", "--from", tmp_path / "pets", "--json")
    assert done.exit_code == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert (manifest["format"], manifest["labels"]) == ("images", ["cat", "dog"])
    again = json.loads(with_service("datasets", "add", "pets", "--from", tmp_path / "pets", "--json").stdout)
    assert again["id"] == manifest["id"]


def test_unnamed_blobs_are_recovered_as_dataset_and_model(
    with_service: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_HOME", str(running_up.home))
    blobs = Blobs((running_up.home / "blobs").as_uri())
    listed = json.loads(with_service("datasets", "list", "--json").stdout)
    (sample,) = (each for each in listed if each["name"] == "mnist-sample")
    done = with_service("blobs", "recover", sample["digest"], "digits-again", "--json")
    assert done.exit_code == 0, done.stderr
    listed = json.loads(with_service("datasets", "list", "--json").stdout)
    (again,) = (each for each in listed if each["name"] == "digits-again")
    assert again["id"] == json.loads(done.stdout)["id"]
    # The same arrays are the same blob. The order of the features was in the record.
    assert (again["digest"], again["splits"]) == (sample["digest"], sample["splits"])
    assert sorted(map(str, again["features"])) == sorted(map(str, sample["features"]))
    model = blobs.put_bytes(build(resolve(preset("mnist-cnn"))))
    done = with_service("blobs", "recover", model, "cnn-again")
    assert done.exit_code == 0, done.stderr
    shown = json.loads(with_service("models", "show", "cnn-again", "--json").stdout)
    assert shown["digest"] == model


def test_files_are_uploaded_together(with_service: Invoke) -> None:
    files = sorted(mnist_sample_path().glob("t10k-*.gz"))
    done = with_service("datasets", "add", "few-digits", "--from", *files, "--json")
    assert done.exit_code == 0, done.stderr
    assert [split["examples"] for split in json.loads(done.stdout)["splits"]] == [2000]


def test_files_other_than_the_published_mnist_are_refused_locally(with_service: Invoke, tmp_path: Path) -> None:
    for file in mnist_sample_path().glob("train-*.gz"):
        shutil.copy(file, tmp_path)
    done = with_service("datasets", "add", "mnist", "--from", tmp_path)
    assert done.exit_code == 3
    assert "is not MNIST's train-images-idx3-ubyte" in done.stderr
    assert "has no file t10k-images-idx3-ubyte" in done.stderr


def test_faulty_table_is_reported_with_its_row(with_service: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("label,a\n1,2\n0,x\n")
    done = with_service("datasets", "add", "bad", "--from", file)
    assert done.exit_code == 3
    assert "row 3" in done.stderr


def test_unusable_paths_are_usage_errors(with_service: Invoke, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for paths, said in (
        ([tmp_path / "no.csv"], "There is no "),
        ([tmp_path / "empty"], "is empty"),
        ([tmp_path / "empty", tmp_path], "Give either files or one folder"),
    ):
        done = with_service("datasets", "add", "x", "--from", *paths)
        assert done.exit_code == 2
        assert said in done.stderr


class Records:
    """Records in Redis, changed into records of an earlier version."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)

    def change(self, key: str, field: str, **members: object) -> None:
        document = json.loads(str(self.client.hget(key, field)))
        self.client.hset(key, field, json.dumps(document | members))


@contextmanager
def records_of(home: Path) -> Iterator[Records]:
    url = running_url(home)
    assert url is not None
    records = Records(url)
    yield records
    records.client.close()


EVIL = "evil\x1b]0;title\x07\x9b31m\u202e\n[red]x[/red][link=http://e.example]y[/link]"
SHOWN = r"evil\x1b]0;title\x07\x9b31m\u202e\x0a[red]x[/red][link=http://e.example]y[/link]"


@pytest.fixture(scope="module")
def evil_names(running_up: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """A dataset, a model and a job whose names, labels and layers would control a terminal.

    The service refuses such names for new records; records of earlier versions can have them.
    """
    with httpx2.Client(base_url=running_up.url, timeout=60) as http, records_of(running_up.home) as redis:
        rows = f'label,x\n"{EVIL}",1\nplain,2\n'
        dataset = http.post("/datasets", params={"name": "evil", "target": "label"}, content=rows, headers=CSV)
        assert dataset.status_code == 201, dataset.text
        spec = yaml12.loads(JOB)["model"]["spec"]
        spec["layers"][1]["name"] = EVIL
        model = http.post("/models", params={"name": "evil"}, json=spec)
        assert model.status_code == 201, model.text
        job = http.post("/jobs", json={"model": {"spec": spec}, "dataset": "mnist-sample"})
        assert job.status_code == 202, job.text
        evil = SimpleNamespace(dataset=dataset.json()["id"], model=model.json()["id"], job=job.json()["id"])
        redis.change(f"pippin:default:dataset:{evil.dataset}", "record", name=EVIL)
        redis.change(f"pippin:default:model:{evil.model}", "record", name=EVIL)
        redis.change(f"pippin:default:job:{evil.job}", "request", name=EVIL, labels={"team": EVIL})
        yield evil
        http.delete(f"/datasets/{evil.dataset}")
        http.delete(f"/models/{evil.model}")


@pytest.mark.full
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_no_name_controls_the_terminal(
    with_service: Invoke, evil_names: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "400")
    commands = [
        ["jobs"],
        ["status", evil_names.job],
        ["jobs", "--json"],
        ["top", "--once"],
        ["datasets", "list"],
        ["models", "list"],
        ["models", "show", evil_names.model],
        ["models", "show", evil_names.model, "--json"],
        ["status", EVIL],
        ["workers"],
    ]
    quoting = 0
    for command in commands:
        result = with_service(*command)
        # Rich's own colours are the only sequences.
        shown = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)
        assert not set(shown) & set("\x1b\x07\x9b\u202e"), command
        assert "\n[red]" not in shown, command
        quoting += SHOWN in shown
    assert quoting >= 4


def test_shell_completion_offers_printable_names_only(with_service: Invoke, evil_names: SimpleNamespace) -> None:
    assert with_service is not None
    assert evil_names.dataset
    datasets, jobs = complete_datasets(""), complete_jobs("")
    assert "mnist-sample" in [value for value, _ in datasets]
    assert any(SHOWN in text for _, text in jobs)
    for offered in (*datasets, *jobs):
        assert not set("".join(offered)) & set("\x1b\x07\x9b\u202e\n")
