"""Charts as SVG for notebooks, without scripts, readable on light and dark pages."""

from html import escape

from pippin.client.curves.chart import Axis, Chart, Curve, tick_text

_WIDTH, _HEIGHT = 460, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 30, 34
# Readable on white and on black.
_COLOURS = ("#3b82c4", "#e0812b")


def svg(chart: Chart) -> str:
    """An `<svg>` element of 460 by 250 pixels."""
    description = "; ".join(f"{curve.label} {curve.last:.4f} at epoch {curve.points[-1][0]}" for curve in chart.curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"',
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(f"{chart.title}: {description}")}"',
        ' font-family="system-ui, sans-serif" font-size="11" fill="currentColor">',
        f'<text x="{_LEFT}" y="18" font-size="13" font-weight="600">{escape(chart.title)}</text>',
        *_y_axis(chart.y),
        *_x_axis(chart.x),
    ]
    for index, curve in enumerate(chart.curves):
        colour = _COLOURS[index % len(_COLOURS)]
        parts += [_line(chart, curve, colour), _legend(curve, colour, len(chart.curves) - index)]
    return "".join([*parts, "</svg>"])


def _line(chart: Chart, curve: Curve, colour: str) -> str:
    coordinates = [(_x(chart.x, epoch), _y(chart.y, value)) for epoch, value in curve.points]
    if len(coordinates) == 1:
        return f'<circle cx="{coordinates[0][0]:.1f}" cy="{coordinates[0][1]:.1f}" r="3" fill="{colour}"/>'
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in coordinates)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>'


def _legend(curve: Curve, colour: str, slot_from_right: int) -> str:
    x = _WIDTH - _RIGHT - slot_from_right * 118
    return (
        f'<line x1="{x}" x2="{x + 14}" y1="14" y2="14" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x + 18}" y="18">{escape(curve.label)} {tick_text(curve.last)}</text>'
    )


def _y_axis(axis: Axis) -> list[str]:
    parts = []
    for tick in axis.ticks:
        y = _y(axis, tick)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor"'
            ' opacity="0.15"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" opacity="0.75">{tick_text(tick)}</text>'
        )
    return parts


def _x_axis(axis: Axis) -> list[str]:
    y = _HEIGHT - _BOTTOM + 15
    numbers = [
        f'<text x="{_x(axis, tick):.1f}" y="{y}" text-anchor="middle" opacity="0.75">{tick_text(tick)}</text>'
        for tick in axis.ticks
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return [*numbers, f'<text x="{middle:.1f}" y="{y + 14}" text-anchor="middle" opacity="0.75">epoch</text>']


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.place(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - axis.place(value) * (_HEIGHT - _TOP - _BOTTOM)
