"""What a model's weights are to every part of Pippin."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

LayerWeights: TypeAlias = Mapping[str, NDArray[np.float32]]
"""By the name of the proto's field (`weights`, `bias`): arrays in the shape and order of the file."""

Weights: TypeAlias = Mapping[str, LayerWeights]
"""By the layer's name; layers without weights are left out."""
