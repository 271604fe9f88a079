"""Charts as a picture file, drawn at twice the size and scaled down, which smooths the lines."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pippin.client.curves.chart import Chart, tick_text

_WIDTH, _HEIGHT = 900, 460  # of one chart
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 30, 60, 70
_OVERSAMPLING = 2
_TEXT_COLOUR, _GRID_COLOUR = "#222222", "#dddddd"
_COLOURS = ("#2a6fb0", "#d9731a")


def write_png(path: Path, charts: Sequence[Chart]) -> None:
    """Write charts below one another, 900 by 460 pixels each, on a white background.

    Args:
        path: The file to write.
        charts: The charts; at least one.

    Raises:
        OSError: If the file cannot be written.
    """
    picture = Image.new("RGB", (_WIDTH * _OVERSAMPLING, _HEIGHT * _OVERSAMPLING * len(charts)), "white")
    for index, chart in enumerate(charts):
        _ChartPainter(ImageDraw.Draw(picture), index * _HEIGHT).chart(chart)
    picture.resize((_WIDTH, _HEIGHT * len(charts)), Image.Resampling.LANCZOS).save(path, format="PNG")


class _ChartPainter:
    """Draws one chart, in pixels of the finished picture.

    Args:
        draw: Draws on the whole picture.
        top: The vertical position at which this chart begins.
    """

    def __init__(self, draw: ImageDraw.ImageDraw, top: float) -> None:
        self._draw = draw
        self._top = top

    def chart(self, chart: Chart) -> None:
        self._text((_LEFT, _TOP / 2), chart.title, 22, "lm")
        for tick in chart.y.ticks:
            y = self._y(chart, tick)
            self._line([(_LEFT, y), (_WIDTH - _RIGHT, y)], _GRID_COLOUR, 1)
            self._text((_LEFT - 12, y), tick_text(tick), 15, "rm")
        for tick in chart.x.ticks:
            self._text((self._x(chart, tick), _HEIGHT - _BOTTOM + 18), tick_text(tick), 15, "mm")
        self._text(((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - _BOTTOM + 46), "epoch", 15, "mm")
        for index, curve in enumerate(chart.curves):
            colour = _COLOURS[index % len(_COLOURS)]
            points = [(self._x(chart, epoch), self._y(chart, value)) for epoch, value in curve.points]
            self._line(points, colour, 3)
            for x, y in points if len(points) <= 50 else points[-1:]:
                self._dot(x, y, 4, colour)
            x = _WIDTH - _RIGHT - (len(chart.curves) - index) * 200
            self._line([(x, _TOP / 2), (x + 26, _TOP / 2)], colour, 3)
            self._text((x + 36, _TOP / 2), f"{curve.label} {tick_text(curve.last)}", 15, "lm")

    def _line(self, points: list[tuple[float, float]], colour: str, width: int) -> None:
        self._draw.line([self._to_pixels(point) for point in points], colour, width * _OVERSAMPLING, joint="curve")

    def _dot(self, x: float, y: float, radius: float, colour: str) -> None:
        self._draw.ellipse(
            [self._to_pixels((x - radius, y - radius)), self._to_pixels((x + radius, y + radius))], colour
        )

    def _text(self, point: tuple[float, float], text: str, size: int, anchor: str) -> None:
        font = ImageFont.load_default(size * _OVERSAMPLING)
        self._draw.text(self._to_pixels(point), text, _TEXT_COLOUR, font, anchor=anchor)

    def _to_pixels(self, point: tuple[float, float]) -> tuple[float, float]:
        return point[0] * _OVERSAMPLING, (point[1] + self._top) * _OVERSAMPLING

    def _x(self, chart: Chart, value: float) -> float:
        return _LEFT + chart.x.place(value) * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, chart: Chart, value: float) -> float:
        return _HEIGHT - _BOTTOM - chart.y.place(value) * (_HEIGHT - _TOP - _BOTTOM)
