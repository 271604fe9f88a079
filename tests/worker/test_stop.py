import pytest

from worker.engines.engine import Stopped
from worker.stop import Cause, StopSwitch


def test_a_switch_that_nobody_threw_lets_the_training_go_on() -> None:
    switch = StopSwitch()
    switch.check()
    assert switch.cause is None


def test_the_first_cause_stays() -> None:
    switch = StopSwitch()
    switch.throw(Cause.CANCELLED)
    switch.throw(Cause.TERMINATED)
    assert switch.cause is Cause.CANCELLED
    with pytest.raises(Stopped):
        switch.check()


def test_a_lost_lease_outweighs_every_other_cause() -> None:
    switch = StopSwitch()
    switch.throw(Cause.TERMINATED)
    switch.throw(Cause.LEASE_LOST)
    assert switch.cause is Cause.LEASE_LOST
