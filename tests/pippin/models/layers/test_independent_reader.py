"""An independent reader computes the same from our files as we do."""

from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import initial_weights
from pippin.network import predict
from tests.pippin.models.layers.case import Case
from tests.pippin.models.layers.onnx_reader import run
from tests.pippin.models.layers.rows import CASES, parameters


class Fault(NamedTuple):
    """What the reader does in the place of the layer.

    Attributes:
        why: In words.
        error: A part of what it raises, as a pattern; None where it answers, and wrongly.
    """

    why: str
    error: str | None = None


_BACKWARDS = Fault("gives the steps in the order of the input, not in that of their making")
_CELL = Fault("clips what the gates and the block input read at the cell's threshold, and the cell not")
_CELL_AND_ONE = Fault(f"{_CELL.why}, and leaves out the 1 of `forget_bias`")
_COLUMNS = Fault("lays the channels' slopes along the width", "broadcast an axis")
_EMBEDDING = Fault("adds the bias as an image's: every number of it to every channel")
_EVEN = Fault("is refused an even number of channels", "size_ % 2 == 1")
_INCLUDED = Fault("writes the attribute `ceil_mode` for a version of AveragePool without it", "attribute: ceil_mode")
_LISTS = Fault("takes the formula's numbers for lists", "'float'")
_NO_EPSILON = Fault("leaves epsilon out")
_NOT_CLIPPED = Fault("does not clip at 50 what the activations read")
_PIXELS = Fault("divides every pixel by the length of its channels, not the image by its own")
_STATISTICS = Fault("writes stored statistics, of which there are none", "does not match tensor dimensions")
_THIRD = Fault("adds up or multiplies two, and stumbles over the third", "full_name")
_UNKNOWN = Fault("has no such layer", "Unsupported shape calculation")
_VECTORS = Fault("reads vectors alone", "must be .N, C, 1, 1.")

FAULTS: dict[str, Fault] = {
    "add of three": _THIRD,
    "batchnorm computed, of the batch*": _STATISTICS,
    "batchnorm stored, not of instances": Fault("heeds the flag without its companion", "instance normalization"),
    "bi_directional_lstm with every flag": _CELL_AND_ONE,
    "bi_directional_lstm with the forward states": Fault("reads all four states or none", "list index out of range"),
    "convolution with all at once": Fault("is refused a dilation with the padding `same`", "Dilation not supported"),
    "crop_resize*": _UNKNOWN,
    "deconvolution of a larger output shape": Fault("is refused it", "output_shape is inconsistent"),
    "deconvolution of an output shape smaller by odd numbers": Fault("cuts the odd row off at the top, not the bottom"),
    "deconvolution same*with gaps": Fault("ends with the last kernel, without the gap after it"),
    "dot cosine*": Fault("writes the attribute `axis` as `aixs`", "attribute: aixs"),
    "embedding given": _EMBEDDING,
    "embedding of *": _EMBEDDING,
    "gru clipped": _NOT_CLIPPED,
    "gru of a sequence backwards": _BACKWARDS,
    "inner_product of an image": _VECTORS,
    "inner_product of rank 5": _VECTORS,
    "l2_normalize of a sequence": _PIXELS,
    "l2_normalize of an image": _PIXELS,
    "l2_normalize with epsilon": _PIXELS,
    "lrn of four channels": _EVEN,
    "lrn of two channels": _EVEN,
    "multiply of three": _THIRD,
    "mvn of a sequence": Fault("takes the mean and the variance over all steps"),
    "mvn with epsilon": _NO_EPSILON,
    "parametric_softplus far from 0": Fault("takes the exponential of any number, and answers infinity"),
    "pooling average same*, padding included": _INCLUDED,
    "pooling average valid, padding included": _INCLUDED,
    "pooling average with borders, padding included": _INCLUDED,
    "prelu": _COLUMNS,
    "prelu given": _COLUMNS,
    "prelu of a sequence": _COLUMNS,
    "reduce argmax*": Fault(
        "writes the other reductions' attribute `axes`, which ArgMax does not have", "attribute: axes"
    ),
    "reduce logsum*": Fault("takes the logarithm of the sum in the place of the sum of logarithms"),
    "reorganize_data pixel_shuffle*": Fault("does not know this mode", "Unsupport reorganization mode"),
    "reshape channel_last*": Fault("moves the channels to the end, and never back"),
    "resize_bilinear*": _UNKNOWN,
    "scaled_tanh": _LISTS,
    "simple_recurrent clipped": _NOT_CLIPPED,
    "simple_recurrent of a sequence backwards": _BACKWARDS,
    "slice*'stride'*": Fault("knows no stride but 1", "Stride must be 1"),
    "slice*": Fault("cuts the last off every axis that is to be left alone"),
    "softmax of a sequence": Fault("weighs all numbers of a step together, not those of a pixel"),
    "softmax of an image over its channels": Fault("weighs all numbers of the image together, not those of a pixel"),
    "thresholded_relu*": _LISTS,
    "unary inverse*with epsilon": _NO_EPSILON,
    "unary rsqrt with epsilon": _NO_EPSILON,
    "unary threshold*": Fault("writes the threshold as a float64", "different types"),
    "uni_directional_lstm clipped": _CELL,
    "uni_directional_lstm of a sequence backwards": _BACKWARDS,
    "uni_directional_lstm with a low cell clip*": _CELL,
    "uni_directional_lstm with every flag": _CELL_AND_ONE,
    "*_directional_lstm with forget bias*": Fault("holds that `forget_bias` has been added to the bias in the file"),
    "upsample*bilinear*": Fault("writes the mode `bilinear`, which ONNX calls `linear`", "UpsampleMode"),
}
"""The reader's faults by the rows that meet them, each seen; `*` stands for any words. The first that fits counts."""


def readable(case: Case) -> bool:
    """Whether the reader has such arrays: those of rank 5, without a batch of their own."""
    return case.mapping == "rank5" or all(len(shape) == 5 and shape[1] == 1 for shape in case.inputs)


def fault_of(case: Case) -> str | None:
    return next((pattern for pattern in FAULTS if fnmatchcase(str(case), pattern)), None)


READ = [case for case in CASES if readable(case)]
AGREED = [case for case in READ if fault_of(case) is None]
FAULTY = [case for case in READ if fault_of(case) is not None]


def ours_and_theirs(case: Case) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """What we and the reader make of the case's file, one pair an output; the reader's in our shape, if it fits."""
    data = case.file()
    model = read(data)
    inputs = {name: array.astype(np.float32) for name, array in case.drawn().items()}
    ours = predict(model.resolved, model.weights, inputs)
    theirs = run(data, inputs)
    return [
        (ours[name], theirs[name].reshape(ours[name].shape) if theirs[name].size == ours[name].size else theirs[name])
        for name in case.output_names
    ]


def close(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    return ours.shape == theirs.shape and np.allclose(theirs, ours, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", parameters(AGREED))
def test_independent_reader_computes_the_same(case: Case) -> None:
    for ours, theirs in ours_and_theirs(case):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", parameters(FAULTY))
def test_known_reader_fault_still_occurs(case: Case) -> None:
    fault = FAULTS[fault_of(case) or ""]
    if fault.error is not None:
        with pytest.raises(Exception, match=fault.error):
            ours_and_theirs(case)
    else:
        assert not all(close(ours, theirs) for ours, theirs in ours_and_theirs(case)), f"it no longer {fault.why}"


def test_every_known_reader_fault_has_a_case() -> None:
    assert {fault_of(case) for case in FAULTY} == set(FAULTS)


def test_independent_reader_matches_the_preset_predictions() -> None:
    resolved = resolve(preset("mnist-cnn"))
    rng = np.random.default_rng(3)
    weights = {
        layer: {key: rng.normal(0, 0.1, array.shape).astype(np.float32) for key, array in arrays.items()}
        for layer, arrays in initial_weights(resolved).items()
    }
    data = build(resolved, weights)
    model = read(data)
    inputs = {"image": rng.uniform(0, 1, (8, 1, 28, 28)).astype(np.float32)}
    ours = predict(model.resolved, model.weights, inputs)["output"]
    np.testing.assert_allclose(run(data, inputs)["output"][:, 0], ours, rtol=0, atol=1e-5)
    # Weights of another size would make all probabilities alike, and the comparison empty.
    assert np.ptp(ours) > 0.1
