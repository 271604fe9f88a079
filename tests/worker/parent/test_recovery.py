from worker.parent.host import LONGEST_REST, Recovery


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def rests(*attempts: tuple[bool, float]) -> list[float]:
    """How long a worker rests after attempts that were lost or not and lasted so many seconds."""
    clock = Clock()
    recovery = Recovery(clock)
    found = []
    for lost, seconds in attempts:
        recovery.begin()
        clock.now += seconds
        found.append(recovery.end(lost=lost))
    return found


def test_one_loss_costs_nothing_and_each_further_one_twice_as_much_up_to_a_limit() -> None:
    assert rests(*[(True, 1.0)] * 9) == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert LONGEST_REST == 30


def test_an_attempt_that_ended_well_or_lasted_forgives_what_was_before() -> None:
    assert rests((True, 1), (True, 1), (False, 1), (True, 1), (True, 1)) == [0, 1, 0, 0, 1]
    assert rests((True, 1), (True, 1), (True, 60), (True, 1), (True, 1)) == [0, 1, 0, 0, 1]


def test_a_rest_ends_when_the_worker_is_to_stop() -> None:
    asked = iter([False, True])
    Recovery().rest(10_000, lambda: next(asked))
    assert next(asked, None) is None
