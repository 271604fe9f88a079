"""Jobs, datasets and models by name, by the beginning of an id and as `last`, in the commands."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from pippin.client import Client

Invoke = Callable[..., Result]

SPEC: dict[str, Any] = {
    "inputs": [{"name": "point", "shape": [2]}],
    "outputs": [{"name": "sides", "shape": [2]}],
    "layers": [
        {"type": "inner_product", "name": "choice", "output_channels": 2, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ],
    "loss": {"type": "categorical_cross_entropy"},
    "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 20},
    "epochs": 2,
}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("points") / "points.npz"
    point = np.random.default_rng(7).normal(size=(50, 2)).astype("float32")
    np.savez(file, point=point, side=(point[:, 0] > 0).astype("int64"))
    return file


@pytest.fixture(scope="module")
def jobs(running_up: SimpleNamespace, points: Path) -> Iterator[dict[str, str]]:
    """The ids of three jobs: one whose name is its own, held out a fifth, and two of one name."""
    with Client(running_up.url) as client:
        client.add_dataset("naming-points", [points])
        held = {"id": "naming-points", "validation_fraction": 0.2}
        made = {
            "own": client.train(SPEC, held, name="naming-own"),
            "first": client.train(SPEC, "naming-points", name="naming-twice"),
            "second": client.train(SPEC, "naming-points", name="naming-twice"),
        }
        for job in made.values():
            assert job.wait().status == "succeeded"
        yield {key: job.id for key, job in made.items()}


@pytest.fixture
def with_service(invoke: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    return invoke


@pytest.mark.parametrize(
    "command", ["job {} --json", "metrics {} --json", "plot {} --json", "checkpoints {} --json", "open {} --json"]
)
def test_job_is_found_by_id_name_and_id_prefix(with_service: Invoke, jobs: dict[str, str], command: str) -> None:
    by_id = with_service(*command.format(jobs["own"]).split())
    assert by_id.exit_code == 0
    for named in ("naming-own", jobs["own"][:-1]):
        done = with_service(*command.format(named).split())
        assert (done.exit_code, done.stdout) == (0, by_id.stdout), done.stderr


@pytest.mark.usefixtures("jobs")
def test_last_means_the_newest_job(with_service: Invoke) -> None:
    newest = json.loads(with_service("jobs", "--limit", "1", "--json").stdout)[0]["id"]
    assert with_service("job", "last").stdout.splitlines()[0] == newest
    followed = with_service("metrics", "last", "--follow").stdout
    assert f"Download its model: pippin download {newest}" in followed


def test_ambiguous_job_name_is_refused_with_the_ids(with_service: Invoke, jobs: dict[str, str]) -> None:
    done = with_service("metrics", "naming-twice")
    assert done.exit_code == 3
    assert jobs["first"] in done.stderr
    assert jobs["second"] in done.stderr


def test_unknown_name_is_refused_with_the_list_command(with_service: Invoke) -> None:
    done = with_service("job", "naming-nothing")
    assert (done.exit_code, done.stderr) == (
        3,
        "Error: There is no job naming-nothing.\nList them with `pippin jobs`.\n",
    )
    done = with_service("datasets", "show", "naming-nothing")
    assert done.stderr == "Error: There is no dataset naming-nothing.\nList them with `pippin datasets list`.\n"


def test_a_job_shows_its_held_out_share_or_that_there_is_none(with_service: Invoke, jobs: dict[str, str]) -> None:
    held = with_service("job", "naming-own").stdout
    assert "validation  20% of train, held out from the training (10 of 50 examples)" in held
    none = with_service("job", jobs["first"]).stdout
    assert "validation  none: only the training loss is measured" in none
    assert "dataset     naming-points, split train (50 examples)" in none


def test_a_dataset_is_shown_previewed_and_deleted(
    with_service: Invoke, tmp_path: Path, running_up: SimpleNamespace
) -> None:
    table = tmp_path / "fruit.csv"
    table.write_text("weight,label\n1.5,apple\n1200,melon\n0.25,apple\n")
    with Client(running_up.url) as client:
        made = client.add_dataset("naming-fruit", [table])
    text = with_service("datasets", "show", "naming-fruit").stdout
    assert text.splitlines()[0] == made.id
    assert "  classes     2: apple, melon" in text
    assert "  splits      train (3 examples)" in text
    rows = with_service("datasets", "preview", made.id[:-1], "--limit", "2").stdout.splitlines()
    assert rows[0] == "2 of 3 examples of train, as stored"
    assert [row.split() for row in rows[2:]] == [["0", "1.5", "apple"], ["1", "1,200", "melon"]]
    assert len(json.loads(with_service("datasets", "preview", "naming-fruit", "--json").stdout)["examples"]) == 3
    refused = with_service("datasets", "preview", "naming-fruit", "--split", "nothing")
    assert (refused.exit_code, refused.stderr.startswith("Error: --split: ")) == (3, True)
    assert with_service("datasets", "delete", "naming-fruit").stdout == f"Deleted {made.id}.\n"
    assert with_service("datasets", "delete", "naming-fruit").exit_code == 3


def test_picture_preview_is_the_range_of_its_values(with_service: Invoke) -> None:
    rows = with_service("datasets", "preview", "mnist-sample", "--limit", "1").stdout.splitlines()
    assert rows[-1].split() == ["0", "0", "to", "255,", "mean", "35.11,", "1×28×28", "5"]  # noqa: RUF001


@pytest.mark.usefixtures("jobs")
def test_ended_job_is_deleted_by_its_name(with_service: Invoke, running_up: SimpleNamespace) -> None:
    with Client(running_up.url) as client:
        made = client.train(SPEC, "naming-points", name="naming-deleted")
        made.wait()
    done = with_service("jobs", "delete", "naming-deleted", "--json")
    assert json.loads(done.stdout) == {"deleted": made.id}
    assert with_service("job", made.id).exit_code == 3


def test_a_model_is_deleted_and_its_id_printed(with_service: Invoke, running_up: SimpleNamespace) -> None:
    with Client(running_up.url) as client:
        made = client.add_model(SPEC, name="naming-model")
    assert with_service("models", "show", "last").stdout.splitlines()[0] == made.id
    assert with_service("models", "delete", made.id[:-2]).stdout == f"Deleted {made.id}.\n"
