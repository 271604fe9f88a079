"""`pippin new`."""

from pathlib import Path
from typing import Annotated

import typer

from pippin.cli import output
from pippin.cli.errors import CommandError, Exit, not_written


def _complete_presets(incomplete: str) -> list[str]:
    from pippin.models.spec.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; - is stdout.")] = Path("job.yaml"),
    preset: Annotated[str, typer.Option(help="The model to train.", autocompletion=_complete_presets)] = "mnist-cnn",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Write a job's file, with every field explained."""
    text = _text(preset)
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError as error:
        raise CommandError(
            Exit.USAGE, f"{file} already exists.", now=f"Name another file, or replace it: pippin new {file} --force"
        ) from error
    except OSError as error:
        raise not_written(error, file) from error
    if json_:
        output.print_json({"path": str(file), "bytes": file.stat().st_size})
    else:
        output.print_text(f"Wrote {file}. Train it: pippin submit {file} --follow")


def _text(preset: str) -> str:
    from importlib.resources import files

    from pippin.models.spec.presets import UnknownPresetError, preset_names

    if preset not in preset_names():
        raise UnknownPresetError(f"there is no preset {preset!r}; the presets are: {', '.join(preset_names())}")
    template = (files("pippin.cli") / "job.yaml").read_text(encoding="utf-8")
    return template.replace("mnist-cnn", preset)
