from hypothesis import given
from hypothesis import strategies as st

from pippin.models.spec.windows import SamePadding, ValidPadding

SIZES = st.integers(1, 40)
EXTENTS = st.integers(1, 12)
STRIDES = st.integers(1, 7)
BORDERS = st.integers(0, 6)


@given(size=SIZES, reach=EXTENTS, stride=STRIDES, before=BORDERS, after=BORDERS)
def test_valid_padding_counts_windows_that_fit(size: int, reach: int, stride: int, before: int, after: int) -> None:
    padding = ValidPadding(borders=((before, after), (0, 0)))
    first, last = -before, size + after - 1
    fitting = [start for start in range(first, last + 1, stride) if start + reach - 1 <= last]
    assert max(0, padding.positions(0, size, reach, stride)) == len(fitting)
    assert padding.added(0, size, reach, stride) == (before, after)


@given(size=SIZES, reach=EXTENTS, stride=STRIDES)
def test_same_padding_gives_one_window_per_stride(size: int, reach: int, stride: int) -> None:
    assert SamePadding().positions(0, size, reach, stride) == len(range(0, size, stride))


@given(size=SIZES, reach=EXTENTS, stride=STRIDES, mode=st.sampled_from(["bottom_right_heavy", "top_left_heavy"]))
def test_same_padding_is_minimal_with_the_odd_cell_on_the_heavy_side(
    size: int, reach: int, stride: int, mode: str
) -> None:
    padding = SamePadding(mode=mode)
    before, after = padding.added(1, size, reach, stride)
    covered = (padding.positions(1, size, reach, stride) - 1) * stride + reach
    assert before + after == max(0, covered - size)
    assert (after - before if mode == "bottom_right_heavy" else before - after) in (0, 1)


def test_each_axis_has_its_own_borders() -> None:
    padding = ValidPadding(borders=((1, 2), (3, 4)))
    assert padding.positions(0, 5, 3, 1) == 6
    assert padding.positions(1, 5, 3, 1) == 10
