"""What `pippin up` starts, and when that includes a worker that trains with Core ML."""

from pathlib import Path
from unittest.mock import Mock

import pytest
from pydantic import SecretStr

from pippin.local.parts import has_coreml, parts
from pippin.settings import Settings


@pytest.fixture
def say() -> Mock:
    """Prints a line of a part: `say(part, line)`."""
    return Mock()


def importing(fault: str | None) -> Mock:
    """The fault of importing a module, None where there is none."""
    return Mock(return_value=fault)


def test_mac_with_core_ml_prints_nothing(say: Mock) -> None:
    fault_of = importing(None)
    assert has_coreml(say, "darwin", fault_of)
    assert {module for (module,), _ in fault_of.call_args_list} <= {"CoreML", "Quartz"}
    say.assert_not_called()


def test_a_mac_without_core_ml_prints_why_and_the_install_command(say: Mock) -> None:
    assert not has_coreml(say, "darwin", importing("No module named 'CoreML'"))
    say.assert_called_once()
    part, line = say.call_args.args
    assert part == "pippin"
    assert line.startswith("not starting a Core ML worker")
    assert "No module named 'CoreML'" in line
    assert "pip install -e '.[worker,mac]'" in line


def test_other_systems_do_not_import_core_ml(say: Mock) -> None:
    fault_of = importing(None)
    assert not has_coreml(say, "linux", fault_of)
    fault_of.assert_not_called()
    say.assert_not_called()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, redis_url=SecretStr("redis://:s3cret@127.0.0.1:6379/0"))


def test_a_core_ml_worker_runs_beside_the_jax_ones(settings: Settings) -> None:
    table = parts(settings, 2, coreml=True)
    assert [part.name for part in table] == ["service", "worker-1", "worker-2", "coreml"]
    assert table[-1].argv[-3:] == ("worker", "--engine", "coreml")
    assert table[-1].environment == table[1].environment


@pytest.mark.parametrize(("workers", "coreml"), [(1, False), (0, True)])
def test_no_core_ml_worker_without_core_ml_or_without_workers(settings: Settings, workers: int, coreml: bool) -> None:
    assert "coreml" not in [part.name for part in parts(settings, workers, coreml=coreml)]


def test_no_command_shows_the_password(settings: Settings) -> None:
    assert not any("s3cret" in word for part in parts(settings, 1, coreml=True) for word in part.argv)


@pytest.mark.parametrize("own", ["redis://worker:limited@127.0.0.1:1/0", None])
def test_workers_use_their_own_redis_user_if_configured(tmp_path: Path, own: str | None) -> None:
    whole = "redis://:whole@127.0.0.1:1/0"
    settings = Settings(home=tmp_path, redis_url=whole, worker_redis_url=own)
    addresses = {part.name: part.environment["PIPPIN_REDIS_URL"] for part in parts(settings, 2, coreml=True)}
    assert addresses.pop("service") == whole
    assert addresses == dict.fromkeys(["worker-1", "worker-2", "coreml"], own or whole)
