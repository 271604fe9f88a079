from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.models.spec import ArrayFeature, Feature, ImageFeature
from pippin.predictions.errors import PredictionError
from pippin.predictions.pictures import from_picture
from tests.pippin.datasets.samples import encoded

DIGIT = ArrayFeature(name="image", shape=(1, 2, 3))
COLORED = ArrayFeature(name="image", shape=(3, 2, 3))
PIXELS = np.array([[0, 10, 255], [7, 128, 64]], np.uint8)
COLORS = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 13


def decoded(feature: Feature, data: bytes, scale: str | None = "1.0") -> NDArray[Any]:
    """The only example that a picture becomes."""
    metadata = {"pippin.scale.other": "9"} if scale is None else {"pippin.scale.image": scale}
    example: NDArray[Any]
    (example,) = from_picture((feature,), metadata, data)["image"]
    return example


def test_an_array_gets_each_pixel_times_the_scale_of_its_training_data() -> None:
    array = decoded(DIGIT, encoded(PIXELS), "0.5")
    assert array.dtype == np.float32
    assert array.tolist() == [[[0, 5, 127.5], [3.5, 64, 32]]]


def test_pixels_without_a_known_scale_are_divided_by_255() -> None:
    expected = PIXELS.astype(np.float32) * np.float32(1 / 255)
    np.testing.assert_array_equal(decoded(DIGIT, encoded(PIXELS), None), [expected])


@pytest.mark.parametrize("color", ["rgb", "bgr"])
def test_image_input_gets_unscaled_rgb_pixels(color: str) -> None:
    feature = ImageFeature.model_validate({"name": "image", "color": color, "width": 3, "height": 2, "scale": 0.1})
    np.testing.assert_array_equal(decoded(feature, encoded(COLORS), "0.5"), COLORS.transpose(2, 0, 1))


def test_colours_are_converted_to_luma_and_gray_is_repeated() -> None:
    # ITU-R 601-2, as Pillow's documentation of "L" gives it.
    luma = (COLORS.astype(np.float64) * [0.299, 0.587, 0.114]).sum(axis=2)
    np.testing.assert_allclose(decoded(DIGIT, encoded(COLORS))[0], luma, atol=1)
    np.testing.assert_array_equal(decoded(COLORED, encoded(PIXELS)), np.stack([PIXELS] * 3))


def test_larger_picture_is_averaged() -> None:
    halves = np.repeat(np.array([[0, 200]], np.uint8), 100, axis=1).repeat(100, axis=0)
    feature = ArrayFeature(name="image", shape=(1, 1, 2))
    # A triangle two pixels of the result wide: 7/8 of it lie inside the picture, 1/8 over the other half.
    np.testing.assert_allclose(decoded(feature, encoded(halves)).ravel(), [200 / 7, 200 * 6 / 7], atol=1)
    assert decoded(feature, encoded(np.full((50, 7), 99, np.uint8))).tolist() == [[[99, 99]]]


@pytest.mark.parametrize(
    ("form", "mode", "tolerance"), [("PPM", None, 0), ("JPEG", None, 12), ("PNG", "P", 0), ("PNG", "LA", 0)]
)
def test_other_formats_give_the_same_pixels(form: str, mode: str | None, tolerance: int) -> None:
    np.testing.assert_allclose(decoded(DIGIT, encoded(PIXELS, form, mode)), [PIXELS], atol=tolerance)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the picture is empty (0 bytes)"),
        (b"GIF89a", "the picture is a GIF; save it as PNG or JPEG"),
        (b"nonsense", "found 8 bytes that are not a PNG, JPEG or PGM"),
        (encoded(PIXELS)[:50], "the picture of 50 bytes is damaged or cut short"),
        (b"P5 3 2 65535\n" + bytes(12), "found more than 8 bits a channel"),
        (b"P5 90000 90000 255\n", "the picture has too many pixels; needs at most 67,108,864"),
        (b"P5 9000 9000 255\n", "found 9000 by 9000 pixels; needs at most 67,108,864"),
    ],
)
def test_invalid_picture_is_refused(data: bytes, expected: str) -> None:
    with pytest.raises(PredictionError) as caught:
        from_picture((DIGIT,), {}, data)
    (fault,) = caught.value.faults
    assert fault.pointer == ""
    assert expected in fault.detail


@pytest.mark.parametrize(
    "features",
    [
        (ArrayFeature(name="v", shape=(784,)),),
        (ArrayFeature(name="v", shape=(2, 4, 4)),),
        (DIGIT, ArrayFeature(name="v", shape=(1,))),
    ],
)
def test_model_without_an_image_input_refuses_a_picture(features: tuple[Feature, ...]) -> None:
    with pytest.raises(
        PredictionError, match=r"a picture fits only a model whose only input is an image.* this one needs"
    ):
        from_picture(features, {}, encoded(PIXELS))


@pytest.mark.parametrize("scale", ["abc", "nan", "inf", ""])
def test_invalid_scale_is_refused(scale: str) -> None:
    with pytest.raises(PredictionError, match="the model's metadata gives image the scale"):
        from_picture((DIGIT,), {"pippin.scale.image": scale}, encoded(PIXELS))
