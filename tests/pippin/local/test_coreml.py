"""When `pippin up` runs a worker that trains with Core ML."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from pippin.local.coreml import has_coreml
from pippin.local.parts import parts
from pippin.settings import Settings


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, who: str, line: str) -> None:
        self.lines.append(f"{who}: {line}")


def _fault(text: str | None) -> Callable[[str], str | None]:
    def fault_of(module: str) -> str | None:
        assert module in {"CoreML", "Quartz"}
        return text

    return fault_of


def test_a_mac_with_core_ml_has_it_without_a_word() -> None:
    told = Told()
    assert has_coreml(told, "darwin", _fault(None))
    assert told.lines == []


def test_a_mac_without_core_ml_is_told_why_and_what_to_do() -> None:
    told = Told()
    assert not has_coreml(told, "darwin", _fault("No module named 'CoreML'"))
    (line,) = told.lines
    assert line.startswith("pippin: no Core ML worker is started")
    assert "No module named 'CoreML'" in line
    assert "pip install -e '.[worker,mac]'" in line


def test_other_systems_are_not_even_asked() -> None:
    def never(module: str) -> str | None:
        raise AssertionError(module)

    told = Told()
    assert not has_coreml(told, "linux", never)
    assert told.lines == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, redis_url=SecretStr("redis://:s3cret@127.0.0.1:6379/0"))


def test_a_core_ml_worker_runs_beside_the_jax_ones(settings: Settings) -> None:
    table = parts(settings, 2, coreml=True)
    assert [part.name for part in table] == ["service", "worker-1", "worker-2", "coreml"]
    assert table[-1].argv[-3:] == ("worker", "--engine", "coreml")
    assert table[-1].environment == table[1].environment


@pytest.mark.parametrize(("workers", "coreml"), [(1, False), (0, True)])
def test_none_runs_where_it_cannot_or_where_no_worker_is_wanted(settings: Settings, workers: int, coreml: bool) -> None:
    assert "coreml" not in [part.name for part in parts(settings, workers, coreml=coreml)]


def test_no_command_shows_the_password(settings: Settings) -> None:
    assert not any("s3cret" in word for part in parts(settings, 1, coreml=True) for word in part.argv)
