import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pippin.api.metrics import EpochMetrics
from pippin.client.curves import terminal
from pippin.client.curves.chart import Chart, Curve, charts_of
from pippin.client.curves.png import write_png
from pippin.client.curves.svg import svg
from tests.support.records import epoch_metrics

CURVES = st.lists(
    st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=30).map(
        lambda values: Curve("training", list(enumerate(values, 1)))
    ),
    min_size=1,
    max_size=2,
)


def trained(count: int, **members: object) -> list[EpochMetrics]:
    """The first epochs of a training of twelve whose loss falls."""
    return [
        epoch_metrics(
            epoch,
            **{
                "epochs": 12,
                "loss": math.exp(-epoch / 3),
                "validation_loss": math.exp(-epoch / 3) + 0.1,
                "validation_accuracy": 1 - 0.6 * math.exp(-epoch / 2),
            }
            | members,
        )
        for epoch in range(1, count + 1)
    ]


def test_only_measured_curves_are_drawn() -> None:
    both = charts_of(trained(3))
    assert [(chart.title, [curve.label for curve in chart.curves]) for chart in both] == [
        ("loss", ["training", "validation"]),
        ("accuracy", ["validation"]),
    ]
    alone = charts_of(trained(3, validation_loss=None, validation_accuracy=None))
    assert [(chart.title, len(chart.curves)) for chart in alone] == [("loss", 1)]
    assert charts_of(trained(3, loss=None, diverged=True, validation_loss=None, validation_accuracy=None)) == []
    assert charts_of([]) == []


@given(CURVES, st.integers(1, 100_000))
def test_axes_contain_every_value_and_have_round_ticks(curves: list[Curve], more: int) -> None:
    chart = Chart("loss", curves, max(len(curve.points) for curve in curves) + more)
    for curve in curves:
        for epoch, value in curve.points:
            assert -1e-9 <= chart.x.place(epoch) <= 1
            assert -1e-9 <= chart.y.place(value) <= 1 + 1e-9
    assert 2 <= len(chart.y.ticks) <= 8
    assert 1 <= len(chart.x.ticks) <= 8
    assert all(tick == int(tick) for tick in chart.x.ticks)


@given(CURVES)
def test_terminal_chart_fits_its_width(curves: list[Curve]) -> None:
    drawn = terminal.text(Chart("loss", curves, 30), 80, 6).plain.splitlines()
    assert len(drawn) == 9
    assert all(len(line) <= 80 for line in drawn[1:])
    assert any(character > "\u2800" or character == "●" for line in drawn[1:7] for character in line)


def test_falling_curve_falls_in_the_terminal_chart() -> None:
    drawn = terminal.text(charts_of(trained(12, validation_loss=None))[0], 80, 10).plain.splitlines()[1:11]
    dots = [[at for at, character in enumerate(line) if "\u2800" < character <= "\u28ff"] for line in drawn]
    first = [places[0] for places in dots if places]
    assert first == sorted(first)
    assert len(first) >= 8


def test_svg_has_curves_and_a_label_for_screen_readers() -> None:
    (loss, accuracy) = (ET.fromstring(svg(chart)) for chart in charts_of(trained(5)))
    name = "{http://www.w3.org/2000/svg}polyline"
    assert [len(line.attrib["points"].split()) for line in loss.iter(name)] == [5, 5]
    assert accuracy.attrib["role"] == "img"
    assert accuracy.attrib["aria-label"].startswith("accuracy: validation 0.9")


COLOURS = [(0x2A, 0x6F, 0xB0), (0xD9, 0x73, 0x1A)]


@pytest.mark.parametrize("epochs", [1, 2, 12, 1000])
@pytest.mark.parametrize("values", [(0.5, 0.6, 0.875), (0, 0, 0), (3.25, 1e-6, 1), (0.25, None, None)], ids=str)
def test_single_epoch_is_drawn_as_a_point(
    epochs: int, values: tuple[float, float | None, float | None], tmp_path: Path
) -> None:
    names = ("loss", "validation_loss", "validation_accuracy")
    charts = charts_of(trained(1, epochs=epochs, **dict(zip(names, values, strict=True))))
    curves = sum(value is not None for value in values)
    assert [len(chart.curves) for chart in charts] == ([2, 1] if curves == 3 else [1])
    for chart in charts:
        assert svg(chart).count("<circle") == len(chart.curves)
        places = {(curve.points[0][0], curve.last) for curve in chart.curves}
        assert terminal.text(chart, 80, 8).plain.count("●") == len(places)
        assert 1 in chart.x.ticks
        assert chart.y.high <= 1 or chart.title != "accuracy"
        assert 2 <= len(chart.y.ticks) <= 8
    write_png(tmp_path / "one.png", charts)
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size == (900, 460 * len(charts))
        # Below the legend, which has its colours too; equal points lie over one another.
        plot = picture.convert("RGB").crop((80, 55, 900, 400))
        seen = {colour for _, colour in plot.getcolors(plot.width * plot.height) or []}
    assert COLOURS[len(charts[0].curves) - 1] in seen


def test_the_last_and_the_greatest_value_are_drawn_in_the_terminal() -> None:
    curve = Curve("validation", [(1, 0.0), (2, 1.0)])
    rows = terminal.text(Chart("accuracy", [curve], 2), 40, 6).plain.splitlines()[1:7]
    assert rows[0][-1] > "\u2800"
    assert rows[-1].partition("┤")[2][0] > "\u2800"


def test_png_has_the_curves_in_their_colours(tmp_path: Path) -> None:
    write_png(tmp_path / "curves.png", charts_of(trained(12)))
    with Image.open(tmp_path / "curves.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(picture.width * picture.height) or []}
    assert {*COLOURS, (255, 255, 255)} <= colours
