"""The inputs of a model, read from JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.datasets.dtypes import indices_of_collisions
from pippin.datasets.shapes import fits
from pippin.errors import Fault, pointer
from pippin.models.spec import ArrayFeature, Feature, ImageFeature, Shape
from pippin.models.spec.explain import shown
from pippin.models.spec.features import NumberFeature
from pippin.predictions.errors import refused

MAX_NUMBERS = 2**24
"""The number of values in all inputs of a prediction together: 64 MiB as float32."""

_SHOWN = 20
_INT32 = np.iinfo(np.int32)


def from_json(features: Sequence[Feature], document: object) -> dict[str, NDArray[np.float32]]:
    """The inputs in the body of a prediction, `{"inputs": {name: nested lists}}`.

    Lists are nested as the model declares the input, with the batch axis first, which is optional for one example. Axes
    of length 1 are ignored: rows of 4 numbers fit an input [1, 4]. Arrays must be scaled as for the training; an image
    has pixels 0 to 255, channels first.

    Args:
        features: The inputs of the model.
        document: The body of the request.

    Returns:
        Input name -> [N, *declared shape].

    Raises:
        PredictionError: The body has faults, of which the first twenty are listed.
    """
    values = _values_by_input(features, document)
    faults: list[Fault] = []
    arrays: dict[str, NDArray[np.float32]] = {}
    remaining = MAX_NUMBERS
    for feature in features:
        if not isinstance(feature, ArrayFeature | ImageFeature | NumberFeature):
            detail = f"the model reads {feature.name!r} as {feature.type}, which predictions do not support"
            faults.append(Fault(pointer("inputs", feature.name), detail))
            continue
        reader = _Reader(feature, remaining)
        input_faults = list(islice(reader.faults(values[feature.name]), _SHOWN))
        faults += [fault.under(pointer("inputs", feature.name)) for fault in input_faults]
        if not input_faults:
            arrays[feature.name] = reader.array
            remaining -= reader.array.size
    if not faults:
        faults += _faults_of_counts(arrays)
    if faults:
        raise refused(*faults[:_SHOWN])
    return arrays


def _values_by_input(features: Sequence[Feature], document: object) -> Mapping[str, Any]:
    """The values by input: one value for each input of the model, and no others."""
    names = [feature.name for feature in features]
    listed = ", ".join(names)
    if not isinstance(document, dict):
        raise refused(Fault("", f'found {shown(document)}; needs {{"inputs": {{…}}}} with {listed}'))
    unknown_fields = [
        Fault(pointer(key), "there is no such field; needs inputs") for key in document if key != "inputs"
    ]
    inputs = document.get("inputs")
    if not isinstance(inputs, dict):
        received = shown(inputs) if "inputs" in document else "none"
        raise refused(*unknown_fields, Fault("/inputs", f"found {received}; needs an object with {listed}"))
    unknown = [
        Fault(pointer("inputs", name), f"the model has no such input; its inputs are {listed}")
        for name in inputs
        if name not in names
    ]
    missing = [Fault("/inputs", f"found no {name!r}; the model needs {listed}") for name in names if name not in inputs]
    if faults := [*unknown_fields, *unknown, *missing]:
        raise refused(*faults[:_SHOWN])
    return inputs


def _faults_of_counts(arrays: Mapping[str, NDArray[Any]]) -> Iterator[Fault]:
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
        yield Fault("/inputs", f"found {listed}; every example needs each of them")


class _Reader:
    """Reads one input.

    Attributes:
        array: [N, *declared shape], set by `faults` for a value without faults.
    """

    array: NDArray[np.float32]

    def __init__(self, feature: ArrayFeature | ImageFeature | NumberFeature, max_numbers: int) -> None:
        self._feature = feature
        # A single number is a number in JSON, not a list with one number.
        self._shape: Shape = () if isinstance(feature, NumberFeature) else feature.lengths
        self._max_numbers = max_numbers

    def faults(self, value: object) -> Iterator[Fault]:
        """The faults of the value; pointers start at the value."""
        self._shape = self._nesting(value)
        depth, rank = _depth(value), len(self._shape)
        if depth == rank + 1 and not value:
            yield Fault("", "found no example; needs at least one")
        elif depth not in (rank, rank + 1):
            yield Fault("", f"found {shown(value)}; needs {self._needed()}")
        else:
            is_single = depth == rank
            shape = self._shape if is_single else (len(value), *self._shape)  # type: ignore[arg-type] # it is a list
            if (size := int(np.prod(shape, dtype=np.float64))) > self._max_numbers:
                yield Fault("", f"found {size:,} numbers; needs at most {MAX_NUMBERS:,} with all inputs together")
                return
            misshapen = False
            for fault in _mismatches(value, shape, ""):
                misshapen = True
                yield fault
            if not misshapen:
                yield from self._faults_of_numbers(value, shape, is_single=is_single)

    def _nesting(self, value: object) -> Shape:
        """The shape of an example in the lists: as nested in `value` where that fits, else as declared."""
        whole = _lengths(value)
        if not whole or self._shape in {whole, whole[1:]}:
            return self._shape
        return next((shape for shape in (whole[1:], whole) if fits(shape, self._shape)), self._shape)

    def _faults_of_numbers(self, value: object, shape: Shape, *, is_single: bool) -> Iterator[Fault]:
        """The faults of numbers of the right shape; sets `array` for numbers without faults."""
        try:
            numbers = np.array(value, dtype=np.float64).reshape(shape)
        except OverflowError:
            yield Fault("", "found a whole number beyond what a float can hold; needs finite 32-bit floats")
            return
        with np.errstate(over="ignore"):
            array = numbers.astype(np.float32)
        wrong, needed = self._wrong_numbers(numbers, array)
        bad = np.argwhere(wrong)
        for place in bad:
            yield Fault(pointer(*place.tolist()), f"found {numbers[tuple(place)]:.17g}; needs {needed}")
        if not len(bad):
            self.array = array.reshape(1 if is_single else len(array), *self._feature.lengths)

    def _wrong_numbers(self, numbers: NDArray[np.float64], array: NDArray[np.float32]) -> tuple[NDArray[np.bool_], str]:
        """A mask of the numbers that do not fit the input, and the requirement as text for a message."""
        if isinstance(self._feature, ImageFeature):
            return ~((numbers >= 0) & (numbers <= 255)), "a pixel from 0 to 255: the model scales images itself"
        if self._feature.type == "int":
            whole = (numbers == np.floor(numbers)) & (numbers >= _INT32.min) & (numbers <= _INT32.max)
            wrong, needed = ~whole, "a whole number of 32 bits"
        else:
            wrong, needed = ~np.isfinite(array), "a finite number that a 32-bit float can hold"
        if lost := indices_of_collisions(numbers.reshape(-1), array.reshape(-1)):
            wrong.reshape(-1)[lost] = True
            needed += "; as a float it holds every whole number up to 16,777,216 only"
        return wrong, needed

    def _needed(self) -> str:
        one = f"one example of shape {list(self._shape)}" if self._shape else "one number"
        return f"lists nested as [N{''.join(f', {length}' for length in self._shape)}], or {one}"


def _depth(value: object) -> int:
    """The depth of nested lists, by the first entry of each."""
    return len(_lengths(value))


def _lengths(value: object) -> Shape:
    """The lengths of nested lists, by the first entry of each."""
    lengths = []
    while isinstance(value, list):
        lengths.append(len(value))
        value = value[0] if value else None
    return tuple(lengths)


def _mismatches(value: object, shape: Shape, at: str) -> Iterator[Fault]:
    """Faults for lists of another length, and for values that are not lists or not numbers."""
    if not shape:
        if not _is_number(value):
            yield Fault(at, f"found {shown(value)}; needs a number")
    elif not isinstance(value, list) or len(value) != shape[0]:
        numbers = "numbers" if len(shape) == 1 else f"lists nested as {list(shape[1:])}"
        received = f"a list of {len(value)}" if isinstance(value, list) else shown(value)
        yield Fault(at, f"found {received}; needs a list of {shape[0]} {numbers}")
    elif len(shape) > 1 or not set(map(type, value)) <= {int, float}:
        # Most rows consist of numbers only and skip this loop.
        for index, entry in enumerate(value):
            yield from _mismatches(entry, shape[1:], f"{at}/{index}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
