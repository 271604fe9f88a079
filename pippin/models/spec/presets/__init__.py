"""Models that come with Pippin, each a JSON document in the spec language beside this file."""

import json
from importlib.resources import files
from typing import cast

from pippin.errors import PippinError


class UnknownPresetError(PippinError, KeyError):
    """There is no preset of that name."""

    def __str__(self) -> str:
        """The sentence itself: KeyError would quote it."""
        return str(self.args[0])


def preset_names() -> tuple[str, ...]:
    """The presets that there are, in alphabetical order."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


def preset(name: str) -> dict[str, object]:
    """The document of a preset, a fresh copy at each call.

    Raises:
        UnknownPresetError: There is none of that name; the text lists those that there are.
    """
    if name not in preset_names():
        raise UnknownPresetError(f"no preset is called {name!r}; there are: {', '.join(preset_names())}")
    return cast("dict[str, object]", json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8")))
