"""`pippin predict` and `evaluate`."""

import codecs
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.text import Text

from pippin.cli import arguments, figures, output, tables
from pippin.cli.arguments import JobId, complete_datasets
from pippin.cli.errors import CommandError, Exit
from pippin.cli.tables import Cell, Column, Kind

if TYPE_CHECKING:
    from pippin.api.predictions import Choice, Confusion, LargestError, Prediction

_BAR_WIDTH = 30
# More columns do not fit on any terminal.
_MAX_COLUMNS = 20
_MAX_MISTAKES = 5
_MAX_VALUES = 4


def predict(
    job_id: JobId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A picture (PNG, JPEG, PGM), or arrays by input (.json, .npz).")
    ],
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Number of most probable classes to show.")] = 5,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOR",
            help="Background of transparent pixels: white, black or a color such as ff8000. [default: white]",
        ),
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Run a job's trained model on a picture or on arrays.

    A picture is turned upright, resized and scaled as the model needs. The first axis of arrays is the example; they
    are not scaled.
    """
    from pippin.client import Client

    with Client() as client:
        try:
            job = arguments.job_id(client, job_id)
            prediction = client.predict(job, _inputs_of(file), top=top, background=background)
        except OSError as error:
            raise CommandError(Exit.USAGE, f"{file} cannot be read: {error.strerror or error}.") from error
    if json_:
        output.print_json(prediction.model_dump(mode="json"))
    elif prediction.top is None:
        for name, value in prediction.outputs.items():
            output.print_text(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    else:
        _show_classes(prediction, prediction.top)


def evaluate(
    job_id: JobId,
    *,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="D",
            help="The dataset: its name, its id, a beginning of that, or `last`; by default the job's own.",
            autocompletion=complete_datasets,
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="The split; by default one with examples that the job did not train on.")
    ] = None,
    part: Annotated[
        Literal["all", "held_out", "trained_on"] | None,
        typer.Option(help="The rows of the split; by default those that the job held out, if it held out any."),
    ] = None,
    max_examples: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The maximum number of examples, spread over the rows.")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Measure a job's trained model on a dataset.

    A warning says when the job has trained on the measured examples.
    """
    from pippin.client import Client

    with Client() as client:
        job = client.job(job_id)
        evaluation = client.evaluate(
            job.id,
            job.request.dataset.id if dataset is None else arguments.dataset_id(client, dataset),
            split=split,
            part=part,
            max_examples=max_examples,
        )
    if json_:
        output.print_json(evaluation.model_dump(mode="json"))
        return
    measured = {"loss": figures.figure(evaluation.loss), "accuracy": figures.percentage(evaluation.accuracy)}
    shown = ", ".join(f"{name} {value}" for name, value in measured.items() if value != "-")
    examples, rows = (
        figures.counted(evaluation.examples, "example"),
        _PARTS[evaluation.part].format(split=evaluation.split),
    )
    output.print_text(f"{shown or 'no figures'} on {examples} of {rows} ({figures.duration(evaluation.seconds)})")
    if evaluation.notice:
        output.print_text(f"Warning: {evaluation.notice}", style="yellow")
    if evaluation.confusion is not None:
        _show_confusion(evaluation.confusion)
    for mistake in evaluation.worst[:_MAX_MISTAKES]:
        output.print_text(
            f"row {mistake.row:,}: {mistake.label} predicted as {mistake.predicted} "
            f"({figures.percentage(mistake.probability, 1)})"
        )
    for error in evaluation.largest_errors[:_MAX_MISTAKES]:
        output.print_text(_large_error_text(error))


_PARTS = {
    "all": "{split}",
    "held_out": "{split} that the job held out",
    "trained_on": "{split} that the job trained on",
}
"""The text for each part of a split's rows."""


def _large_error_text(error: "LargestError") -> str:
    """An example with a large error, in one line."""
    expected, predicted = (_values_text(values, error.values) for values in (error.expected, error.predicted))
    return f"row {error.row:,}: expected {expected}, predicted {predicted} (loss {figures.figure(error.loss)})"


def _values_text(values: "list[float | None]", count: int) -> str:
    shown = ", ".join(figures.figure(value) for value in values[:_MAX_VALUES])
    return f"{shown}, … ({count:,} values)" if count > _MAX_VALUES else shown


def _inputs_of(file: Path) -> dict[str, Any] | Path:
    """The model's inputs in a file: arrays by input name, or the path of a picture."""
    match file.suffix.lower():
        case ".json":
            return _read_json(file)
        case ".npz":
            return _read_npz(file)
    return file


def _read_json(file: Path) -> dict[str, Any]:
    from pippin.documents import strict_json
    from pippin.documents.errors import MalformedDocumentError

    try:
        document = strict_json.loads(file.read_bytes().removeprefix(codecs.BOM_UTF8))
    except MalformedDocumentError as error:
        raise CommandError(Exit.REFUSED, f"{file} is not JSON.", [str(error)]) from error
    if isinstance(document, dict) and document.keys() == {"inputs"}:
        document = document["inputs"]
    if not isinstance(document, dict):
        raise CommandError(Exit.REFUSED, f'{file} must contain arrays by input name: {{"inputs": {{"image": [[…]]}}}}.')
    return document


def _read_npz(file: Path) -> dict[str, Any]:
    from zipfile import BadZipFile

    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays.items())
    except (ValueError, BadZipFile, EOFError) as error:
        raise CommandError(Exit.REFUSED, f"{file} is not an NPZ file of plain arrays.", [str(error)]) from error


def _show_classes(prediction: "Prediction", top: "list[list[Choice]]") -> None:
    for number, choices in enumerate(top):
        if len(top) > 1:
            output.print_text(f"example {number}", style="bold")
        output.table(
            [Column("CLASS", "name"), Column("PROBABILITY", "number"), Column("", drop=1)],
            [
                (str(choice.label), figures.percentage(choice.probability, 1), _bar(choice.probability))
                for choice in choices
            ],
        )
    if prediction.labels is None and output.stdout().is_terminal:
        output.print_text("Neither the model nor its dataset has class names; classes are shown by number.")


def _bar(probability: float | None) -> Text:
    return Text("█" * round(_BAR_WIDTH * (probability or 0)), style="cyan")


def _show_confusion(confusion: "Confusion") -> None:
    """Print one row per true class; columns are headed by row numbers if the class names are too wide."""
    names = list(map(str, confusion.labels))
    numbers = [str(number) for number in range(1, len(names) + 1)]
    console = output.stdout()
    width = console.width if console.is_terminal else None
    counts: list[list[Cell]] = [
        [Text(f"{count:,}" if count else "·", style="" if count else "dim") for count in row]
        for row in confusion.matrix
    ]
    layouts: list[tuple[Kind, list[str], list[str]]] = [
        ("id", names, names),
        ("name", numbers, [f"{number} {name}" for number, name in zip(numbers, names, strict=True)]),
    ]
    for kind, columns, heads in layouts:
        first = Column("TRUE \\ PREDICTED", kind)
        table = [first, *(Column(name, "number") for name in columns)]
        rows = [[head, *row] for head, row in zip(heads, counts, strict=True)]
        if len(names) <= _MAX_COLUMNS and tables.fits(table, rows, width):
            output.table(table, rows)
            return
    output.print_text(
        f"The confusion matrix of {len(names):,} classes is wider than this terminal; print it with --json."
    )
