"""What the doctor says of a machine and its Python."""

import platform

import pytest

from pippin.cli.doctor.finding import Level
from pippin.cli.doctor.system import check_chip, check_python, check_system


def test_this_machine_can_be_used() -> None:
    assert check_system().level is Level.OK
    assert check_chip().level is Level.OK
    assert platform.machine() in check_chip().found
    assert check_python().found == platform.python_version()


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
    assert (finding.level, finding.found) == (level, found)


def test_an_old_macos_is_to_be_updated() -> None:
    assert "Update to macOS 11" in check_system("darwin", "macOS 10.15").advice


def test_an_apple_chip_is_named() -> None:
    finding = check_chip("darwin", "arm64", "Apple M4")
    assert (finding.level, finding.found) == (Level.OK, "Apple M4 (arm64)")


def test_a_python_under_rosetta_or_an_intel_mac_is_a_fault() -> None:
    finding = check_chip("darwin", "x86_64", "Apple M4")
    assert finding.level is Level.FAULT
    assert "Rosetta" in finding.advice


def test_a_chip_of_no_known_name_is_its_architecture() -> None:
    assert check_chip("linux", "riscv64", "riscv64").found == "riscv64"


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 10, 14), Level.FAULT),
        ((3, 11, 0), Level.OK),
        ((3, 13, 9), Level.OK),
        ((3, 14, 0), Level.FAULT),
    ],
)
def test_a_python_that_is_not_supported_is_a_fault(version: tuple[int, int, int], level: Level) -> None:
    finding = check_python(version)
    assert finding.level is level
    assert (level is Level.OK) == (finding.advice == "")
