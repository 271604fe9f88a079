import os
import signal
import subprocess
import sys
from pathlib import Path

from pippin.system.folders import scratch_folder, sweep

HOLD = """
import sys, time
from pathlib import Path
from pippin.system.folders import scratch_folder
with scratch_folder(Path(sys.argv[1]), "part-") as folder:
    (folder / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(600)
"""


def names(parent: Path) -> list[str]:
    return [path.name for path in parent.iterdir()]


def test_scratch_folder_exists_within_the_block_only(tmp_path: Path) -> None:
    parent = tmp_path / "made" / "on the way"
    with scratch_folder(parent, "part-") as folder:
        assert folder.parent == parent
        assert [path.stat().st_mode & 0o777 for path in (parent.parent, parent)] == [0o700, 0o700]
        assert folder.name.startswith("part-")
        (folder / "file").touch()
        sweep(parent, "part-")
        assert (folder / "file").exists()
    assert names(parent) == []


def test_sweep_removes_only_folders_of_dead_processes(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        sweep(tmp_path, "part-")
        assert len(names(tmp_path)) == 2
        process.send_signal(signal.SIGKILL)
    sweep(tmp_path, "part-")
    assert names(tmp_path) == ["other"]


def test_sweep_accepts_a_missing_parent(tmp_path: Path) -> None:
    sweep(tmp_path / "none", "part-")
    assert not (tmp_path / "none").exists()
