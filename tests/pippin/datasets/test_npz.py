import io
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numpy.typing import NDArray

from pippin.datasets.limits import DatasetLimits
from tests.pippin.datasets.samples import Refusal, Store, zipped

IMAGES = np.arange(2 * 1 * 2 * 2, dtype=np.uint8).reshape(2, 1, 2, 2)


def npz(**arrays: npt.ArrayLike) -> bytes:
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    return data.getvalue()


def npy(array: npt.ArrayLike) -> bytes:
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def test_arrays_without_a_prefix_are_the_training_split(store: Store) -> None:
    dataset = store({"": npz(image=IMAGES, output_true=np.array([3, 4]))})
    assert dataset.manifest.format == "npz"
    assert dataset.feature("image") == ((1, 2, 2), "uint8", 1 / 255)
    assert dataset.feature("output_true") == ((1,), "int32", 1.0)
    assert dataset.values("train/image") == IMAGES.tolist()
    assert dataset.values("train/output_true") == [[3], [4]]


def test_key_prefix_is_the_split(store: Store) -> None:
    arrays = {"train/image": IMAGES, "train/y": [[1], [2]], "held/image": IMAGES[:1], "held/y": [[3]]}
    dataset = store({"data.npz": npz(**arrays)}, scale="2")
    assert [*dataset.splits.items()] == [("train", 2), ("held", 1)]
    assert dataset.feature("image")[2] == 2


@pytest.mark.parametrize(
    ("values", "shape", "dtype", "scale"),
    [
        (np.zeros((2, 3, 3), np.uint8), (1, 3, 3), "uint8", 1 / 255),
        (np.zeros((2, 9), np.uint8), (9,), "uint8", 1.0),
        (np.zeros((2, 1, 9), np.uint8), (1, 1, 9), "uint8", 1.0),
        (np.zeros((2, 9, 1), np.uint8), (1, 9, 1), "uint8", 1.0),
        (np.zeros((2, 4, 3, 3), np.uint8), (4, 3, 3), "uint8", 1.0),
        (np.zeros((2, 3, 5, 5), np.uint8), (3, 5, 5), "uint8", 1 / 255),
        (np.zeros((2, 1, 3, 5, 5), np.uint8), (1, 3, 5, 5), "uint8", 1 / 255),
        (np.zeros((2, 9), np.int8), (9,), "int32", 1.0),
        (np.zeros((2, 9), np.uint16), (9,), "int32", 1.0),
        (np.zeros((2, 3, 3), bool), (1, 3, 3), "int32", 1.0),
        (np.zeros(2, np.uint8), (1,), "int32", 1.0),
        (np.array([True, False]), (1,), "int32", 1.0),
        (np.array([[2**31 - 1], [-(2**31)]]), (1,), "int32", 1.0),
        (np.array([5, 6], np.uint64), (1,), "int32", 1.0),
        (np.array([[-5], [6]], ">i2"), (1,), "int32", 1.0),
        (np.array([[1.5, 2]] * 2, np.float16), (2,), "float32", 1.0),
        (np.array([[1.5, 2]] * 2, ">f8"), (2,), "float32", 1.0),
        (np.asfortranarray(np.arange(12.0).reshape(2, 3, 2)), (1, 3, 2), "float32", 1.0),
        (np.asfortranarray(np.arange(8, dtype=np.uint8).reshape(2, 2, 2)), (1, 2, 2), "uint8", 1 / 255),
        (np.zeros((2, 1, 2, 3, 4), np.float32), (1, 2, 3, 4), "float32", 1.0),
    ],
)
def test_every_number_type_becomes_one_of_three(
    store: Store, values: NDArray[Any], shape: tuple[int, ...], dtype: str, scale: float
) -> None:
    dataset = store({"data.npz": npz(x=values)})
    assert dataset.feature("x") == (shape, dtype, scale)
    assert dataset.values("train/x") == values.reshape(2, *shape).tolist()


class Bomb:
    """An object that fails the test when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle was opened",)


PICKLED = npy(np.array([Bomb(), Bomb()], dtype=object))
GOOD = npy(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"x.npy": PICKLED}, r"x\.npy holds pickled Python objects, which are never opened"),
        (
            {"x.npy": GOOD[:-1]},
            r"x\.npy: its header declares float32 of shape \[2, 3\], which is 24 bytes; it holds 23",
        ),
        ({"x.npy": GOOD + b"a"}, r"which is 24 bytes; it holds more"),
        ({"x.npy": b"\x93NUMPY\x01\0"}, r"x\.npy does not begin with the header of a NumPy array"),
        ({"x.npy": b"hello world"}, r"x\.npy does not begin with the header of a NumPy array"),
        ({"x.npy": b""}, r"x\.npy does not begin with the header of a NumPy array"),
        ({"x.npy": b"\x93NUMPY\x09\0" + GOOD[8:]}, r"x\.npy does not begin with the header of a NumPy array"),
        ({"x.npy": GOOD.replace(b"(2, 3)", b"(2,-3)")}, r"x\.npy has the shape \[2, -3\]"),
        ({"x.npy": GOOD.replace(b"(2, 3)", b"(((((")}, r"x\.npy does not begin with the header of a NumPy array"),
        ({"x.npy": npy(np.zeros((0, 2)))}, r"x\.npy has the shape \[0, 2\]"),
        ({"x.npy": npy(np.float32(2))}, r"x\.npy has the shape \[\]"),
        ({"x.npy": npy(np.array(["a", "b"]))}, r"x\.npy: the type <U1 is not a plain number"),
        ({"x.npy": npy(np.array([1j]))}, r"x\.npy: the type complex128 is not a plain number"),
        ({"x.npy": npy(np.array(["2026-01-01"], "M8[D]"))}, r"the type datetime64\[D\] is not a plain number"),
        ({"x.npy": npy(np.array([[1.0], [np.inf]]))}, r"x\.npy example 2 holds inf, which is not a finite number"),
        (
            {"x.npy": npy(np.array([[1e12, 2], [1e12, 2**24 + 1]]))},
            r"example 2 holds the whole number 16777217, which would",
        ),
        ({"x.npy": npy(np.array([1, 2**40]))}, r"x\.npy example 2 holds 1099511627776, which a 32-bit integer"),
        ({"x.npy": npy(np.array([2**64 - 1], np.uint64))}, r"example 1 holds 18446744073709551615, which a 32-bit"),
        ({"x.npy": GOOD, "y.npy": npy(np.zeros(3))}, r"the split train has 2 of x, 3 of y"),
        ({"a/x.npy": GOOD, "b/y.npy": GOOD}, r"the split b has the features y, where another has x"),
        ({"a/x.npy": GOOD, "b/x.npy": npy(np.zeros((2, 3), np.uint8))}, r"x of the split b is uint8 of shape \[3\]"),
        ({"a/b/x.npy": GOOD}, r"'a/b/x' has two slashes"),
        ({"x.npy": GOOD, "notes.txt": b"?"}, r"notes\.txt in the NPZ is not an array"),
    ],
)
def test_a_malformed_archive_is_refused_with_the_member(
    refusal: Refusal, members: dict[str, bytes], expected: str
) -> None:
    assert re.search(expected, refusal({"data.npz": zipped(members)}))


def test_declared_terabytes_are_refused_without_allocation(refusal: Refusal) -> None:
    small = npy(np.zeros((1, 1), np.float32))
    for shape, expected in (
        (b"(1, 999999999999999)", "it holds 4"),
        (b"(999999999999999, 1)", "declares 999,999,999,999,999 examples"),
    ):
        large = small.replace(b"(1, 1), }" + b" " * 14, shape + b", }")
        assert expected in refusal({"data.npz": zipped({"x.npy": large})})


def test_other_files_as_npz_are_refused(refusal: Refusal) -> None:
    assert "send one .npz file" in refusal({"x.csv": b"label,a\n1,2\n"}, format="npz")
    assert "x.npy is a single NumPy array (.npy); save all arrays with numpy.savez" in refusal({"x.npy": GOOD})


def test_too_many_arrays_are_refused(refusal: Refusal) -> None:
    assert "holds 2 arrays; 1 are allowed" in refusal({"": npz(a=[1], b=[1])}, DatasetLimits(max_arrays=1))
