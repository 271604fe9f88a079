from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


def _over(apple: SimpleNamespace, buffer: Any, shape: Any, strides: Any) -> Any:
    made, error = apple.CoreML.MLMultiArray.alloc(
    ).initWithDataPointer_shape_dataType_strides_deallocator_error_(
        buffer, shape, apple.CoreML.MLMultiArrayDataTypeFloat32, strides, None, None
    )  # fmt: skip
    assert error is None
    return made


def _empty(apple: SimpleNamespace, shape: list[int], data_type: int) -> Any:
    """(array, error)."""
    return apple.CoreML.MLMultiArray.alloc().initWithShape_dataType_error_(shape, data_type, None)


def test_array_over_a_buffer_shares_its_memory(apple: SimpleNamespace) -> None:
    buffer = np.zeros((2, 3), "f4")
    made = _over(apple, buffer, [2, 3], [3, 1])
    buffer[1, 2] = 7
    assert made.objectForKeyedSubscript_([1, 2]) == 7
    assert list(made.strides()) == [3, 1]
    assert not isinstance(made.shape(), (list, tuple))


def test_freed_buffer_is_a_fault(apple: SimpleNamespace) -> None:
    made = _over(apple, np.zeros(3, "f4"), [3], [1])
    with pytest.raises(apple.inside("faults").Fault, match="was freed"):
        made.dataPointer()


def test_freed_view_of_live_memory_is_allowed(apple: SimpleNamespace) -> None:
    rows = np.arange(6, dtype="f4").reshape(2, 3)
    assert _over(apple, rows[1], [3], [1]).objectAtIndexedSubscript_(0) == 3
    assert _over(apple, memoryview(rows[1]), [3], [1]).objectAtIndexedSubscript_(2) == 5


@pytest.mark.parametrize(("shape", "strides"), [([4], [1]), ([2, 2], [3, 1])])
def test_array_beyond_its_buffer_is_a_fault(apple: SimpleNamespace, shape: Any, strides: Any) -> None:
    buffer = np.zeros(3, "f4")
    with pytest.raises(apple.inside("faults").Fault, match="reach beyond"):
        _over(apple, buffer, shape, strides)


def test_non_contiguous_buffer_is_refused(apple: SimpleNamespace) -> None:
    buffer = np.zeros((4, 2), "f4")
    with pytest.raises(ValueError, match="C-contiguous"):
        _over(apple, buffer[:, 0], [4], [1])


def test_mutable_bytes_are_a_copy(apple: SimpleNamespace) -> None:
    made, _ = _empty(apple, [2], apple.CoreML.MLMultiArrayDataTypeInt32)

    def write(memory: bytearray, length: int, _strides: Any) -> None:
        memory[:] = b"\1" * length

    made.getMutableBytesWithHandler_(write)
    assert made.objectAtIndexedSubscript_(0) == 0
    np.frombuffer(made.dataPointer().as_buffer(8), "i4")[:] = 5
    assert made.objectAtIndexedSubscript_(1) == 5
    with pytest.raises(apple.inside("faults").Fault, match="has 8 bytes"):
        made.dataPointer().as_buffer(9)


def test_view_of_a_freed_array_reads_nan(apple: SimpleNamespace) -> None:
    made, _ = _empty(apple, [1], apple.CoreML.MLMultiArrayDataTypeFloat32)
    seen = np.frombuffer(made.dataPointer().as_buffer(4), "f4")
    assert seen[0] == 0
    del made
    assert np.isnan(seen[0])


def test_invalid_shape_or_type_is_an_error(apple: SimpleNamespace) -> None:
    for shape, code in (([0], apple.CoreML.MLMultiArrayDataTypeFloat32), ([1], 3)):
        made, error = _empty(apple, shape, code)
        assert made is None
        assert error.domain() == apple.CoreML.MLModelErrorDomain
