"""The model spec language: layers, losses, optimizers, shape inference and Core ML's rules. No coremltools in here."""

from pippin.spec.errors import SpecError
from pippin.spec.features import Feature
from pippin.spec.layer import Layer
from pippin.spec.losses import CategoricalCrossEntropy, Loss, MeanSquaredError
from pippin.spec.model import ModelSpec
from pippin.spec.optimizers import SGD, Adam, Optimizer
from pippin.spec.parameters import DoubleParameter, IntegerParameter
from pippin.spec.resolve import resolve
from pippin.spec.resolved import ResolvedLayer, ResolvedSpec
from pippin.spec.values import Shape

__all__ = [
    "SGD",
    "Adam",
    "CategoricalCrossEntropy",
    "DoubleParameter",
    "Feature",
    "IntegerParameter",
    "Layer",
    "Loss",
    "MeanSquaredError",
    "ModelSpec",
    "Optimizer",
    "ResolvedLayer",
    "ResolvedSpec",
    "Shape",
    "SpecError",
    "resolve",
]
