import pytest

from tests.support.specs import faults_of, small_spec

ADAM = {"type": "adam", "learning_rate": 0.1, "mini_batch_size": 2, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def without(field: str) -> dict[str, object]:
    return {key: value for key, value in ADAM.items() if key != field}


@pytest.mark.parametrize("field", ["learning_rate", "mini_batch_size", "beta1", "beta2", "eps"])
def test_adam_needs_all_its_parameters(field: str) -> None:
    assert faults_of(small_spec(optimizer=ADAM)) == {}
    faults = faults_of(small_spec(optimizer=without(field)))
    assert list(faults) == [f"/optimizer/{field}"]
    assert faults[f"/optimizer/{field}"].startswith("is required: ")


@pytest.mark.parametrize("field", ["learning_rate", "mini_batch_size"])
def test_sgd_needs_all_its_parameters(field: str) -> None:
    sgd = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2, "momentum": 0.9}
    assert faults_of(small_spec(optimizer=sgd)) == {}
    del sgd[field]
    assert list(faults_of(small_spec(optimizer=sgd))) == [f"/optimizer/{field}"]


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
    sgd = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2, "momentum": 1.1}
    assert list(faults_of(small_spec(optimizer=sgd))) == ["/optimizer/momentum"]


def test_learning_rate_of_zero_is_allowed() -> None:
    assert faults_of(small_spec(optimizer=ADAM | {"learning_rate": 0})) == {}
