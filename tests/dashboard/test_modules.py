"""The dashboard's modules without a browser: their tests in Node.js, and their types."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MODULES = Path(__file__).parent / "modules"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_modules_pass_their_tests_in_node() -> None:
    tests = [str(path) for path in sorted(MODULES.glob("*.test.mjs"))]
    assert tests
    ran = subprocess.run(["node", "--test", *tests], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.full
@pytest.mark.timeout(600)
def test_types_of_the_modules_fit(client_tools: Path) -> None:
    tsc = client_tools / "node_modules" / ".bin" / "tsc"
    ran = subprocess.run(
        [str(tsc), "--project", str(ROOT / "tools" / "dashboard")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
