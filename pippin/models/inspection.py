"""Inspects a model file: its description, and the training properties that a job needs.

Inspect untrusted files in a separate process: protobuf's parser is native code, and a file of a few megabytes can hold
millions of messages.
"""

from functools import reduce

from pippin.documents.file_kinds import kind_of
from pippin.models.mlmodel import AnyModel, Model, ModelFileError, NotAModelFileError, Pipeline, open_model
from pippin.models.neighbors import NeighborsModel
from pippin.models.neighbors import summary as neighbors_summary
from pippin.models.record import Description, Inspection, PipelineSummary
from pippin.models.spec import LabelFeature
from pippin.models.spec.features import ArrayFeature
from pippin.models.spec.findings import Finding
from pippin.models.spec.memory import TrainingMemory, predicting_memory
from pippin.models.spec.summary import feature_summary, network_summary, summary
from pippin.models.trainable import Trainable, indexed_inputs, trainable_network
from pippin.system.terminal import printable


def inspect(data: bytes, name: str = "") -> Inspection:
    """Inspect the model file in `data`.

    Args:
        data: The whole file.
        name: The file name as sent by the client; "" if there is none.

    Raises:
        FaultyDocumentError: The file holds no model that Pippin can train; the error carries every fault.
    """
    try:
        return inspection_of(open_model(data))
    except NotAModelFileError:
        kind = kind_of(data, name, is_whole=True)
        if kind is None:
            raise
        raise ModelFileError(f"{printable(name) or 'the file'} {kind.as_model()}") from None


def inspection_of(model: AnyModel) -> Inspection:
    """The inspection of an opened model."""
    return Inspection(model=_described(model), findings=_findings(model), trainable=trainable_of(model))


def trainable_of(model: AnyModel) -> Trainable:
    """The training properties of a model."""
    if isinstance(model, Model):
        return trainable_network(model.resolved)
    if isinstance(model, NeighborsModel):
        return Trainable(
            features=(
                ArrayFeature(name=model.input, shape=(model.dimensions,), type="float"),
                LabelFeature(name=model.predicted_feature, type=model.label_type),
            ),
            target=model.predicted_feature,
            classes=None,
            label_type=model.label_type,
            method="nearest_neighbors",
            counts={"number_of_neighbors": model.number_of_neighbors},
        )
    last = trainable_of(model.last)
    memory = reduce(TrainingMemory.after, (predicting_memory(stage.resolved) for stage in model.front), last.memory)
    # The last model determines the target, such as one class index, regardless of the pipeline's declaration.
    target = {feature.name: feature for feature in last.features if feature.name == last.target}
    return last.model_copy(
        update={
            "features": tuple(target.get(feature.name, feature) for feature in model.training_inputs),
            "indices": _indices_of(model, last),
            "is_pipeline": True,
            "memory": memory,
        }
    )


def _indices_of(model: Pipeline, last: Trainable) -> dict[str, int]:
    """The number of valid indices for each training input of the pipeline that an embedding reads."""
    produced: set[str] = set()
    sizes: dict[str, int] = {}
    stage_outputs = [{feature.name for feature in stage.resolved.outputs} for stage in model.front]
    looked_up = [*(indexed_inputs(stage.resolved) for stage in model.front), last.indices]
    for indices, outputs in zip(looked_up, [*stage_outputs, set()], strict=True):
        for name, size in indices.items():
            if name not in produced:
                sizes[name] = min(size, sizes.get(name, size))
        produced |= outputs
    return sizes


def _described(model: AnyModel) -> Description:
    if isinstance(model, Model):
        return summary(model.resolved)
    if isinstance(model, NeighborsModel):
        return neighbors_summary(model)
    last = _described(model.last)
    assert not isinstance(last, PipelineSummary)
    return PipelineSummary(
        kind="pipeline",
        inputs=[feature_summary(feature) for feature in model.inputs],
        outputs=[feature_summary(feature) for feature in model.outputs],
        training_inputs=[feature_summary(feature) for feature in model.training_inputs],
        front=[network_summary(stage.resolved) for stage in model.front],
        last=last,
    )


def _findings(model: AnyModel) -> list[Finding]:
    if isinstance(model, Model):
        return list(model.resolved.findings)
    if isinstance(model, Pipeline) and isinstance(model.last, Model):
        place = f"/models/{len(model.front)}"
        return [
            finding.model_copy(update={"pointer": place + finding.pointer}) for finding in model.last.resolved.findings
        ]
    return []
