"""The commands about jobs against a whole, real Pippin."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pippin.models.mlmodel import read
from tests.pippin.cli.conftest import JOB, Invoke
from tests.support.specs import classifier_spec


def test_a_job_is_submitted_and_its_id_printed(with_service: Invoke, job_file: Path) -> None:
    (job_id,) = with_service.ok("submit", job_file).splitlines()
    assert job_id.startswith("job_")
    shown = with_service.json("job", job_id)
    assert shown["request"]["model"]["spec"]["optimizer"]["learning_rate"] == 0.1
    assert shown["labels"] == {"team": "cli"}
    with_service("cancel", job_id)  # refused if the job has ended by now


def test_a_jobs_notice_is_printed_beside_its_id(with_service: Invoke, tmp_path: Path) -> None:
    table = tmp_path / "numbered.csv"
    table.write_text("kind,a,b\n0,1,2\n1,2,1\n")
    with_service.ok("datasets", "add", "numbered", "--from", table, "--target", "kind")
    named = {"labels": ["cat", "dog"], "predicted_feature": "kind"}
    outputs = [{"name": "kind", "type": "string"}]
    spec = classifier_spec("features", [2], "kind", 2, mini_batch_size=2, epochs=1, classifier=named, outputs=outputs)
    done = with_service("submit", "-", stdin=json.dumps({"model": {"spec": spec}, "dataset": "numbered"}))
    assert done.exit_code == 0, done.stderr
    (job_id,) = done.stdout.splitlines()
    assert job_id.startswith("job_")
    assert "Note: the dataset's numbers are read as positions" in done.stderr
    assert "0 is 'cat', 1 is 'dog'." in done.stderr
    with_service("cancel", job_id)  # refused if the job has ended by now


def test_options_override_engine_and_compute_units_of_the_file(with_service: Invoke, job_file: Path) -> None:
    job_file.write_text(JOB + "engine: jax\n")
    job = with_service.json("submit", job_file, "--engine", "coreml", "--compute-units", "cpu_only")
    assert (job["request"]["engine"], job["request"]["compute_units"]) == ("coreml", "cpu_only")
    text = with_service.ok("job", job["id"])
    assert "waiting for No live worker has the coreml engine" in text
    assert "compute on  cpu_only" in text
    with_service.ok("cancel", job["id"])


def test_compute_units_without_core_ml_are_refused(with_service: Invoke, job_file: Path) -> None:
    refusal = with_service.refused(3, "submit", job_file, "--engine", "jax", "--compute-units", "cpu_only")
    assert "compute_units: found 'cpu_only', but the engine is jax" in refusal


def test_faults_of_a_job_have_line_and_pointer(with_service: Invoke, job_file: Path) -> None:
    without_dataset = JOB.replace("mnist-sample", "no-such")
    job_file.write_text(without_dataset.replace("output_channels: 10", "output_channels: 0"))
    done = with_service("submit", job_file)
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"{job_file}:10:44: model.spec.layers[1].output_channels: " in done.stderr
    job_file.write_text(without_dataset)
    assert f"{job_file}:15:1: dataset: " in with_service.refused(3, "submit", job_file)


def test_jobs_are_listed_and_chosen_by_status_and_label(with_service: Invoke, finished: dict[str, Any]) -> None:
    table = with_service.ok("jobs", "--label", "team=cli", "--status", "succeeded").splitlines()
    assert table[0].split() == ["ID", "NAME", "STATUS", "EPOCH", "LOSS", "ACCURACY", "CREATED"]
    assert [finished["id"], "small", "succeeded", "3/3"] in [line.split()[:4] for line in table]
    assert with_service.ok("jobs", "--label", "team=none") == ""
    assert len(with_service.json("jobs", "--limit", "1")) == 1
    assert "status: " in with_service.refused(3, "jobs", "--status", "nonsense")


def test_one_job_is_shown(with_service: Invoke, finished: dict[str, Any]) -> None:
    text = with_service.ok("job", finished["id"])
    assert text.splitlines()[0] == finished["id"]
    for line in ("status      succeeded", "seed 7", "epoch 3 of 3", "engine      jax (auto was requested)"):
        assert line in text
    assert with_service.json("job", finished["id"]) == finished


def test_metrics_are_a_table_or_json(with_service: Invoke, finished: dict[str, Any]) -> None:
    table = with_service.ok("metrics", finished["id"]).splitlines()
    assert [line.split()[0] for line in table] == ["EPOCH", "1/3", "2/3", "3/3"]
    metrics = with_service.json("metrics", finished["id"])["data"]
    assert [each["epoch"] for each in metrics] == [1, 2, 3]
    assert metrics[-1] == finished["latest_metrics"]


@pytest.mark.parametrize("variant", ["trained", "initial", "inference"])
def test_model_is_downloaded_completely(
    with_service: Invoke, finished: dict[str, Any], tmp_path: Path, variant: str
) -> None:
    target = tmp_path / "mine.mlmodel"
    shown = with_service.json("download", finished["id"], "-o", target, "--variant", variant)
    assert shown == {"path": str(target), "bytes": target.stat().st_size}
    digests = {each["variant"]: each["digest"] for each in finished["artifacts"]}
    assert digests.get(variant, digests["trained"]).startswith("sha256:")
    if variant != "inference":
        assert digests[variant] == f"sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}"
        assert read(target.read_bytes()).weights["dense"]["weights"].shape == (10, 784)


def test_model_is_downloaded_into_the_current_folder_by_default(
    with_service: Invoke, finished: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_service.ok("download", finished["id"]).startswith("small.mlmodel (")
    assert (tmp_path / "small.mlmodel").is_file()


def test_unwritable_output_path_is_reported(with_service: Invoke, finished: dict[str, Any], tmp_path: Path) -> None:
    refusal = with_service.refused(2, "download", finished["id"], "-o", tmp_path / "no" / "x.mlmodel")
    assert "cannot be written: there is no folder" in refusal


@pytest.mark.parametrize("command", ["job", "metrics", "cancel", "download"])
def test_unknown_job_is_reported(with_service: Invoke, command: str) -> None:
    refusal = with_service.refused(3, command, "job_0")
    assert "There is no job job_0." in refusal
    assert "`pippin jobs`" in refusal
