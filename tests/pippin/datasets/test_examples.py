from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from pippin.api.datasets import Manifest, StoredManifest
from pippin.api.requests import ResolvedDataset
from pippin.datasets.errors import DatasetError
from pippin.datasets.examples import Examples, picture_scales, split_examples
from pippin.models.spec import ArrayFeature, Feature, ImageFeature
from pippin.models.trainable import Trainable

_IMAGE = ArrayFeature(name="image", shape=(1, 2, 2))
_ARRAYS: Mapping[str, Any] = {
    "train/pixels": np.arange(40, dtype=np.uint8).reshape(10, 1, 2, 2),
    "train/label": np.arange(10, dtype=np.int32).reshape(10, 1),
    "test/pixels": np.zeros((3, 1, 2, 2), np.uint8),
    "test/label": np.zeros((3, 1), np.int32),
}


def _manifest() -> Manifest:
    return Manifest.model_validate(
        {
            "id": "ds_1",
            "name": None,
            "format": "npz",
            "digest": "sha256:" + "0" * 64,
            "bytes": 1,
            "features": [
                {"name": "pixels", "shape": (1, 2, 2), "dtype": "uint8", "scale": 1 / 255},
                {"name": "label", "shape": (1,), "dtype": "int32"},
            ],
            "splits": [{"name": "train", "examples": 10}, {"name": "test", "examples": 3}],
            "labels": None,
            "created_at": datetime.now(UTC),
        }
    )


def _model(image: Feature) -> Trainable:
    truth = ArrayFeature(name="truth", shape=(1,), type="int")
    return Trainable(features=(image, truth), target="truth", classes=10, method="sgd", counts={})


def _split(
    arrays: Mapping[str, Any] = _ARRAYS, seed: int = 7, image: Feature = _IMAGE, **dataset: object
) -> tuple[Examples, Examples | None]:
    return split_examples(_dataset(**dataset), _manifest(), _model(image), arrays, seed)


def _divided(**dataset: Any) -> tuple[Examples, Examples]:  # noqa: ANN401 - as `_split` takes them
    """The examples for training and those for validation."""
    training, validation = _split(**dataset)
    assert validation is not None
    return training, validation


def _dataset(**changes: object) -> ResolvedDataset:
    fields = {
        "id": "ds_1",
        "name": None,
        "digest": "sha256:" + "0" * 64,
        "train": "train",
        "validation": None,
        "validation_fraction": None,
        "bind": {"image": "pixels", "truth": "label"},
    }
    return ResolvedDataset.model_validate(fields | changes)


def test_each_training_input_gets_its_bound_feature_and_scale() -> None:
    training, validation = _split()
    assert validation is None
    assert training.count == 10
    assert training.scales == {"image": 1 / 255, "truth": 1.0}
    assert training.arrays["image"].dtype == np.uint8
    np.testing.assert_array_equal(training.arrays["image"], _ARRAYS["train/pixels"])
    np.testing.assert_array_equal(training.arrays["truth"], _ARRAYS["train/label"])


def test_validation_uses_the_named_split() -> None:
    _, validation = _divided(validation="test")
    assert validation.count == 3
    assert validation.scales["image"] == 1 / 255


def test_seed_divides_all_examples_into_held_out_and_training() -> None:
    training, held = _divided(validation_fraction=0.3)
    again, held_again = _divided(validation_fraction=0.3)
    _, held_otherwise = _divided(validation_fraction=0.3, seed=8)
    assert (training.count, held.count) == (7, 3)
    rows = np.concatenate([training.arrays["truth"], held.arrays["truth"]]).ravel()
    assert sorted(rows.tolist()) == list(range(10))
    np.testing.assert_array_equal(training.arrays["truth"], again.arrays["truth"])
    np.testing.assert_array_equal(held.arrays["image"], held_again.arrays["image"])
    assert held.arrays["truth"].tolist() != held_otherwise.arrays["truth"].tolist()
    # Pictures stay with their labels.
    np.testing.assert_array_equal(held.arrays["image"][:, 0, 0, 0] // 4, held.arrays["truth"][:, 0])


@pytest.mark.parametrize(("fraction", "held"), [(0.001, 1), (0.999, 9)])
def test_fraction_leaves_at_least_one_example_on_each_side(fraction: float, held: int) -> None:
    training, validation = _divided(validation_fraction=fraction)
    assert (training.count, validation.count) == (10 - held, held)


@pytest.mark.parametrize(
    ("arrays", "dataset", "message"),
    [
        (
            {name: array[:1] for name, array in _ARRAYS.items()},
            {"validation_fraction": 0.5},
            "of 1 example none can be held out",
        ),
        ({}, {"validation": "holdout"}, "no feature pixels in a split holdout; it has test/label, test/pixels"),
        (
            {"train/pixels": np.zeros((10, 1, 3, 3), np.uint8)},
            {},
            r"pixels has the shape \[1, 3, 3\].*image of shape \[1, 2, 2\]",
        ),
        ({"train/label": np.zeros((9, 1), np.int32)}, {}, r"different numbers of examples: \[9, 10\]"),
        (
            {},
            {"classes": [[0, 0], [1, 1], [2, 2], [5, 3]]},
            "row 3 of train/truth is 3, which is none of the model's classes",
        ),
    ],
    ids=["one example to divide", "missing split", "another shape", "different lengths", "unknown class"],
)
def test_unusable_examples_are_refused(arrays: dict[str, Any], dataset: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        _split({**_ARRAYS, **arrays}, **dataset)


def test_image_input_gets_unscaled_pixels() -> None:
    training, _ = _split(image=ImageFeature(name="image", color="gray", width=2, height=2))
    assert training.scales["image"] == 1.0
    np.testing.assert_array_equal(training.arrays["image"], _ARRAYS["train/pixels"])


def test_classes_are_mapped_to_the_models_numbers() -> None:
    training, _ = _split(classes=[[number, 9 - number] for number in range(10)])
    assert training.arrays["truth"].ravel().tolist() == list(range(9, -1, -1))


@pytest.mark.parametrize(
    ("shape", "dtype", "scale", "span", "expected"),
    [
        ((1, 2, 2), "uint8", 1 / 255, (0, 255), 1 / 255),
        ((1, 2, 2), "uint8", 0.5, (0, 255), 0.5),
        ((1, 2, 2), "uint8", 1.0, (0, 255), 1.0),
        ((1, 2, 2), "float32", 1.0, (0, 1), 1 / 255),
        ((3, 2, 2), "int32", 1.0, (0, 1), 1 / 255),
        ((2, 2), "float32", 1.0, (0.1, 0.9), 1 / 255),
        ((1, 2, 2), "float32", 1.0, (0, 255), 1.0),
        ((1, 2, 2), "float32", 1.0, (-1, 1), 1.0),
        ((4,), "float32", 1.0, (0, 1), 1.0),
    ],
)
def test_picture_scale_matches_the_training_examples(
    shape: tuple[int, ...], dtype: str, scale: float, span: tuple[float, float], expected: float
) -> None:
    feature = {"name": "pixels", "shape": shape, "dtype": dtype, "scale": scale}
    label = {"name": "label", "shape": (1,), "dtype": "int32"}
    extremes = {"minimum": span[0], "minimum_at": "", "maximum": span[1], "maximum_at": "", "fraction_at": None}
    ranges = {"train": {"pixels": extremes, "label": extremes}}
    manifest = StoredManifest.model_validate(
        _manifest().model_dump() | {"features": [feature, label], "ranges": ranges}
    )
    image = ArrayFeature(name="image", shape=shape)
    dataset = _dataset()
    assert picture_scales(dataset, manifest, _model(image)) == {"image": expected}
    # An image scales its pixels itself.
    own = ImageFeature(name="image", width=2, height=2, color="gray")
    assert picture_scales(dataset, manifest, _model(own)) == {"image": 1.0}
