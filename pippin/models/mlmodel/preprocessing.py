"""Preprocessing of images before the first layer: `NeuralNetworkPreprocessing`."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel.errors import MEAN_IMAGE, ModelFileError
from pippin.models.mlmodel.proto import Message
from pippin.models.spec import Feature, ImageFeature
from pippin.models.spec.values import single

# The fields of `NeuralNetworkImageScaler`, in the order of the channels.
_BIASES = {
    "gray": ("grayBias",),
    "rgb": ("redBias", "greenBias", "blueBias"),
    "bgr": ("blueBias", "greenBias", "redBias"),
}


def write_preprocessing(
    inputs: tuple[Feature, ...], mean_images: Mapping[str, NDArray[np.float32]], network: Message
) -> None:
    """Write the scaler or the mean image of every image input that has either."""
    for feature in inputs:
        if feature.name in mean_images:
            step = network.preprocessing.add(featureName=feature.name)
            step.meanImage.meanImage.extend(mean_images[feature.name].ravel().tolist())
        if isinstance(feature, ImageFeature) and (feature.scale != 1 or any(feature.biases)):
            step = network.preprocessing.add(featureName=feature.name)
            step.scaler.channelScale = feature.scale
            for field, bias in zip(_BIASES[feature.color], feature.biases, strict=True):
                setattr(step.scaler, field, bias)


def read_preprocessing(network: Message, images: dict[str, str]) -> dict[str, dict[str, object]]:
    """The fields `scale` and `bias` of every preprocessed image input, by name; empty for a mean image.

    Args:
        network: The network with the preprocessing steps.
        images: The colour of each image input by its name.

    Raises:
        ModelFileError: A step is for no image, is the second for one image, or is neither a scaler nor a mean image.
    """
    by_input: dict[str, dict[str, object]] = {}
    for step in network.preprocessing:
        name = _image_of(step, list(images))
        if name not in images:
            known = ", ".join(images) or "none"
            raise ModelFileError(f"found preprocessing of {name!r}; the model's image inputs are: {known}")
        if name in by_input:
            raise ModelFileError(
                f"found preprocessing of {name!r} twice; needs one step per image: the order of two steps is not "
                "documented"
            )
        kind = step.WhichOneof("preprocessor")
        if kind == "meanImage":
            by_input[name] = {}
            continue
        if kind != "scaler":
            raise ModelFileError(
                f"the image {name!r} has a step of no kind; Pippin knows scale and bias, or a mean image"
            )
        biases = [single(getattr(step.scaler, field)) for field in _BIASES[images[name]]]
        by_input[name] = {
            "scale": single(step.scaler.channelScale),
            "bias": biases[0] if len(set(biases)) == 1 else biases,
        }
    return by_input


def read_mean_images(network: Message, inputs: tuple[Feature, ...]) -> dict[str, NDArray[np.float32]]:
    """The mean images to subtract, [C, H, W], by the input's name.

    Args:
        network: The network with the preprocessing steps, each for one of the images.
        inputs: The network's inputs.

    Raises:
        ModelFileError: A mean image has a size other than its image's, or a value that is not finite.
    """
    images = {feature.name: feature for feature in inputs if isinstance(feature, ImageFeature)}
    means: dict[str, NDArray[np.float32]] = {}
    for step in network.preprocessing:
        if step.WhichOneof("preprocessor") != "meanImage":
            continue
        name = _image_of(step, list(images))
        numbers = np.array(step.meanImage.meanImage, dtype=np.float32)
        shape = images[name].lengths
        if numbers.size != prod(shape):
            raise ModelFileError(
                f"the mean image of {name!r} has {numbers.size} numbers; the image has the shape {list(shape)} and "
                f"needs {prod(shape)}",
                rule=MEAN_IMAGE,
            )
        if not np.isfinite(numbers).all():
            raise ModelFileError(
                f"the mean image of {name!r} holds a number that is not finite; needs finite numbers", rule=MEAN_IMAGE
            )
        means[name] = numbers.reshape(shape)
    return means


def _image_of(step: Message, images: Sequence[str]) -> str:
    """The image that a step is for. Old converters leave the name out if there is only one image."""
    name: str = step.featureName
    return name or (images[0] if len(images) == 1 else "")
