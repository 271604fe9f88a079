"""`pippin predict` and `evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from pippin.cli import output
from pippin.cli.arguments import JobId
from pippin.cli.exits import Exit, ToldError

if TYPE_CHECKING:
    from pippin.predictions.reports import Choice, Confusion, Prediction

_BAR = 30
# More columns are wider than any terminal.
_MOST_COLUMNS = 20
_MOST_MISTAKES = 5


def predict(
    job_id: JobId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A picture (PNG, JPEG, PGM), or arrays by input (.json, .npz).")
    ],
    top: Annotated[int, typer.Option(min=1, help="How many of the likeliest classes to show.")] = 5,
    background: Annotated[
        str | None, typer.Option(help="Behind transparent pixels: white, black or a color as ff8000; else white.")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Ask a job's trained model.

    A picture is turned upright, resized and scaled as the model needs. Arrays have examples first and are taken as
    already scaled.
    """
    from pippin.client import Client

    with Client() as client:
        try:
            found = client.predict(job_id, _given(file), top=top, background=background)
        except OSError as error:
            raise ToldError(Exit.USAGE, f"{file} cannot be read: {error.strerror or error}.") from error
    if json_:
        output.print_json(found.model_dump(mode="json"))
    elif found.top is None:
        for name, value in found.outputs.items():
            output.say(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    else:
        _show_classes(found, found.top)


def evaluate(
    job_id: JobId,
    dataset: Annotated[str, typer.Option(metavar="D", help="The dataset's name or id.")],
    split: Annotated[str | None, typer.Option(help="Which part of it; else test, validation or the first.")] = None,
    max_examples: Annotated[int | None, typer.Option(min=1, help="At most so many, spread over the split.")] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Measure a job's trained model on a dataset."""
    from pippin.client import Client

    with Client() as client:
        found = client.evaluate(job_id, dataset, split=split, max_examples=max_examples)
    if json_:
        output.print_json(found.model_dump(mode="json"))
        return
    figures = {"loss": output.figure(found.loss), "accuracy": output.figure(found.accuracy)}
    told = ", ".join(f"{name} {value}" for name, value in figures.items() if value != "-")
    output.say(f"{told or 'no figures'} on {found.examples:,} examples of {found.split} ({found.seconds:.1f} s)")
    if found.confusion is not None and len(found.confusion.labels) <= _MOST_COLUMNS:
        _show_confusion(found.confusion)
    for mistake in found.worst[:_MOST_MISTAKES]:
        output.say(
            f"row {mistake.row}: {mistake.label} taken for {mistake.predicted} "
            f"({output.figure(mistake.probability, '.1%')})"
        )


def _given(file: Path) -> dict[str, Any] | Path:
    """What to ask with: arrays by input, or a picture."""
    match file.suffix.lower():
        case ".json":
            return _of_json(file)
        case ".npz":
            return _of_npz(file)
    return file


def _of_json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ToldError(Exit.REFUSED, f"{file} is not JSON.", [str(error)]) from error
    if isinstance(document, dict) and document.keys() == {"inputs"}:
        document = document["inputs"]
    if not isinstance(document, dict):
        raise ToldError(Exit.REFUSED, f'{file} must hold arrays by input: {{"inputs": {{"image": [[…]]}}}}.')
    return document


def _of_npz(file: Path) -> dict[str, Any]:
    from zipfile import BadZipFile

    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays.items())
    except (ValueError, BadZipFile, EOFError) as error:
        raise ToldError(Exit.REFUSED, f"{file} is not an NPZ file of plain arrays.", [str(error)]) from error


def _show_classes(found: "Prediction", top: "list[list[Choice]]") -> None:
    for number, choices in enumerate(top):
        if len(top) > 1:
            output.say(f"example {number}", style="bold")
        output.table(
            ["CLASS", "PROBABILITY", ""],
            [
                (str(choice.label), output.figure(choice.probability, ".1%"), _bar(choice.probability))
                for choice in choices
            ],
            right=["PROBABILITY"],
        )
    if found.labels is None and output.stdout().is_terminal:
        output.say("Neither the model nor its dataset names the classes: these are their numbers.")


def _bar(probability: float | None) -> Text:
    return Text("█" * round(_BAR * (probability or 0)), style="cyan")


def _show_confusion(confusion: "Confusion") -> None:
    """A row for each true class."""
    labels = list(map(str, confusion.labels))
    rows: list[list[str | Text]] = [
        [label, *(Text(f"{count:,}" if count else "·", style="" if count else "dim") for count in counts)]
        for label, counts in zip(labels, confusion.matrix, strict=True)
    ]
    output.table(["TRUE \\ PREDICTED", *labels], rows, right=labels)
