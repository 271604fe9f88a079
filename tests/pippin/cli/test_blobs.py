"""`pippin blobs`: list, adopt, sweep and recover."""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pippin.blobs import Blobs
from pippin.datasets.sample import prepare
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import Weights
from pippin.store import Store, keys
from tests.conftest import Up
from tests.pippin.cli.conftest import Invoke


@pytest.fixture(autouse=True)
def environment(valkey_url: str, tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    monkeypatch.setenv("PIPPIN_HOME", str(tmp_path / "home"))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "home" / "blobs").as_uri())


def age(tmp_path: Path, digest: str, seconds: float) -> None:
    name = digest.removeprefix("sha256:")
    os.utime(tmp_path / "home" / "blobs" / name[:2] / name, (time.time() - seconds,) * 2)


def test_blobs_are_listed_with_their_kind(invoke: Invoke, blobs: Blobs, store: Store, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    dataset, _ = blobs.put_file(prepare(tmp_path / "room").arrays_path)
    model = blobs.put_bytes(build(resolve(preset("mnist-cnn"))))
    weights: Weights = {"dense": {"weight": np.zeros((2, 2), np.float32)}}
    checkpoint = blobs.put_bytes(write_checkpoint(Checkpoint("jax", 1, 0, 1, (), weights)))
    others = [blobs.put_bytes(content) for content in (b"", b"x", b"\x08", b"{}", b"\xff" * 100, bytes(100))]
    store.redis.zadd(keys.listing("default", "model"), {"model_1": 0})
    store.redis.hset(keys.record("default", "model", "model_1"), "record", json.dumps({"digest": model}))
    kinds = {row["digest"]: row["kind"] for row in invoke.json("blobs", "list")}
    assert kinds == {dataset: "dataset", model: "model", checkpoint: "checkpoint"} | dict.fromkeys(others, "unknown")
    unnamed = {row["digest"] for row in invoke.json("blobs", "list", "--unnamed")}
    assert unnamed == {dataset, checkpoint, *others}
    assert len(invoke.json("blobs", "list", "--limit", 2)) == 2
    assert "3 of 9 blobs, 8 of them named by no record." in invoke.ok("blobs", "list", "--limit", 3)


def test_store_is_adopted_only_with_yes(invoke: Invoke, blobs: Blobs, store: Store) -> None:
    digest = blobs.put_bytes(b"one")
    blobs.write_marker("owner", b'{"format": 1, "owner": "another"}')
    said = invoke.ok("blobs", "adopt")
    assert "belongs to the Redis another" in said
    assert "1 blob of 3 B" in said
    assert json.loads(blobs.read_marker("owner") or b"")["owner"] == "another"
    assert invoke.json("blobs", "adopt", "--yes")["adopted"] is True
    assert json.loads(blobs.read_marker("owner") or b"")["owner"] == store.blob_ledger.identity()
    assert "already" in invoke.ok("blobs", "adopt", "--yes")
    assert blobs.head(digest) == 3


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"format": 1, "owner": "x", "generation": "many"}'])
def test_a_store_with_damaged_markers_can_be_adopted(invoke: Invoke, blobs: Blobs, damage: bytes) -> None:
    for name in ("owner", "generation"):
        blobs.write_marker(name, damage)
    invoke.ok("blobs", "adopt", "--yes")
    assert "already" in invoke.ok("blobs", "adopt")


def test_store_marked_by_a_newer_version_is_not_changed(invoke: Invoke, blobs: Blobs) -> None:
    marker = b'{"format": 2, "owner": "x"}'
    blobs.write_marker("owner", marker)
    assert "format 2" in invoke.refused(4, "blobs", "adopt", "--yes")
    assert blobs.read_marker("owner") == marker


def test_large_sweep_is_approved_for_the_counted_blobs(
    invoke: Invoke, blobs: Blobs, store: Store, tmp_path: Path
) -> None:
    assert "has no owner" in invoke.refused(3, "blobs", "sweep", "--yes")
    invoke.ok("blobs", "adopt", "--yes")
    assert "A sweep would delete nothing" in invoke.ok("blobs", "sweep")
    for number in range(5):
        age(tmp_path, blobs.put_bytes(bytes([number])), 7200)
    blobs.put_bytes(b"fresh")
    assert "5 blobs of 5 B" in invoke.ok("blobs", "sweep")
    assert store.blob_ledger.approved() == 0
    invoke.ok("blobs", "sweep", "--yes")
    assert store.blob_ledger.approved() == 5


def test_unrecoverable_blob_is_refused(invoke: Invoke, blobs: Blobs) -> None:
    assert "There is no blob" in invoke.refused(3, "blobs", "recover", "sha256:" + "0" * 64, "name")
    unknown = blobs.put_bytes(b"x")
    assert "neither a dataset nor a model" in invoke.refused(3, "blobs", "recover", unknown, "name")
    invoke.refused(2, "blobs", "recover", "nonsense", "name")


def test_unnamed_blobs_are_recovered_as_dataset_and_model(
    with_service: Invoke, running_up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL")
    monkeypatch.setenv("PIPPIN_HOME", str(running_up.home))

    def dataset(name: str) -> dict[str, Any]:
        named: dict[str, Any]
        (named,) = (each for each in with_service.json("datasets", "list") if each["name"] == name)
        return named

    sample = dataset("mnist-sample")
    recovered = with_service.json("blobs", "recover", sample["digest"], "digits-again")
    again = dataset("digits-again")
    assert again["id"] == recovered["id"]
    # The same arrays are the same blob. The order of the features was in the record.
    assert (again["digest"], again["splits"]) == (sample["digest"], sample["splits"])
    assert sorted(map(str, again["features"])) == sorted(map(str, sample["features"]))
    model = Blobs((running_up.home / "blobs").as_uri()).put_bytes(build(resolve(preset("mnist-cnn"))))
    with_service.ok("blobs", "recover", model, "cnn-again")
    assert with_service.json("models", "show", "cnn-again")["digest"] == model


def test_blobs_behind_a_service_cannot_be_listed(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_BLOBS_URL", "http://127.0.0.1:1")
    assert "PIPPIN_BLOBS_URL" in invoke.refused(4, "blobs", "list")
