"""Log messages of coremltools: only irrelevant ones are silenced."""

import logging
import re
import subprocess
import sys

import pytest

from pippin.models.mlmodel.proto import _is_relevant


def test_log_of_coremltools_is_silenced_while_it_is_imported_only() -> None:
    program = (
        "import logging\nfrom pippin.models.mlmodel import build, inference_variant, read, with_learned\n"
        "from pippin.models.spec import resolve\nfrom pippin.models.spec.presets import preset\n"
        "data = build(resolve(preset('mnist-cnn')))\n"
        "inference_variant(with_learned(data, read(data).weights))\n"
        "logging.getLogger('coremltools').warning('Failed to load _MLModelProxy: again')"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == ""
    assert re.findall("Failed to load.*", finished.stderr) == ["Failed to load _MLModelProxy: again"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Failed to load _MLModelProxy: No module named 'coremltools.libcoremlpython'", False),
        ("Failed to load _MLComputePlanProxy: No module named 'coremltools.libcoremlpython'", False),
        ("Torch version 2.13.0 has not been tested with coremltools.", True),
        ("Failed to load the weights", True),
    ],
)
def test_only_macos_warnings_are_silenced(said: str, kept: bool) -> None:
    record = logging.LogRecord("coremltools", logging.WARNING, "", 0, said, None, None)
    assert _is_relevant(record) is kept
