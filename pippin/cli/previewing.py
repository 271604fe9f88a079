"""Examples of a dataset as a table: a row each, with the class's name where it has one."""

from typing import TYPE_CHECKING

from pippin.cli import figures, output
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.api.datasets import Feature, Manifest, Preview

_MOST_NUMBERS = 8
_LARGEST_WHOLE = 2**24  # up to here, float32 has every whole number


def show(manifest: "Manifest", preview: "Preview") -> None:
    """The examples on stdout.

    Args:
        manifest: The dataset's, for its classes.
        preview: Some of its examples.
    """
    features = manifest.features
    rows = [
        [f"{row:,}", *(_text(feature, example.get(feature.name), manifest) for feature in features)]
        for row, example in enumerate(preview.examples)
    ]
    count = next((split.examples for split in manifest.splits if split.name == preview.split), len(rows))
    output.say(f"{len(rows):,} of {figures.counted(count, 'example')} of {preview.split}, as stored", style="bold")
    output.table([Column("ROW", "number"), *(Column(feature.name, "name") for feature in features)], rows)


def _text(feature: "Feature", value: object, manifest: "Manifest") -> str:
    numbers = _flat(value)
    if manifest.labels and feature is manifest.features[-1] and len(numbers) == 1:
        number = int(numbers[0])
        return manifest.labels[number] if 0 <= number < len(manifest.labels) else f"{number}"
    shown = ", ".join(map(_number, numbers[:_MOST_NUMBERS]))
    if len(numbers) <= _MOST_NUMBERS:
        return shown
    if len(feature.shape) > 1:
        mean = figures.figure(sum(numbers) / len(numbers))
        return f"{_number(min(numbers))} to {_number(max(numbers))}, mean {mean}, {figures.shape_text(feature.shape)}"
    return f"{shown}, …"


def _flat(value: object) -> list[float]:
    """The numbers of nested lists in a row."""
    if isinstance(value, list):
        return [number for each in value for number in _flat(each)]
    return [value] if isinstance(value, int | float) else []


def _number(value: float) -> str:
    is_whole = isinstance(value, int) or (value.is_integer() and abs(value) < _LARGEST_WHOLE)
    return f"{int(value):,}" if is_whole else _trimmed(figures.figure(value))


def _trimmed(text: str) -> str:
    """Without the zeros at a decimal's end, which a stored 0.44 does not have."""
    return text if "e" in text or "." not in text else text.rstrip("0").rstrip(".")
