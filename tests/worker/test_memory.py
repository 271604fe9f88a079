import subprocess
import sys

import pytest

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
def test_no_more_memory_is_given_than_the_limit(limit: int | None, said: str) -> None:
    program = [sys.executable, "-P", "-c", _PROGRAM.format(limit=limit)]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip() == said
