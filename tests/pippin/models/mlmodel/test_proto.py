"""Log messages of coremltools: only irrelevant ones are silenced."""

import logging
import subprocess
import sys

import pytest

from pippin.models.mlmodel.proto import _is_relevant


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


def test_nothing_is_printed_when_a_model_is_built_and_read() -> None:
    finished = run(
        "from pippin.models.mlmodel import build, inference_variant, read, with_learned\n"
        "from pippin.models.spec import resolve\nfrom pippin.models.spec.presets import preset\n"
        "data = build(resolve(preset('mnist-cnn')))\n"
        "inference_variant(with_learned(data, read(data).weights))"
    )
    assert finished.stdout == ""
    assert "Failed to load" not in finished.stderr


def test_coremltools_log_is_not_silenced_after_the_import() -> None:
    finished = run(
        "import logging, pippin.models.mlmodel\n"
        "logging.getLogger('coremltools').warning('Failed to load _MLModelProxy: again')"
    )
    assert "again" in finished.stderr


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


def test_spec_is_resolved_without_coremltools() -> None:
    finished = run(
        "import sys\nfrom pippin.models.spec import resolve\nfrom pippin.models.spec.presets import preset\n"
        "import pippin.jobs.hyperparameters\nresolve(preset('mnist-cnn'))\n"
        "print([name for name in ('coremltools', 'google.protobuf', 'numpy') if name in sys.modules])"
    )
    assert finished.stdout.strip() == "[]"
