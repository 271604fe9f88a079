"""The doctor's checks of the machine, its Python, the training libraries and the disk."""

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.cli.doctor.findings import Level
from pippin.cli.doctor.machine import (
    check_chip,
    check_coreml,
    check_disk,
    check_engines,
    check_pyobjc,
    check_python,
    check_system,
)


def test_this_machine_is_ok() -> None:
    assert check_system().level is Level.OK
    assert check_chip().level is Level.OK
    assert platform.machine() in check_chip().result
    assert check_python().result == platform.python_version()


@pytest.mark.parametrize(
    ("system", "found", "level"),
    [
        ("darwin", "macOS 26.1", Level.OK),
        ("darwin", "macOS 11.0.1", Level.OK),
        ("darwin", "macOS 10.15.7", Level.FAULT),
        ("linux", "Linux 6.12", Level.OK),
        ("freebsd14", "FreeBSD 14.1", Level.WARNING),
    ],
)
def test_a_system_is_judged_by_its_version(system: str, found: str, level: Level) -> None:
    finding = check_system(system, found)
    assert (finding.level, finding.result) == (level, found)


def test_old_macos_gets_the_advice_to_update() -> None:
    assert "Update to macOS 11" in check_system("darwin", "macOS 10.15").advice


def test_an_apple_chip_is_named() -> None:
    finding = check_chip("darwin", "arm64", "Apple M4")
    assert (finding.level, finding.result) == (Level.OK, "Apple M4 (arm64)")


def test_a_python_under_rosetta_or_an_intel_mac_is_a_fault() -> None:
    finding = check_chip("darwin", "x86_64", "Apple M4")
    assert finding.level is Level.FAULT
    assert "Rosetta" in finding.advice


def test_unknown_chip_is_named_by_its_architecture() -> None:
    assert check_chip("linux", "riscv64", "riscv64").result == "riscv64"


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 10, 14), Level.FAULT),
        ((3, 11, 0), Level.OK),
        ((3, 13, 9), Level.OK),
        ((3, 14, 0), Level.FAULT),
    ],
)
def test_unsupported_python_is_a_fault(version: tuple[int, int, int], level: Level) -> None:
    finding = check_python(version)
    assert finding.level is level
    assert (level is Level.OK) == (finding.advice == "")


ABSENT = "No module named"


def lacking(*modules: str) -> Callable[[str], str | None]:
    """A machine that lacks these libraries and has all others."""
    return lambda module: f"{ABSENT} '{module}'" if module in modules else None


def test_a_mac_with_everything_trains_with_both_engines() -> None:
    assert check_pyobjc("darwin", lacking()).level is Level.OK
    assert check_coreml("darwin", lacking()).level is Level.OK
    assert check_engines("darwin", lacking()).result == "jax, coreml"


def test_mac_without_pyobjc_gets_the_install_command() -> None:
    for check, module in ((check_pyobjc, "objc"), (check_coreml, "CoreML")):
        finding = check("darwin", lacking("objc", "CoreML"))
        assert finding.level is Level.FAULT
        assert finding.result == f"{ABSENT} '{module}'"
        assert "pip install -e '.[worker,mac]'" in finding.advice


def test_missing_part_of_pyobjc_is_named() -> None:
    assert check_coreml("darwin", lacking("Quartz")).result == f"{ABSENT} 'Quartz'"
    assert check_engines("darwin", lacking("Quartz")).result == "jax"


def test_a_mac_without_core_ml_still_trains_with_jax() -> None:
    finding = check_engines("darwin", lacking("CoreML"))
    assert (finding.level, finding.result) == (Level.OK, "jax")


def test_a_mac_without_jax_still_trains_with_core_ml() -> None:
    assert check_engines("darwin", lacking("jax")).result == "coreml"


def test_core_ml_is_not_required_on_other_systems() -> None:
    assert check_pyobjc("linux", lacking("objc")).level is Level.OK
    assert check_coreml("linux", lacking("CoreML")).level is Level.OK
    assert check_engines("linux", lacking("CoreML")).result == "jax"


def test_machine_without_any_engine_is_a_fault() -> None:
    for system, extra in (("linux", "worker"), ("darwin", "worker,mac")):
        finding = check_engines(system, lacking("jax", "CoreML"))
        assert finding.level is Level.FAULT
        assert "jax: No module named 'jax'" in finding.result
        assert f"'.[{extra}]'" in finding.advice


GIB = 2**30


@pytest.mark.parametrize(
    ("free", "level", "advice"),
    [
        (GIB - 1, Level.FAULT, "Free at least 1 GiB"),
        (9 * GIB, Level.WARNING, "PIPPIN_CACHE_BYTES"),
        (10 * GIB, Level.OK, ""),
    ],
)
def test_low_disk_space_is_reported(tmp_path: Path, free: int, level: Level, advice: str) -> None:
    finding = check_disk(tmp_path, 10 * GIB, free)
    assert finding.level is level
    assert advice in finding.advice


def test_disk_of_an_absent_home_is_checked(tmp_path: Path) -> None:
    finding = check_disk(tmp_path / "not" / "yet", 0)
    assert finding.level is Level.OK
    assert "GiB free" in finding.result
    assert not (tmp_path / "not").exists()


def test_unwritable_home_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = check_disk(tmp_path / "file" / "home", 0)
    assert finding.level is Level.FAULT
    assert "PIPPIN_HOME" in finding.advice
