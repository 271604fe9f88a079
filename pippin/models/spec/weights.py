"""Types of weights, and initial weights from the spec's seed, identical in every process and on every machine."""

import hashlib
from collections.abc import Mapping
from math import prod, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.models.spec.resolved import ResolvedLayer, ResolvedSpec
from pippin.models.spec.values import Shape
from pippin.models.spec.weighted import Drawn, Parametric

LayerWeights: TypeAlias = Mapping[str, NDArray[np.float32]]
"""By the name of the proto's field (`weights`, `bias`): arrays in the shape and order of the file."""

Weights: TypeAlias = Mapping[str, LayerWeights]
"""By the layer's name; layers without weights are left out."""


def initial_weights(resolved: ResolvedSpec) -> Weights:
    """The initial weights of `resolved`: explicit weights unchanged, the others drawn from `initial_seed`.

    Each layer uses a separate random stream from the seed and the layer's name, so that adding a layer does not change
    the weights of the other layers.
    """
    return {
        entry.layer.name: {
            key: _initial(entry, key, shape, resolved.spec.initial_seed) for key, shape in entry.weight_shapes.items()
        }
        for entry in resolved.layers
        if entry.weight_shapes
    }


def _initial(entry: ResolvedLayer, key: str, shape: Shape, seed: int) -> NDArray[np.float32]:
    layer = entry.layer
    assert isinstance(layer, Parametric)
    explicit = layer.explicit_array(key)
    if explicit is not None:
        return np.asarray(explicit, dtype=np.float32)
    fill = layer.fill_value(key)
    if fill is not None:
        return np.full(shape, fill, dtype=np.float32)
    assert isinstance(layer, Drawn)
    into, out_of = layer.fans(key, shape)
    fans = into + out_of if layer.initializer == "glorot_uniform" else into
    # The stream of `weights` depends on the layer's name only.
    stream = layer.name if key == "weights" else f"{layer.name}/{key}"
    return _uniform(stream, shape, seed, sqrt(6 / fans))


def _uniform(name: str, shape: Shape, seed: int, limit: float) -> NDArray[np.float32]:
    """Uniform random numbers from -limit to limit.

    They are computed from the generator's raw words, since NumPy guarantees the raw words to be the same in every
    release, but not its distributions.
    """
    digest = hashlib.sha256(name.encode()).digest()
    words = np.random.Philox(np.random.SeedSequence([seed, *np.frombuffer(digest, dtype="<u4").tolist()]))
    fractions = (words.random_raw(prod(shape)) >> np.uint64(11)) * 2.0**-53
    return ((2 * fractions - 1) * limit).astype(np.float32).reshape(shape)
