"""Prints the description of a model: its layers or its neighbours, and warnings about it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pippin.cli import errors, figures, output
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.models.neighbors.summary import NeighborsSummary
    from pippin.models.record import Description
    from pippin.models.spec.findings import Finding
    from pippin.models.spec.summary import FeatureSummary, LayerSummary, ParameterSummary


def show(model: "Description") -> None:
    """Print the model's parts on stdout."""
    if model.kind == "pipeline":
        for index, stage in enumerate(model.front):
            output.print_text(f"Model {index}, frozen", style="bold")
            _show_layers(stage.layers)
        output.print_text(f"Model {len(model.front)}, trained", style="bold")
        show(model.last)
    elif model.kind == "nearest_neighbors":
        _show_neighbors(model)
    else:
        _show_layers(model.layers)


def size(model: "Description") -> str:
    """The size of the trained part of the model, as text."""
    if model.kind == "pipeline":
        front = len(model.front)
        return f"{figures.counted(front, 'frozen model')} before {size(model.last)}"
    if model.kind == "nearest_neighbors":
        return figures.counted(model.neighbors.samples, "sample")
    return figures.counted(model.parameter_count, "parameter")


def features(summaries: "Iterable[FeatureSummary]") -> str:
    """Features in one line."""
    return ", ".join(
        f"{feature.name} {feature.color or feature.type}"
        + (f" {figures.shape_text(feature.shape)}" if feature.shape else "")
        for feature in summaries
    )


def parameter(declared: "ParameterSummary") -> str:
    """A hyperparameter's default, and the other values that a job may choose."""
    if declared.allowed is not None:
        others = [*map(figures.exact, declared.allowed[:_MAX_ALLOWED])]
        more = ["…"] if len(declared.allowed) > _MAX_ALLOWED else []
        return f"{figures.exact(declared.default)} (one of {', '.join([*others, *more])})"
    limits = [
        f"{word} {figures.exact(limit)}"
        for word, limit in (("from", declared.minimum), ("to", declared.maximum))
        if limit is not None
    ]
    return f"{figures.exact(declared.default)} ({' '.join(limits)})" if limits else f"{figures.exact(declared.default)}"


def warn(finding: "Finding", where: str = "") -> None:
    """Print a warning about a model that can be trained.

    Args:
        finding: The finding to print.
        where: The file and the line, if the model comes from a document.
    """
    place = ": ".join(part for part in (where, errors.field(finding.pointer)) if part)
    output.print_text(f"Warning: {place + ': ' if place else ''}{finding.detail} ({finding.rule})", style="yellow")


_MAX_ALLOWED = 10
_MAX_CLASSES = 20


def _show_layers(layers: "Iterable[LayerSummary]") -> None:
    output.table(
        [Column("LAYER", "name"), Column("TYPE"), Column("OUTPUT", "name"), Column("PARAMETERS", "number")],
        [
            (
                layer.name,
                layer.type,
                ", ".join(map(figures.shape_text, layer.output_shapes)),
                f"{layer.parameter_count:,}",
            )
            for layer in layers
        ],
    )


def _show_neighbors(model: "NeighborsSummary") -> None:
    neighbors = model.neighbors
    output.print_text(
        f"The nearest of {neighbors.samples:,} samples of {neighbors.dimensions:,} numbers; "
        f"neighbors {parameter(neighbors.number_of_neighbors)}, {neighbors.weighting}, {neighbors.index}."
    )
    output.table(
        [Column("CLASS", "name"), Column("SAMPLES", "number")],
        [(str(class_count.label), f"{class_count.count:,}") for class_count in neighbors.classes[:_MAX_CLASSES]],
    )
    if len(neighbors.classes) > _MAX_CLASSES:
        output.print_text(f"and {len(neighbors.classes) - _MAX_CLASSES:,} more classes")
