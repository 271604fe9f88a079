"""Charts as text: lines of braille dots, two by four dots per character."""

from functools import reduce
from itertools import pairwise
from operator import or_

from plotille import Canvas
from rich.text import Text

from pippin.client.curves.chart import Chart, Curve, tick_text

_COLOURS = ("cyan", "yellow")
_BLANK = 0x2800  # the braille character without dots; each dot is one bit
_POINT = "●"  # a single braille dot is hard to see


def text(chart: Chart, width: int, height: int) -> Text:
    """A chart in colours.

    Args:
        chart: The chart to draw.
        width: The total width, in characters.
        height: The number of lines between the title and the axis.
    """
    ticks = {_row(chart, tick, height): tick_text(tick) for tick in chart.y.ticks}
    margin = max(map(len, ticks.values()))
    plot_width = width - margin - 2
    rows = _rows(chart, plot_width, height)
    shown = Text()
    shown.append(f"{'':{margin}}  {chart.title}", style="bold")
    for index, curve in enumerate(chart.curves):
        shown.append("   ").append("━━ ", style=_COLOURS[index % len(_COLOURS)])
        shown.append(f"{curve.label} {tick_text(curve.last)}")
    for number, row in enumerate(rows):
        shown.append(f"\n{ticks.get(number, ''):>{margin}} ").append("┤" if number in ticks else "│", style="dim")
        shown.append_text(row)
    shown.append(f"\n{'':{margin}} ").append("└" + "─" * plot_width, style="dim")
    return shown.append(f"\n{'':{margin}}  {_epoch_labels(chart, plot_width)}")


def _rows(chart: Chart, width: int, height: int) -> list[Text]:
    """All curves in one picture; a character in which several curves cross has the colour of the last of them."""
    layers = [_dots(chart, curve, width, height) for curve in chart.curves]
    points = {
        _cell(chart, curve, width, height): _COLOURS[index % len(_COLOURS)]
        for index, curve in enumerate(chart.curves)
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
            style = next((_COLOURS[index % len(_COLOURS)] for index in reversed(range(len(bits))) if bits[index]), "")
            row.append(chr(_BLANK + reduce(or_, bits)), style=style)
        rows.append(row)
    return rows


def _dots(chart: Chart, curve: Curve, width: int, height: int) -> list[str]:
    """One curve, without colours: the canvas would choose them by whether stdout is a terminal, not by the console."""
    # The canvas omits points on its upper ends, so these are one dot beyond the ends of the axes.
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
    """The row and the column of the character that contains a curve's first point."""
    epoch, value = curve.points[0]
    return _row(chart, value, height), min(width - 1, int(chart.x.place(epoch) * width))


def _row(chart: Chart, value: float, height: int) -> int:
    """The row of the character that contains a value, counted from the top."""
    # The tolerance puts a tick that rounding moved slightly off a value into the value's row.
    return min(height - 1, int((1 - chart.y.place(value)) * height + 1e-9))


def _epoch_labels(chart: Chart, width: int) -> str:
    """The epoch labels below the axis; a label that would overlap the previous one is left out."""
    line = ""
    for tick in chart.x.ticks:
        label = tick_text(tick)
        column = min(round(chart.x.place(tick) * (width - 1)), width - len(label))
        if not line or column > len(line) + 1:
            line = line.ljust(column) + label
    return line
