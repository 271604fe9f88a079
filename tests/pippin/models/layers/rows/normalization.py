"""Layers that bring numbers to a common size."""

from collections.abc import Callable, Iterator
from itertools import product
from math import sqrt

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula

IMAGE, VECTOR, IMAGES, SEQUENCE = [3, 4, 2], [5], [2, 3, 4, 2], [2, 1, 3, 4, 2]


def mean_and_variance(numbers: Floats) -> tuple[float, float]:
    mean = sum(numbers.ravel()) / numbers.size
    return mean, sum((number - mean) ** 2 for number in numbers.ravel()) / numbers.size


def images_of(x: Floats) -> Floats:
    """[N, ..., C, H, W] with all in front as one axis."""
    return x.reshape(-1, *x.shape[-3:])


def batchnorm(epsilon: float = 1e-5) -> Formula:
    """With stored statistics."""

    def formula(x: Floats, gamma: Floats, beta: Floats, mean: Floats, variance: Floats) -> Floats:
        y = np.zeros_like(images_of(x))
        for c in range(y.shape[1]):
            y[:, c] = gamma[c] * (images_of(x)[:, c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]
        return y.reshape(x.shape)

    return formula


def batchnorm_of_its_input(instances: Callable[[int], list[slice]]) -> Formula:
    """With statistics of each of `instances`, runs of the images that there are."""

    def formula(x: Floats, gamma: Floats, beta: Floats) -> Floats:
        images = images_of(x)
        y = np.zeros_like(images)
        for run, c in product(instances(len(images)), range(images.shape[1])):
            mean, variance = mean_and_variance(images[run, c])
            y[run, c] = gamma[c] * (images[run, c] - mean) / sqrt(variance + 1e-5) + beta[c]
        return y.reshape(x.shape)

    return formula


def each(count: int) -> list[slice]:
    return [slice(index, index + 1) for index in range(count)]


def all_together(count: int) -> list[slice]:
    return [slice(0, count)]


def mvn(*, across: bool, divide: bool, epsilon: float = 1e-6) -> Formula:
    def parts(image: Floats) -> Iterator[Floats]:
        yield from [image] if across else image

    def normalized(part: Floats) -> Floats:
        mean, variance = mean_and_variance(part)
        return (part - mean) / (sqrt(variance + epsilon) if divide else 1)

    def formula(x: Floats) -> Floats:
        return np.array([[normalized(part) for part in parts(image)] for image in images_of(x)]).reshape(x.shape)

    return formula


def l2_normalize(epsilon: float = 1e-6) -> Formula:
    def formula(x: Floats) -> Floats:
        lengths = [sqrt(sum(number**2 for number in image.ravel()) + epsilon) for image in images_of(x)]
        y: Floats = images_of(x) / np.reshape(lengths, (-1, 1, 1, 1))
        return y.reshape(x.shape)

    return formula


def lrn(alpha: float, beta: float, window: list[int], k: float = 1) -> Formula:
    """The window as the channels that it holds, counted from its own."""

    def formula(x: Floats) -> Floats:
        images = images_of(x)
        y = np.zeros_like(images)
        for n, c, h, w in np.ndindex(*images.shape):
            seen = [images[n, c + offset, h, w] for offset in window if 0 <= c + offset < images.shape[1]]
            total = sum(number**2 for number in seen)
            y[n, c, h, w] = images[n, c, h, w] / (k + alpha / len(window) * total) ** beta
        return y.reshape(x.shape)

    return formula


STORED = {"type": "batchnorm"}
COMPUTED = {"type": "batchnorm", "compute_mean_var": True}
INSTANCES = COMPUTED | {"instance_normalization": True}
GIVEN = {"gamma": [1, 2, 3], "beta": [0.5, 0, -0.5], "mean": [-1, 0, 1], "variance": [0.25, 1, 4]}
DAMPING = {"type": "lrn", "alpha": 0.75, "beta": 0.5}

CASES = [
    Case("stored, of an image", STORED, [IMAGE], batchnorm()),
    Case("stored, of a vector", STORED | {"channels": 5}, [VECTOR], batchnorm()),
    Case("stored, of a sequence", STORED, [SEQUENCE], batchnorm(), mapping="exact"),
    Case("stored, of rank 3", STORED, [IMAGE], batchnorm(), mapping="exact"),
    Case("stored, of rank 4", STORED, [IMAGES], batchnorm(), mapping="exact"),
    Case("stored, with epsilon", STORED | {"epsilon": 0.25}, [IMAGE], batchnorm(0.25)),
    Case("stored, not of instances", STORED | {"instance_normalization": True}, [IMAGE], batchnorm()),
    Case("given", STORED | GIVEN, [IMAGE], batchnorm()),
    *(
        Case(f"computed, {kind}, {name}", fields, [shape], batchnorm_of_its_input(instances), mapping=mapping)
        for kind, fields, instances in (("of the batch", COMPUTED, all_together), ("of instances", INSTANCES, each))
        for name, shape, mapping in (
            ("of an image", IMAGE, "rank5"),
            ("of a sequence", SEQUENCE, "exact"),
            ("of rank 3", IMAGE, "exact"),
        )
    ),
    Case("computed, of the batch, of a vector", COMPUTED, [VECTOR], batchnorm_of_its_input(all_together)),
    *(
        Case(
            f"{'across' if across else 'within'} channels{'' if divide else ', mean only'}, {name}",
            {"type": "mvn", "across_channels": across, "normalize_variance": divide},
            [shape],
            mvn(across=across, divide=divide),
            mapping=mapping,
        )
        for across, divide in product((True, False), (True, False))
        for name, shape, mapping in (("of an image", IMAGE, "rank5"), ("of rank 3", IMAGE, "exact"))
    ),
    Case("of a sequence", {"type": "mvn"}, [SEQUENCE], mvn(across=False, divide=True), mapping="exact"),
    Case("of a vector", {"type": "mvn", "across_channels": True}, [VECTOR], mvn(across=True, divide=True)),
    Case("with epsilon", {"type": "mvn", "epsilon": 0.5}, [IMAGE], mvn(across=False, divide=True, epsilon=0.5)),
    Case("of an image", {"type": "l2_normalize"}, [IMAGE], l2_normalize()),
    Case("of a vector", {"type": "l2_normalize"}, [VECTOR], l2_normalize()),
    Case("of a sequence", {"type": "l2_normalize"}, [SEQUENCE], l2_normalize(), mapping="exact"),
    Case("of rank 3", {"type": "l2_normalize"}, [IMAGE], l2_normalize(), mapping="exact"),
    Case("with epsilon", {"type": "l2_normalize", "epsilon": 0.5}, [IMAGE], l2_normalize(0.5)),
    Case("of three channels", DAMPING | {"local_size": 3}, [[6, 2, 3]], lrn(0.75, 0.5, [-1, 0, 1])),
    Case("of five channels", DAMPING | {"local_size": 5}, [[6, 2, 3]], lrn(0.75, 0.5, [-2, -1, 0, 1, 2])),
    Case("of two channels", DAMPING | {"local_size": 2}, [[6, 2, 3]], lrn(0.75, 0.5, [-1, 0])),
    Case("of four channels", DAMPING | {"local_size": 4}, [[6, 2, 3]], lrn(0.75, 0.5, [-2, -1, 0, 1])),
    Case("of one channel", DAMPING | {"local_size": 1}, [[6, 2, 3]], lrn(0.75, 0.5, [0])),
    Case(
        "of more channels than there are", DAMPING | {"local_size": 61}, [[3, 2, 3]], lrn(0.75, 0.5, [*range(-30, 31)])
    ),
    Case(
        "with all its numbers",
        {"type": "lrn", "alpha": 2, "beta": 1.25, "local_size": 3, "k": 0.5},
        [[6, 2, 3]],
        lrn(2, 1.25, [-1, 0, 1], k=0.5),
    ),
    Case("of a vector", DAMPING | {"local_size": 3}, [[6]], lrn(0.75, 0.5, [-1, 0, 1])),
    Case("of a sequence", DAMPING | {"local_size": 3}, [SEQUENCE], lrn(0.75, 0.5, [-1, 0, 1]), mapping="exact"),
    Case("of rank 3", DAMPING | {"local_size": 3}, [IMAGE], lrn(0.75, 0.5, [-1, 0, 1]), mapping="exact"),
]
