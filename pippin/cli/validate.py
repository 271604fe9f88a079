"""`pippin validate`: checks a model spec here, without a service."""

from typing import Annotated

import typer

from pippin.cli import documents, output


def validate(
    file: Annotated[str, typer.Argument(metavar="SPEC.YAML", help="A model spec, YAML or JSON; - reads stdin.")],
    json_: output.JsonFlag = False,
) -> None:
    """Check a model spec, without a service.

    Shows every fault with its line in the file, or the layers with their shapes.
    """
    from pippin.spec import resolve

    document = documents.load(file)
    with document.located(f"{document.name} is not a model that can be trained."):
        resolved = resolve(document.value)
    layers = [
        {
            "name": each.layer.name,
            "type": each.layer.type,
            "output_shapes": [list(shape) for shape in each.output_shapes],
            "parameter_count": each.parameter_count,
        }
        for each in resolved.layers
    ]
    if json_:
        output.print_json({"layers": layers, "parameter_count": resolved.parameter_count})
        return
    output.table(
        ["LAYER", "TYPE", "OUTPUT", "PARAMETERS"],
        [
            (
                each.layer.name,
                each.layer.type,
                ", ".join(" × ".join(map(str, shape)) for shape in each.output_shapes),  # noqa: RUF001 - how shapes are written
                f"{each.parameter_count:,}",
            )
            for each in resolved.layers
        ],
        right=["PARAMETERS"],
    )
    output.say(f"{document.name} can be trained: {resolved.parameter_count:,} parameters.", style="green")
