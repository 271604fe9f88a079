import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.engines.jax.configure import configure

# Whole processes take their time.
pytestmark = pytest.mark.full


def _environment_after(call: str) -> dict[str, str]:
    code = f"""
import json, os, sys
from pathlib import Path
from worker.engines.jax.configure import configure
{call}
assert "jax" not in sys.modules
print(json.dumps(dict(os.environ)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


def test_configure_after_the_import_of_jax_is_refused(tmp_path: Path) -> None:
    import jax  # noqa: F401, PLC0415 - that it is imported is the point

    with pytest.raises(RuntimeError, match="call it before"):
        configure(threads=1, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_threads_is_fixed() -> None:
    assert _environment_after("configure(threads=3)")["NPROC"] == "3"


def test_existing_flags_are_kept_and_one_thread_per_core_is_the_default() -> None:
    environment = _environment_after("os.environ['XLA_FLAGS'] = '--xla_dump_to=/nowhere'; configure()")
    assert environment["XLA_FLAGS"].split()[0] == "--xla_dump_to=/nowhere"
    assert "JAX_COMPILATION_CACHE_DIR" not in environment, "no cache without a folder"
    if sys.platform == "linux":
        assert environment["NPROC"] == str(len(os.sched_getaffinity(0)))


def test_each_thread_count_has_its_own_cache_folder(tmp_path: Path) -> None:
    calls = [f"configure(threads={threads}, cache_dir=Path({str(tmp_path)!r}))" for threads in (1, 2, 2)]
    folders = {_environment_after(call)["JAX_COMPILATION_CACHE_DIR"] for call in calls}
    assert folders == {str(folder) for folder in tmp_path.iterdir()}
    assert len(folders) == 2


def test_cache_deletes_its_oldest_programs(tmp_path: Path) -> None:
    call = f"configure(threads=1, cache_dir=Path({str(tmp_path)!r}))"
    folder = Path(_environment_after(call)["JAX_COMPILATION_CACHE_DIR"])
    for age in range(2003):
        program = folder / f"{age}-cache"
        program.touch()
        os.utime(program, (1e9 - age, 1e9 - age))
    _environment_after(call)
    assert len(list(folder.iterdir())) == 2000
    assert not {folder / f"{age}-cache" for age in (2000, 2001, 2002)} & set(folder.iterdir())


def test_folders_above_the_cache_are_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _environment_after(f"configure(threads=1, cache_dir=Path({str(home / 'cache' / 'jax')!r}))")
    assert [path.stat().st_mode & 0o777 for path in (home, home / "cache")] == [0o700, 0o700]
