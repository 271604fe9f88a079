"""The package's types, checked by a user's type checker after `pip install`."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.paths import ROOT

SCRIPT = Path(__file__).parent / "typed_use" / "script.py"

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("pippin-*.whl")
    return built


def test_wheel_contains_py_typed(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        assert "pippin/py.typed" in files.namelist()


@pytest.fixture(scope="module")
def interpreter(wheel: Path) -> Path:
    """A Python with the package installed from the wheel, not from this checkout, and its dependencies."""
    home = wheel.parent / "venv"
    venv.create(home)
    packages = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with ZipFile(wheel) as files:
        files.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    python = home / "bin" / "python"
    command: list[str | Path] = [python, "-P", "-c", "import pippin; print(pippin.__file__)"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert Path(shown.strip()).parent == packages / "pippin"
    return python


def test_mypy_strict_passes_a_users_script_and_finds_a_wrong_argument(interpreter: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import pippin\n\npippin.Client().train('mnist-cnn', 'mnist-sample', epochs='2')\n")
    options = ["--strict", "--disallow-any-unimported", "--config-file=", f"--python-executable={interpreter}"]
    command = [sys.executable, "-m", "mypy", *options, str(SCRIPT), str(wrong)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    errors = [line for line in checked.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1, checked.stdout + checked.stderr
    assert 'wrong.py:3: error: Argument "epochs" to "train"' in errors[0]


def test_pyright_strict_passes_a_users_script(client_tools: Path, interpreter: Path, tmp_path: Path) -> None:
    pyright = client_tools / "node_modules" / ".bin" / "pyright"
    command = [str(pyright), "--pythonpath", str(interpreter), str(SCRIPT)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.stdout.strip().endswith("0 errors, 0 warnings, 0 informations"), checked.stdout + checked.stderr
