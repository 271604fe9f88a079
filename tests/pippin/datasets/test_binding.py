from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pippin.api.datasets import StoredManifest
from pippin.api.requests import DatasetSource, ResolvedDataset
from pippin.datasets.binding import bind
from pippin.datasets.examples import examples_of
from pippin.errors import FaultyDocumentError
from pippin.models.spec import ArrayFeature, resolve
from pippin.models.spec.presets import preset
from pippin.models.trainable import Trainable, trainable_network
from tests.pippin.datasets.samples import Store, idx, npz, picture, pictures

Manifest = Callable[..., StoredManifest]

TABLE = b"y,a,b\n0,1,2\n2,3,4\n1,5,6\n"
NAMED = b"kind,a,b\ncat,1,2\ndog,3,4\ncat,5,6\n"
SOFTMAX = {"type": "softmax", "name": "softmax"}
FLATTEN = {"type": "flatten", "name": "flat"}
EMBED = {"type": "embedding", "name": "embed", "input_dim": 5, "output_channels": 2}
MNIST = trainable_network(resolve(preset("mnist-cnn")))


def dense(channels: int) -> dict[str, Any]:
    return {"type": "inner_product", "name": "dense", "output_channels": channels, "updatable": True}


def classifier(classes: int = 3, width: int = 2, **changes: object) -> Trainable:
    """A softmax over `classes` on a vector `x`, trained on `x` and `y`."""
    document: dict[str, Any] = {
        "inputs": [{"name": "x", "shape": [width]}],
        "outputs": [{"name": "p", "shape": [classes]}],
        "layers": [dense(classes), SOFTMAX],
        "loss": {"type": "categorical_cross_entropy", "target": "y"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
    } | changes
    return trainable_network(resolve(document))


def regressor() -> Trainable:
    """One number predicted from the vector `size`, trained on it and `price`."""
    loss = {"type": "mean_squared_error", "target": "price"}
    return classifier(1, inputs=[{"name": "size", "shape": [2]}], layers=[dense(1)], loss=loss)


def with_input(shape: tuple[int, ...], model: Trainable, **target: Any) -> Trainable:  # noqa: ANN401 - a feature's fields
    """The model with an input `x` of this shape and the target `y`."""
    features = (ArrayFeature(name="x", shape=shape), ArrayFeature(name="y", shape=(1,), **target))
    return model.model_copy(update={"features": features, "target": "y"})


def embedder(*layers: dict[str, Any], **changes: object) -> Trainable:
    """A classifier whose input is a whole number that an embedding looks up."""
    return classifier(width=1, **{"layers": [*(layers or [EMBED]), FLATTEN, dense(3), SOFTMAX]} | changes)


def named(labels: list[Any]) -> Trainable:
    """A classifier of `x` that names its classes."""
    return classifier(
        len(labels),
        classifier={"labels": labels, "predicted_feature": "kind"},
        loss={"type": "categorical_cross_entropy"},
        outputs=[{"name": "kind", "type": "string" if isinstance(labels[0], str) else "int64"}],
    )


@pytest.fixture
def manifest(store: Store) -> Manifest:
    """Stores files, or one table or NPZ, as a dataset."""

    def manifest(files: bytes | dict[str, bytes], **options: str) -> StoredManifest:
        if isinstance(files, bytes):
            files = {"d.npz" if files.startswith(b"PK") else "d.csv": files}
        return store(files, **options).manifest

    return manifest


def bound(dataset: StoredManifest, model: Trainable, **source: Any) -> ResolvedDataset:  # noqa: ANN401 - a request's fields
    return bind(dataset, model, DatasetSource(id="d", **source))


def faults(dataset: StoredManifest, model: Trainable, **source: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - the same
    with pytest.raises(FaultyDocumentError) as raised:
        bound(dataset, model, **source)
    return [(fault.pointer, fault.detail) for fault in raised.value.faults]


def test_preset_model_binds_idx_features_by_position(manifest: Manifest) -> None:
    blank = [[[0] * 28] * 28]
    files = {"train-images": idx(blank), "train-labels": idx([9]), "t10k-images": idx(blank), "t10k-labels": idx([0])}
    dataset = manifest(files)
    assert bound(dataset, MNIST) == ResolvedDataset(
        id="ds_1",
        name="name",
        digest=dataset.digest,
        train="train",
        validation="test",
        validation_fraction=None,
        bind={"image": "image", "output_true": "label"},
    )


@pytest.mark.parametrize(
    ("options", "asked", "expected"),
    [
        ({"inputs": "x:a,b", "target": "y"}, {}, {"x": "x", "y": "y"}),
        ({"inputs": "x:a,b", "target": "label:y"}, {}, {"x": "x", "y": "label"}),
        ({"inputs": "x:a,b;other:b,a", "target": "y"}, {"bind": {"x": "other"}}, {"x": "other", "y": "y"}),
    ],
    ids=["by name in any order", "the remaining feature to the remaining input", "explicitly before by name"],
)
def test_features_are_bound(
    manifest: Manifest, options: dict[str, str], asked: dict[str, Any], expected: dict[str, str]
) -> None:
    assert bound(manifest(TABLE, **options), classifier(), **asked).bind == expected


def test_binding_by_order_only_gives_a_notice(manifest: Manifest) -> None:
    one = classifier(width=1)
    numbers = np.array([[0], [1], [2]])
    unnamed = manifest(npz(dist=numbers, speed=numbers))
    assert bound(unnamed, one).notices[0].startswith("'dist' feeds 'x' and 'speed' is the target 'y', by their order")
    assert bound(unnamed, one, bind={"y": "speed"}).notices == []
    assert bound(manifest(npz(data=numbers, labels=numbers)), one).notices == []
    assert bound(manifest(b"a,kind\n1,2\n0,1\n", target="kind"), one).notices == []


def test_feature_with_the_right_shape_is_suggested(manifest: Manifest) -> None:
    swapped = manifest(npz(arr_0=np.array([0, 1, 2]), arr_1=np.ones((3, 2))))
    assert "in bind, such as 'arr_1', which has this shape" in faults(swapped, classifier())[0][1]


@pytest.mark.parametrize(
    ("options", "asked", "expected"),
    [
        (
            {"inputs": "one:a,b;two:b,a", "target": "y"},
            {},
            [("", "no feature feeds the training input 'x'; name one of one, two, y in bind")],
        ),
        (
            {},
            {"bind": {"x": "nothing", "z/1": "y"}},
            [
                ("/bind/x", "the dataset has no feature 'nothing'; its features are features, y"),
                ("/bind/z~11", "the model has no training input 'z/1'; its training inputs are x, y"),
            ],
        ),
        (
            {},
            {"train": "all", "validation": "rest"},
            [
                ("/train", "the dataset has no split 'all'; its splits are train, test"),
                ("/validation", "the dataset has no split 'rest'; its splits are train, test"),
            ],
        ),
    ],
    ids=["ambiguous features", "unknown features and inputs", "unknown splits"],
)
def test_every_invalid_binding_has_its_pointer(
    manifest: Manifest, options: dict[str, str], asked: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    dataset = manifest({"train.csv": TABLE, "test.csv": TABLE}, **options)
    assert faults(dataset, classifier(), **asked) == expected


def test_holding_out_from_one_example_is_refused(manifest: Manifest) -> None:
    assert faults(manifest(b"y,a,b\n0,1,2\n"), classifier(), validation_fraction=0.5) == [
        ("/validation_fraction", "the split 'train' has only one example, so none can be held out")
    ]


def test_shapes_must_be_equal(manifest: Manifest) -> None:
    expected = "the training input 'x' has the shape [3], and the dataset's feature 'features' has [2]"
    assert faults(manifest(TABLE), classifier(width=3)) == [
        ("", f"{expected}; change the model or the dataset so that the shapes are equal")
    ]
    ((pointer, _),) = faults(manifest(TABLE), classifier(width=3), bind={"x": "features"})
    assert pointer == "/bind/x"


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ((1, 4), (4,)),
        ((4,), (1, 4)),
        ((4,), (4, 1, 1)),
        ((1, 1), (1,)),
        ((28, 28), (28, 28)),
        ((1, 3, 4, 5), (3, 4, 5)),
        ((1, 1, 4, 5), (4, 5)),
        ((2, 3, 4, 5), (2, 3, 4, 5)),
        ((4, 1, 5), (4, 5)),
    ],
)
def test_shapes_that_differ_by_axes_of_one_fit(store: Store, wanted: tuple[int, ...], sent: tuple[int, ...]) -> None:
    dataset = store({"d.npz": npz(x=np.ones((2, *sent), np.float32), y=np.ones((2, 1, 1), np.float32))})
    model = with_input(wanted, regressor())
    examples = examples_of(bound(dataset.manifest, model), dataset.manifest, model, dataset.arrays, "train")
    assert {name: array.shape for name, array in examples.arrays.items()} == {"x": (2, *wanted), "y": (2, 1)}


@pytest.mark.parametrize(
    ("wanted", "sent", "remedy"),
    [
        ((4,), (2, 2), "send an NPZ with an array [N, 4]"),
        ((5, 4), (4, 5), "send an NPZ with an array [N, 5, 4]"),
        ((4, 5), (4, 4), "change the model or the dataset so that the shapes are equal"),
    ],
)
def test_other_axes_do_not_fit(manifest: Manifest, wanted: tuple[int, ...], sent: tuple[int, ...], remedy: str) -> None:
    dataset = manifest(npz(x=np.ones((2, *sent), np.float32), y=np.ones((2, 1), np.float32)))
    ((_, detail),) = faults(dataset, with_input(wanted, regressor()))
    assert detail.endswith(remedy)


@pytest.mark.parametrize(
    ("wanted", "remedy"),
    [((1, 4, 4), "make the pictures 4 by 4 pixels"), ((3, 2, 2), "upload the pictures with color=rgb")],
)
def test_pictures_of_another_shape_are_refused_with_the_remedy(
    manifest: Manifest, wanted: tuple[int, ...], remedy: str
) -> None:
    dataset = manifest(pictures("a/1.png", "b/1.png", content=picture((2, 2))))
    model = with_input(wanted, classifier(2), type="int")
    ((_, detail),) = faults(dataset, model, bind={"x": "image", "y": "label"})
    assert detail.endswith(remedy)


def test_equal_number_of_values_suggests_the_shape_option(manifest: Manifest) -> None:
    row = b"7" + b",0" * 784
    ((_, detail),) = faults(manifest(row), MNIST)
    assert detail.endswith("has [784]; upload the table with shape=1,28,28")
    assert bound(manifest(row, shape="1,28,28"), MNIST)


@pytest.mark.parametrize(("row", "said"), [(b"3", "3"), (b"-1", "-1"), (b"0.5", "not a whole number")])
def test_label_out_of_range_is_refused_with_its_row(manifest: Manifest, row: bytes, said: str) -> None:
    expected = f"'y' is {said} at d.csv row 5 (split train); the model has 3 classes, 0 to 2"
    assert faults(manifest(TABLE + row + b",1,1"), classifier()) == [("", expected)]


def test_labels_of_the_validation_split_are_checked(manifest: Manifest) -> None:
    dataset = manifest({"train.csv": TABLE, "test.csv": b"y,a,b\n7,1,1\n"})
    assert "'y' is 7 at test.csv row 2 (split test)" in faults(dataset, classifier())[0][1]
    # Labels of a split that the job does not use are not checked.
    assert bound(dataset, classifier(), validation_fraction=0.5).validation is None


def test_integral_floats_are_labels(manifest: Manifest) -> None:
    dataset = manifest(b"y,a,b\n0.0,1,2\n2.0,3,4\n")
    assert dataset.features[-1].dtype == "float32"
    assert bound(dataset, classifier()).bind["y"] == "y"


def test_pixels_are_no_labels(manifest: Manifest) -> None:
    inputs = [{"name": "x", "shape": [2]}, {"name": "y", "shape": [1], "type": "int"}]
    dataset = manifest({"images": idx([[1, 2]]), "labels": idx([1])})
    ((pointer, detail),) = faults(dataset, classifier(training_inputs=inputs), bind={"y": "image", "x": "image"})
    assert pointer == "/bind/y"
    assert detail.endswith("'image' has the shape [2]; bind a feature of shape [1]")


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)])
def test_one_hot_rows_are_no_class_numbers(manifest: Manifest, shape: tuple[int, ...]) -> None:
    dataset = manifest(npz(x=np.ones((3, 2), np.float32), y=np.eye(3, dtype=np.uint8).reshape(3, *shape)))
    ((_, detail),) = faults(dataset, classifier())
    assert "'y' takes one class number per example" in detail
    assert detail.endswith("send class numbers instead of one-hot rows (in NumPy, rows.argmax(axis=-1))")


def test_one_hot_columns_of_a_table_are_no_class_numbers(manifest: Manifest) -> None:
    dataset = manifest(b"a,b,red,green,blue\n1,2,1,0,0\n3,4,0,1,0\n", target="y:red,green,blue", inputs="x:a,b")
    assert "one-hot rows" in faults(dataset, classifier())[0][1]


def test_class_names_are_no_quantities(manifest: Manifest) -> None:
    ((pointer, detail),) = faults(manifest(NAMED, target="price:kind", inputs="size:a,b"), regressor())
    assert pointer == ""
    assert detail.startswith("the loss compares 'price' as a quantity, and the dataset's feature 'price' holds class")
    assert "('cat', 'dog')" in detail
    assert "categorical_cross_entropy" in detail


def test_class_names_apply_to_their_own_feature_only(manifest: Manifest) -> None:
    dataset = manifest(b"kind,a,b,grade\ncat,1,2,1\ndog,3,4,0\n", target="kind", inputs="x:a,b;y:grade")
    assert bound(dataset, classifier(2)).bind == {"x": "x", "y": "y"}
    assert bound(dataset, regressor(), bind={"size": "x", "price": "y"}).bind["price"] == "y"


def test_integers_can_be_a_regression_target(manifest: Manifest) -> None:
    dataset = manifest(TABLE, target="price:y", inputs="size:a,b")
    assert dataset.features[-1].dtype == "int32"
    assert bound(dataset, regressor()).bind == {"size": "size", "price": "price"}


@pytest.mark.parametrize(
    ("files", "asked", "expected"),
    [
        (["train", "validation", "test"], {}, "validation"),
        (["train", "test"], {}, "test"),
        (["train", "more"], {}, None),
        (["train", "test"], {"train": "test"}, None),
        (["train", "more"], {"validation": "more"}, "more"),
        (["train", "test"], {"validation_fraction": 0.3}, None),
    ],
)
def test_validation_split_is_chosen_by_name(
    manifest: Manifest, files: list[str], asked: dict[str, Any], expected: str | None
) -> None:
    assert bound(manifest({f"{name}.csv": TABLE for name in files}), classifier(), **asked).validation == expected


def test_classes_are_matched_by_their_names(manifest: Manifest) -> None:
    dataset = manifest(NAMED, target="kind", inputs="x:a,b")
    assert bound(dataset, named(["dog", "bird", "cat"])).classes == [[0, 2], [1, 0]]
    ((pointer, detail),) = faults(dataset, named(["dog", "bird"]))
    assert pointer == ""
    assert "'cat'" in detail


def test_integer_labels_are_matched_by_value(manifest: Manifest) -> None:
    def numbered(*labels: int) -> StoredManifest:
        rows = "".join(f"{label},1,2\n" for label in labels)
        return manifest(f"y,a,b\n{rows}".encode(), target="kind:y", inputs="x:a,b")

    assert bound(numbered(7, 5), named([5, 6, 7])).classes == [[5, 0], [6, 1], [7, 2]]
    ((_, detail),) = faults(numbered(8, 5), named([5, 6, 7]))
    assert "'kind' is 8" in detail


def test_class_numbers_are_positions_for_a_model_with_names(manifest: Manifest) -> None:
    resolved = bound(manifest(TABLE, target="kind:y", inputs="x:a,b"), named(["a", "b", "c"]))
    assert resolved.classes is None
    assert resolved.notices == [
        "the dataset's numbers are read as positions of the model's classes: 0 is 'a', 1 is 'b', 2 is 'c'"
    ]


def test_image_input_takes_integer_pixels_only(manifest: Manifest) -> None:
    image = {"name": "x", "type": "image", "color": "gray", "width": 2, "height": 1}
    model = classifier(inputs=[image], layers=[FLATTEN, dense(3), SOFTMAX])
    options = {"inputs": "x:a,b", "target": "y", "shape": "1,1,2"}
    assert bound(manifest(TABLE, **options), model).bind["x"] == "x"
    ((_, detail),) = faults(manifest(b"y,a,b\n0,0.5,2\n2,3,4\n", **options), model)
    assert "takes pixels" in detail


@pytest.mark.parametrize(("index", "said"), [(b"5", "5"), (b"-1", "-1"), (b"0.5", "not a whole number")])
def test_embedding_index_out_of_range_is_refused_with_its_row(manifest: Manifest, index: bytes, said: str) -> None:
    valid = b"y,x\n0,0\n1,4\n"
    assert bound(manifest(valid, inputs="x:x"), embedder()).bind["x"] == "x"
    expected = (
        f"'x' is {said} at d.csv row 4 (split train); "
        "the training input 'x' takes whole numbers from 0 to 4, which an embedding looks up"
    )
    assert faults(manifest(valid + b"2," + index + b"\n", inputs="x:x"), embedder()) == [("", expected)]


def test_scaled_bytes_are_no_indices(manifest: Manifest) -> None:
    model = embedder(
        EMBED,
        {"type": "reshape", "name": "joined", "target_shape": [1, 4, 1, 1]},
        inputs=[{"name": "x", "shape": [2, 1, 1, 1, 1]}],
        array_input_shape_mapping="exact",
        outputs=[{"name": "p"}],
    )
    arrays = npz(x=np.ones((2, 2, 1, 1, 1, 1), np.uint8), y=np.array([[1], [0]], np.int32))
    # Bytes that are no picture are whole numbers.
    assert bound(manifest(arrays), model)
    ((_, detail),) = faults(manifest(arrays, scale="0.5"), model)
    assert detail.startswith("the training input 'x' takes whole numbers, and the dataset's feature 'x' holds pixels")


def test_input_is_an_index_if_only_embeddings_read_it() -> None:
    few = EMBED | {"name": "few", "input": "x", "input_dim": 3}
    rearranged = {"type": "flatten", "name": "rearranged"}
    shifted = {"type": "linear", "name": "shifted", "alpha": 1, "beta": 0}
    assert classifier().indices == {}
    assert embedder().indices == {"x": 5}
    assert embedder(rearranged, EMBED).indices == {"x": 5}
    assert embedder(shifted, EMBED).indices == {}
    assert embedder(few, EMBED | {"input": "x"}).indices == {"x": 3}
