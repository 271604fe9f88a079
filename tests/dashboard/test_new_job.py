"""New job: from the form to a job, with faults shown at their fields."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pippin.models.spec.presets import preset
from tests.dashboard.conftest import PHONE, Api, CheckAccessibility, Faults, OpenPage

YAML = """\
# a small one
inputs:
- name: image
  shape: [1, 28, 28]
outputs:
- {name: output, shape: [10]}
layers:
  - type: flatten
    name: flat
  - type: inner_product
    name: dense
    output_channels: 10
    updatable: true
    has_bia: true
  - type: softmax
    name: softmax
loss: {type: categorical_cross_entropy}
optimizer:
  type: sgd
  learning_rate: 0.01
  mini_batch_size: 128
epochs: 1
"""


def job_id_of(page: Page) -> str:
    return page.url.rpartition("/")[2]


def test_a_job_is_submitted_from_the_form(page: Page, api: Api) -> None:
    page.goto("/#/new?dataset=mnist-sample")
    page.get_by_role("combobox", name="Model").select_option(label="mnist-cnn (preset)")
    page.get_by_label("Which").select_option(label="mnist-sample")
    expect(page.locator(".tiles canvas")).to_have_count(16)
    page.get_by_label("Epochs", exact=True).fill("1")
    page.get_by_label("Learning rate").fill("0.002")
    page.get_by_role("region", name="Job").get_by_label("Name").fill("from the form")
    page.get_by_label("Labels").fill("team=vision, try=2")
    page.get_by_role("button", name="Train").click()
    page.wait_for_url("**/#/jobs/job_*")
    job = api.job(job_id_of(page))
    assert (job["name"], job["labels"]) == ("from the form", {"team": "vision", "try": "2"})
    asked: dict[str, Any] = job["request"]
    assert asked["model"]["preset"] == "mnist-cnn"
    assert (asked["hyperparameters"]["epochs"], asked["hyperparameters"]["learning_rate"]) == (1, 0.002)
    assert (asked["dataset"]["train"], asked["dataset"]["validation"]) == ("train", "test")
    api.cancel(job["id"])


def test_a_fault_is_shown_at_its_field(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    page.goto("/#/new?dataset=mnist-sample")
    rate = page.get_by_label("Learning rate")
    rate.fill("7")
    page.get_by_role("button", name="Train").click()
    expect(rate).to_be_focused()
    expect(rate).to_have_attribute("aria-invalid", "true")
    expect(rate).to_have_accessible_description(re.compile("found 7.0; needs a number from 0.0 to 0.3"))


def test_a_fault_of_a_spec_is_marked_at_its_line_during_typing(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    page.goto("/#/new?dataset=mnist-sample")
    page.get_by_role("combobox", name="Model").select_option(label="Write a spec")
    page.get_by_role("button", name="Begin with a preset's spec").click()
    area = page.get_by_role("textbox", name="Spec, JSON or YAML")
    expect(page.get_by_text("585,958 parameters")).to_be_visible()
    text = area.input_value()
    broken = text.replace('"max"', '"median"', 1)
    line = 1 + broken[: broken.index('"median"')].count("\n")
    area.fill(broken)
    expect(page.locator(".gutter .fault")).to_have_text(str(line))
    expect(page.locator(".faults li")).to_contain_text("/layers/2/pooling_type")
    page.get_by_role("button", name=f"Line {line}").click()
    expect(area).to_be_focused()
    marked = area.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert marked.strip() == '"pooling_type": "median",'
    area.fill(text)
    expect(page.locator(".gutter .fault")).to_have_count(0)


def test_a_spec_in_yaml_is_marked_corrected_and_trained(page: Page, api: Api, faults: Faults) -> None:
    faults.expected.append("status of 4(00|22)")
    page.goto("/#/new?dataset=mnist-sample")
    page.get_by_role("combobox", name="Model").select_option(label="Write a spec")
    area = page.get_by_role("textbox", name="Spec, JSON or YAML")
    area.fill(YAML)
    expect(page.locator(".gutter .fault")).to_have_text("14")
    area.fill(YAML.replace("loss: {", "loss: {{"))
    expect(page.locator(".gutter .fault")).to_have_text("17")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("alert")).to_contain_text("The spec has faults")
    area.fill(YAML.replace("has_bia", "has_bias"))
    expect(page.get_by_text("7,850 parameters")).to_be_visible()
    page.get_by_role("button", name="Train").click()
    page.wait_for_url("**/#/jobs/job_*")
    assert api.wait(job_id_of(page))["progress"] == {"epoch": 1, "epochs": 1}


def test_a_clone_starts_with_the_request_of_the_other_job(page: Page, api: Api) -> None:
    spec = preset("mnist-cnn")
    first = api.submit(
        name="to be cloned",
        model={"spec": spec},
        dataset={"id": "mnist-sample", "train": "train", "validation_fraction": 0.25},
        hyperparameters={"epochs": 1, "learning_rate": 0.003, "seed": 11},
        labels={"a": "b"},
        max_attempts=5,
        checkpoint={"every_epochs": 2, "keep": 7},
    )
    api.cancel(first["id"])
    page.goto(f"/#/new?from={first['id']}")
    expect(page.get_by_text("585,958 parameters")).to_be_visible()
    expect(page.get_by_label("Seed")).to_have_value("11")
    page.get_by_label("Seed").fill("12")
    page.get_by_role("button", name="Train").click()
    page.wait_for_url("**/#/jobs/job_*")
    second = api.job(job_id_of(page))
    api.cancel(second["id"])
    one, other = first["request"], second["request"]
    assert other["hyperparameters"] == one["hyperparameters"] | {"seed": 12}
    same = ("name", "labels", "max_attempts", "checkpoint", "model", "limits", "engine", "dataset")
    assert {key: other[key] for key in same} == {key: one[key] for key in same}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_is_accessible(scheme: str, open_page: OpenPage, check_accessibility: CheckAccessibility) -> None:
    page = open_page(color_scheme=scheme, viewport=PHONE)
    page.goto("/#/new?dataset=mnist-sample")
    expect(page.locator(".tiles canvas")).to_have_count(16)
    page.get_by_role("combobox", name="Model").select_option(label="Write a spec")
    page.get_by_role("button", name="Begin with a preset's spec").click()
    expect(page.get_by_text("585,958 parameters")).to_be_visible()
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_form_keeps_what_was_entered(page: Page) -> None:
    page.goto("/#/new")
    page.get_by_role("combobox", name="Model", exact=True).select_option("Write a spec")
    page.get_by_label("Spec, JSON or YAML").fill("layers: [")
    page.get_by_label("Labels").fill("team=vision")
    page.wait_for_function("() => (sessionStorage.getItem('draft:#/new') ?? '').includes('vision')")
    page.get_by_role("link", name="Datasets", exact=True).click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Labels")).to_have_value("team=vision")
    expect(page.get_by_label("Spec, JSON or YAML")).to_have_value("layers: [")


def test_a_failed_upload_blocks_training(page: Page, faults: Faults, api: Api) -> None:
    faults.expected.append("status of 422")
    before = api.job_ids()
    page.goto("/#/new")
    drop = page.locator(".dataset-drop input[type=file]")
    drop.set_input_files([{"name": "broken.npz", "mimeType": "application/octet-stream", "buffer": b"no archive"}])
    expect(page.get_by_role("alert").first).to_be_visible()
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_text("broken.npz could not be uploaded")).to_be_visible()
    assert api.job_ids() == before


def test_a_diverged_job_is_cloned_with_a_tenth_of_the_rate(page: Page, trained_job: str) -> None:
    page.goto(f"/#/new?from={trained_job}&rate=0.1")
    expect(page.get_by_label("Learning rate")).to_have_value("0.0001")
