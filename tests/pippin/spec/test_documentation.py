"""docs/spec.md says what is so."""

import json
import re
from pathlib import Path

import pytest

from pippin.spec import ModelSpec, resolve
from pippin.spec.presets import preset
from pippin.spec.rules import RULES_BY_ID
from pippin.spec.table import LAYERS


@pytest.fixture(scope="module")
def text() -> str:
    return (Path(__file__).parents[3] / "docs" / "spec.md").read_text(encoding="utf-8")


def test_the_example_is_the_preset(text: str) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    assert resolve(json.loads(example)) == resolve(preset("mnist-cnn"))


def test_every_rule_is_listed(text: str) -> None:
    assert re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", text, flags=re.MULTILINE) == list(RULES_BY_ID)


@pytest.mark.parametrize("kind", LAYERS.values(), ids=list(LAYERS))
def test_every_layer_and_its_fields_are_described(text: str, kind: type[ModelSpec]) -> None:
    for field in kind.model_fields.keys() - {"type"}:
        assert f"`{field}`" in text
    assert f"`{kind.model_fields['type'].default}`" in text


def test_every_field_of_a_model_is_described(text: str) -> None:
    for field in ModelSpec.model_fields:
        assert f"`{field}`" in text
