"""The model spec language: layers, losses, optimizers, shape inference and Core ML's rules. No coremltools in here."""

from pippin.spec.errors import SpecError
from pippin.spec.features import ArrayFeature, Feature, ImageFeature, LabelFeature
from pippin.spec.findings import Finding
from pippin.spec.layer import Layer
from pippin.spec.losses import CategoricalCrossEntropy, Loss, MeanSquaredError
from pippin.spec.model import ModelSpec, NetworkSpec
from pippin.spec.optimizers import SGD, Adam, Optimizer
from pippin.spec.parameters import DoubleParameter, IntegerParameter
from pippin.spec.resolve import resolve, resolve_network
from pippin.spec.resolved import ResolvedLayer, ResolvedNetwork, ResolvedSpec
from pippin.spec.values import Shape

__all__ = [
    "SGD",
    "Adam",
    "ArrayFeature",
    "CategoricalCrossEntropy",
    "DoubleParameter",
    "Feature",
    "Finding",
    "ImageFeature",
    "IntegerParameter",
    "LabelFeature",
    "Layer",
    "Loss",
    "MeanSquaredError",
    "ModelSpec",
    "NetworkSpec",
    "Optimizer",
    "ResolvedLayer",
    "ResolvedNetwork",
    "ResolvedSpec",
    "Shape",
    "SpecError",
    "resolve",
    "resolve_network",
]
