from pippin.api.datasets import MAX_NOTICES
from pippin.datasets.notices import MAX_NOTICE_CHARACTERS, bounded


def test_few_short_notices_are_kept_without_duplicates() -> None:
    assert bounded(["one", "two", "one"]) == ("one", "two")


def test_many_long_notices_are_cut_and_counted() -> None:
    kept = bounded(f"{number} {'x' * 1000}" for number in range(100))
    assert len(kept) == MAX_NOTICES
    assert all(len(notice) <= MAX_NOTICE_CHARACTERS for notice in kept)
    assert kept[0].startswith("0 xxx")
    assert kept[0].endswith("…")
    assert kept[-1] == "and 81 more notices"
