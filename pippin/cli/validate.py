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
    from pippin.spec.summary import summary

    document = documents.load(file)
    with document.located(f"{document.name} is not a model that can be trained."):
        found = summary(resolve(document.value))
    if json_:
        output.print_json(found.model_dump(mode="json"))
        return
    output.table(
        ["LAYER", "TYPE", "OUTPUT", "PARAMETERS"],
        [
            (each.name, each.type, ", ".join(map(output.shape_text, each.output_shapes)), f"{each.parameter_count:,}")
            for each in found.layers
        ],
        right=["PARAMETERS"],
    )
    output.say(f"{document.name} can be trained: {found.parameter_count:,} parameters.", style="green")
