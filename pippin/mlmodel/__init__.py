"""The `.mlmodel` file: build it from a spec, read one, put weights into it, strip it for inference."""

from pippin.mlmodel.build import build
from pippin.mlmodel.change import inference_variant, with_weights
from pippin.mlmodel.errors import ModelFileError
from pippin.mlmodel.read import Model, read
from pippin.spec.weights import Weights

__all__ = ["Model", "ModelFileError", "Weights", "build", "inference_variant", "read", "with_weights"]
