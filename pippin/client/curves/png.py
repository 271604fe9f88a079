"""Charts as a picture file, drawn at twice the size and made smaller, which smooths the lines."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pippin.client.curves.chart import Chart, tick_text

_WIDTH, _HEIGHT = 900, 460  # of one chart
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 30, 60, 70
_TIMES = 2
_INK, _FAINT = "#222222", "#dddddd"
_COLOURS = ("#2a6fb0", "#d9731a")


def write_png(path: Path, charts: Sequence[Chart]) -> None:
    """Writes charts below one another, 900 by 460 pixels each, on white.

    Args:
        path: The file.
        charts: At least one.

    Raises:
        OSError: If the file cannot be written.
    """
    picture = Image.new("RGB", (_WIDTH * _TIMES, _HEIGHT * _TIMES * len(charts)), "white")
    for index, chart in enumerate(charts):
        _Drawing(ImageDraw.Draw(picture), index * _HEIGHT).chart(chart)
    picture.resize((_WIDTH, _HEIGHT * len(charts)), Image.Resampling.LANCZOS).save(path, format="PNG")


class _Drawing:
    """Draws one chart, in pixels of the finished picture.

    Args:
        draw: What draws on the whole picture.
        top: Where this chart begins.
    """

    def __init__(self, draw: ImageDraw.ImageDraw, top: float) -> None:
        self._draw = draw
        self._top = top

    def chart(self, chart: Chart) -> None:
        self._text((_LEFT, _TOP / 2), chart.title, 22, "lm")
        for tick in chart.y.ticks:
            y = self._down(chart, tick)
            self._line([(_LEFT, y), (_WIDTH - _RIGHT, y)], _FAINT, 1)
            self._text((_LEFT - 12, y), tick_text(tick), 15, "rm")
        for tick in chart.x.ticks:
            self._text((self._across(chart, tick), _HEIGHT - _BOTTOM + 18), tick_text(tick), 15, "mm")
        self._text(((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - _BOTTOM + 46), "epoch", 15, "mm")
        for index, curve in enumerate(chart.curves):
            colour = _COLOURS[index % len(_COLOURS)]
            points = [(self._across(chart, epoch), self._down(chart, value)) for epoch, value in curve.points]
            self._line(points, colour, 3)
            for x, y in points if len(points) <= 50 else points[-1:]:
                self._dot(x, y, 4, colour)
            x = _WIDTH - _RIGHT - (len(chart.curves) - index) * 200
            self._line([(x, _TOP / 2), (x + 26, _TOP / 2)], colour, 3)
            self._text((x + 36, _TOP / 2), f"{curve.label} {tick_text(curve.last)}", 15, "lm")

    def _line(self, points: list[tuple[float, float]], colour: str, width: int) -> None:
        self._draw.line([self._place(point) for point in points], colour, width * _TIMES, joint="curve")

    def _dot(self, x: float, y: float, radius: float, colour: str) -> None:
        self._draw.ellipse([self._place((x - radius, y - radius)), self._place((x + radius, y + radius))], colour)

    def _text(self, point: tuple[float, float], text: str, size: int, anchor: str) -> None:
        font = ImageFont.load_default(size * _TIMES)
        self._draw.text(self._place(point), text, _INK, font, anchor=anchor)

    def _place(self, point: tuple[float, float]) -> tuple[float, float]:
        return point[0] * _TIMES, (point[1] + self._top) * _TIMES

    def _across(self, chart: Chart, value: float) -> float:
        return _LEFT + chart.x.place(value) * (_WIDTH - _LEFT - _RIGHT)

    def _down(self, chart: Chart, value: float) -> float:
        return _HEIGHT - _BOTTOM - chart.y.place(value) * (_HEIGHT - _TOP - _BOTTOM)
