"""`pippin blobs`: list, adopt, sweep and recover."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from pippin.blobs import Blobs
from pippin.datasets.sample import prepare
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import Weights
from pippin.store import Store, keys

Invoke = Callable[..., Result]


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


def listed(invoke: Invoke, *options: object) -> list[dict[str, object]]:
    shown = invoke("blobs", "list", "--json", *options)
    assert shown.exit_code == 0, shown.output
    rows: list[dict[str, object]] = json.loads(shown.stdout)
    return rows


def name_model(store: Store, digest: str) -> None:
    store.redis.zadd(keys.listing("default", "model"), {"model_1": 0})
    store.redis.hset(keys.record("default", "model", "model_1"), "record", json.dumps({"digest": digest}))


def test_blobs_are_listed_with_their_kind(invoke: Invoke, blobs: Blobs, store: Store, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    dataset, _ = blobs.put_file(prepare(tmp_path / "room").arrays_path)
    model = blobs.put_bytes(build(resolve(preset("mnist-cnn"))))
    weights: Weights = {"dense": {"weight": np.zeros((2, 2), np.float32)}}
    checkpoint = blobs.put_bytes(
        write_checkpoint(
            Checkpoint(
                engine="jax", epoch=1, step=0, taken=1, weights=weights, moments=(), batch_sums=(), environment={}
            )
        )
    )
    others = [blobs.put_bytes(content) for content in (b"", b"x", b"\x08", b"{}", b"\xff" * 100, bytes(100))]
    name_model(store, model)
    kinds = {row["digest"]: row["kind"] for row in listed(invoke)}
    assert kinds == {dataset: "dataset", model: "model", checkpoint: "checkpoint"} | dict.fromkeys(others, "unknown")
    unnamed = {row["digest"] for row in listed(invoke, "--unnamed")}
    assert unnamed == {dataset, checkpoint, *others}
    assert len(listed(invoke, "--limit", 2)) == 2
    shown = invoke("blobs", "list", "--limit", 3).stdout
    assert "3 of 9 blobs, 8 of them named by no record." in shown


def test_store_is_adopted_only_with_yes(invoke: Invoke, blobs: Blobs, store: Store) -> None:
    digest = blobs.put_bytes(b"one")
    blobs.write_marker("owner", b'{"format": 1, "owner": "another"}')
    shown = invoke("blobs", "adopt")
    assert "belongs to the Redis another" in shown.stdout
    assert "1 blob of 3 B" in shown.stdout
    assert json.loads(blobs.read_marker("owner") or b"")["owner"] == "another"
    assert json.loads(invoke("blobs", "adopt", "--yes", "--json").stdout)["adopted"] is True
    assert json.loads(blobs.read_marker("owner") or b"")["owner"] == store.blob_ledger.identity()
    assert "already" in invoke("blobs", "adopt", "--yes").stdout
    assert blobs.head(digest) == 3


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"format": 1, "owner": "x", "generation": "many"}'])
def test_a_store_with_damaged_markers_can_be_adopted(invoke: Invoke, blobs: Blobs, damage: bytes) -> None:
    for name in ("owner", "generation"):
        blobs.write_marker(name, damage)
    assert invoke("blobs", "adopt", "--yes").exit_code == 0
    assert "already" in invoke("blobs", "adopt").stdout


def test_store_marked_by_a_newer_version_is_not_changed(invoke: Invoke, blobs: Blobs) -> None:
    marker = b'{"format": 2, "owner": "x"}'
    blobs.write_marker("owner", marker)
    refused = invoke("blobs", "adopt", "--yes")
    assert refused.exit_code == 4
    assert "format 2" in refused.stderr
    assert blobs.read_marker("owner") == marker


def test_large_sweep_is_approved_for_the_counted_blobs(
    invoke: Invoke, blobs: Blobs, store: Store, tmp_path: Path
) -> None:
    refused = invoke("blobs", "sweep", "--yes")
    assert refused.exit_code == 3
    assert "has no owner" in refused.stderr
    invoke("blobs", "adopt", "--yes")
    assert "A sweep would delete nothing" in invoke("blobs", "sweep").stdout
    for number in range(5):
        age(tmp_path, blobs.put_bytes(bytes([number])), 7200)
    blobs.put_bytes(b"fresh")
    assert "5 blobs of 5 B" in invoke("blobs", "sweep").stdout
    assert store.blob_ledger.approved() == 0
    assert invoke("blobs", "sweep", "--yes").exit_code == 0
    assert store.blob_ledger.approved() == 5


def test_unrecoverable_blob_is_refused(invoke: Invoke, blobs: Blobs) -> None:
    absent = invoke("blobs", "recover", "sha256:" + "0" * 64, "name")
    assert absent.exit_code == 3
    assert "There is no blob" in absent.stderr
    unknown = invoke("blobs", "recover", blobs.put_bytes(b"x"), "name")
    assert unknown.exit_code == 3
    assert "neither a dataset nor a model" in unknown.stderr
    assert invoke("blobs", "recover", "nonsense", "name").exit_code == 2


def test_blobs_behind_a_service_cannot_be_listed(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_BLOBS_URL", "http://127.0.0.1:1")
    refused = invoke("blobs", "list")
    assert refused.exit_code == 4
    assert "PIPPIN_BLOBS_URL" in refused.stderr
