import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from pippin.api.requests import CheckpointPolicy, DatasetSource, HyperparameterChoice, JobRequest, ModelSource
from pippin.documents import yaml12

Invoke = Callable[..., Result]


def test_new_job_file_names_every_field(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("new")
    assert done.stdout == "Wrote job.yaml. Train it: pippin submit job.yaml --follow\n"
    text = Path("job.yaml").read_text()
    request = JobRequest.model_validate(yaml12.parse(text)[0])
    assert request.model.preset == "mnist-cnn"
    for kind in (JobRequest, ModelSource, DatasetSource, HyperparameterChoice, CheckpointPolicy):
        for field in kind.model_fields:
            assert re.search(rf"^[ #]*{field}:", text, re.MULTILINE), field


def test_commented_fields_of_the_file_are_valid(invoke: Invoke) -> None:
    text = invoke("new", "-").stdout
    for name in ("limits", "engine", "compute_units", "report", "checkpoint", "max_attempts"):
        uncommented = re.sub(
            rf"^# ({name}:.*(?:\n#   .*)*)", lambda found: found[1].replace("\n#", "\n"), text, flags=re.MULTILINE
        )
        assert uncommented != text
        value = JobRequest.model_validate(yaml12.parse(uncommented)[0])
        assert getattr(value, name) == JobRequest.model_fields[name].get_default()


def test_existing_file_is_replaced_only_with_force(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    done = invoke("new", file)
    assert done.exit_code == 2
    assert f"{file} already exists" in done.stderr
    assert f"pippin new {file} --force" in done.stderr
    assert file.read_text() == "mine"
    done = invoke("new", file, "--force", "--json")
    assert json.loads(done.stdout) == {"path": str(file), "bytes": file.stat().st_size}
    assert invoke("new", tmp_path / "no" / "job.yaml").exit_code == 2


def test_unknown_preset_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("new", tmp_path / "job.yaml", "--preset", "resnet")
    assert done.exit_code == 2
    assert "the presets are: mnist-cnn" in done.stderr
    assert not (tmp_path / "job.yaml").exists()


def test_missing_job_file_suggests_pippin_new(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("submit", tmp_path / "job.yaml")
    assert done.exit_code == 2
    assert f"There is no {tmp_path}/job.yaml." in done.stderr
    assert f"pippin new {tmp_path}/job.yaml" in done.stderr
