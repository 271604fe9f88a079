"""The output of `pippin doctor`, as text and as JSON."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.pippin.cli.conftest import Invoke


@pytest.fixture
def invoke(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Runs a command line with a PIPPIN_HOME of the test's own and no service named."""
    monkeypatch.setenv("PIPPIN_HOME", str(tmp_path))
    monkeypatch.delenv("PIPPIN_URL", raising=False)
    return invoke


def test_machine_that_can_train_has_no_fault(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, valkey_url: str) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    done = invoke("doctor", "--json")
    assert done.exit_code == 0
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert set(findings) == {
        *("system", "chip", "python", "pyobjc", "core ml", "engines"),
        *("redis", "redis data", "clock", "blobs", "service", "disk"),
    }
    assert "fault" not in [finding["level"] for finding in findings.values()]
    assert "jax" in findings["engines"]["found"]
    assert str(urlsplit(valkey_url).password) not in done.output


@pytest.mark.usefixtures("without_engine_check")
def test_one_fault_sets_the_exit_code_and_has_advice(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", f"redis://:s3cret@127.0.0.1:{unused_port}/0")
    done = invoke("doctor")
    assert done.exit_code == 1
    assert "Check that the server runs" in done.stdout
    assert "s3cret" not in done.output


@pytest.mark.usefixtures("without_engine_check")
def test_invalid_setting_is_a_finding_beside_the_other_checks(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_ULR", "redis://:s3cret@host")
    done = invoke("doctor", "--json")
    assert done.exit_code == 1
    levels = {finding["check"]: finding["level"] for finding in json.loads(done.stdout)}
    assert (levels["settings"], levels["python"]) == ("fault", "ok")
    assert "did you mean PIPPIN_REDIS_URL?" in done.stdout
    assert "s3cret" not in done.output
