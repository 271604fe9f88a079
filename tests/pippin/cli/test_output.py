from datetime import UTC, datetime, timedelta

import pytest

from pippin.cli import output


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s ago"), (0, "0 s ago"), (59, "59 s ago"), (61, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")],
)
def test_a_moment_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert output.ago(datetime.now(UTC) - timedelta(seconds=seconds)) == words


def test_names_with_brackets_are_no_markup_and_long_lines_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    name = "[bold]" + "x" * 300
    output.say(name)
    output.table(["NAME"], [(name,)])
    output.error(name, [name], name)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == name
    assert shown.out.splitlines()[2] == name
    assert shown.err.splitlines() == [f"Error: {name}", f"  {name}", name]


def test_what_is_not_there_is_a_dash() -> None:
    assert (output.figure(None), output.figure(0.5), output.ago(None)) == ("-", "0.5000", "-")
