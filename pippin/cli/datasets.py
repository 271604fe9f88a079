"""`pippin datasets add`, `list`, `show`, `preview` and `delete`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import arguments, errors, figures, output
from pippin.cli.arguments import DatasetId
from pippin.cli.errors import CommandError, Exit
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.api.datasets import Feature, Manifest, Preview, Split


commands = typer.Typer(help="Upload, list, show and delete datasets.", no_args_is_help=True, rich_markup_mode=None)

_MAX_LABELS = 20


@commands.command()
def add(  # noqa: PLR0917 - typer reads them as options
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the dataset.")],
    first: Annotated[list[Path], typer.Option("--from", metavar="PATH...", help="The file or files, or a folder.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="", hidden=True)] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="idx, csv, npz or images. [default: recognised]")
    ] = None,
    target: Annotated[str | None, typer.Option(help="CSV: the column to predict.")] = None,
    inputs: Annotated[str | None, typer.Option(help="CSV: the columns of each feature: size:width,height;age.")] = None,
    header: Annotated[
        str | None,
        typer.Option(metavar="true|false", help="CSV: whether the first row holds column names. [default: recognised]"),
    ] = None,
    shape: Annotated[str | None, typer.Option(help="CSV: the shape of an example: 1,28,28.")] = None,
    scale: Annotated[float | None, typer.Option(metavar="N", help="Factor for uint8 images. [default: 1/255]")] = None,
    color: Annotated[str | None, typer.Option(help="Images: convert all to gray or rgb.")] = None,
    background: Annotated[
        str | None,
        typer.Option(
            help="Images: background of transparent pixels: white, black or a color such as ff8000. [default: white]"
        ),
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Upload a dataset: IDX, CSV, NPZ, or a ZIP or folder of class folders with PNG or JPEG pictures.

    `pippin datasets add mnist --from DIR` takes the four files of MNIST, and only if they are the published ones.
    """
    from pippin.client import Client

    paths = [*first, *(more or [])]
    texts = {
        "format": format_,
        "target": target,
        "inputs": inputs,
        "header": header,
        "shape": shape,
        "color": color,
        "background": background,
    }
    options = {key: value for key, value in texts.items() if value is not None}
    if scale is not None:
        options["scale"] = repr(scale)
    with TemporaryDirectory(prefix="pippin-") as folder, Client() as client:
        files = _files_to_upload(name, paths, Path(folder))
        try:
            manifest = client.add_dataset(name, files, options=options)
        except OSError as error:
            raise CommandError(Exit.USAGE, f"{error.filename} cannot be read: {error.strerror}.") from error
    if json_:
        output.print_json(manifest.model_dump(mode="json"))
    else:
        output.print_text(f"{manifest.id}: {manifest.name}, {_splits(manifest)}; {_features(manifest)}.")
        for notice in [*manifest.notices, *_ignored_notices(paths)]:
            output.print_text(f"Note: {errors.in_options(notice)}.")


@commands.command("list")
def list_datasets(json_: output.JsonFlag = False) -> None:
    """List the datasets."""
    from pippin.client import Client

    with Client() as client:
        manifests = list(client.datasets())
    if json_:
        output.print_json([manifest.model_dump(mode="json") for manifest in manifests])
    elif manifests:
        output.table(
            [
                Column("NAME", "name", min_width=14),
                Column("ID", "id"),
                Column("FORMAT", drop=1),
                Column("SPLITS", "name", min_width=24),
                Column("FEATURES", "name", drop=3),
                Column("SIZE", "number"),
                Column("CREATED", drop=2),
            ],
            [
                (
                    manifest.name or "-",
                    manifest.id,
                    manifest.format,
                    _splits(manifest),
                    _features(manifest),
                    figures.size(manifest.bytes),
                    figures.ago(manifest.created_at),
                )
                for manifest in manifests
            ],
        )
    elif output.stdout().is_terminal:
        output.print_text("No datasets. `pippin datasets add NAME --from FILE` uploads one.")


@commands.command()
def show(dataset_id: DatasetId, json_: output.JsonFlag = False) -> None:
    """Show one dataset: its splits, its features and its classes."""
    from pippin.client import Client

    with Client() as client:
        manifest = client.dataset(arguments.dataset_id(client, dataset_id))
    if json_:
        output.print_json(manifest.model_dump(mode="json"))
        return
    lines = {
        "name": manifest.name,
        "format": manifest.format,
        "splits": ", ".join(_split(split) for split in manifest.splits),
        "classes": _classes(manifest),
        "size": figures.size(manifest.bytes),
        "created": figures.moment_text(manifest.created_at),
    }
    output.print_text(manifest.id, style="bold")
    for name, value in lines.items():
        if value:
            output.field(name, value)
    output.table(
        [Column("FEATURE", "name"), Column("SHAPE"), Column("TYPE"), Column("MULTIPLIED BY", drop=1)],
        [
            (feature.name, figures.shape_text(feature.shape), feature.dtype, _scale(feature.scale))
            for feature in manifest.features
        ],
    )


@commands.command()
def preview(
    dataset_id: DatasetId,
    split: Annotated[str | None, typer.Option(help="The split to show. [default: the first]")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="Number of examples.")] = 10,
    json_: output.JsonFlag = False,
) -> None:
    """Show some examples of a dataset, as they are stored."""
    from pippin.client import Client

    with Client() as client:
        manifest = client.dataset(arguments.dataset_id(client, dataset_id))
        examples = client.preview(manifest.id, split=split, limit=limit)
    if json_:
        output.print_json(examples.model_dump(mode="json"))
    else:
        _show_preview(manifest, examples)


@commands.command()
def delete(dataset_id: DatasetId, json_: output.JsonFlag = False) -> None:
    """Delete a dataset, unless jobs are still to be trained on it."""
    from pippin.client import Client

    with Client() as client:
        full_id = arguments.dataset_id(client, dataset_id)
        client.delete_dataset(full_id)
    if json_:
        output.print_json({"deleted": full_id})
    else:
        output.print_text(f"Deleted {full_id}.")


def _files_to_upload(name: str, paths: list[Path], scratch: Path) -> list[Path]:
    """The files to upload for the paths on the command line.

    Args:
        name: The dataset's name; `mnist` with a folder requires the published MNIST files.
        paths: Files, or one folder.
        scratch: An empty folder, for a ZIP file if one is needed.
    """
    from pippin.documents.file_kinds import kind_of_folder

    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise CommandError(Exit.USAGE, f"There is no {' and no '.join(missing)}.")
    folders = [path for path in paths if path.is_dir()]
    if not folders:
        return paths
    if len(paths) > 1:
        raise CommandError(Exit.USAGE, f"Give either files or one folder; {folders[0]} is a folder.")
    if name == "mnist":
        from pippin.datasets import mnist

        return [file.path for file in mnist.collect(folders[0]).files]
    if kind := kind_of_folder(folders[0]):
        raise CommandError(Exit.USAGE, f"{folders[0]} {kind.as_data()}.")
    files, _ = _files_in(folders[0])
    if not files:
        raise CommandError(Exit.USAGE, f"The folder {folders[0]} is empty or has no file that can be data.")
    return [_zip(folders[0], files, scratch)] if any(path.parent != folders[0] for path in files) else files


def _files_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files in a folder to upload, and the files that the service would ignore, such as those in `.git`."""
    from pippin.datasets.ignored_files import is_litter

    accepted: list[Path] = []
    ignored: list[Path] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            (ignored if is_litter(path.relative_to(folder).as_posix()) else accepted).append(path)
    return accepted, ignored


def _ignored_notices(paths: list[Path]) -> list[str]:
    """A notice about files in the given folders that are not uploaded, if there are any."""
    from pippin.datasets.ignored_files import ignored_notice

    folders = [path for path in paths if path.is_dir()]
    ignored_names = [path.relative_to(folder).as_posix() for folder in folders for path in _files_in(folder)[1]]
    return [ignored_notice(ignored_names)] if ignored_names else []


def _zip(folder: Path, files: list[Path], scratch: Path) -> Path:
    """Write the files to a ZIP. The same files give the same bytes, so that the service recognises the same dataset."""
    from zipfile import ZipFile, ZipInfo

    archive = scratch / f"{folder.resolve().name}.zip"
    with ZipFile(archive, "w") as target:
        for path in files:
            target.writestr(ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    return archive


def _splits(manifest: "Manifest") -> str:
    return ", ".join(f"{split.name} {split.examples:,}" for split in manifest.splits)


def _split(split: "Split") -> str:
    return f"{split.name} ({figures.counted(split.examples, 'example')})"


def _classes(manifest: "Manifest") -> str:
    labels = manifest.labels or []
    more = [f"and {len(labels) - _MAX_LABELS:,} more"] if len(labels) > _MAX_LABELS else []
    return f"{len(labels):,}: {', '.join([*labels[:_MAX_LABELS], *more])}" if labels else ""


def _scale(scale: float) -> str:
    """A factor as text: 1/n if the factor is the reciprocal of an integer n."""
    return "-" if scale == 1 else f"1/{round(1 / scale)}" if 1 / scale == round(1 / scale) else figures.figure(scale)


def _features(manifest: "Manifest") -> str:
    return ", ".join(
        f"{feature.name} {feature.dtype} {figures.shape_text(feature.shape)}" for feature in manifest.features
    )


_MAX_NUMBERS = 8
_MAX_EXACT_INTEGER = 2**24  # up to here, float32 represents every integer


def _show_preview(manifest: "Manifest", preview: "Preview") -> None:
    """Print examples on stdout.

    Args:
        manifest: The dataset's manifest, for the class names.
        preview: Some of the dataset's examples.
    """
    features = manifest.features
    rows = [
        [f"{row:,}", *(_text(feature, example.get(feature.name), manifest) for feature in features)]
        for row, example in enumerate(preview.examples)
    ]
    count = next((split.examples for split in manifest.splits if split.name == preview.split), len(rows))
    output.print_text(
        f"{len(rows):,} of {figures.counted(count, 'example')} of {preview.split}, as stored", style="bold"
    )
    output.table([Column("ROW", "number"), *(Column(feature.name, "name") for feature in features)], rows)


def _text(feature: "Feature", value: object, manifest: "Manifest") -> str:
    numbers = _flat(value)
    if manifest.labels and feature is manifest.features[-1] and len(numbers) == 1:
        number = int(numbers[0])
        return manifest.labels[number] if 0 <= number < len(manifest.labels) else f"{number}"
    shown = ", ".join(map(_number, numbers[:_MAX_NUMBERS]))
    if len(numbers) <= _MAX_NUMBERS:
        return shown
    if len(feature.shape) > 1:
        mean = figures.figure(sum(numbers) / len(numbers))
        return f"{_number(min(numbers))} to {_number(max(numbers))}, mean {mean}, {figures.shape_text(feature.shape)}"
    return f"{shown}, …"


def _flat(value: object) -> list[float]:
    """The numbers in nested lists, flattened."""
    if isinstance(value, list):
        return [number for item in value for number in _flat(item)]
    return [value] if isinstance(value, int | float) else []


def _number(value: float) -> str:
    is_whole = isinstance(value, int) or (value.is_integer() and abs(value) < _MAX_EXACT_INTEGER)
    return f"{int(value):,}" if is_whole else _without_trailing_zeros(figures.figure(value))


def _without_trailing_zeros(text: str) -> str:
    """Remove trailing zeros of a decimal: a stored 0.44 has none."""
    return text if "e" in text or "." not in text else text.rstrip("0").rstrip(".")
