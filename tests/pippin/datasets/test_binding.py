import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.api.datasets import StoredManifest
from pippin.api.requests import DatasetSource, ResolvedDataset
from pippin.datasets.binding import bind
from pippin.datasets.examples import examples_of
from pippin.errors import FaultyDocumentError
from pippin.models.spec import ArrayFeature, resolve
from pippin.models.spec.presets import preset
from pippin.models.trainable import Trainable, trainable_network


def classifier(classes: int = 3, width: int = 2, **changes: object) -> Trainable:
    """A softmax over `classes` on a vector `x`, trained on `x` and `y`."""
    document: dict[str, Any] = {
        "inputs": [{"name": "x", "shape": [width]}],
        "outputs": [{"name": "p", "shape": [classes]}],
        "layers": [
            {"type": "inner_product", "name": "dense", "output_channels": classes, "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "loss": {"type": "categorical_cross_entropy", "target": "y"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
    } | changes
    return trainable_network(resolve(document))


def regressor() -> Trainable:
    """One number predicted from the vector `size`, trained on it and `price`."""
    document = {
        "inputs": [{"name": "size", "shape": [2]}],
        "outputs": [{"name": "p", "shape": [1]}],
        "layers": [{"type": "inner_product", "name": "dense", "output_channels": 1, "updatable": True}],
        "loss": {"type": "mean_squared_error", "target": "price"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
    }
    return trainable_network(resolve(document))


@pytest.fixture
def manifest(store: Callable[..., Any]) -> Callable[..., StoredManifest]:
    def manifest(files: bytes | dict[str, bytes], **options: str) -> StoredManifest:
        found: StoredManifest = store({"d.csv": files} if isinstance(files, bytes) else files, **options).manifest
        return found

    return manifest


def npz(**arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
    return file.getvalue()


def faults(manifest: StoredManifest, resolved: Trainable, **source: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # a request's fields
    with pytest.raises(FaultyDocumentError) as raised:
        bind(manifest, resolved, DatasetSource(id="d", **source))
    return [(fault.pointer, fault.detail) for fault in raised.value.faults]


TABLE = b"y,a,b\n0,1,2\n2,3,4\n1,5,6\n"


def test_preset_model_binds_idx_features_by_position(store: Callable[..., Any], idx: Callable[..., bytes]) -> None:
    blank = [[[0] * 28] * 28]
    files = {"train-images": idx(blank), "train-labels": idx([9]), "t10k-images": idx(blank), "t10k-labels": idx([0])}
    found = bind(store(files).manifest, trainable_network(resolve(preset("mnist-cnn"))), DatasetSource(id="mnist"))
    assert found == ResolvedDataset(
        id="ds_1",
        name="name",
        digest=found.digest,
        train="train",
        validation="test",
        validation_fraction=None,
        bind={"image": "image", "output_true": "label"},
    )


def test_features_are_matched_by_name_in_any_order(manifest: Callable[..., StoredManifest]) -> None:
    found = bind(manifest(TABLE, inputs="x:a,b", target="y"), classifier(), DatasetSource(id="d"))
    assert found.bind == {"x": "x", "y": "y"}


def test_remaining_feature_binds_to_the_remaining_input(manifest: Callable[..., StoredManifest]) -> None:
    found = bind(manifest(TABLE, inputs="x:a,b", target="label:y"), classifier(), DatasetSource(id="d"))
    assert found.bind == {"x": "x", "y": "label"}


def test_binding_by_order_only_gives_a_notice(manifest: Callable[..., StoredManifest]) -> None:
    one = classifier(width=1)
    numbers = np.array([[0], [1], [2]])
    found = bind(manifest({"d.npz": npz(dist=numbers, speed=numbers)}), one, DatasetSource(id="d"))
    assert found.notices[0].startswith("'dist' feeds 'x' and 'speed' is the target 'y', by their order")
    for named in (
        bind(manifest({"d.npz": npz(dist=numbers, speed=numbers)}), one, DatasetSource(id="d", bind={"y": "speed"})),
        bind(manifest({"d.npz": npz(data=numbers, labels=numbers)}), one, DatasetSource(id="d")),
        bind(manifest(b"a,kind\n1,2\n0,1\n", target="kind"), one, DatasetSource(id="d")),
    ):
        assert named.notices == []


def test_feature_with_the_right_shape_is_suggested(manifest: Callable[..., StoredManifest]) -> None:
    swapped = manifest({"d.npz": npz(arr_0=np.array([0, 1, 2]), arr_1=np.ones((3, 2)))})
    assert "in bind, such as 'arr_1', which has this shape" in faults(swapped, classifier())[0][1]


def test_explicit_bind_overrides_matching_by_name(manifest: Callable[..., StoredManifest]) -> None:
    dataset = manifest(TABLE, inputs="x:a,b;other:b,a", target="y")
    found = bind(dataset, classifier(), DatasetSource(id="d", bind={"x": "other"}))
    assert found.bind == {"x": "other", "y": "y"}


def test_ambiguous_features_are_refused(manifest: Callable[..., StoredManifest]) -> None:
    dataset = manifest(TABLE, inputs="one:a,b;two:b,a", target="y")
    assert faults(dataset, classifier()) == [
        ("", "no feature feeds the training input 'x'; name one of one, two, y in bind")
    ]


def test_every_invalid_binding_has_its_pointer(manifest: Callable[..., StoredManifest]) -> None:
    found = faults(manifest(TABLE), classifier(), bind={"x": "nothing", "z/1": "y"})
    assert found == [
        ("/bind/x", "the dataset has no feature 'nothing'; its features are features, y"),
        ("/bind/z~11", "the model has no training input 'z/1'; its training inputs are x, y"),
    ]


def test_shapes_must_be_equal(manifest: Callable[..., StoredManifest]) -> None:
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
def test_shapes_that_differ_by_axes_of_one_fit(
    store: Callable[..., Any], wanted: tuple[int, ...], sent: tuple[int, ...]
) -> None:
    dataset = store({"d.npz": npz(x=np.ones((2, *sent), np.float32), y=np.ones((2, 1, 1), np.float32))})
    model = regressor().model_copy(update={"features": (ArrayFeature(name="x", shape=wanted), _TRUTH), "target": "y"})
    bound = bind(dataset.manifest, model, DatasetSource(id="d"))
    examples = examples_of(bound, dataset.manifest, model, dataset.arrays, "train")
    assert {name: array.shape for name, array in examples.arrays.items()} == {"x": (2, *wanted), "y": (2, 1)}


@pytest.mark.parametrize(
    ("wanted", "sent", "remedy"),
    [
        ((4,), (2, 2), "send an NPZ with an array [N, 4]"),
        ((5, 4), (4, 5), "send an NPZ with an array [N, 5, 4]"),
        ((4, 5), (4, 4), "change the model or the dataset so that the shapes are equal"),
    ],
)
def test_other_axes_do_not_fit(
    store: Callable[..., Any], wanted: tuple[int, ...], sent: tuple[int, ...], remedy: str
) -> None:
    dataset = store({"d.npz": npz(x=np.ones((2, *sent), np.float32), y=np.ones((2, 1), np.float32))})
    model = regressor().model_copy(update={"features": (ArrayFeature(name="x", shape=wanted), _TRUTH), "target": "y"})
    ((_, detail),) = faults(dataset.manifest, model)
    assert detail.endswith(remedy)


@pytest.mark.parametrize(
    ("wanted", "remedy"),
    [((1, 4, 4), "make the pictures 4 by 4 pixels"), ((3, 2, 2), "upload the pictures with color=rgb")],
)
def test_pictures_of_another_shape_are_refused_with_the_remedy(
    store: Callable[..., Any], pictures: Callable[..., bytes], wanted: tuple[int, ...], remedy: str
) -> None:
    dataset = store({"d.zip": pictures()})
    model = classifier(2).model_copy(update={"features": (ArrayFeature(name="x", shape=wanted), _CLASS), "target": "y"})
    ((_, detail),) = faults(dataset.manifest, model, bind={"x": "image", "y": "label"})
    assert detail.endswith(remedy)


_TRUTH = ArrayFeature(name="y", shape=(1,))
_CLASS = ArrayFeature(name="y", shape=(1,), type="int")


@pytest.fixture
def pictures() -> Callable[[], bytes]:
    """A ZIP of two gray pictures of 2 by 2 in two classes."""

    def zipped() -> bytes:
        file, picture = io.BytesIO(), io.BytesIO()
        Image.new("L", (2, 2)).save(picture, "PNG")
        with zipfile.ZipFile(file, "w") as archive:
            for label in ("a", "b"):
                archive.writestr(f"{label}/1.png", picture.getvalue())
        return file.getvalue()

    return zipped


def test_equal_number_of_values_suggests_the_shape_option(manifest: Callable[..., StoredManifest]) -> None:
    row = b"7" + b",0" * 784
    ((_, detail),) = faults(manifest(row), trainable_network(resolve(preset("mnist-cnn"))))
    assert detail.endswith("has [784]; upload the table with shape=1,28,28")
    assert bind(manifest(row, shape="1,28,28"), trainable_network(resolve(preset("mnist-cnn"))), DatasetSource(id="d"))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (b"3,1,1", "'y' is 3 at d.csv row 5 (split train); the model has 3 classes, 0 to 2"),
        (b"-1,1,1", "'y' is -1 at d.csv row 5 (split train); the model has 3 classes, 0 to 2"),
        (b"0.5,1,1", "'y' is not a whole number at d.csv row 5 (split train); the model has 3 classes, 0 to 2"),
    ],
)
def test_label_out_of_range_is_refused_with_its_row(
    manifest: Callable[..., StoredManifest], row: bytes, expected: str
) -> None:
    assert faults(manifest(TABLE + row), classifier()) == [("", expected)]


def test_labels_of_the_validation_split_are_checked(manifest: Callable[..., StoredManifest]) -> None:
    dataset = manifest({"train.csv": TABLE, "test.csv": b"y,a,b\n7,1,1\n"})
    assert "'y' is 7 at test.csv row 2 (split test)" in faults(dataset, classifier())[0][1]
    # Labels of a split that the job does not use are not checked.
    assert bind(dataset, classifier(), DatasetSource(id="d", validation_fraction=0.5)).validation is None


def test_integral_floats_are_labels(manifest: Callable[..., StoredManifest]) -> None:
    dataset = manifest(b"y,a,b\n0.0,1,2\n2.0,3,4\n")
    assert dataset.features[-1].dtype == "float32"
    assert bind(dataset, classifier(), DatasetSource(id="d")).bind["y"] == "y"


def test_pixels_are_no_labels(store: Callable[..., Any], idx: Callable[..., bytes]) -> None:
    dataset = store({"images": idx([[1, 2]]), "labels": idx([1])}).manifest
    inputs = [{"name": "x", "shape": [2]}, {"name": "y", "shape": [1], "type": "int"}]
    ((pointer, detail),) = faults(dataset, classifier(training_inputs=inputs), bind={"y": "image", "x": "image"})
    assert pointer == "/bind/y"
    assert detail.endswith("'image' has the shape [2]; bind a feature of shape [1]")


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)])
def test_one_hot_rows_are_no_class_numbers(store: Callable[..., Any], shape: tuple[int, ...]) -> None:
    arrays = npz(x=np.ones((3, 2), np.float32), y=np.eye(3, dtype=np.uint8).reshape(3, *shape))
    ((_, detail),) = faults(store({"d.npz": arrays}).manifest, classifier())
    assert "'y' takes one class number per example" in detail
    assert detail.endswith("send class numbers instead of one-hot rows (in NumPy, rows.argmax(axis=-1))")


def test_one_hot_columns_of_a_table_are_no_class_numbers(manifest: Callable[..., StoredManifest]) -> None:
    table = manifest(b"a,b,red,green,blue\n1,2,1,0,0\n3,4,0,1,0\n", target="y:red,green,blue", inputs="x:a,b")
    assert "one-hot rows" in faults(table, classifier())[0][1]


def test_class_names_are_no_quantities(manifest: Callable[..., StoredManifest]) -> None:
    ((pointer, detail),) = faults(manifest(NAMED, target="price:kind", inputs="size:a,b"), regressor())
    assert pointer == ""
    assert detail.startswith("the loss compares 'price' as a quantity, and the dataset's feature 'price' holds class")
    assert "('cat', 'dog')" in detail
    assert "categorical_cross_entropy" in detail


def test_class_names_apply_to_their_own_feature_only(manifest: Callable[..., StoredManifest]) -> None:
    table = manifest(b"kind,a,b,grade\ncat,1,2,1\ndog,3,4,0\n", target="kind", inputs="x:a,b;y:grade")
    assert bind(table, classifier(2), DatasetSource(id="d")).bind == {"x": "x", "y": "y"}
    priced = bind(table, regressor(), DatasetSource(id="d", bind={"size": "x", "price": "y"}))
    assert priced.bind["price"] == "y"


def test_integers_can_be_a_regression_target(manifest: Callable[..., StoredManifest]) -> None:
    dataset = manifest(TABLE, target="price:y", inputs="size:a,b")
    assert dataset.features[-1].dtype == "int32"
    assert bind(dataset, regressor(), DatasetSource(id="d")).bind == {"size": "size", "price": "price"}


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
    manifest: Callable[..., StoredManifest], files: list[str], asked: dict[str, Any], expected: str | None
) -> None:
    dataset = manifest({f"{name}.csv": TABLE for name in files})
    assert bind(dataset, classifier(), DatasetSource(id="d", **asked)).validation == expected


def test_unknown_splits_are_refused_with_the_known_ones(manifest: Callable[..., StoredManifest]) -> None:
    dataset = manifest({"train.csv": TABLE, "test.csv": TABLE})
    assert faults(dataset, classifier(), train="all", validation="rest") == [
        ("/train", "the dataset has no split 'all'; its splits are train, test"),
        ("/validation", "the dataset has no split 'rest'; its splits are train, test"),
    ]


def test_holding_out_from_one_example_is_refused(manifest: Callable[..., StoredManifest]) -> None:
    found = faults(manifest(b"y,a,b\n0,1,2\n"), classifier(), validation_fraction=0.5)
    assert found == [("/validation_fraction", "the split 'train' has only one example, so none can be held out")]


NAMED = b"kind,a,b\ncat,1,2\ndog,3,4\ncat,5,6\n"


def named(labels: list[Any]) -> Trainable:
    """A classifier of `x` that names its classes."""
    classes = {"labels": labels, "predicted_feature": "kind"}
    changes = {"outputs": [{"name": "kind", "type": "string" if isinstance(labels[0], str) else "int64"}]}
    loss = {"type": "categorical_cross_entropy"}
    return classifier(len(labels), classifier=classes, loss=loss, **changes)


def test_classes_are_matched_by_their_names(manifest: Callable[..., StoredManifest]) -> None:
    found = bind(manifest(NAMED, target="kind", inputs="x:a,b"), named(["dog", "bird", "cat"]), DatasetSource(id="d"))
    assert found.classes == [[0, 2], [1, 0]]


def test_class_unknown_to_the_model_is_named(manifest: Callable[..., StoredManifest]) -> None:
    ((pointer, detail),) = faults(manifest(NAMED, target="kind", inputs="x:a,b"), named(["dog", "bird"]))
    assert pointer == ""
    assert "'cat'" in detail


def test_integer_labels_are_matched_by_value(manifest: Callable[..., StoredManifest]) -> None:
    table = manifest(b"y,a,b\n7,1,2\n5,3,4\n", target="kind:y", inputs="x:a,b")
    assert bind(table, named([5, 6, 7]), DatasetSource(id="d")).classes == [[5, 0], [6, 1], [7, 2]]
    ((_, detail),) = faults(manifest(b"y,a,b\n8,1,2\n5,3,4\n", target="kind:y", inputs="x:a,b"), named([5, 6, 7]))
    assert "'kind' is 8" in detail


def test_class_numbers_are_positions_for_a_model_with_names(manifest: Callable[..., StoredManifest]) -> None:
    table = manifest(TABLE, target="kind:y", inputs="x:a,b")
    found = bind(table, named(["a", "b", "c"]), DatasetSource(id="d"))
    assert found.classes is None
    assert found.notices == [
        "the dataset's numbers are read as positions of the model's classes: 0 is 'a', 1 is 'b', 2 is 'c'"
    ]


def test_image_input_takes_integer_pixels_only(manifest: Callable[..., StoredManifest]) -> None:
    image = {"name": "x", "type": "image", "color": "gray", "width": 2, "height": 1}
    layers = [
        {"type": "flatten", "name": "flat"},
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ]
    model = classifier(inputs=[image], layers=layers)
    assert (
        bind(manifest(TABLE, inputs="x:a,b", target="y", shape="1,1,2"), model, DatasetSource(id="d")).bind["x"] == "x"
    )
    fractions = manifest(b"y,a,b\n0,0.5,2\n2,3,4\n", inputs="x:a,b", target="y", shape="1,1,2")
    ((_, detail),) = faults(fractions, model)
    assert "takes pixels" in detail


EMBEDDED: dict[str, Any] = {
    "width": 1,
    "layers": [
        {"type": "embedding", "name": "embed", "input_dim": 5, "output_channels": 2},
        {"type": "flatten", "name": "flat"},
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ],
}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"5", "'x' is 5 at d.csv row 4 (split train)"),
        (b"-1", "'x' is -1 at d.csv row 4 (split train)"),
        (b"0.5", "'x' is not a whole number at d.csv row 4 (split train)"),
    ],
)
def test_embedding_index_out_of_range_is_refused_with_its_row(
    manifest: Callable[..., StoredManifest], rows: bytes, said: str
) -> None:
    right = b"y,x\n0,0\n1,4\n"
    assert bind(manifest(right, inputs="x:x"), classifier(**EMBEDDED), DatasetSource(id="d")).bind["x"] == "x"
    expected = f"{said}; the training input 'x' takes whole numbers from 0 to 4, which an embedding looks up"
    assert faults(manifest(right + b"2," + rows + b"\n", inputs="x:x"), classifier(**EMBEDDED)) == [("", expected)]


def embedding_classifier(shape: tuple[int, ...]) -> Trainable:
    """A classifier whose input is looked up in an embedding, number by number."""
    embed, _, *rest = EMBEDDED["layers"]
    return classifier(
        inputs=[{"name": "x", "shape": list(shape)}],
        array_input_shape_mapping="exact",
        outputs=[{"name": "p"}],
        layers=[embed, {"type": "reshape", "name": "joined", "target_shape": [1, 2 * shape[0], 1, 1]}, *rest],
    )


def test_scaled_bytes_are_no_indices(store: Callable[..., Any]) -> None:
    arrays = npz(x=np.ones((2, 2, 1, 1, 1, 1), np.uint8), y=np.array([[1], [0]], np.int32))
    # Bytes that are no picture are whole numbers.
    assert bind(store({"d.npz": arrays}).manifest, embedding_classifier((2, 1, 1, 1, 1)), DatasetSource(id="d"))
    ((_, detail),) = faults(store({"d.npz": arrays}, scale="0.5").manifest, embedding_classifier((2, 1, 1, 1, 1)))
    assert detail.startswith("the training input 'x' takes whole numbers, and the dataset's feature 'x' holds pixels")


def test_input_is_an_index_if_only_embeddings_read_it() -> None:
    embed, *rest = EMBEDDED["layers"]
    few = embed | {"name": "few", "input": "x", "input_dim": 3}
    flat = {"type": "flatten", "name": "rearranged"}
    shifted = {"type": "linear", "name": "shifted", "alpha": 1, "beta": 0}
    assert classifier().indices == {}
    assert classifier(**EMBEDDED).indices == {"x": 5}
    assert classifier(**EMBEDDED | {"layers": [flat, embed, *rest]}).indices == {"x": 5}
    assert classifier(**EMBEDDED | {"layers": [shifted, embed, *rest]}).indices == {}
    assert classifier(**EMBEDDED | {"layers": [few, embed | {"input": "x"}, *rest]}).indices == {"x": 3}
