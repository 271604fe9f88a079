"""Every layer type there is: a new one gets its line here.

Its class is in `pippin.models.spec.layers`, and its function in `pippin.network.layers`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, TypeAlias, Union

from pydantic import Field

from pippin.models.spec.layer import Layer

TYPES = (
    "add",
    "average",
    "batchnorm",
    "bi_directional_lstm",
    "bias",
    "clip",
    "concat",
    "convolution",
    "crop",
    "crop_resize",
    "deconvolution",
    "dot",
    "elu",
    "embedding",
    "flatten",
    "gru",
    "inner_product",
    "l2_normalize",
    "leaky_relu",
    "linear",
    "load_constant",
    "lrn",
    "max",
    "min",
    "multiply",
    "mvn",
    "padding",
    "parametric_softplus",
    "permute",
    "pooling",
    "prelu",
    "reduce",
    "relu",
    "reorganize_data",
    "reshape",
    "resize_bilinear",
    "scale",
    "scaled_tanh",
    "sequence_repeat",
    "sigmoid",
    "sigmoid_hard",
    "simple_recurrent",
    "slice",
    "softmax",
    "softplus",
    "softsign",
    "split",
    "tanh",
    "thresholded_relu",
    "unary",
    "uni_directional_lstm",
    "upsample",
)


def _class_of(name: str) -> type[Layer]:
    module = import_module(f"pippin.models.spec.layers.{name}")
    return next(
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Layer) and kind.__module__ == module.__name__
    )


LAYERS: dict[str, type[Layer]] = {name: _class_of(name) for name in TYPES}
"""The layer types by name."""

LAYERS_BY_KIND: dict[str, type[Layer]] = {layer.proto_kind(): layer for layer in LAYERS.values()}
"""The layer types by what tells them apart in a file: where their parameters stand in `NeuralNetworkLayer`."""

if TYPE_CHECKING:
    AnyLayer: TypeAlias = Layer
else:
    # Not `|`: the classes are known only when this runs.
    AnyLayer = Annotated[Union[tuple(LAYERS.values())], Field(discriminator="type")]  # noqa: UP007
