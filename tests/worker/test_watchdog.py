import subprocess
import sys

from worker.stop import Cause
from worker.watchdog import EXIT_CODES

_PROGRAM = """
import time
from worker.stop import Cause, StopSwitch
from worker.watchdog import Watchdog

switch = StopSwitch()
with Watchdog(switch, patience=0.1):
    {inside}
time.sleep({after})
"""


def _run(inside: str, after: float = 0) -> int:
    program = _PROGRAM.format(inside=inside, after=after)
    return subprocess.run([sys.executable, "-P", "-c", program], check=False, timeout=60).returncode


def test_a_training_that_does_not_hear_the_switch_is_ended_with_the_code_of_its_cause() -> None:
    assert _run("switch.throw(Cause.CANCELLED); time.sleep(60)") == EXIT_CODES[Cause.CANCELLED]


def test_a_training_that_heard_the_switch_may_take_its_time_afterwards() -> None:
    assert _run("switch.throw(Cause.TIMED_OUT)", after=1.5) == 0
