"""Jobs, datasets and models by name, by the beginning of an id and as `last`, in the commands."""

from pathlib import Path

import numpy as np
import pytest

from pippin.client import Client
from tests.conftest import Up
from tests.pippin.cli.conftest import Invoke
from tests.support.specs import classifier_spec

SPEC = classifier_spec("point", [2], "sides", 2, mini_batch_size=20, epochs=2)
# A job that waits until it is cancelled.
NO_WORKER = {"engine": "coreml"}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("points") / "points.npz"
    point = np.random.default_rng(7).normal(size=(50, 2)).astype("float32")
    np.savez(file, point=point, side=(point[:, 0] > 0).astype("int64"))
    return file


@pytest.fixture(scope="module")
def jobs(running_up: Up, points: Path) -> dict[str, str]:
    """The ids of two cancelled jobs of one name, and of a newer one of its own name, trained with a fifth held out."""
    with Client(running_up.url) as client:
        client.add_dataset("naming-points", [points])
        twice = [client.train(SPEC, "naming-points", name="naming-twice", options=NO_WORKER) for _ in range(2)]
        for job in twice:
            job.cancel()
        own = client.train(SPEC, {"id": "naming-points", "validation_fraction": 0.2}, name="naming-own")
        assert own.wait().status == "succeeded"
    return {"first": twice[0].id, "second": twice[1].id, "own": own.id}


@pytest.mark.parametrize("command", ["job", "metrics", "plot", "checkpoints", "open"])
def test_job_is_found_by_id_name_and_id_prefix(with_service: Invoke, jobs: dict[str, str], command: str) -> None:
    by_id = with_service.json(command, jobs["own"])
    for name in ("naming-own", jobs["own"][:-1]):
        assert with_service.json(command, name) == by_id


@pytest.mark.usefixtures("jobs")
def test_last_means_the_newest_job(with_service: Invoke) -> None:
    newest = with_service.json("jobs", "--limit", "1")[0]["id"]
    assert with_service.ok("job", "last").splitlines()[0] == newest
    assert f"Download its model: pippin download {newest}" in with_service.ok("metrics", "last", "--follow")


def test_ambiguous_job_name_is_refused_with_the_ids(with_service: Invoke, jobs: dict[str, str]) -> None:
    refusal = with_service.refused(3, "metrics", "naming-twice")
    assert jobs["first"] in refusal
    assert jobs["second"] in refusal


def test_unknown_name_is_refused_with_the_list_command(with_service: Invoke) -> None:
    refusal = with_service.refused(3, "job", "naming-nothing")
    assert refusal == "Error: There is no job naming-nothing.\nList them with `pippin jobs`.\n"
    refusal = with_service.refused(3, "datasets", "show", "naming-nothing")
    assert refusal == "Error: There is no dataset naming-nothing.\nList them with `pippin datasets list`.\n"


def test_a_job_shows_its_held_out_share_or_that_there_is_none(with_service: Invoke, jobs: dict[str, str]) -> None:
    held = with_service.ok("job", "naming-own")
    assert "validation  20% of train, held out from the training (10 of 50 examples)" in held
    none = with_service.ok("job", jobs["first"])
    assert "validation  none: only the training loss is measured" in none
    assert "dataset     naming-points, split train (50 examples)" in none


def test_a_dataset_is_shown_previewed_and_deleted(with_service: Invoke, tmp_path: Path, running_up: Up) -> None:
    table = tmp_path / "fruit.csv"
    table.write_text("weight,label\n1.5,apple\n1200,melon\n0.25,apple\n")
    with Client(running_up.url) as client:
        made = client.add_dataset("naming-fruit", [table])
    text = with_service.ok("datasets", "show", "naming-fruit")
    assert text.splitlines()[0] == made.id
    assert "  classes     2: apple, melon" in text
    assert "  splits      train (3 examples)" in text
    rows = with_service.ok("datasets", "preview", made.id[:-1], "--limit", "2").splitlines()
    assert rows[0] == "2 of 3 examples of train, as stored"
    assert [row.split() for row in rows[2:]] == [["0", "1.5", "apple"], ["1", "1,200", "melon"]]
    assert len(with_service.json("datasets", "preview", "naming-fruit")["examples"]) == 3
    refusal = with_service.refused(3, "datasets", "preview", "naming-fruit", "--split", "nothing")
    assert refusal.startswith("Error: --split: ")
    assert with_service.ok("datasets", "delete", "naming-fruit") == f"Deleted {made.id}.\n"
    with_service.refused(3, "datasets", "delete", "naming-fruit")


def test_picture_preview_is_the_range_of_its_values(with_service: Invoke) -> None:
    rows = with_service.ok("datasets", "preview", "mnist-sample", "--limit", "1").splitlines()
    assert rows[-1].split() == ["0", "0", "to", "255,", "mean", "35.11,", "1×28×28", "5"]  # noqa: RUF001


@pytest.mark.usefixtures("jobs")
def test_ended_job_is_deleted_by_its_name(with_service: Invoke, running_up: Up) -> None:
    with Client(running_up.url) as client:
        made = client.train(SPEC, "naming-points", name="naming-deleted", options=NO_WORKER)
        made.cancel()
    assert with_service.json("jobs", "delete", "naming-deleted") == {"deleted": made.id}
    with_service.refused(3, "job", made.id)


def test_a_model_is_deleted_and_its_id_printed(with_service: Invoke, running_up: Up) -> None:
    with Client(running_up.url) as client:
        made = client.add_model(SPEC, name="naming-model")
    assert with_service.ok("models", "show", "last").splitlines()[0] == made.id
    assert with_service.ok("models", "delete", made.id[:-2]) == f"Deleted {made.id}.\n"
