import pytest

from worker.engines.engine import Stopped
from worker.stop import Cause, StopFlag


def test_unset_stop_flag_does_not_stop_the_training() -> None:
    flag = StopFlag()
    flag.check()
    assert flag.cause is None


def test_stop_flag_keeps_the_first_cause() -> None:
    flag = StopFlag()
    flag.set(Cause.CANCELLED)
    flag.set(Cause.TERMINATED)
    assert flag.cause is Cause.CANCELLED
    with pytest.raises(Stopped):
        flag.check()


def test_lost_lease_replaces_every_other_cause() -> None:
    flag = StopFlag()
    flag.set(Cause.TERMINATED)
    flag.set(Cause.LEASE_LOST)
    assert flag.cause is Cause.LEASE_LOST
