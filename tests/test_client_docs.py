"""Runs the examples of docs/client.md unchanged against a whole Pippin."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coremltools
import pytest

from tests.support.paths import DOCS

PAGE = DOCS / "client.md"


@pytest.mark.timeout(300)
@pytest.mark.full
def test_examples_of_the_client_page_work(
    running_up: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for number, example in enumerate(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)):
        exec(compile(example, f"docs/client.md, example {number + 1}", "exec"), names)
    names["client"].close()

    output = capsys.readouterr().out
    assert re.search(r"^2/2  loss 0\.\d{4}  accuracy 0\.9\d{3}$", output, re.MULTILINE)
    assert f"succeeded {running_up.url}/#/jobs/{names['job'].id}" in output
    assert coremltools.utils.load_spec(str(names["model_file"])).isUpdatable
    assert names["further"].record.request.model.job == names["circle"].id
    assert names["circle"].record.labels == {"from": "docs"}
    assert names["long"].status == "cancelled"
    assert (tmp_path / "stopped.mlmodel").is_file()
    assert names["losses"].keys() == {0.1, 0.01}
    assert re.search(r"^/hyperparameters/learning_rate found -1", output, re.MULTILINE)
