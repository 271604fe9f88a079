from worker.engines.jax.chunks import Pace


def test_chunks_grow_towards_half_a_second() -> None:
    pace = Pace()
    taken = []
    for _ in range(6):
        steps = pace.steps(1000)
        taken.append(steps)
        pace.took(steps, steps * 0.01)
    assert taken == [1, 4, 16, 50, 50, 50]


def test_slow_step_runs_in_a_chunk_of_its_own() -> None:
    pace = Pace()
    pace.took(1, 0.01)
    pace.took(4, 40.0)
    assert pace.steps(1000) == 1


def test_chunk_is_no_longer_than_the_remaining_steps() -> None:
    pace = Pace()
    pace.took(1, 1e-6)
    assert pace.steps(3) == 3


def test_fixed_pace_does_not_change() -> None:
    pace = Pace(16)
    pace.took(16, 100.0)
    assert pace.steps(1000) == 16
