"""The packaged model presets over HTTP."""

import httpx2

from pippin.models.mlmodel import read
from pippin.models.spec.presets import preset, preset_names
from tests.support.problems import is_problem


def test_every_preset_is_listed_with_layers_and_hyperparameters(http: httpx2.Client) -> None:
    listed = http.get("/presets").json()["data"]
    assert tuple(each["name"] for each in listed) == preset_names()
    assert listed[0]["model"] == http.post("/specs/validate", json=preset("mnist-cnn")).json()


def test_preset_is_served_as_a_spec_and_as_a_file(http: httpx2.Client) -> None:
    document = http.get("/presets/mnist-cnn/spec").json()
    assert document == preset("mnist-cnn")
    answer = http.get("/presets/mnist-cnn/file")
    assert answer.headers["content-disposition"] == 'attachment; filename="mnist-cnn.mlmodel"'
    assert len(read(answer.content).resolved.layers) == len(document["layers"])  # type: ignore[union-attr]


def test_unknown_preset_is_not_found(http: httpx2.Client) -> None:
    for form in ("spec", "file"):
        problem = is_problem(http.get(f"/presets/resnet/{form}"), 404, "not-found")
        assert "the presets are mnist-cnn" in problem["detail"]
