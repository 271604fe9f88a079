"""`pippin workers` against a whole, real Pippin."""

from typing import Any

from tests.pippin.cli.conftest import Invoke
from tests.support.waiting import wait_for


def test_workers_are_listed(with_service: Invoke) -> None:
    table = with_service.ok("workers").splitlines()
    assert table[0].split() == ["NAME", "STATE", "ENGINES", "COMPUTES", "ON", "JOB", "SYSTEM", "HEARTBEAT"]
    assert any("jax" in line and "cpu_only" in line for line in table[1:])
    assert with_service.json("workers")[0]["engines"] == ["jax"]


def test_worker_is_drained_and_undrained_by_a_prefix_of_its_name(with_service: Invoke) -> None:
    def worker() -> Any:  # noqa: ANN401
        (only,) = with_service.json("workers")
        return only

    # The training that was cancelled last may still be stopping.
    wait_for(lambda: worker()["state"] == "idle")
    name = worker()["name"]
    try:
        assert with_service.ok("workers", "drain", name[:-4]) == f"{name} takes no more jobs.\n"
        assert worker()["state"] in {"draining", "drained"}
        assert with_service.json("workers", "drain", name, "--hand-back")["name"] == name
        refusal = with_service.refused(3, "workers", "drain", "absent")
        assert f"There is no worker 'absent'; the workers are {name}." in refusal
    finally:
        done = with_service("workers", "undrain", name)
    assert done.stdout == f"{name} takes jobs again.\n"
