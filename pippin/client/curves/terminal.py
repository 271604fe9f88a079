"""Charts as text: lines of braille dots, two by four in a character."""

from functools import reduce
from itertools import pairwise
from operator import or_

from plotille import Canvas
from rich.text import Text

from pippin.client.curves.chart import Chart, Curve, tick_text

_COLOURS = ("cyan", "yellow")
_BLANK = 0x2800  # a character of braille without dots; each dot is one bit
_POINT = "●"  # one dot of braille alone is easily overlooked


def text(chart: Chart, width: int, height: int) -> Text:
    """A chart in colours.

    Args:
        chart: What to draw.
        width: In characters, all included.
        height: Of the lines between title and axis.
    """
    ticks = {_row(chart, tick, height): tick_text(tick) for tick in chart.y.ticks}
    margin = max(map(len, ticks.values()))
    across = width - margin - 2
    drawn = _drawn(chart, across, height)
    shown = Text()
    shown.append(f"{'':{margin}}  {chart.title}", style="bold")
    for index, curve in enumerate(chart.curves):
        shown.append("   ").append("━━ ", style=_COLOURS[index % len(_COLOURS)])
        shown.append(f"{curve.label} {tick_text(curve.last)}")
    for number, row in enumerate(drawn):
        shown.append(f"\n{ticks.get(number, ''):>{margin}} ").append("┤" if number in ticks else "│", style="dim")
        shown.append_text(row)
    shown.append(f"\n{'':{margin}} ").append("└" + "─" * across, style="dim")
    return shown.append(f"\n{'':{margin}}  {_numbers(chart, across)}")


def _drawn(chart: Chart, width: int, height: int) -> list[Text]:
    """All curves over one another; where several cross in a character it has the colour of the last."""
    layers = [_dots(chart, curve, width, height) for curve in chart.curves]
    points = {
        _cell(chart, curve, width, height): _COLOURS[at % len(_COLOURS)]
        for at, curve in enumerate(chart.curves)
        if len(curve.points) == 1
    }
    rows = []
    for number, lines in enumerate(zip(*layers, strict=True)):
        row = Text()
        for column, characters in enumerate(zip(*lines, strict=True)):
            if (number, column) in points:
                row.append(_POINT, style=points[number, column])
                continue
            bits = [ord(character) - _BLANK for character in characters]
            style = next((_COLOURS[at % len(_COLOURS)] for at in reversed(range(len(bits))) if bits[at]), "")
            row.append(chr(_BLANK + reduce(or_, bits)), style=style)
        rows.append(row)
    return rows


def _dots(chart: Chart, curve: Curve, width: int, height: int) -> list[str]:
    """One curve. Without colours: the canvas would choose them by whether stdout is a terminal, not by the console."""
    # The canvas leaves out what lies on its upper ends: they go one dot further than the axes.
    dots_across, dots_up = 2 * width, 4 * height
    canvas = Canvas(
        width,
        height,
        xmin=chart.x.low,
        xmax=chart.x.low + (chart.x.high - chart.x.low) * dots_across / (dots_across - 1),
        ymin=chart.y.low,
        ymax=chart.y.low + (chart.y.high - chart.y.low) * dots_up / (dots_up - 1),
    )
    for (from_epoch, from_value), (epoch, value) in pairwise(curve.points):
        canvas.line(from_epoch, from_value, epoch, value)
    return str(canvas.plot()).splitlines()


def _cell(chart: Chart, curve: Curve, width: int, height: int) -> tuple[int, int]:
    """The line and the character in which a curve's first point is."""
    epoch, value = curve.points[0]
    return _row(chart, value, height), min(width - 1, int(chart.x.place(epoch) * width))


def _row(chart: Chart, value: float, height: int) -> int:
    """The line of the text in which a value is, counted from the top."""
    # A tick that rounding put a little beside a value is in the value's line.
    return min(height - 1, int((1 - chart.y.place(value)) * height + 1e-9))


def _numbers(chart: Chart, width: int) -> str:
    """The epochs below the axis, each under its place where there is room."""
    line = ""
    for tick in chart.x.ticks:
        number = tick_text(tick)
        place = min(round(chart.x.place(tick) * (width - 1)), width - len(number))
        if not line or place > len(line) + 1:
            line = line.ljust(place) + number
    return line
