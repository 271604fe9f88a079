"""Which function computes which layer type: a new type gets its line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pippin.network.arrays import Array
from pippin.network.convolution import convolution
from pippin.network.flatten import flatten
from pippin.network.inner_product import inner_product
from pippin.network.pooling import pooling
from pippin.network.relu import relu
from pippin.network.sigmoid import sigmoid
from pippin.network.softmax import softmax
from pippin.network.tanh import tanh

Operation = Callable[..., Array]
"""Takes a step, then one array a blob that the layer reads; gives the blob that it makes, or a tuple of several."""

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
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
