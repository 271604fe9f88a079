import threading

from pippin.cli.following import Waiting
from pippin.errors import PippinError
from tests.support.waiting import wait_for

Answer = str | None | PippinError


class Asked:
    """A service whose answers come one after another, the last one for ever; notes when it was asked for that one."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.at_the_last = threading.Event()
        self.count = 0

    def __call__(self) -> str | None:
        self.count += 1
        if len(self._answers) == 1:
            self.at_the_last.set()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, PippinError):
            raise answer
        return answer


def told(asked: Asked) -> list[str]:
    """What is told of a queued job until the last answer has come again and again."""
    said: list[str] = []
    with Waiting(asked, said.append, seconds=0.001) as waiting:
        waiting.waits(True)
        assert asked.at_the_last.wait(20)
    return said


def test_what_a_job_lacks_is_told_once_and_again_when_it_changes() -> None:
    assert told(Asked("no worker", "no worker", "no Mac", "no Mac", None)) == ["no worker", "no Mac"]


def test_what_a_job_lacks_anew_is_told_anew() -> None:
    assert told(Asked("no worker", None, "no worker", None)) == ["no worker", "no worker"]


def test_a_service_that_is_away_for_a_while_is_asked_again() -> None:
    assert told(Asked("no worker", PippinError("away"), "no worker", "no Mac", None)) == ["no worker", "no Mac"]


def test_only_while_the_job_is_queued_is_anything_asked() -> None:
    asked = Asked("no worker")
    said: list[str] = []
    with Waiting(asked, said.append, seconds=0.001) as waiting:
        waiting.waits(False)
        assert not asked.at_the_last.wait(0.05)
        waiting.waits(True)
        wait_for(lambda: asked.count > 3)
    assert said == ["no worker"]
