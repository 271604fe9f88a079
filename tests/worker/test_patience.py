import pytest

from pippin.store import Refused, StoreUnavailable
from worker.access import patiently


def test_the_store_is_asked_again_until_it_answers() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise StoreUnavailable("away")
        return "answer"

    assert patiently(ask, 30) == "answer"
    assert len(asked) == 3


def test_patience_ends() -> None:
    def ask() -> None:
        raise StoreUnavailable("away for good")

    with pytest.raises(StoreUnavailable, match="away for good"):
        patiently(ask, 0.05)


def test_an_answer_that_is_no_is_an_answer() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise Refused("no")

    with pytest.raises(Refused):
        patiently(ask, 30)
    assert len(asked) == 1
