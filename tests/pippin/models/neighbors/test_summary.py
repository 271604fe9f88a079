"""The API's summary of a classifier."""

from pippin.models.neighbors import read_neighbors, summary
from tests.pippin.models.neighbors.classifiers import make_message


def test_a_classifier_is_described() -> None:
    message = make_message(number_of_neighbors=3, index_type="kd_tree", leaf_size=12)
    assert summary(read_neighbors(message)).model_dump(mode="json", exclude_none=True) == {
        "kind": "nearest_neighbors",
        "inputs": [{"name": "point", "shape": [2], "type": "float"}],
        "outputs": [{"name": "color", "type": "string"}, {"name": "colorProbs", "type": "dictionary"}],
        "training_inputs": [{"name": "point", "shape": [2], "type": "float"}, {"name": "color", "type": "string"}],
        "neighbors": {
            "dimensions": 2,
            "number_of_neighbors": {"default": 3, "minimum": 1, "maximum": 1000},
            "weighting": "uniform",
            "index": "kd_tree",
            "leaf_size": 12,
            "distance": "squared_euclidean",
            "samples": 3,
            "label_type": "string",
            "classes": [{"label": "red", "count": 2}, {"label": "blue", "count": 1}],
            "default_label": "none",
        },
    }


def test_empty_classifier_with_integer_labels_is_described() -> None:
    message = make_message(samples=(), default=7)
    message.description.ClearField("predictedProbabilitiesName")
    message.description.output.pop()
    message.kNearestNeighborsClassifier.numberOfNeighbors.set.values.extend([5, 9])
    described = summary(read_neighbors(message))
    assert [(output.name, output.type) for output in described.outputs] == [("color", "int64")]
    assert described.neighbors.number_of_neighbors.allowed == [5, 9]
    assert (described.neighbors.samples, described.neighbors.classes) == (0, [])
    assert (described.neighbors.default_label, described.neighbors.leaf_size) == (7, None)


def test_labels_stay_strings_or_integers() -> None:
    for labels in (("1", "2", "1"), (1, 2, 1)):
        described = summary(read_neighbors(make_message(labels=labels, default=labels[0])))
        found = type(described).model_validate_json(described.model_dump_json())
        assert [entry.label for entry in found.neighbors.classes] == list(labels[:2])
