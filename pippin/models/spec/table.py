"""Every layer type and its class; add a new type here and in `pippin.network.table`."""

from typing import TYPE_CHECKING, Annotated, TypeAlias, Union

from pydantic import Field

from pippin.models.spec.layer import Layer
from pippin.models.spec.layers import (
    activations,
    constants,
    convolution,
    cropping,
    dense,
    elementwise,
    normalization,
    pooling,
    recurrent,
    reduction,
    resizing,
    shape,
)

LAYERS: dict[str, type[Layer]] = {
    "add": elementwise.Add,
    "average": elementwise.Average,
    "batchnorm": normalization.Batchnorm,
    "bi_directional_lstm": recurrent.BiDirectionalLSTM,
    "bias": constants.Bias,
    "clip": activations.Clip,
    "concat": shape.Concat,
    "convolution": convolution.Convolution,
    "crop": cropping.Crop,
    "crop_resize": resizing.CropResize,
    "deconvolution": convolution.Deconvolution,
    "dot": elementwise.Dot,
    "elu": activations.ELU,
    "embedding": dense.Embedding,
    "flatten": shape.Flatten,
    "gru": recurrent.GRU,
    "inner_product": dense.InnerProduct,
    "l2_normalize": normalization.L2Normalize,
    "leaky_relu": activations.LeakyReLU,
    "linear": activations.Linear,
    "load_constant": constants.LoadConstant,
    "lrn": normalization.LRN,
    "max": elementwise.Max,
    "min": elementwise.Min,
    "multiply": elementwise.Multiply,
    "mvn": normalization.MVN,
    "padding": cropping.Padding,
    "parametric_softplus": activations.ParametricSoftplus,
    "permute": shape.Permute,
    "pooling": pooling.Pooling,
    "prelu": activations.PReLU,
    "reduce": reduction.Reduce,
    "relu": activations.ReLU,
    "reorganize_data": shape.ReorganizeData,
    "reshape": shape.Reshape,
    "resize_bilinear": resizing.ResizeBilinear,
    "scale": constants.Scale,
    "scaled_tanh": activations.ScaledTanh,
    "sequence_repeat": shape.SequenceRepeat,
    "sigmoid": activations.Sigmoid,
    "sigmoid_hard": activations.SigmoidHard,
    "simple_recurrent": recurrent.SimpleRecurrent,
    "slice": cropping.Slice,
    "softmax": activations.Softmax,
    "softplus": activations.Softplus,
    "softsign": activations.Softsign,
    "split": shape.Split,
    "tanh": activations.Tanh,
    "thresholded_relu": activations.ThresholdedReLU,
    "unary": elementwise.Unary,
    "uni_directional_lstm": recurrent.UniDirectionalLSTM,
    "upsample": resizing.Upsample,
}
"""The layer types by name."""

LAYERS_BY_KIND: dict[str, type[Layer]] = {layer.proto_kind(): layer for layer in LAYERS.values()}
"""The layer types by `Layer.proto_kind`, which identifies them in a file."""

if TYPE_CHECKING:
    AnyLayer: TypeAlias = Layer
else:
    # Not `|`: the union is built from the table at run time.
    AnyLayer = Annotated[Union[tuple(LAYERS.values())], Field(discriminator="type")]  # noqa: UP007
