"""Reads the input of a model from a picture."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pippin.datasets.limits import DatasetLimits
from pippin.datasets.parsed import PIXEL_SCALE
from pippin.datasets.picture_decoding import EIGHT_BIT_MODES, open_picture, upright
from pippin.datasets.shapes import planes
from pippin.documents.file_kinds import JPEG, PNG, SAMPLE_BYTES, kind_of
from pippin.errors import Fault
from pippin.models.spec import ArrayFeature, Feature, ImageFeature
from pippin.models.spec.values import RESERVED_PREFIX
from pippin.predictions.errors import PredictionError, refused

FORMATS = ("PNG", "JPEG", "PPM")
"""Pillow's names of the accepted formats; PPM includes PGM."""

_LIMITS = DatasetLimits()

# Registers the decoders once, before this process forks.
Image.preinit()


def from_picture(
    features: Sequence[Feature], metadata: Mapping[str, str], data: bytes, background: str | None = None
) -> dict[str, NDArray[np.float32]]:
    """The only input of a model that takes one picture, read from a PNG, JPEG or PGM.

    The picture is made opaque, turned upright by its EXIF orientation, converted to gray or colour as the input is,
    then resized to the height and width of the input without keeping its proportions (bilinear; each pixel of the
    result averages the area it covers). An image-typed input receives the pixels 0 to 255, since the model scales
    images. An array receives the pixels multiplied by the scale of the training data, which the file has in its
    metadata as `pippin.scale.<input>`. A file without that key was not trained by Pippin; the usual scale, 1/255,
    applies.

    Args:
        features: The inputs of the model.
        metadata: The user-defined metadata of the model's file.
        data: The picture.
        background: The colour behind transparent pixels, as `pippin.datasets.picture_decoding.color_of` reads it.

    Returns:
        Input name -> [1, *declared shape].

    Raises:
        PredictionError: The model does not take one picture, or the data is not a picture.
    """
    feature = _image_like(features)
    channels, height, width = planes(feature.lengths)
    pixels = _pixels(data, "L" if channels == 1 else "RGB", (width, height), background)
    scale = np.float32(1.0 if isinstance(feature, ImageFeature) else _scale(feature.name, metadata))
    # Pillow gives [H, W] or [H, W, C]; Core ML has channels first.
    channels_first = pixels if channels == 1 else pixels.transpose(2, 0, 1)
    return {feature.name: channels_first.reshape(1, *feature.lengths).astype(np.float32) * scale}


def _image_like(features: Sequence[Feature]) -> ArrayFeature | ImageFeature:
    if len(features) == 1:
        (feature,) = features
        if isinstance(feature, ImageFeature):
            return feature
        if isinstance(feature, ArrayFeature) and planes(feature.lengths)[0] in {1, 3}:
            return feature
    listed = ", ".join(
        f"{feature.name} ({list(feature.lengths)})" if isinstance(feature, ArrayFeature) else feature.name
        for feature in features
    )
    raise refused(
        Fault(
            "",
            "a picture fits only a model whose only input is an image, or an array of shape [H, W], [1, H, W] or [3, "
            f'H, W]; this one needs {listed}: send {{"inputs": {{…}}}} as JSON',
        )
    )


def _pixels(data: bytes, mode: str, size: tuple[int, int], background: str | None) -> NDArray[Any]:
    try:
        with open_picture(data, FORMATS) as image:
            _check(image)
            # Convert colours before resizing: palette indices cannot be averaged.
            converted = upright(image, data, mode, background).image
            if converted.size != size:
                converted = converted.resize(size, Image.Resampling.BILINEAR)
            return np.asarray(converted)
    except (PredictionError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise refused(Fault("", f"the picture has too many pixels; needs at most {_LIMITS.max_pixels:,}")) from None
    except UnidentifiedImageError:
        kind = kind_of(data[:SAMPLE_BYTES])
        if kind is None or kind in {PNG, JPEG}:
            raise refused(Fault("", f"found {len(data):,} bytes that are not a PNG, JPEG or PGM")) from None
        raise refused(Fault("", f"the picture {kind.as_data()}")) from None
    except Exception:  # noqa: BLE001 - Pillow documents no list of the errors that a damaged file may raise
        raise refused(Fault("", f"the picture of {len(data):,} bytes is damaged or cut short")) from None


def _check(image: Image.Image) -> None:
    """Check the header of a picture before the pixels take memory."""
    width, height = image.size
    if width * height > _LIMITS.max_pixels:
        raise refused(Fault("", f"found {width} by {height} pixels; needs at most {_LIMITS.max_pixels:,}"))
    if image.mode not in EIGHT_BIT_MODES:
        raise refused(Fault("", f"found more than 8 bits a channel ({image.mode}); save the picture with 8"))


def _scale(name: str, metadata: Mapping[str, str]) -> float:
    text = metadata.get(f"{RESERVED_PREFIX}scale.{name}")
    if text is None:
        return PIXEL_SCALE
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not math.isfinite(scale):
        raise refused(Fault("", f"the model's metadata gives {name} the scale {text[:40]!r}; needs a finite number"))
    return scale
