"""Which function computes which layer type."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Concatenate

from pippin.network.arrays import Array
from pippin.network.convolution import convolution
from pippin.network.flatten import flatten
from pippin.network.inner_product import inner_product
from pippin.network.pooling import pooling
from pippin.network.relu import relu
from pippin.network.sigmoid import sigmoid
from pippin.network.softmax import softmax
from pippin.network.step import Step
from pippin.network.tanh import tanh

OPERATIONS: Mapping[str, Callable[Concatenate[Step, ...], Array]] = MappingProxyType(
    {
        "convolution": convolution,
        "flatten": flatten,
        "inner_product": inner_product,
        "pooling": pooling,
        "relu": relu,
        "sigmoid": sigmoid,
        "softmax": softmax,
        "tanh": tanh,
    }
)
"""Layer type -> its function; it takes the step and one array an input, and gives the layer's output."""
