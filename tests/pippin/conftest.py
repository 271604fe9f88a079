"""Models in the spec language, for all tests that use the language."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.support import specs

Document = dict[str, Any]


@pytest.fixture(scope="session")
def small_spec() -> Callable[..., Document]:
    """Makes a document: a vector of four through one inner product to three classes, changed by the arguments."""
    return specs.small_spec


@st.composite
def _chains(draw: st.DrawFn) -> Document:
    """A faultless spec of a few random layers, small enough to build and compute at once."""
    shape = [draw(st.integers(1, 4)), draw(st.integers(4, 9)), draw(st.integers(4, 9))]
    layers: list[Document] = []
    inputs = [{"name": "x", "shape": list(shape), "type": draw(st.sampled_from(["float", "double"]))}]
    for index in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["convolution", "pooling", "relu", "tanh", "sigmoid"]))
        layer: Document = {"type": kind, "name": f"{kind}{index}"}
        if kind in ("convolution", "pooling"):
            layer["kernel_size"] = [draw(st.integers(1, size)) for size in shape[1:]]
            layer["stride"] = [draw(st.integers(1, 2)) for _ in shape[1:]]
            layer["padding"] = _padding(draw, layer["kernel_size"])
            same = layer["padding"]["type"] == "same"
            borders = layer["padding"].get("borders", [[0, 0], [0, 0]])
            for axis in (0, 1):
                size, kernel, stride = shape[axis + 1], layer["kernel_size"][axis], layer["stride"][axis]
                shape[axis + 1] = -(-size // stride) if same else (size + sum(borders[axis]) - kernel) // stride + 1
        if kind == "convolution":
            groups = draw(st.sampled_from([g for g in (1, 2, 4) if shape[0] % g == 0]))
            layer["groups"] = groups
            shape[0] = groups * draw(st.integers(1, 2))
            layer["output_channels"] = shape[0]
            layer["has_bias"] = draw(st.booleans())
            layer["updatable"] = draw(st.booleans())
            layer["initializer"] = draw(st.sampled_from(["he_uniform", "glorot_uniform", "zeros"]))
        if kind == "pooling":
            layer["pooling_type"] = draw(st.sampled_from(["max", "average"]))
            layer["avg_pool_exclude_padding"] = draw(st.booleans())
        layers.append(layer)
    classes = draw(st.integers(1, 4))
    layers.append({"type": "flatten", "name": "flat", "mode": draw(st.sampled_from(["channel_first", "channel_last"]))})
    layers.append({"type": "inner_product", "name": "dense", "output_channels": classes, "updatable": True})
    if classifies := draw(st.booleans()):
        layers.append({"type": "softmax", "name": "softmax"})
    return {
        "inputs": inputs,
        "outputs": [{"name": "y", "shape": [classes]}],
        "layers": layers,
        "loss": {"type": "categorical_cross_entropy" if classifies else "mean_squared_error"},
        "optimizer": draw(_optimizers),
        "epochs": draw(_whole),
        "shuffle": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "initial_seed": draw(st.integers(0, 2**63 - 1)),
        "author": draw(_texts),
        "version_string": draw(_texts),
        "user_defined": draw(
            st.dictionaries(_texts.filter(lambda key: not key.startswith("pippin.")), _texts, max_size=3)
        ),
    }


def _padding(draw: st.DrawFn, kernel: list[int]) -> Document:
    if draw(st.booleans()):
        return {"type": "same", "mode": draw(st.sampled_from(["bottom_right_heavy", "top_left_heavy"]))}
    borders = [[draw(st.integers(0, extent - 1)) for _ in range(2)] for extent in kernel]
    return {"type": "valid", "borders": borders}


_texts = st.text(max_size=8)
_whole = st.one_of(
    st.integers(1, 2**40),
    st.fixed_dictionaries({"default": st.just(5), "min": st.integers(1, 5), "max": st.integers(5, 2**62)}),
    st.fixed_dictionaries({"default": st.just(5)}, optional={"max": st.integers(5, 2**62)}),
    st.lists(st.integers(1, 2**62), min_size=1, max_size=3).map(
        lambda numbers: {"default": numbers[0], "set": numbers}
    ),
)
_rates = st.one_of(
    st.floats(0, 1),
    st.fixed_dictionaries({"default": st.floats(0.1, 0.5), "min": st.floats(0, 0.1), "max": st.floats(0.5, 1e9)}),
    st.fixed_dictionaries(
        {"default": st.floats(0.1, 0.5)}, optional={"min": st.floats(-1, 0), "max": st.floats(0.5, 1)}
    ),
)
_decays = st.floats(0, 0.999)
_optimizers = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("sgd"), "learning_rate": _rates, "mini_batch_size": _whole}, optional={"momentum": _rates}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("adam"),
            "learning_rate": _rates,
            "mini_batch_size": _whole,
            "beta1": _decays,
            "beta2": _decays,
            "eps": st.floats(1e-30, 1),
        }
    ),
)


@pytest.fixture(scope="session")
def chains() -> st.SearchStrategy[Document]:
    """Faultless documents of random chains of layers."""
    return _chains()
