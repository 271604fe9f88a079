"""The meaning of a dataset's numbers for a model with named classes."""

from typing import Any

import pytest

from pippin.datasets.classes import Classes, Span, classes_of, whole_number
from pippin.models.spec import ArrayFeature, LabelFeature
from pippin.models.trainable import Trainable

Labels = tuple[str, ...] | tuple[int, ...]


def model(labels: Labels | None, **fields: object) -> Trainable:
    usual = {
        "features": (ArrayFeature(name="x", shape=(2,)), LabelFeature(name="y", type="string")),
        "target": "y",
        "classes": len(labels or ()),
        "labels": labels,
        "method": "sgd",
        "counts": {},
    }
    return Trainable.model_validate(usual | fields)


def matched(trained: Trainable, *rest: Any) -> Classes:  # noqa: ANN401 - what classes_of takes
    classes = classes_of(trained, *rest)
    assert classes is not None
    return classes


def numbered(labels: Labels, least: float, most: float) -> Classes:
    return matched(model(labels), None, Span(least, most))


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
def test_number_matches_the_class_name_if_all_names_are_numbers(labels: Labels, pairs: list[list[int]] | None) -> None:
    numbers = [number for label in labels if (number := whole_number(label)) is not None]
    classes = numbered(labels, 0, 1)
    assert (classes.pairs, classes.minimum, classes.maximum) == (pairs, min(numbers), max(numbers))
    assert classes.faults == ()
    # The notice is for users who meant positions; integer labels give no notice.
    assert bool(classes.notices) == (pairs is not None and isinstance(labels[0], str))


def test_numbers_outside_numeric_names_are_not_positions() -> None:
    classes = numbered(("1", "2", "3"), 0, 2)
    assert (classes.minimum, classes.maximum) == (1, 3)
    assert classes.rule == "the model's classes are '1', '2', '3', and a whole number stands for the class of that name"


@pytest.mark.parametrize(
    "labels", [("cat", "dog", "eel"), ("a1", "b2", "c3"), ("1_0", "0x1", "1e0"), ("0.5", "1.5", "2.5")]
)
def test_number_is_a_position_if_no_name_is_a_number(labels: tuple[str, ...]) -> None:
    classes = numbered(labels, 0, 2)
    assert (classes.pairs, classes.minimum, classes.maximum, classes.faults) == (None, 0, 2, ())
    assert classes.notices[0].endswith(f"0 is {labels[0]!r}, 1 is {labels[1]!r}, 2 is {labels[2]!r}")


def test_a_notice_of_many_classes_is_short() -> None:
    (notice,) = numbered(tuple("x" * 300 + str(number) for number in range(10_000)), 0, 2).notices
    assert notice.endswith(" and so on to 9999")
    assert len(notice) < 500


@pytest.mark.parametrize(
    ("labels", "least", "most", "pairs", "notice"),
    [
        (("other", "1", "2"), 0, 2, None, "read as positions"),  # every number has one meaning
        (("2", "1", "other"), 0, 2, None, "read as positions"),  # 0 is no name
        (("747", "737", "other"), 0, 2, None, "read as positions"),
        (("747", "737", "other"), 737, 747, [[747, 0], [737, 1]], "not as positions"),
    ],
)
def test_mixed_names_match_in_the_only_possible_way(
    labels: Labels, least: int, most: int, pairs: list[list[int]] | None, notice: str
) -> None:
    classes = numbered(labels, least, most)
    assert (classes.pairs, classes.minimum, classes.maximum, classes.faults) == (pairs, least, most, ())
    assert notice in classes.notices[0]


def test_ambiguous_numbers_among_mixed_names_are_refused() -> None:
    (fault,) = numbered(("2", "1", "other"), 1, 2).faults
    assert "2 could mean the class of that name or 'other', which has that position" in fault


@pytest.mark.parametrize("labels", [("1", "01"), ("1", "1.0"), ("0", "-0")])
def test_names_of_equal_value_cannot_be_matched_by_number(labels: tuple[str, ...]) -> None:
    (fault,) = numbered(labels, 0, 1).faults
    assert f"{labels[0]!r}, {labels[1]!r} are the same whole number" in fault
    # By name they are.
    classes = matched(model(labels), labels[::-1], Span(0, 1))
    assert (classes.pairs, classes.faults) == ([[0, 1], [1, 0]], ())


@pytest.mark.parametrize(
    ("label", "number"),
    [("7", 7), ("007", 7), ("7.0", 7), (" 7 ", 7), ("-7", -7), (7, 7), ("\u0667", 7)]
    + [(each, None) for each in ("", "7.5", "7a", "7_0", "1e3", "nan", "inf", "0x7", "7,0", "9" * 30, "9" * 5000)],
)
def test_whole_number_parses_names(label: str | int, number: int | None) -> None:
    assert whole_number(label) == number


def test_model_without_names_uses_the_training_datasets_names() -> None:
    trained = model(None, classes=3)
    names = ["bird", "cat", "dog"]
    assert matched(trained, ["dog", "cat"], Span(0, 1), names).pairs == [[0, 2], [1, 1]]
    other = matched(trained, ["dog", "eel"], Span(0, 1), names)
    assert other.pairs is None
    assert other.notices[0].startswith(
        "the model was trained on classes called 'bird', 'cat', 'dog', and the dataset's"
    )
    assert matched(trained, None, Span(2, 10), ["1", "10", "2"]).pairs == [[1, 0], [10, 1], [2, 2]]
    # The name of a class without an example is unknown.
    partly = matched(trained, None, Span(0, 2), ["cat", "dog"])
    assert (partly.pairs, partly.maximum) == (None, 2)


def test_integer_labels_must_be_distinct_whole_numbers() -> None:
    def faults(label_type: str, *names: str) -> tuple[str, ...]:
        learner = model(None, classes=None, label_type=label_type, method="nearest_neighbors")
        return matched(learner, names, Span(0, len(names) - 1)).faults

    assert faults("int64", "7", "08", "-1") == ()
    assert "'7a' are not" in faults("int64", "7", "7a")[0]
    assert "'7', '07' are equal" in faults("int64", "7", "8", "07")[0]
    assert faults("string", "7", "07", "7a") == ()
