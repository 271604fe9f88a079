from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from pippin.api.requests import HyperparameterChoice, Hyperparameters
from pippin.client.train_request import HyperparameterRequest
from pippin.errors import FaultyDocumentError
from pippin.jobs.hyperparameters import resolve_hyperparameters
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.trainable import Trainable, trainable_network

MakeSpec = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def mnist() -> Trainable:
    return trainable_network(resolve(preset("mnist-cnn")))


def refused(spec: Trainable, limits: Literal["enforce", "widen"] = "enforce", **asked: object) -> dict[str, str]:
    with pytest.raises(FaultyDocumentError) as raised:
        resolve_hyperparameters(spec, HyperparameterChoice(**asked), limits)
    return {fault.pointer: fault.detail for fault in raised.value.faults}


def test_omitted_hyperparameters_are_the_models_defaults(mnist: Trainable) -> None:
    decided, widened = resolve_hyperparameters(mnist, HyperparameterChoice(), "enforce")
    assert decided.model_dump(exclude={"seed"}) == {
        "epochs": 10, "mini_batch_size": 128, "learning_rate": 0.0001, "momentum": None,
        "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "number_of_neighbors": None, "shuffle": True,
    }  # fmt: skip
    assert widened == []


def test_requested_hyperparameters_are_used(mnist: Trainable) -> None:
    asked = HyperparameterChoice(epochs=3, mini_batch_size=7, learning_rate=0.3, beta1=0.5, shuffle=False, seed=12)
    decided, _ = resolve_hyperparameters(mnist, asked, "enforce")
    assert decided.model_dump(exclude_none=True) == {
        "epochs": 3, "mini_batch_size": 7, "learning_rate": 0.3, "beta1": 0.5, "beta2": 0.999, "eps": 1e-8,
        "shuffle": False, "seed": 12,
    }  # fmt: skip


@pytest.mark.parametrize("seed", [0, 12, -7, 2**63 - 1, -(2**63)])
def test_omitted_seed_is_the_models(small_spec: MakeSpec, seed: int) -> None:
    spec = trainable_network(resolve(small_spec(seed=seed)))
    assert resolve_hyperparameters(spec, HyperparameterChoice(), "enforce")[0].seed == seed
    assert resolve_hyperparameters(spec, HyperparameterChoice(seed=-1), "enforce")[0].seed == -1


def test_model_without_a_seed_uses_seed_0_of_core_ml(mnist: Trainable) -> None:
    assert resolve_hyperparameters(mnist, HyperparameterChoice(), "enforce")[0].seed == 0


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 1.0, "1", True])
def test_a_seed_has_64_bits(seed: object) -> None:
    with pytest.raises(ValidationError):
        HyperparameterChoice(seed=seed)


def test_a_model_may_limit_its_seed(small_spec: MakeSpec) -> None:
    spec = trainable_network(resolve(small_spec(seed={"default": 3, "min": -5, "max": 5})))
    assert resolve_hyperparameters(spec, HyperparameterChoice(seed=-5), "enforce")[0].seed == -5
    assert "found 6; needs a whole number from -5 to 5, which the model sets" in refused(spec, seed=6)["/seed"]
    decided, widened = resolve_hyperparameters(spec, HyperparameterChoice(seed=6), "widen")
    assert (decided.seed, widened) == (6, ["seed"])


def test_omitted_shuffle_is_the_specs(small_spec: MakeSpec) -> None:
    spec = trainable_network(resolve(small_spec(shuffle=False)))
    assert resolve_hyperparameters(spec, HyperparameterChoice(), "enforce")[0].shuffle is False
    assert resolve_hyperparameters(spec, HyperparameterChoice(shuffle=True), "enforce")[0].shuffle is True


def test_every_value_outside_the_models_limits_is_refused_at_once(mnist: Trainable) -> None:
    faults = refused(mnist, epochs=1001, mini_batch_size=0, learning_rate=0.31, momentum=0.9, beta2=1)
    assert list(faults) == ["/epochs", "/mini_batch_size", "/learning_rate", "/momentum", "/beta2"]
    assert "found 1001; needs a whole number from 1 to 1000" in faults["/epochs"]
    assert '"limits": "widen"' in faults["/epochs"]
    assert "the model, trained by adam, declares no momentum" in faults["/momentum"]


def test_values_outside_the_limits_are_listed_as_widened(mnist: Trainable) -> None:
    decided, widened = resolve_hyperparameters(
        mnist, HyperparameterChoice(epochs=2000, learning_rate=0.5, mini_batch_size=64), "widen"
    )
    assert widened == ["epochs", "learning_rate"]
    assert (decided.epochs, decided.learning_rate) == (2000, 0.5)


def test_value_outside_a_set_needs_widening(small_spec: MakeSpec) -> None:
    optimizer = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": {"default": 128, "set": [128]}}
    model = trainable_network(resolve(small_spec(optimizer=optimizer)))
    assert "one of 128" in refused(model, mini_batch_size=64)["/mini_batch_size"]
    _, widened = resolve_hyperparameters(model, HyperparameterChoice(mini_batch_size=64), "widen")
    assert widened == ["mini_batch_size"]


def test_widening_does_not_allow_invalid_values(mnist: Trainable) -> None:
    faults = refused(mnist, "widen", epochs=0, learning_rate=-0.1, momentum=0.5, beta1=1, eps=0)
    assert list(faults) == ["/epochs", "/learning_rate", "/momentum", "/beta1", "/eps"]


def test_momentum_belongs_to_an_sgd_that_declares_it(small_spec: MakeSpec) -> None:
    plain = trainable_network(resolve(small_spec()))
    assert resolve_hyperparameters(plain, HyperparameterChoice(), "enforce")[0].momentum is None
    assert list(refused(plain, momentum=0.9)) == ["/momentum"]
    optimizer = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2, "momentum": 0.5}
    heavy = trainable_network(resolve(small_spec(optimizer=optimizer)))
    assert resolve_hyperparameters(heavy, HyperparameterChoice(), "enforce")[0].momentum == 0.5
    assert resolve_hyperparameters(heavy, HyperparameterChoice(momentum=0.9), "enforce")[0].momentum == 0.9
    assert list(refused(heavy, momentum=1.5)) == ["/momentum"]


def test_the_client_and_the_service_have_the_same_hyperparameters() -> None:
    names = list(HyperparameterChoice.model_fields)
    assert list(Hyperparameters.model_fields) == names
    assert list(HyperparameterRequest.__annotations__) == names
