import pytest

from worker.engines.engine import Stopped
from worker.stop import Cause, StopFlag


def test_a_flag_that_is_not_set_lets_the_training_go_on() -> None:
    flag = StopFlag()
    flag.check()
    assert flag.cause is None


def test_the_first_cause_stays() -> None:
    flag = StopFlag()
    flag.set(Cause.CANCELLED)
    flag.set(Cause.TERMINATED)
    assert flag.cause is Cause.CANCELLED
    with pytest.raises(Stopped):
        flag.check()


def test_a_lost_lease_outweighs_every_other_cause() -> None:
    flag = StopFlag()
    flag.set(Cause.TERMINATED)
    flag.set(Cause.LEASE_LOST)
    assert flag.cause is Cause.LEASE_LOST
