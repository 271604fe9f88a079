"""The scale of a dataset's bytes."""

import numpy as np
import pytest

from tests.pippin.datasets.samples import Store, idx, npz, table


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
    dataset = store({"d.npz": npz(x=np.ones((2, *shape), np.uint8), y=np.ones(2))}, **options)
    assert dataset.feature("x")[2] == scale
    (scaled,) = dataset.notices
    assert scaled.startswith(notice)


def test_pixel_table_has_a_notice_of_its_scale(store: Store) -> None:
    files = {"d.csv": table("label," + ",".join(f"p{at}" for at in range(16)), "1" + ",7" * 16)}
    assert "multiplied by 1/255" in store(files, shape="1,4,4").notices[-1]
    flat = store(files)
    assert not any("bytes" in notice for notice in flat.notices)
    assert flat.feature("features")[2] == 1


def test_picture_formats_need_no_notice_of_their_scale(store: Store) -> None:
    files = {"train-images": idx([[[0] * 4] * 4]), "train-labels": idx([9])}
    assert store(files).notices == []
    vectors = store({"train-images": idx([[0] * 4]), "train-labels": idx([9])})
    assert vectors.feature("image") == ((4,), "uint8", 1.0)
    assert "used unscaled" in vectors.notices[0]
