"""What happens to an image before the first layer: `NeuralNetworkPreprocessing`."""

from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.proto import Message
from pippin.spec import Feature, ImageFeature
from pippin.spec.values import single

# The fields of `NeuralNetworkImageScaler`, in the order of the channels.
_BIASES = {
    "gray": ("grayBias",),
    "rgb": ("redBias", "greenBias", "blueBias"),
    "bgr": ("blueBias", "greenBias", "redBias"),
}


def write_preprocessing(inputs: tuple[Feature, ...], network: Message) -> None:
    """Write the scaler of every image that has one."""
    for feature in inputs:
        if isinstance(feature, ImageFeature) and (feature.scale != 1 or any(feature.biases)):
            step = network.preprocessing.add(featureName=feature.name)
            step.scaler.channelScale = feature.scale
            for field, bias in zip(_BIASES[feature.color], feature.biases, strict=True):
                setattr(step.scaler, field, bias)


def read_preprocessing(network: Message, images: dict[str, str]) -> dict[str, dict[str, object]]:
    """The scale and bias of every image that has a scaler, by its name, as fields of it.

    Args:
        network: What holds the steps.
        images: The colour of each image input by its name.

    Raises:
        ModelFileError: A step is for no image, is the second for one, or subtracts a mean image.
    """
    found: dict[str, dict[str, object]] = {}
    for step in network.preprocessing:
        # Converters of old left the name out where there is one image.
        name = step.featureName or (next(iter(images)) if len(images) == 1 else "")
        if name not in images:
            known = ", ".join(images) or "none"
            raise ModelFileError(f"found preprocessing of {name!r}; the model's image inputs are: {known}")
        if name in found:
            raise ModelFileError(f"found preprocessing of {name!r} twice; needs one step an image")
        kind = step.WhichOneof("preprocessor")
        if kind != "scaler":
            what = "a mean image subtracted" if kind == "meanImage" else "a step of no kind"
            raise ModelFileError(f"the image {name!r} has {what}; Pippin knows scale and bias")
        biases = [single(getattr(step.scaler, field)) for field in _BIASES[images[name]]]
        found[name] = {
            "scale": single(step.scaler.channelScale),
            "bias": biases[0] if len(set(biases)) == 1 else biases,
        }
    return found
