"""The layer types of SwiftCoreMLTools with their names in both languages: add a new type as a row here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pippin.models.swiftcoreml.fields import Choice, Field, Names, Padding, Plain


@dataclass(frozen=True)
class LayerType:
    """A layer type.

    Attributes:
        ours: The type's name in the spec language.
        theirs: The type's raw value in the enum `LayerType`.
        fields: The fields of both languages apart from `COMMON`, in the order in which Swift declares them.
        fixed: Fields of the spec language with the only value that the library's export supports, if that value is not
            the default.
        unused: Fields of SwiftCoreMLTools that its export ignores, or that only identify the type, with the value to
            write.
        weights_shape: The fields whose values are the lengths of the weights, in the file's order; () for no weights.
    """

    ours: str
    theirs: str
    fields: tuple[Field, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    unused: Mapping[str, object] = field(default_factory=dict)
    weights_shape: tuple[str, ...] = ()


COMMON: Final = (Field("name", "name"), Field("input", "input", Names()), Field("output", "output", Names()))

_SIZES: Final = Plain(unset=[])
_UPDATABLE: Final = Field("updatable", "updatable")
_ALPHA: Final = Field("alpha", "alpha")
_BETA: Final = Field("beta", "beta")
_WINDOW: Final = (
    Field("output_channels", "outputChannels"),
    Field("kernel_channels", "kernelChannels"),
    Field("groups", "nGroups", Plain(unset=0)),
    Field("kernel_size", "kernelSize", _SIZES),
    Field("stride", "stride", _SIZES),
)
_PADDING: Final = Field("padding", "paddingType", Padding(("valid", "same")))

LAYER_TYPES: Final = (
    LayerType(
        "inner_product",
        "innerProduct",
        (Field("input_channels", "inputChannels"), Field("output_channels", "outputChannels"), _UPDATABLE),
        weights_shape=("outputChannels", "inputChannels"),
    ),
    LayerType(
        "deconvolution",
        "convolution",
        (*_WINDOW, _PADDING, Field("output_shape", "outputShape", _SIZES), _UPDATABLE),
        unused={"deconvolution": True, "dilationFactor": [1, 1]},
        weights_shape=("kernelChannels", "outputChannels", "kernelSize"),
    ),
    LayerType(
        "convolution",
        "convolution",
        (*_WINDOW, Field("dilation", "dilationFactor", _SIZES), _PADDING, _UPDATABLE),
        unused={"deconvolution": False, "outputShape": []},
        weights_shape=("outputChannels", "kernelChannels", "kernelSize"),
    ),
    LayerType(
        "pooling",
        "pooling",
        (
            Field("pooling_type", "poolingType", Choice({0: "max", 1: "average", 2: "l2"})),
            Field("kernel_size", "kernelSize", _SIZES),
            Field("stride", "stride", _SIZES),
            Field("padding", "paddingType", Padding(("valid", "same", "includeLastPixel"))),
            Field("avg_pool_exclude_padding", "avgPoolExcludePadding"),
            Field("global_pooling", "globalPooling"),
        ),
    ),
    LayerType(
        "embedding",
        "embedding",
        (Field("input_dim", "inputDim"), Field("output_channels", "outputChannels")),
        fixed={"has_bias": False},
        unused={"bias": []},
        weights_shape=("outputChannels", "inputDim"),
    ),
    LayerType("permute", "permute", (Field("axis", "axis"),)),
    LayerType(
        "flatten", "flatten", (Field("mode", "mode", Choice({0: "channel_first", 1: "channel_last"})),)
    ),
    LayerType("concat", "concat"),
    LayerType("linear", "linear", (_ALPHA, _BETA)),
    LayerType("relu", "reLu"),
    LayerType("leaky_relu", "leakyReLu", (_ALPHA,)),
    LayerType("thresholded_relu", "thresholdedReLu", (_ALPHA,)),
    LayerType("prelu", "pReLu"),
    LayerType("tanh", "tanh"),
    # The library writes a ScaledTanh with the type tanh and reads that back as a Tanh; it reads "scaledTanh" correctly.
    LayerType("scaled_tanh", "scaledTanh", (_ALPHA, _BETA)),
    LayerType("sigmoid", "sigmoid"),
    LayerType("sigmoid_hard", "sigmoidHard", (_ALPHA, _BETA)),
    LayerType("elu", "elu", (_ALPHA,)),
    LayerType("softsign", "softsign"),
    LayerType("softplus", "softplus"),
    LayerType("parametric_softplus", "parametricSoftplus"),
    LayerType("softmax", "softmax"),
)  # fmt: skip

LAYERS_BY_OURS: Final = {row.ours: row for row in LAYER_TYPES}

LAYERS_BY_THEIRS: Final = {row.theirs: row for row in LAYER_TYPES}
"""By the type in a document; only the fields distinguish a deconvolution from a convolution.

The recurrent types are missing: the library declares them without sizes and without an export.
"""
