"""Hints at the intended words for unknown words."""

import pytest

from pippin.documents.hints import _NOTES, _SYNONYMS, Hints, did_you_mean, synonym

HYPERPARAMETERS = ("epochs", "mini_batch_size", "learning_rate", "momentum", "beta1", "beta2", "eps", "seed")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("lr", "learning_rate"), ("LearningRate", "learning_rate"), ("EPS", "eps"), ("beta_2", "beta2"), ("x" * 33, None)],
)
def test_synonyms_and_spellings_are_recognised(word: str, meant: str | None) -> None:
    assert synonym(word, HYPERPARAMETERS) == meant


def test_hint_proposes_only_names_valid_at_the_place() -> None:
    assert did_you_mean("lr", ["type", "name"]) == ""
    assert did_you_mean("grayscale", ["gray", "rgb"]) == "; did you mean 'gray'?"
    assert did_you_mean("grayscale", ["format", "color"]) == "; did you mean 'color'?"


def test_unsupported_feature_is_explained_without_a_proposal() -> None:
    assert did_you_mean("decay", ["delay"]).startswith("; Core ML's optimizers have no weight decay")


def test_every_word_in_the_tables_is_found_by_its_fold() -> None:
    for word in (*_SYNONYMS, *_NOTES):
        assert word.isalnum()
        assert word == word.lower()
        assert len(word) <= 32


def test_repeated_word_does_not_use_up_hints() -> None:
    hints = Hints(1)
    for _ in range(1000):
        assert hints.text_for("lr", HYPERPARAMETERS) == "; did you mean 'learning_rate'?"
    assert hints.text_for("momentun", HYPERPARAMETERS) == ""
