"""The `.mlmodel` file: build it from a spec, read it, write trained parameters into it, strip it for inference."""

from pippin.models.mlmodel.build import build
from pippin.models.mlmodel.change import Learned, Samples, inference_variant, with_learned, with_widened_limits
from pippin.models.mlmodel.errors import ModelFileError, NotAModelFileError
from pippin.models.mlmodel.open_model import AnyModel, open_model
from pippin.models.mlmodel.pipeline import Pipeline
from pippin.models.mlmodel.read import FrozenNetwork, Model, read
from pippin.models.spec.weights import Weights

__all__ = [
    "AnyModel",
    "FrozenNetwork",
    "Learned",
    "Model",
    "ModelFileError",
    "NotAModelFileError",
    "Pipeline",
    "Samples",
    "Weights",
    "build",
    "inference_variant",
    "open_model",
    "read",
    "with_learned",
    "with_widened_limits",
]
