"""Every layer type as SwiftCoreMLTools writes it, beside the same in the spec language."""

from typing import Any

NO_BORDERS = [{"startEdgeSize": 0, "endEdgeSize": 0}, {"startEdgeSize": 0, "endEdgeSize": 0}]
BORDERS = [{"startEdgeSize": 1, "endEdgeSize": 2}, {"startEdgeSize": 3, "endEdgeSize": 4}]

CONVOLUTION = {
    "weight": [float(number) for number in range(24)],
    "bias": [0.5, -0.5],
    "outputChannels": 2,
    "kernelChannels": 3,
    "nGroups": 1,
    "kernelSize": [2, 2],
    "stride": [1, 1],
    "dilationFactor": [1, 1],
    "paddingType": {"valid": BORDERS},
    "outputShape": [],
    "deconvolution": False,
    "updatable": True,
}
KERNELS = [
    [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]],
    [[[12, 13], [14, 15]], [[16, 17], [18, 19]], [[20, 21], [22, 23]]],
]
OUR_CONVOLUTION = {
    "output_channels": 2,
    "kernel_channels": 3,
    "groups": 1,
    "kernel_size": [2, 2],
    "stride": [1, 1],
    "dilation": [1, 1],
    "padding": {"type": "valid", "borders": [[1, 2], [3, 4]]},
    "updatable": True,
    "weights": KERNELS,
    "bias": [0.5, -0.5],
}
POOLING = {
    "poolingType": 0,
    "kernelSize": [2, 3],
    "stride": [2, 1],
    "paddingType": {"valid": NO_BORDERS},
    "avgPoolExcludePadding": True,
    "globalPooling": False,
}
OUR_POOLING = {
    "pooling_type": "max",
    "kernel_size": [2, 3],
    "stride": [2, 1],
    "padding": {"type": "valid", "borders": [[0, 0], [0, 0]]},
    "avg_pool_exclude_padding": True,
    "global_pooling": False,
}


def _without(fields: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in keys}


# type and fields there; type and fields here
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "innerProduct",
        {"weight": [1, 2, 3, 4, 5, 6], "bias": [7, 8], "inputChannels": 3, "outputChannels": 2, "updatable": True},
        "inner_product",
        {
            "input_channels": 3,
            "output_channels": 2,
            "updatable": True,
            "weights": [[1, 2, 3], [4, 5, 6]],
            "bias": [7, 8],
        },
    ),
    (
        "innerProduct",
        {"inputChannels": 3, "outputChannels": 2, "updatable": False},
        "inner_product",
        {"input_channels": 3, "output_channels": 2, "updatable": False, "initializer": "glorot_uniform"},
    ),
    ("convolution", CONVOLUTION, "convolution", OUR_CONVOLUTION),
    (
        "convolution",
        CONVOLUTION | {"paddingType": {"same": "topLeftHeavy"}},
        "convolution",
        OUR_CONVOLUTION | {"padding": {"type": "same", "mode": "top_left_heavy"}},
    ),
    (
        "convolution",
        CONVOLUTION | {"deconvolution": True, "weight": [1, 2, 3, 4], "nGroups": 2, "kernelSize": [1, 2],
                       "kernelChannels": 2, "outputShape": [9, 8]},
        "deconvolution",
        _without(OUR_CONVOLUTION, "dilation")
        | {"groups": 2, "kernel_size": [1, 2], "kernel_channels": 2, "output_shape": [9, 8],
           "weights": [[[[1, 2]]], [[[3, 4]]]]},
    ),
    (
        "convolution",
        _without(CONVOLUTION, "weight", "bias") | {"deconvolution": True},
        "deconvolution",
        _without(OUR_CONVOLUTION, "dilation", "weights", "bias") | {"initializer": "glorot_uniform"},
    ),
    ("pooling", POOLING, "pooling", OUR_POOLING),
    (
        "pooling",
        POOLING | {"poolingType": 1, "paddingType": {"same": "bottomRightHeavy"}},
        "pooling",
        OUR_POOLING | {"pooling_type": "average", "padding": {"type": "same", "mode": "bottom_right_heavy"}},
    ),
    (
        "pooling",
        POOLING | {"poolingType": 2, "paddingType": {"includeLastPixel": [1, 0]}},
        "pooling",
        OUR_POOLING | {"pooling_type": "l2", "padding": {"type": "include_last_pixel", "amounts": [1, 0]}},
    ),
    (
        "pooling",
        POOLING | {"kernelSize": [], "globalPooling": True},
        "pooling",
        _without(OUR_POOLING, "kernel_size") | {"global_pooling": True},
    ),
    (
        "embedding",
        {"weight": [1, 2, 3, 4, 5, 6], "bias": [], "inputDim": 3, "outputChannels": 2},
        "embedding",
        {"input_dim": 3, "output_channels": 2, "weights": [[1, 2, 3], [4, 5, 6]], "has_bias": False},
    ),
    ("permute", {"axis": [0, 3, 1, 2]}, "permute", {"axis": [0, 3, 1, 2]}),
    ("flatten", {"mode": 0}, "flatten", {"mode": "channel_first"}),
    ("flatten", {"mode": 1}, "flatten", {"mode": "channel_last"}),
    ("concat", {}, "concat", {}),
    ("linear", {"alpha": 2, "beta": 0.5}, "linear", {"alpha": 2, "beta": 0.5}),
    ("reLu", {}, "relu", {}),
    ("leakyReLu", {"alpha": 0.1}, "leaky_relu", {"alpha": 0.1}),
    ("thresholdedReLu", {"alpha": 0.1}, "thresholded_relu", {"alpha": 0.1}),
    ("pReLu", {}, "prelu", {}),
    ("tanh", {}, "tanh", {}),
    ("scaledTanh", {"alpha": 1.7, "beta": 0.6}, "scaled_tanh", {"alpha": 1.7, "beta": 0.6}),
    ("sigmoid", {}, "sigmoid", {}),
    ("sigmoidHard", {"alpha": 0.2, "beta": 0.5}, "sigmoid_hard", {"alpha": 0.2, "beta": 0.5}),
    ("elu", {"alpha": 1.5}, "elu", {"alpha": 1.5}),
    ("softsign", {}, "softsign", {}),
    ("softplus", {}, "softplus", {}),
    ("parametricSoftplus", {}, "parametric_softplus", {}),
    ("softmax", {}, "softmax", {}),
]  # fmt: skip
