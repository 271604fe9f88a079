import numpy as np
import pytest

from pippin.models.spec.layers.resizing import METHODS, CropResize, SamplingMethod
from pippin.network.arrays import Array, Namespace
from pippin.network.layers.resizing import between, crop_resize, resized
from pippin.network.step import Step
from tests.pippin.network.builders import both, computed

every_method = pytest.mark.parametrize("method", METHODS)


def cut(image: Array, boxes: Array, method: SamplingMethod, xp: Namespace) -> Array:
    layer = CropResize(name="c", target_size=(3, 2), sampling_method=method)
    return computed(xp, lambda image, boxes: crop_resize(Step(layer, {}, xp), image, boxes), image, boxes)


@both
def test_position_lies_between_two_cells_of_the_axis(xp: Namespace) -> None:
    low, high, share = between(xp.asarray([-3.0, 0.0, 1.25, 4.0, 99.0]), 5, xp)
    assert low.tolist() == [0, 0, 1, 4, 4]
    assert high.tolist() == [1, 1, 2, 4, 4]
    assert share.tolist() == [0, 0, 0.25, 0, 0]


@both
@every_method
def test_nan_box_affects_its_own_patch_only(method: SamplingMethod, xp: Namespace) -> None:
    boxes = np.array([[0, 1, 2, 3], [0, np.nan, 2, 3]], np.float32).reshape(1, 2, 1, 1, 1, 4)
    made = np.asarray(cut(np.ones((1, 1, 1, 4, 5, 2), np.float32), boxes, method, xp))
    np.testing.assert_allclose(made[:, 0], 1)
    assert np.isnan(made[:, 1]).any()


@both
def test_nan_cell_affects_its_neighbourhood_only(xp: Namespace) -> None:
    image = np.ones((1, 3, 3, 1), np.float32)
    image[0, 0, 0] = np.nan
    resized_image = computed(xp, lambda image: resized(image, (5, 5), "strict_align_endpoints", xp), image)
    expected = np.ones((5, 5), np.float32)
    expected[:2, :2] = np.nan
    np.testing.assert_array_equal(resized_image[0, :, :, 0], expected)


@both
@every_method
def test_float32_stays_float32(method: SamplingMethod, xp: Namespace) -> None:
    image, boxes = np.ones((1, 1, 1, 4, 5, 2), np.float32), np.ones((1, 2, 1, 1, 1, 4), np.float32)
    assert cut(image, boxes, method, xp).dtype == np.float32
    assert computed(xp, lambda image: resized(image, (7, 2), method, xp), image[0, 0]).dtype == np.float32
