import os
import subprocess
import sys
from pathlib import Path

import pytest

from pippin.api.states import Reason
from pippin.models.spec.memory import TrainingMemory
from tests.support.processes import stdout_of
from worker.engines.engine import EngineError
from worker.memory import MemoryWatch, check_training, held_bytes, resident_bytes

# Whole processes take their time.
pytestmark = pytest.mark.full


_PROGRAM = """
import numpy as np
from worker.memory import limit_memory
limit_memory({limit})
try:
    print(len(np.ones(400_000_000, np.uint8)))
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize(("limit", "said"), [(2**28, "refused"), (2**30, "400000000"), (None, "400000000")])
def test_allocation_over_the_limit_raises_memory_error(limit: int | None, said: str) -> None:
    program = [sys.executable, "-P", "-c", _PROGRAM.format(limit=limit)]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip() == said


@pytest.mark.skipif(sys.platform != "linux", reason="only there are mapped files left out")
def test_mapped_files_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "dataset"
    path.write_bytes(bytes(100_000_000))
    program = (
        "import mmap, sys; f = open(sys.argv[1]); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); m[:].count(b'x')"
    )
    program += "; print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        stdout_of(process).readline()
        held, resident = held_bytes(process.pid), resident_bytes(process.pid)
        process.kill()
    assert held is not None
    assert resident is not None
    assert held < 50_000_000
    assert resident > 100_000_000


def test_ended_process_holds_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-P", "-c", ""]) as process:
        process.wait()
    assert resident_bytes(process.pid) is held_bytes(process.pid) is None
    assert not MemoryWatch(process.pid, 1).exceeded()


def test_memory_watch_without_a_limit_is_never_exceeded() -> None:
    assert MemoryWatch(os.getpid(), 1).exceeded()
    assert not MemoryWatch(os.getpid(), None).exceeded()


def test_training_over_the_limit_is_refused_with_figures() -> None:
    memory = TrainingMemory(fixed=1_000_000_000, per_example=500_000_000)
    check_training(memory, 128, 8, 6_000_000_000)
    check_training(memory, None, 8, 1)
    check_training(memory, 128, 8, None)
    with pytest.raises(
        EngineError, match=r"^Training takes 5.0 GB or more: .* a mini_batch_size of 2 would fit\.$"
    ) as told:
        check_training(memory, 128, 8, 2_000_000_000)
    assert told.value.reason is Reason.OUT_OF_MEMORY
