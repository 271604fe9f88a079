import pytest

from tests.support.specs import faults_of, small_spec

ADAM = {"type": "adam", "learning_rate": 0.1, "mini_batch_size": 2, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


SGD = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2, "momentum": 0.9}


@pytest.mark.parametrize("optimizer", [ADAM, SGD], ids=["adam", "sgd"])
def test_optimizer_needs_all_its_parameters(optimizer: dict[str, object]) -> None:
    for name in optimizer.keys() - {"type", "momentum"}:
        rest = {key: value for key, value in optimizer.items() if key != name}
        faults = faults_of(small_spec(optimizer=rest))
        assert list(faults) == [f"/optimizer/{name}"]
        assert faults[f"/optimizer/{name}"].startswith("is required: ")


def test_adam_takes_no_momentum() -> None:
    assert list(faults_of(small_spec(optimizer=ADAM | {"momentum": 0.9}))) == ["/optimizer/momentum"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("learning_rate", -0.1), ("beta1", 1), ("beta1", -0.1), ("beta2", 1.5), ("eps", 0), ("eps", 1e-40), ("eps", -1)],
)
def test_unusable_defaults_are_refused(field: str, value: float) -> None:
    faults = faults_of(small_spec(optimizer=ADAM | {field: value}))
    assert list(faults) == [f"/optimizer/{field}"]
    assert f"found default {float(value)}" in faults[f"/optimizer/{field}"]


def test_momentum_is_between_0_and_1() -> None:
    assert faults_of(small_spec(optimizer=SGD)) == {}
    assert list(faults_of(small_spec(optimizer=SGD | {"momentum": 1.1}))) == ["/optimizer/momentum"]


def test_learning_rate_of_zero_is_allowed() -> None:
    assert faults_of(small_spec(optimizer=ADAM)) == {}
    assert faults_of(small_spec(optimizer=ADAM | {"learning_rate": 0})) == {}
