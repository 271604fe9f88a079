"""The colours of charts: told apart by people with colour blindness, and seen on the page."""

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, severity 1: what people without one kind of cone see, in linear sRGB.
SIGHTS: dict[str, Array] = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the style sheet by name, for the light and the dark form."""
    css = (files("service.dashboard") / "app" / "styles.css").read_text()
    light, *dark = re.findall(r":root[^{]*\{([^}]*)\}", css)
    named = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in (light, *dark)]
    assert named[1] == named[2]
    return {"light": named[0], "dark": named[1]}


def linear(colour: str) -> Array:
    share = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb: Array) -> Array:
    scaled = (_TO_XYZ @ rgb) / _WHITE
    x, y, z = np.where(scaled > (6 / 29) ** 3, np.cbrt(scaled), scaled / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: Array, other: Array) -> float:
    """CIEDE2000 of two colours in CIELAB (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25**7))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    hue = (h1 + turn / 2) % 360
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    dl = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    rotation = (
        -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25**7))
    )
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh))


def test_the_difference_is_that_of_the_published_pairs() -> None:
    pairs = [
        ([50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425),
        ([50, 2.5, 0], [58, 24, 15], 19.4535),
        ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
    ]
    for one, other, expected in pairs:
        assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("form", ["light", "dark"])
def test_any_two_of_the_first_eight_series_differ(form: str, sight: str) -> None:
    colours = palettes()[form]
    seen = {n: lab(np.clip(SIGHTS[sight] @ linear(colours[f"series-{n}"]), 0, 1)) for n in range(1, 9)}
    closest = min(itertools.combinations(seen, 2), key=lambda pair: difference(seen[pair[0]], seen[pair[1]]))
    assert difference(seen[closest[0]], seen[closest[1]]) >= 10, closest


@pytest.mark.parametrize("form", ["light", "dark"])
def test_each_series_stands_out_from_its_background(form: str) -> None:
    colours = palettes()[form]

    def luminance(name: str) -> float:
        return float(_TO_XYZ[1] @ linear(colours[name]))

    for n in range(1, 9):
        darker, lighter = sorted([luminance(f"series-{n}"), luminance("raised")])
        assert (lighter + 0.05) / (darker + 0.05) >= 3, n  # WCAG 2.2, 1.4.11
