"""The scale of a dataset's bytes."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Store = Callable[..., Any]


def npz(**arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
    return file.getvalue()


@pytest.mark.parametrize(
    ("shape", "options", "scale", "notice"),
    [
        ((4,), {}, 1.0, "the bytes of 'x', of shape [4], are used unscaled, 0 to 255"),
        ((4, 8, 8), {}, 1.0, "the bytes of 'x', of shape [4, 8, 8], are used unscaled"),
        ((8, 8), {}, 1 / 255, "the bytes of 'x' are multiplied by 1/255"),
        ((3, 8, 8), {"scale": "0.5"}, 0.5, "the bytes of 'x' are multiplied by 0.5"),
        ((4,), {"scale": "0.5"}, 0.5, "the bytes of 'x' are multiplied by 0.5"),
    ],
)
def test_byte_array_has_a_notice_of_its_scale(
    store: Store, shape: tuple[int, ...], options: dict[str, str], scale: float, notice: str
) -> None:
    found = store({"d.npz": npz(x=np.ones((2, *shape), np.uint8), y=np.ones(2))}, **options)
    assert found.feature("x")[2] == scale
    (said,) = found.manifest.notices
    assert said.startswith(notice)


def test_pixel_table_has_a_notice_of_its_scale(store: Store) -> None:
    table = b"label," + b",".join(b"p%d" % at for at in range(16)) + b"\n1" + b",7" * 16 + b"\n"
    assert "multiplied by 1/255" in store({"d.csv": table}, shape="1,4,4").manifest.notices[-1]
    flat = store({"d.csv": table}).manifest
    assert not any("bytes" in notice for notice in flat.notices)
    assert flat.features[0].scale == 1


def test_picture_formats_need_no_notice_of_their_scale(store: Store, idx: Callable[..., bytes]) -> None:
    files = {"train-images": idx([[[0] * 4] * 4]), "train-labels": idx([9])}
    assert store(files).manifest.notices == []
    vectors = store({"train-images": idx([[0] * 4]), "train-labels": idx([9])})
    assert vectors.feature("image") == ((4,), "uint8", 1.0)
    assert "used unscaled" in vectors.manifest.notices[0]
