"""Models that come with Pippin, each a JSON document in the spec language beside this file."""

import json
from importlib.resources import files
from typing import cast

from pippin.errors import PippinError


class UnknownPresetError(PippinError, KeyError):
    """There is no preset of that name."""

    def __str__(self) -> str:
        """The message without the quotes that KeyError adds."""
        return str(self.args[0])


def preset_names() -> tuple[str, ...]:
    """The names of all presets, in alphabetical order."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


def preset(name: str) -> dict[str, object]:
    """The document of a preset, a new copy for each call.

    Raises:
        UnknownPresetError: There is no preset of that name; the message lists the presets.
    """
    if name not in preset_names():
        raise UnknownPresetError(f"there is no preset {name!r}; the presets are: {', '.join(preset_names())}")
    return cast("dict[str, object]", json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8")))
