"""The `.mlmodel` file: build it from a spec, read one, put into it what was learned, strip it for inference."""

from pippin.mlmodel.build import build
from pippin.mlmodel.change import Learned, Samples, admitting, inference_variant, with_learned
from pippin.mlmodel.errors import ModelFileError, NotAModelFileError
from pippin.mlmodel.open_model import AnyModel, open_model
from pippin.mlmodel.pipeline import Pipeline
from pippin.mlmodel.read import FrozenNetwork, Model, read
from pippin.spec.weights import Weights

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
    "admitting",
    "build",
    "inference_variant",
    "open_model",
    "read",
    "with_learned",
]
