import pytest

from pippin.api.engines import PREFERRED, ComputeUnits, EngineChoice, EngineName, resolve_engines
from pippin.errors import FaultyDocumentError
from pippin.models.inspection import trainable_of
from pippin.models.mlmodel import open_model
from pippin.models.mlmodel.proto import serialize
from pippin.models.trainable import Trainable
from pippin.store import QUEUES
from tests.pippin.models.mlmodel.files import embedding, neighbors, network, pipeline


@pytest.fixture(scope="module")
def models() -> dict[str, Trainable]:
    files = {
        "network": network(),
        "neighbors": neighbors([[0.0, 0.0]], ["red"]),
        "pipeline": pipeline(embedding(), network()),
        "pipeline of neighbors": pipeline(embedding(), neighbors([[0.0, 0.0]], ["red"])),
    }
    return {name: trainable_of(open_model(serialize(file))) for name, file in files.items()}


@pytest.mark.parametrize(("choice", "engines"), [("auto", ["coreml", "jax"]), ("coreml", ["coreml"]), ("jax", ["jax"])])
def test_network_uses_the_chosen_engine_and_auto_prefers_core_ml(
    models: dict[str, Trainable], choice: EngineChoice, engines: list[EngineName]
) -> None:
    assert resolve_engines(models["network"], choice, "all") == engines


@pytest.mark.parametrize("kind", ["neighbors", "pipeline", "pipeline of neighbors"])
def test_models_that_core_ml_does_not_train_go_to_jax(models: dict[str, Trainable], kind: str) -> None:
    assert resolve_engines(models[kind], "auto", "all") == ["jax"]
    assert resolve_engines(models[kind], "jax", "all") == ["jax"]


def refused(model: Trainable, choice: EngineChoice, compute_units: ComputeUnits = "all") -> dict[str, str]:
    with pytest.raises(FaultyDocumentError) as raised:
        resolve_engines(model, choice, compute_units)
    return {fault.pointer: fault.detail for fault in raised.value.faults}


@pytest.mark.parametrize(
    ("kind", "called"),
    [("neighbors", "nearest-neighbour classifiers"), ("pipeline", "pipelines"), ("pipeline of neighbors", "pipelines")],
)
def test_choosing_core_ml_for_a_model_it_does_not_train_is_refused(
    models: dict[str, Trainable], kind: str, called: str
) -> None:
    assert refused(models[kind], "coreml") == {
        "/engine": f"found 'coreml', which does not train {called}; needs 'jax' or 'auto'"
    }


def test_compute_units_without_core_ml_are_refused(models: dict[str, Trainable]) -> None:
    assert refused(models["network"], "jax", "cpu_only") == {
        "/compute_units": "found 'cpu_only', but the engine is jax, and compute units are Core ML's; "
        "needs to be left out, or 'all'"
    }
    assert (
        "nearest-neighbour classifiers are trained by jax"
        in (refused(models["neighbors"], "auto", "cpu_and_gpu")["/compute_units"])
    )


def test_compute_units_are_allowed_with_core_ml(models: dict[str, Trainable]) -> None:
    assert resolve_engines(models["network"], "auto", "cpu_and_gpu") == ["coreml", "jax"]
    assert resolve_engines(models["network"], "coreml", "cpu_and_neural_engine") == ["coreml"]


def test_every_engine_has_a_queue() -> None:
    assert set(PREFERRED) == set(QUEUES)
