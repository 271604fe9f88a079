"""Reads a model file of any supported kind."""

from typing import TypeAlias

from pippin.models.mlmodel.errors import MODEL_KIND, ModelFileError
from pippin.models.mlmodel.pipeline import Pipeline, read_pipeline
from pippin.models.mlmodel.proto import NEIGHBORS, NETWORKS, PIPELINES, Message, parse
from pippin.models.mlmodel.read import Model, read_network
from pippin.models.neighbors import NeighborsModel, read_neighbors

AnyModel: TypeAlias = Model | NeighborsModel | Pipeline
"""An updatable model."""


def open_model(data: bytes) -> AnyModel:
    """The updatable model in a file's bytes.

    Raises:
        FaultyDocumentError: The bytes hold no model that Pippin can train; the error carries every fault.
    """
    return read_any(parse(data))


def read_any(model: Message) -> AnyModel:
    """The updatable model of a message.

    Raises:
        FaultyDocumentError: As `open_model` does.
    """
    kind = model.WhichOneof("Type")
    if kind in NETWORKS:
        return read_network(model)
    if kind == NEIGHBORS:
        return read_neighbors(model)
    if kind in PIPELINES:
        return read_pipeline(model)
    raise ModelFileError(
        f"the file holds a model of kind {kind}, which cannot be updated; Pippin trains "
        f"{', '.join((*NETWORKS, NEIGHBORS, *PIPELINES))}",
        rule=MODEL_KIND,
    )
