"""The model spec language: layers, losses, optimizers, shape inference and Core ML's rules, without coremltools."""

from pippin.models.spec.features import ArrayFeature, Feature, ImageFeature, LabelFeature
from pippin.models.spec.findings import Finding, SpecError
from pippin.models.spec.layer import Layer
from pippin.models.spec.model import ModelSpec, NetworkSpec
from pippin.models.spec.parameters import DoubleParameter, IntegerParameter
from pippin.models.spec.resolve import resolve, resolve_network
from pippin.models.spec.resolved import ResolvedLayer, ResolvedNetwork, ResolvedSpec
from pippin.models.spec.training import SGD, Adam, CategoricalCrossEntropy, Loss, MeanSquaredError, Optimizer
from pippin.models.spec.values import Shape

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
