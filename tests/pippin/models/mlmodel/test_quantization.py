"""Weights of a few bits: read as a slow reader reads them, as coremltools writes them, and never written."""

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import coremltools
import numpy as np
import pytest
from coremltools.models.neural_network.quantization_utils import quantize_weights
from numpy.typing import NDArray

from pippin.models.mlmodel import ModelFileError, build, read, with_learned
from pippin.models.mlmodel.arrays import Channels, read_array
from pippin.models.mlmodel.proto import Message, new_model, parse, serialize
from pippin.models.spec import resolve
from tests.pippin.models.mlmodel.files import message_in
from tests.support.specs import small_spec

Floats = NDArray[np.float32]

BITS = range(1, 9)
# No number of bits but 4 and 8 makes whole bytes of them.
SHAPE = (3, 14)
COUNT = prod(SHAPE)


def blob(bits: int = 8, raw: bytes = b"", signed: bytes = b"") -> Message:
    """A `WeightParams` that is quantised, though it does not say yet how."""
    message = new_model().neuralNetwork.layers.add().innerProduct.weights
    message.rawValue, message.int8RawValue = raw, signed
    message.quantization.numberOfBits = bits
    return message


def linear(message: Message, scale: Sequence[float] = (0.5,), bias: Sequence[float] = (-1,)) -> Message:
    """The message, quantised linearly."""
    how = message.quantization.linearQuantization
    how.SetInParent()
    how.scale.extend(scale)
    how.bias.extend(bias)
    return message


def table(message: Message, values: Sequence[float]) -> Message:
    """The message, quantised by a table."""
    message.quantization.lookupTableQuantization.SetInParent()
    message.quantization.lookupTableQuantization.floatValue.extend(values)
    return message


def read_slowly(raw: bytes, bits: int, count: int) -> list[int]:
    """The numbers in `raw`, one bit after another, each byte's and each number's highest first."""
    ones = "".join(f"{byte:08b}" for byte in raw)
    return [int(ones[bits * index : bits * index + bits], 2) for index in range(count)]


def random_bytes(bits: int, count: int = COUNT) -> bytes:
    return np.random.default_rng(bits).bytes(-(-count * bits // 8))


@pytest.mark.parametrize("bits", BITS)
def test_numbers_of_1_to_8_bits_match_a_slow_reader(bits: int) -> None:
    raw = random_bytes(bits)
    slow = np.array(read_slowly(raw, bits, COUNT)).reshape(SHAPE)
    assert slow.max() >= 2 ** (bits - 1)
    assert np.array_equal(read_array(linear(blob(bits, raw)), SHAPE, "weights"), slow * 0.5 - 1)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 9])
def test_unused_bits_of_the_last_byte_are_ignored(bits: int, count: int) -> None:
    raw = random_bytes(bits, count)
    expected = read_array(linear(blob(bits, raw)), (count,), "weights")
    assert expected.tolist() == [0.5 * number - 1 for number in read_slowly(raw, bits, count)]
    unused = len(raw) * 8 - count * bits
    flipped = raw[:-1] + bytes([raw[-1] ^ (2**unused - 1)])
    assert np.array_equal(read_array(linear(blob(bits, flipped)), (count,), "weights"), expected)


@pytest.mark.parametrize("bits", BITS)
def test_lookup_table_is_applied(bits: int) -> None:
    raw = random_bytes(bits)
    values = np.random.default_rng(0).normal(size=2**bits).astype(np.float32)
    found = read_array(table(blob(bits, raw), values.tolist()), SHAPE, "weights")
    assert found.dtype == np.float32
    assert found.ravel().tolist() == [values[number] for number in read_slowly(raw, bits, COUNT)]


@pytest.mark.parametrize(
    ("scale", "bias", "rows"),
    [
        ([2], [], [[2, 4], [6, 8], [10, 12]]),
        ([2], [1], [[3, 5], [7, 9], [11, 13]]),
        ([2], [1, 2, 3], [[3, 5], [8, 10], [13, 15]]),
        ([1, 2, 3], [], [[1, 2], [6, 8], [15, 18]]),
        ([1, 2, 3], [-1], [[0, 1], [5, 7], [14, 17]]),
        ([1, 2, 3], [-1, 0, 1], [[0, 1], [6, 8], [16, 19]]),
    ],
)
def test_scale_and_bias_are_single_or_per_channel(
    scale: list[float], bias: list[float], rows: list[list[float]]
) -> None:
    message = linear(blob(8, bytes([1, 2, 3, 4, 5, 6])), scale, bias)
    assert read_array(message, (3, 2), "weights").tolist() == rows


def test_kernel_channels_are_the_first_axis() -> None:
    message = linear(blob(8, bytes(range(24))), [1, 10], [0, 100])
    kernel = read_array(message, (2, 3, 2, 2), "weights")
    assert np.array_equal(kernel[0], np.arange(12).reshape(3, 2, 2))
    assert np.array_equal(kernel[1], np.arange(12, 24).reshape(3, 2, 2) * 10 + 100)


def test_deconvolution_channels_are_the_second_axis_by_group() -> None:
    # Two groups of one input channel each, which make two output channels each.
    channels = Channels.of_a_deconvolution((2, 2, 1, 1), groups=2)
    numbers = bytes([1, 2, 3, 4])
    one_each = read_array(linear(blob(8, numbers), [1, 10, 100, 1000], []), (2, 2, 1, 1), "weights", channels)
    assert one_each.ravel().tolist() == [1, 20, 300, 4000]
    shared = read_array(linear(blob(8, numbers), [1, 10], []), (2, 2, 1, 1), "weights", channels)
    assert shared.ravel().tolist() == [1, 20, 3, 40]
    alike = read_array(linear(blob(8, numbers), [2], [1]), (2, 2, 1, 1), "weights", channels)
    assert alike.ravel().tolist() == [3, 5, 7, 9]


def test_int8_values_are_signed() -> None:
    message = linear(blob(8, signed=bytes([0, 1, 127, 128, 255, 254])), [0.5], [])
    assert read_array(message, (3, 2), "weights").tolist() == [[0, 0.5], [63.5, -64], [-0.5, -1]]


EIGHT = bytes(6)
MISFITS = {
    "W are quantised to 0 bits; needs 1 to 8": linear(blob(0, EIGHT)),
    "W are quantised to 9 bits; needs 1 to 8": linear(blob(9, EIGHT)),
    "W are 5 bytes; 6 numbers of 8 bits need 6": linear(blob(8, bytes(5))),
    "W are 7 bytes; 6 numbers of 8 bits need 6": linear(blob(8, bytes(7))),
    "W are 2 bytes; 6 numbers of 3 bits need 3": linear(blob(3, bytes(2))),
    "W are 4 bytes; 6 numbers of 3 bits need 3": linear(blob(3, bytes(4))),
    "W are 0 bytes; 6 numbers of 8 bits need 6": linear(blob(8)),
    "W have no quantisation parameters; needs linear or lookup table": blob(8, EIGHT),
    "W have a scale of 0 numbers; needs 1 or 3": linear(blob(8, EIGHT), []),
    "W have a scale of 2 numbers; needs 1 or 3": linear(blob(8, EIGHT), [1, 1]),
    "W have a bias of 2 numbers; needs 1 or 3": linear(blob(8, EIGHT), [1], [0, 0]),
    "W have a table of 0 numbers; 2 bits need 4": table(blob(2, bytes(2)), []),
    "W have a table of 5 numbers; 2 bits need 4": table(blob(2, bytes(2)), range(5)),
    "W are signed numbers of 6 bits; needs 8": linear(blob(6, signed=bytes(5))),
    "W are signed numbers; those of a lookup table must not be": table(blob(8, signed=EIGHT), range(256)),
    "W are stored as rawValue and int8RawValue; needs one of them": linear(blob(8, EIGHT, EIGHT)),
    "W hold a number that is not finite; needs finite numbers": linear(blob(8, b"\xff" * 6), [3e38], []),
}


@pytest.mark.parametrize("said", MISFITS)
def test_inconsistent_quantization_is_refused(said: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        read_array(MISFITS[said], (3, 2), "W")
    assert str(raised.value) == said


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_non_finite_weights_are_refused_in_every_encoding(number: float) -> None:
    single, half = (new_model().neuralNetwork.layers.add().innerProduct.weights for _ in range(2))
    single.floatValue.extend([0, number])
    half.float16Value = np.array([0, number], dtype="<f2").tobytes()
    scaled = linear(blob(8, bytes(2)), [number], [])
    shifted = linear(blob(8, bytes(2)), [1], [number])
    looked_up = table(blob(1, b"\x40"), [0, number])
    for message in (single, half, scaled, shifted, looked_up):
        with pytest.raises(ModelFileError, match="W hold a number that is not finite"):
            read_array(message, (2,), "W")


def test_unused_table_entry_may_be_non_finite() -> None:
    assert read_array(table(blob(1, b"\x00"), [7, np.nan]), (2,), "W").tolist() == [7, 7]


def test_half_precision_is_exact_and_little_endian() -> None:
    message = new_model().neuralNetwork.layers.add().innerProduct.weights
    message.float16Value = b"\x00\x3c\x00\xc0\x01\x00\xff\x7b"
    assert read_array(message, (2, 2), "W").tolist() == [[1, -2], [2**-24, 65504]]
    message.float16Value += b"\x00\x00"
    with pytest.raises(ModelFileError, match=r"W are 5 numbers; shape \[2, 2\] needs 4"):
        read_array(message, (2, 2), "W")


@cache
def frozen_below() -> bytes:
    """A model whose convolution, deconvolution and first inner product are frozen, and whose last one is trained."""
    rng = np.random.default_rng(3)

    def kernel(*shape: int) -> Any:  # noqa: ANN401 - an array as lists
        return rng.normal(size=shape).astype(np.float32).tolist()

    return build(
        resolve(
            small_spec(
                inputs=[{"name": "x", "shape": [4, 5, 5]}],
                layers=[
                    {"type": "convolution", "name": "conv", "output_channels": 6, "kernel_size": [3, 2], "groups": 2}
                    | {"weights": kernel(6, 2, 3, 2), "bias": kernel(6)},
                    {"type": "deconvolution", "name": "up", "output_channels": 4, "kernel_size": [2, 2], "groups": 2}
                    | {"weights": kernel(6, 2, 2, 2), "bias": kernel(4)},
                    {"type": "relu", "name": "relu"},
                    {"type": "flatten", "name": "flat"},
                    {"type": "inner_product", "name": "below", "output_channels": 5, "weights": kernel(5, 80)},
                    {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
                    {"type": "softmax", "name": "softmax"},
                ],
            )
        )
    )


@cache
def quantized(data: bytes, bits: int, mode: str, lut_function: Callable[..., object] | None = None) -> bytes:
    """The file after coremltools quantised its frozen layers."""
    options = {} if lut_function is None else {"lut_function": lut_function}
    original = parse(data)
    model = coremltools.models.MLModel(parse(data), skip_model_load=True)
    spec = quantize_weights(model, bits, mode, **options)
    changed = spec.get_spec() if isinstance(spec, coremltools.models.MLModel) else spec
    # It quantises what is updatable as well, which Core ML refuses.
    for index, layer in enumerate(original.neuralNetwork.layers):
        if layer.isUpdatable:
            changed.neuralNetwork.layers[index].CopyFrom(layer)
    return serialize(changed)


def steps(original: Floats, bits: int, axis: int | None) -> Floats:
    """How far apart neighbouring numbers are when linearly quantised: for all, or along an axis."""
    others = tuple(each for each in range(original.ndim) if each != axis)
    extent = original.max(axis=others, keepdims=True) - original.min(axis=others, keepdims=True)
    step: Floats = extent / (2**bits - 1)
    return step


CHANNEL_AXES = {"conv": 0, "up": 1, "below": 0}


@pytest.mark.parametrize(
    ("bits", "mode"), [*((bits, mode) for bits in BITS for mode in ("linear", "linear_lut")), (8, "linear_symmetric")]
)
def test_quantized_weights_are_within_half_a_step_and_match_coremltools_dequantization(bits: int, mode: str) -> None:
    data = quantized(frozen_below(), bits, mode)
    before, after = read(frozen_below()).weights, read(data).weights
    for layer, axis in CHANNEL_AXES.items():
        off = np.abs(after[layer]["weights"] - before[layer]["weights"])
        # Rounding leaves nothing where it was: a reader that passes everything through would be seen.
        assert off.max() > 0
        if mode != "linear_symmetric":
            step = steps(before[layer]["weights"], bits, axis if mode == "linear" else None)
            assert (off <= step / 2 + 1e-5).all()
    assert np.array_equal(after["dense"]["weights"], before["dense"]["weights"])
    theirs = read(quantized(data, bits, "dequantization")).weights
    assert {layer: set(arrays) for layer, arrays in after.items()} == {
        layer: {"weights", "bias"} for layer in ("conv", "up", "below", "dense")
    }
    for layer, arrays in after.items():
        for key, array in arrays.items():
            # It computes in 64 bits what we do in 32.
            np.testing.assert_allclose(array, theirs[layer][key], rtol=1e-6, atol=1e-6)


def test_custom_lookup_table_is_read() -> None:
    def powers(bits: int, weights: Floats) -> tuple[Floats, NDArray[np.uint8]]:
        values = (2.0 ** np.arange(2**bits) - 3).astype(np.float32)
        return values, np.abs(weights[..., None] - values).argmin(axis=-1).astype(np.uint8)

    before = read(frozen_below()).weights
    found = read(quantized(frozen_below(), 3, "custom_lut", lut_function=powers)).weights
    for layer in CHANNEL_AXES:
        values, places = powers(3, before[layer]["weights"])
        assert np.array_equal(found[layer]["weights"], values[places])


def test_coremltools_half_precision_is_read() -> None:
    model = parse(frozen_below())
    model.isUpdatable = False
    data = quantized(serialize(model), 16, "linear")
    updatable = parse(data)
    updatable.isUpdatable = True
    assert updatable.neuralNetwork.layers[0].convolution.weights.float16Value
    found, before = read(serialize(updatable)).weights, read(frozen_below()).weights
    for layer in CHANNEL_AXES:
        assert np.array_equal(found[layer]["weights"], before[layer]["weights"].astype(np.float16))


@pytest.mark.parametrize(("bits", "mode"), [(8, "linear"), (4, "linear_lut"), (3, "linear")])
def test_quantized_layers_are_unchanged_by_training(bits: int, mode: str) -> None:
    data = quantized(frozen_below(), bits, mode)
    learned = {name: {key: array + 1 for key, array in arrays.items()} for name, arrays in read(data).weights.items()}
    before, after = message_in(data), message_in(with_learned(data, learned))
    for old, new in zip(before.neuralNetwork.layers, after.neuralNetwork.layers, strict=True):
        assert (old == new) == (old.name != "dense")
    assert np.array_equal(read(serialize(after)).weights["dense"]["weights"], learned["dense"]["weights"])
