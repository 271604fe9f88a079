import threading

from pippin.cli.following import Waiting
from pippin.errors import PippinError
from tests.support.waiting import wait_for

Answer = str | None | PippinError


class Asked:
    """A fake service with scripted answers, the last repeated; `at_the_last` is set at the first query for it."""

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


def messages_for(asked: Asked) -> list[str]:
    """The messages about a queued job up to the last scripted answer."""
    messages: list[str] = []
    with Waiting(asked, messages.append, seconds=0.001) as waiting:
        waiting.set_waiting(True)
        assert asked.at_the_last.wait(20)
    return messages


def test_waiting_reason_is_printed_once_per_change() -> None:
    assert messages_for(Asked("no worker", "no worker", "no Mac", "no Mac", None)) == ["no worker", "no Mac"]


def test_returning_waiting_reason_is_printed_again() -> None:
    assert messages_for(Asked("no worker", None, "no worker", None)) == ["no worker", "no worker"]


def test_unavailable_service_is_queried_again() -> None:
    assert messages_for(Asked("no worker", PippinError("away"), "no worker", "no Mac", None)) == ["no worker", "no Mac"]


def test_service_is_queried_only_while_the_job_is_queued() -> None:
    asked = Asked("no worker")
    messages: list[str] = []
    with Waiting(asked, messages.append, seconds=0.001) as waiting:
        waiting.set_waiting(False)
        assert not asked.at_the_last.wait(0.05)
        waiting.set_waiting(True)
        wait_for(lambda: asked.count > 3)
    assert messages == ["no worker"]
