"""Random networks that are graphs: layers of many types, each reading what any of those before it made."""

from math import prod
from typing import Any, TypeVar

from hypothesis import strategies as st

from pippin.models.spec.shapes import image_of
from pippin.models.spec.table import LAYERS
from pippin.models.spec.values import Shape

Document = dict[str, Any]

T = TypeVar("T")

MAX_LAYERS = 12
_MAX_NUMBERS = 2_000

_BARE = ("relu", "tanh", "sigmoid", "softsign", "softplus", "softmax", "batchnorm", "l2_normalize", "mvn", "prelu")
_COMBINING = ("add", "multiply", "average", "max", "min", "concat")


@st.composite
def graphs(draw: st.DrawFn) -> Document:
    """A faultless spec of up to `MAX_LAYERS` layers, of which the last is trained; every blob is an output."""
    blobs: dict[str, Shape] = {}
    inputs = []
    for index in range(draw(st.integers(1, 2))):
        declared = [draw(st.integers(1, 4)) for _ in range(draw(st.sampled_from([1, 3])))]
        inputs.append({"name": f"x{index}", "shape": declared})
        blobs[f"x{index}"] = (1, 1, *declared, *([1, 1] if len(declared) == 1 else []))
    layers: list[Document] = []
    for index in range(draw(st.integers(0, MAX_LAYERS - 1))):
        layer = _drawn(draw, blobs) | {"name": f"layer{index}"}
        made = _made(layer, blobs)
        if made is None:
            continue
        names = [f"layer{index}.{part}" for part in range(len(made))] if len(made) > 1 else [f"layer{index}"]
        layers.append(layer | {"output": names if len(names) > 1 else names[0]})
        blobs.update(zip(names, made, strict=True))
    source = draw(st.sampled_from(sorted(blobs)))
    head = {"type": "inner_product", "name": "head", "input": source, "output_channels": 2, "updatable": True}
    return {
        "inputs": inputs,
        "outputs": [{"name": name} for name in [*blobs, "head"] if not name.startswith("x")],
        "layers": [*layers, head],
        "loss": {"type": "mean_squared_error", "input": "head"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
        "initial_seed": draw(st.integers(0, 2**32)),
    }


def _made(layer: Document, blobs: dict[str, Shape]) -> tuple[Shape, ...] | None:
    """What a layer makes; None where it does not fit, or makes too much."""
    known = LAYERS[layer["type"]].model_validate(layer | {"output": ["a", "b"]} if layer["type"] == "split" else layer)
    read = tuple(blobs[name] for name in known.input_names)
    if list(known.faults(read)):
        return None
    made = known.output_shapes(read)
    return made if max(map(prod, made)) <= _MAX_NUMBERS else None


def _drawn(draw: st.DrawFn, blobs: dict[str, Shape]) -> Document:
    """A layer that reads some of the blobs, without its name; it may turn out not to fit."""
    source = draw(st.sampled_from(sorted(blobs)))
    channels, height, width = image_of(blobs[source])
    kind = draw(st.sampled_from([*_BARE, *_COMBINING, *_FIELDS]))
    if kind in _COMBINING:
        alike = [
            name for name, shape in blobs.items() if shape[1:] == blobs[source][1:] and shape[0] == blobs[source][0]
        ]
        others = draw(st.lists(st.sampled_from(sorted(alike)), min_size=1, max_size=2))
        return {"type": kind, "input": [source, *others]}
    if kind in _BARE:
        return {"type": kind, "input": source}
    fields: Document = draw(_FIELDS[kind](channels, height, width))
    return {"type": kind, "input": source} | fields


def _fields(**fields: object) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries(
        {name: each if isinstance(each, st.SearchStrategy) else st.just(each) for name, each in fields.items()}
    )


def _pair(entries: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    return st.lists(entries, min_size=2, max_size=2)


_ORDERS = st.sampled_from(["channel_first", "channel_last"])
_FEW = st.integers(1, 3)

_FIELDS: dict[str, Any] = {
    "convolution": lambda *_: _fields(
        output_channels=_FEW,
        kernel_size=_pair(_FEW),
        padding=st.sampled_from(["valid", "same"]),
        has_bias=st.booleans(),
    ),
    "deconvolution": lambda *_: _fields(output_channels=_FEW, kernel_size=_pair(_FEW), stride=_pair(_FEW)),
    "pooling": lambda *_: _fields(
        pooling_type=st.sampled_from(["max", "average", "l2"]), kernel_size=_pair(_FEW), stride=_pair(_FEW)
    ),
    "inner_product": lambda *_: _fields(output_channels=_FEW, has_bias=st.booleans()),
    "flatten": lambda *_: _fields(mode=_ORDERS),
    "permute": lambda *_: _fields(axis=st.permutations([0, 1, 2, 3])),
    "reshape": lambda c, h, w: _fields(target_shape=[c * h * w, 1, 1], mode=_ORDERS),
    "padding": lambda *_: _fields(
        padding_type=st.sampled_from(["constant", "replication"]), borders=_pair(_pair(st.integers(0, 2)))
    ),
    "crop": lambda *_: _fields(borders=_pair(_pair(st.integers(0, 1)))),
    "slice": lambda c, *_: _fields(axis="channel", start_index=0, end_index=st.integers(1, c)),
    "upsample": lambda *_: _fields(scaling_factor=_pair(_FEW), mode=st.sampled_from(["nearest", "bilinear"])),
    "resize_bilinear": lambda *_: _fields(target_size=_pair(_FEW)),
    "sequence_repeat": lambda *_: _fields(n_repetitions=_FEW),
    "lrn": lambda *_: _fields(alpha=0.5, beta=0.75, local_size=_FEW),
    "reduce": lambda *_: _fields(
        mode=st.sampled_from(["sum", "avg", "l1", "l2", "max", "min"]),
        axis=st.sampled_from(["chw", "hw", "c", "h", "w"]),
    ),
    "unary": lambda *_: _fields(function=st.sampled_from(["abs", "exp", "threshold"]), scale=0.5),
    "linear": lambda *_: _fields(alpha=0.5, beta=-0.25),
    "leaky_relu": lambda *_: _fields(alpha=0.1),
    "elu": lambda *_: _fields(alpha=0.5),
    "scaled_tanh": lambda *_: _fields(alpha=1.5, beta=0.5),
    "scale": lambda c, *_: _fields(shape_scale=[c], has_bias=st.booleans()),
    "bias": lambda c, *_: _fields(shape=[c]),
    "split": lambda *_: _fields(n_outputs=2),
}
"""The types with fields, each with a strategy for them, given the input's C, H and W."""
