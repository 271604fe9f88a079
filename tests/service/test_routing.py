"""The routing of jobs to engines, over REST."""

import httpx2
import pytest

from pippin.models.mlmodel.proto import serialize
from pippin.store import Store, WorkerReport
from tests.pippin.models.mlmodel.files import embedding, neighbors, network, pipeline
from tests.service.conftest import MakeTrainer, Submit
from tests.support.problems import fault
from tests.support.records import worker_report


@pytest.fixture
def coreml_report() -> WorkerReport:
    """The report of a worker with the Core ML engine."""
    return worker_report(engines=["coreml"], compute_units=["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"])


def test_job_record_lists_the_eligible_engines(submit: Submit) -> None:
    assert submit()["request"]["engines"] == ["coreml", "jax"]
    chosen = submit(engine="coreml", compute_units="cpu_and_gpu")
    assert (chosen["engine"], chosen["request"]["engines"]) == ("coreml", ["coreml"])
    assert chosen["request"]["compute_units"] == "cpu_and_gpu"


@pytest.mark.parametrize("kind", ["pipeline", "neighbors"])
def test_model_not_trainable_by_core_ml_is_routed_to_jax(
    http: httpx2.Client, kind: str, store: Store, coreml_report: WorkerReport
) -> None:
    file = {"pipeline": lambda: pipeline(embedding(), network()), "neighbors": neighbors}[kind]()
    http.post("/models?name=mine", content=serialize(file)).raise_for_status()
    rows = "a,b,label\n" + "".join(f"{n},{n},{n % 2}\n" for n in range(8))
    http.post("/datasets?name=points&target=label&inputs=point:a,b", content=rows).raise_for_status()
    request = {"model": {"id": "mine"}, "dataset": "points"}
    place, detail = fault(http.post("/jobs", json=request | {"engine": "coreml"}))
    assert place == "/engine"
    assert "does not train" in detail
    store.workers.heartbeat(coreml_report)
    answer = http.post("/jobs", json=request)
    assert answer.status_code == 202, answer.text
    assert answer.json()["request"]["engines"] == ["jax"]
    assert store.queues.waiting("pippin-jax") == [(answer.json()["id"], 1)]
    assert "No live worker has the jax engine" in answer.json()["waiting_for"]


def test_worker_list_shows_engines_and_compute_units(
    http: httpx2.Client, store: Store, coreml_report: WorkerReport
) -> None:
    store.workers.heartbeat(coreml_report)
    (shown,) = http.get("/workers").json()["data"]
    assert {name: shown[name] for name in ("engines", "compute_units", "chip", "os")} == {
        "engines": ["coreml"],
        "compute_units": ["all", "cpu_only", "cpu_and_gpu", "cpu_and_neural_engine"],
        "chip": "Apple M4",
        "os": "macOS 26.1",
    }


def test_ignored_compute_units_are_noted_in_the_record(
    http: httpx2.Client, submit: Submit, start_job: MakeTrainer
) -> None:
    assert submit(compute_units="cpu_and_gpu")["notice"] is None
    assert http.get(start_job(compute_units="cpu_and_gpu").path).json()["notice"] == (
        "compute_units cpu_and_gpu was ignored: jax trains the job, and compute units apply to Core ML only."
    )
