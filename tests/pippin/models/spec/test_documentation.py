"""docs/spec.md and docs/layers.md say what is so."""

import json
import re
import runpy
import sys

import pytest

from pippin.models.spec import ModelSpec, resolve
from pippin.models.spec.features import ArrayFeature, Classifier, DictionaryFeature, ImageFeature, Regressor
from pippin.models.spec.layer import Layer
from pippin.models.spec.presets import preset
from pippin.models.spec.rules import RULES_BY_ID, TRAINING_RULES_BY_ID, WARNINGS_BY_ID
from pippin.models.spec.table import LAYERS
from pippin.models.spec.training import SGD, Adam, CategoricalCrossEntropy, MeanSquaredError
from pippin.models.spec.values import Value
from tests.support.paths import ROOT

SPEC = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
LAYERS_PAGE = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")

DESCRIBED: tuple[type[Value], ...] = (
    ModelSpec, ArrayFeature, ImageFeature, DictionaryFeature, Classifier, Regressor, CategoricalCrossEntropy,
    MeanSquaredError, SGD, Adam,
)  # fmt: skip


def test_the_example_is_the_preset() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", SPEC, flags=re.DOTALL)
    assert resolve(json.loads(example)) == resolve(preset("mnist-cnn"))


def test_every_rule_is_listed_in_order() -> None:
    (told,) = re.findall(r"^## Faults\n(.*?)^## Uploaded files", SPEC, flags=re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", told, flags=re.MULTILINE)
    assert listed == [*RULES_BY_ID, *TRAINING_RULES_BY_ID, *WARNINGS_BY_ID]


@pytest.mark.parametrize("kind", DESCRIBED, ids=lambda kind: kind.__name__)
def test_every_field_of_a_model_is_described(kind: type[Value]) -> None:
    assert [name for name in kind.model_fields if not re.search(rf'[`"]{name}[`":]', SPEC)] == []


def test_common_layer_fields_are_described() -> None:
    assert [name for name in Layer.model_fields if f"`{name}`" not in SPEC] == []


def test_layers_page_matches_the_generated_text(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = str(ROOT / "tools" / "layers_table.py")
    monkeypatch.setattr(sys, "argv", [tool, "--check"])
    # It exits with a message where the page differs.
    runpy.run_path(tool, run_name="__main__")


def section(name: str) -> str:
    (found,) = re.findall(rf"^## {name}\n(.*?)(?=^## |\Z)", LAYERS_PAGE, flags=re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize(("name", "kind"), LAYERS.items(), ids=list(LAYERS))
def test_every_layer_is_described_with_its_fields(name: str, kind: type[Layer]) -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|\n]*\|[^|\n]*\|.+\|$", section(name), flags=re.MULTILINE)
    assert rows == [field for field in kind.model_fields if field not in Layer.model_fields]
    assert f"version {kind.min_version}" in section(name)
    assert f"[`{name}`](#{name})" in LAYERS_PAGE
    assert f"`{kind.proto_path}`" in section(name)
    assert ("Core ML: trains" in section(name)) == kind.trainable


@pytest.mark.parametrize("kind", LAYERS.values(), ids=list(LAYERS))
def test_every_field_of_a_layer_has_a_description(kind: type[Layer]) -> None:
    own = {name: field for name, field in kind.model_fields.items() if name not in Layer.model_fields}
    assert [name for name, field in own.items() if not field.description] == []


@pytest.mark.parametrize("page", ["spec", "layers"])
def test_links_of_the_pages_resolve(page: str) -> None:
    text = {"spec": SPEC, "layers": LAYERS_PAGE}[page]
    for target in set(re.findall(r"\]\(([^)]+)\)", text)):
        file, _, anchor = target.partition("#")
        there = (ROOT / "docs" / file).read_text(encoding="utf-8") if file.endswith(".md") else text
        assert (ROOT / "docs" / file).exists()
        headings = re.findall(r"^#+ (.+)$", there, flags=re.MULTILINE)
        assert not anchor or anchor in [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in headings]
