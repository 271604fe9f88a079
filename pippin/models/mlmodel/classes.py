"""A classifier's classes and a regressor's quantity."""

from pippin.models.mlmodel.proto import Message
from pippin.models.spec import ModelSpec


def write_classes(spec: ModelSpec, model: Message, network: Message) -> None:
    """Write the labels and the names of the answers."""
    description = model.description
    if spec.classifier is not None:
        vector = network.stringClassLabels if spec.classifier.label_type == "string" else network.int64ClassLabels
        vector.vector.extend(spec.classifier.labels)
        network.labelProbabilityLayerName = spec.classifier.blob or ""
        description.predictedFeatureName = spec.classifier.predicted_feature
        description.predictedProbabilitiesName = spec.classifier.probabilities or ""
    if spec.regressor is not None:
        description.predictedFeatureName = spec.regressor.predicted_feature


def read_classes(model: Message, network: Message) -> dict[str, object]:
    """`classifier` or `regressor` of a spec's document; nothing for a plain network."""
    description = model.description
    match model.WhichOneof("Type"):
        case "neuralNetworkClassifier":
            kind = network.WhichOneof("ClassLabels")
            return {
                "classifier": {
                    "labels": list(getattr(network, kind).vector) if kind else [],
                    "predicted_feature": description.predictedFeatureName,
                    "probabilities": description.predictedProbabilitiesName or None,
                    "blob": network.labelProbabilityLayerName or None,
                }
            }
        case "neuralNetworkRegressor":
            return {"regressor": {"predicted_feature": description.predictedFeatureName}}
    return {}
