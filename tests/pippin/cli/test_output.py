from datetime import UTC, datetime, timedelta

import pytest

from pippin.cli import figures, output
from pippin.cli.tables import Column


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s ago"), (0, "0 s ago"), (59, "59 s ago"), (61, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")],
)
def test_an_age_is_shown_in_its_largest_unit(seconds: int, words: str) -> None:
    assert figures.ago(datetime.now(UTC) - timedelta(seconds=seconds)) == words


def test_brackets_are_no_markup_and_long_lines_are_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    name = "[bold]" + "x" * 300
    output.print_text(name)
    output.table([Column("NAME", "name")], [(name,)])
    output.error(name, [name], name)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == name
    assert shown.out.splitlines()[2] == name
    assert shown.err.splitlines() == [f"Error: {name}", f"  {name}", name]


def test_a_thousand_faults_are_twenty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.error("Faults.", [f"fault {number}" for number in range(1000)])
    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), lines[-1]) == (22, "  and 980 more")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.5, "0.5000"),
        (0.42263, "0.4226"),
        (-12.3456, "-12.35"),
        (1234.5, "1,234"),
        (1_234_567.8, "1,234,568"),
        (0.00012345, "0.0001234"),
        (1.236e-7, "1.236e-07"),
        (1e12, "1.000e+12"),
        (float("inf"), "inf"),
    ],
)
def test_a_measured_number_has_four_significant_digits(value: float | None, text: str) -> None:
    assert figures.figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "0.00001"), (0.001, "0.001"), (2.0, "2"), (1e-8, "1e-08"), (True, "true"), (7, "7"), (0.0, "0")],
)
def test_a_setting_is_written_without_an_exponent(value: object, text: str) -> None:
    assert figures.exact(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (999_499, "999 kB"),
        (999_999, "1.00 MB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_a_size_has_three_digits_and_a_unit(count: int, text: str) -> None:
    assert figures.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0.00 s"),
        (1.25, "1.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (7384, "2 h 3 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_a_length_of_time_is_shown_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(("fraction", "text"), [(0.2, "20%"), (0.125, "12.5%"), (0.07, "7%"), (1e-5, "0.001%")])
def test_a_chosen_share_is_an_exact_percentage(fraction: float, text: str) -> None:
    assert figures.share(fraction) == text
