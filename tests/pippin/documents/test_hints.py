"""Hints at what unknown words were meant to be."""

import pytest

from pippin.documents.hints import _NOTES, _SYNONYMS, Hints, did_you_mean, synonym

HYPERPARAMETERS = ("epochs", "mini_batch_size", "learning_rate", "momentum", "beta1", "beta2", "eps", "seed")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("lr", "learning_rate"), ("LearningRate", "learning_rate"), ("EPS", "eps"), ("beta_2", "beta2"), ("x" * 33, None)],
)
def test_other_names_and_spellings_are_known(word: str, meant: str | None) -> None:
    assert synonym(word, HYPERPARAMETERS) == meant


def test_only_a_name_that_is_known_at_the_place_is_meant() -> None:
    assert did_you_mean("lr", ["type", "name"]) == ""
    assert did_you_mean("grayscale", ["gray", "rgb"]) == "; did you mean 'gray'?"
    assert did_you_mean("grayscale", ["format", "color"]) == "; did you mean 'color'?"


def test_what_pippin_does_not_have_is_explained_and_nothing_alike_is_proposed() -> None:
    assert did_you_mean("decay", ["delay"]).startswith("; Core ML's optimizers have no weight decay")


def test_every_word_in_the_tables_is_found_by_its_fold() -> None:
    for word in (*_SYNONYMS, *_NOTES):
        assert word.isalnum()
        assert word == word.lower()
        assert len(word) <= 32


def test_a_word_that_comes_again_costs_nothing() -> None:
    hints = Hints(1)
    for _ in range(1000):
        assert hints.at("lr", HYPERPARAMETERS) == "; did you mean 'learning_rate'?"
    assert hints.at("momentun", HYPERPARAMETERS) == ""
