import re
from pathlib import Path

import pytest

from pippin.api.requests import CheckpointPolicy, DatasetSource, HyperparameterChoice, JobRequest, ModelSource
from pippin.documents import yaml12
from tests.pippin.cli.conftest import Invoke


def test_new_job_file_names_every_field(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke.ok("new") == "Wrote job.yaml. Train it: pippin submit job.yaml --follow\n"
    text = Path("job.yaml").read_text()
    request = JobRequest.model_validate(yaml12.parse(text)[0])
    assert request.model.preset == "mnist-cnn"
    for kind in (JobRequest, ModelSource, DatasetSource, HyperparameterChoice, CheckpointPolicy):
        for field in kind.model_fields:
            assert re.search(rf"^[ #]*{field}:", text, re.MULTILINE), field


def test_commented_fields_of_the_file_are_valid(invoke: Invoke) -> None:
    text = invoke.ok("new", "-")
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
    refusal = invoke.refused(2, "new", file)
    assert f"{file} already exists" in refusal
    assert f"pippin new {file} --force" in refusal
    assert file.read_text() == "mine"
    assert invoke.json("new", file, "--force") == {"path": str(file), "bytes": file.stat().st_size}
    invoke.refused(2, "new", tmp_path / "no" / "job.yaml")


def test_unknown_preset_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    assert "the presets are: mnist-cnn" in invoke.refused(2, "new", tmp_path / "job.yaml", "--preset", "resnet")
    assert not (tmp_path / "job.yaml").exists()


def test_missing_job_file_suggests_pippin_new(invoke: Invoke, tmp_path: Path) -> None:
    refusal = invoke.refused(2, "submit", tmp_path / "job.yaml")
    assert f"There is no {tmp_path}/job.yaml." in refusal
    assert f"pippin new {tmp_path}/job.yaml" in refusal
