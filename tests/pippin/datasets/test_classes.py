"""The meaning of a dataset's numbers for a model with named classes."""

import pytest

from pippin.datasets.classes import Classes, Span, classes_of, whole_number
from pippin.models.spec import ArrayFeature, LabelFeature
from pippin.models.trainable import Trainable

X = ArrayFeature(name="x", shape=(2,))


def model(labels: tuple[str, ...] | tuple[int, ...] | None, count: int = 0) -> Trainable:
    target = LabelFeature(name="y", type="string")
    classes = count or len(labels or ())
    return Trainable(features=(X, target), target="y", classes=classes, labels=labels, method="sgd", counts={})


def learner(label_type: str) -> Trainable:
    fields: dict[str, object] = {
        "features": (X, LabelFeature(name="y", type="string")),
        "target": "y",
        "classes": None,
        "counts": {},
    }
    return Trainable.model_validate(fields | {"label_type": label_type, "method": "nearest_neighbors"})


def numbered(labels: tuple[str, ...] | tuple[int, ...], least: float, most: float) -> Classes:
    found = classes_of(model(labels), None, Span(least, most))
    assert found is not None
    return found


LEXICOGRAPHIC = ("0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9")


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        (("0", "1", "2"), None),
        ((0, 1, 2), None),
        (("00", "01", "02"), None),
        (("0.0", "1.0", "2."), None),
        ((" 0", "1 ", "+2"), None),
        (("1", "2", "3"), [[1, 0], [2, 1], [3, 2]]),
        (("2", "0", "1"), [[2, 0], [0, 1], [1, 2]]),
        ((2, 0, 1), [[2, 0], [0, 1], [1, 2]]),
        (("02", "00", "01"), [[2, 0], [0, 1], [1, 2]]),
        (("10", "20", "-5"), [[10, 0], [20, 1], [-5, 2]]),
        (LEXICOGRAPHIC, [[int(name), index] for index, name in enumerate(LEXICOGRAPHIC)]),
    ],
)
def test_number_matches_the_class_name_if_all_names_are_numbers(
    labels: tuple[str, ...] | tuple[int, ...], pairs: list[list[int]] | None
) -> None:
    numbers = [whole_number(label) for label in labels]
    found = numbered(labels, 0, 1)
    assert found.pairs == pairs
    assert (found.minimum, found.maximum) == (min(filter_none(numbers)), max(filter_none(numbers)))
    assert found.faults == ()
    # The notice is for users who meant positions; integer labels give no notice.
    assert bool(found.notices) == (pairs is not None and isinstance(labels[0], str))


def filter_none(numbers: list[int | None]) -> list[int]:
    return [number for number in numbers if number is not None]


def test_numbers_outside_numeric_names_are_not_positions() -> None:
    found = numbered(("1", "2", "3"), 0, 2)
    assert (found.minimum, found.maximum) == (1, 3)
    assert found.rule == "the model's classes are '1', '2', '3', and a whole number stands for the class of that name"


@pytest.mark.parametrize(
    "labels", [("cat", "dog", "eel"), ("a1", "b2", "c3"), ("1_0", "0x1", "1e0"), ("0.5", "1.5", "2.5")]
)
def test_number_is_a_position_if_no_name_is_a_number(labels: tuple[str, ...]) -> None:
    found = numbered(labels, 0, 2)
    assert (found.pairs, found.minimum, found.maximum, found.faults) == (None, 0, 2, ())
    assert found.notices[0].endswith(f"0 is {labels[0]!r}, 1 is {labels[1]!r}, 2 is {labels[2]!r}")


def test_a_notice_of_many_classes_is_short() -> None:
    (notice,) = numbered(tuple("x" * 300 + str(number) for number in range(10_000)), 0, 2).notices
    assert notice.endswith(" and so on to 9999")
    assert len(notice) < 500


@pytest.mark.parametrize(
    ("labels", "least", "most"),
    [
        (("other", "1", "2"), 0, 2),  # every number has one meaning
        (("2", "1", "other"), 0, 2),  # 0 is no name
        (("747", "737", "other"), 0, 2),
    ],
)
def test_mixed_names_match_by_position_if_names_are_impossible(labels: tuple[str, ...], least: int, most: int) -> None:
    found = numbered(labels, least, most)
    assert (found.pairs, found.faults) == (None, ())
    assert "read as positions" in found.notices[0]


def test_mixed_names_match_by_name_if_positions_are_impossible() -> None:
    found = numbered(("747", "737", "other"), 737, 747)
    assert (found.pairs, found.minimum, found.maximum) == ([[747, 0], [737, 1]], 737, 747)
    assert "not as positions" in found.notices[0]


def test_ambiguous_numbers_among_mixed_names_are_refused() -> None:
    (fault,) = numbered(("2", "1", "other"), 1, 2).faults
    assert "2 could mean the class of that name or 'other', which has that position" in fault


@pytest.mark.parametrize("labels", [("1", "01"), ("1", "1.0"), ("0", "-0")])
def test_names_of_equal_value_cannot_be_matched_by_number(labels: tuple[str, ...]) -> None:
    (fault,) = numbered(labels, 0, 1).faults
    assert f"{labels[0]!r}, {labels[1]!r} are the same whole number" in fault
    # By name they are.
    found = classes_of(model(labels), labels[::-1], Span(0, 1))
    assert found is not None
    assert (found.pairs, found.faults) == ([[0, 1], [1, 0]], ())


@pytest.mark.parametrize(
    ("label", "number"),
    [("7", 7), ("007", 7), ("7.0", 7), (" 7 ", 7), ("-7", -7), (7, 7), ("\u0667", 7)]
    + [(each, None) for each in ("", "7.5", "7a", "7_0", "1e3", "nan", "inf", "0x7", "7,0", "9" * 30, "9" * 5000)],
)
def test_whole_number_parses_names(label: str | int, number: int | None) -> None:
    assert whole_number(label) == number


def test_model_without_names_uses_the_training_datasets_names() -> None:
    trained = model(None, 3)
    names = ["bird", "cat", "dog"]
    found = classes_of(trained, ["dog", "cat"], Span(0, 1), names)
    assert found is not None
    assert found.pairs == [[0, 2], [1, 1]]
    other = classes_of(trained, ["dog", "eel"], Span(0, 1), names)
    assert other is not None
    assert other.pairs is None
    assert other.notices[0].startswith(
        "the model was trained on classes called 'bird', 'cat', 'dog', and the dataset's"
    )
    by_value = classes_of(trained, None, Span(2, 10), ["1", "10", "2"])
    assert by_value is not None
    assert by_value.pairs == [[1, 0], [10, 1], [2, 2]]
    # The name of a class without an example is unknown.
    partly = classes_of(trained, None, Span(0, 2), ["cat", "dog"])
    assert partly is not None
    assert (partly.pairs, partly.maximum) == (None, 2)


def test_integer_labels_must_be_distinct_whole_numbers() -> None:
    def faults(label_type: str, *names: str) -> tuple[str, ...]:
        found = classes_of(learner(label_type), names, Span(0, len(names) - 1))
        assert found is not None
        return found.faults

    assert faults("int64", "7", "08", "-1") == ()
    assert "'7a' are not" in faults("int64", "7", "7a")[0]
    assert "'7', '07' are equal" in faults("int64", "7", "8", "07")[0]
    assert faults("string", "7", "07", "7a") == ()
