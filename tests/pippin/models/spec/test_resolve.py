from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pippin.models.spec import ModelSpec, resolve
from pippin.models.spec.layers.dense import InnerProduct
from pippin.models.spec.presets import preset
from pippin.models.spec.shapes import short
from tests.support.specs import DENSE, SOFTMAX, faults_of, small_spec


def test_omitted_fields_of_a_chain_are_filled_in() -> None:
    resolved = resolve(small_spec())
    dense, softmax = resolved.spec.layers
    assert isinstance(dense, InnerProduct)
    assert (dense.input, dense.output, dense.input_channels) == ("x", "dense", 4)
    assert (softmax.input, softmax.output) == ("dense", "y")
    loss = {"type": "categorical_cross_entropy", "name": "loss", "input": "y", "target": "y_true"}
    assert resolved.spec.loss.model_dump() == loss
    assert [feature.model_dump() for feature in resolved.training_inputs] == [
        {"name": "x", "shape": (4,), "type": "float"},
        {"name": "y_true", "shape": (1,), "type": "int"},
    ]


def test_resolved_spec_lists_every_blob_and_weight() -> None:
    resolved = resolve(small_spec())
    assert resolved.shapes == {"x": (1, 1, 4, 1, 1), "dense": (1, 1, 3, 1, 1), "y": (1, 1, 3, 1, 1)}
    assert resolved.training_target == "y_true"
    assert resolved.training_input_names == ("x", "y_true")
    dense, softmax = resolved.layers
    assert (dense.inputs, dense.outputs) == (("x",), ("dense",))
    assert (dense.input_shapes, dense.output_shapes) == (((1, 1, 4, 1, 1),), ((1, 1, 3, 1, 1),))
    assert dict(dense.weight_shapes) == {"weights": (3, 4), "bias": (3,)}
    assert (dense.parameter_count, softmax.parameter_count, resolved.parameter_count) == (15, 0, 15)


def test_mean_squared_error_target_has_the_shape_of_its_input() -> None:
    resolved = resolve(small_spec(layers=[DENSE], loss={"type": "mean_squared_error"}))
    assert resolved.training_inputs[1].model_dump() == {"name": "y_true", "shape": (3,), "type": "float"}


def test_target_is_the_training_input_that_is_not_a_model_input() -> None:
    listed = [{"name": "label", "shape": [1], "type": "int"}, {"name": "x", "shape": [4]}]
    resolved = resolve(small_spec(training_inputs=listed))
    assert resolved.training_target == "label"
    assert resolved.training_input_names == ("label", "x")


def test_loss_gets_an_unused_name() -> None:
    layers = [DENSE | {"name": "loss"}, SOFTMAX | {"name": "loss1"}]
    assert resolve(small_spec(layers=layers)).spec.loss.name == "loss2"


def test_preset_has_the_documented_parameter_count() -> None:
    resolved = resolve(preset("mnist-cnn"))
    assert resolved.parameter_count == 585_958
    assert short(resolved.shapes["flatten1"]) == (1152,)


def test_layers_may_form_any_topologically_sorted_graph() -> None:
    layers = [
        DENSE | {"input": "b"},
        {"type": "relu", "name": "left"},
        {"type": "inner_product", "name": "right", "input": "a", "output_channels": 2},
        SOFTMAX | {"input": "left", "output": "y"},
        {"type": "tanh", "name": "end", "input": "right", "output": "z"},
    ]
    inputs = [{"name": "a", "shape": [5]}, {"name": "b", "shape": [4]}]
    outputs = [{"name": "y", "shape": [3]}, {"name": "z", "shape": [2]}]
    loss = {"type": "categorical_cross_entropy", "input": "y"}
    resolved = resolve(small_spec(inputs=inputs, outputs=outputs, layers=layers, loss=loss))
    assert [layer.inputs for layer in resolved.layers] == [("b",), ("dense",), ("a",), ("left",), ("right",)]
    assert resolved.training_input_names == ("a", "b", "y_true")


def test_a_layer_listed_before_its_input_is_made_is_a_fault() -> None:
    layers = [{"type": "relu", "name": "r", "input": "dense"}, DENSE | {"input": "x"}, SOFTMAX | {"input": "dense"}]
    assert faults_of(small_spec(layers=layers)) == {
        "/layers/0/input": "found 'dense', which is the output of layer 'dense' further down: list that one first"
    }


def test_a_layer_that_reads_its_own_output_is_a_fault() -> None:
    assert "itself" in faults_of(small_spec(layers=[DENSE | {"input": "dense"}, SOFTMAX]))["/layers/0/input"]


def test_an_unknown_blob_gets_a_hint() -> None:
    faults = faults_of(small_spec(layers=[DENSE, SOFTMAX | {"input": "dens"}]))
    assert faults == {
        "/layers/1/input": "found 'dens', which is neither an input nor an output of a layer above; "
        "did you mean 'dense'?"
    }


def test_last_layer_makes_the_sole_output_by_default() -> None:
    layers = [DENSE, SOFTMAX | {"output": "y"}, {"type": "tanh", "name": "end", "input": "dense"}]
    loss = {"type": "categorical_cross_entropy", "input": "y"}
    assert resolve(small_spec(layers=layers, loss=loss)).layers[2].outputs == ("end",)


def test_blob_has_one_producer() -> None:
    layers = [DENSE, {"type": "relu", "name": "r", "output": "dense"}, SOFTMAX]
    assert list(faults_of(small_spec(layers=layers))) == ["/layers/1/output"]
    assert list(faults_of(small_spec(layers=[DENSE | {"output": "x"}, SOFTMAX]))) == ["/layers/0/output"]


def test_first_layer_names_its_input_when_there_are_several() -> None:
    inputs = [{"name": "a", "shape": [4]}, {"name": "b", "shape": [4]}]
    faults = faults_of(small_spec(inputs=inputs))
    assert list(faults) == ["/layers/0/input"]
    assert "a, b" in faults["/layers/0/input"]


def test_all_faults_are_reported_without_consequential_ones() -> None:
    layers = [
        {"type": "convolution", "name": "c", "output_channels": 2, "kernel_size": [9, 1]},
        {"type": "poolling", "name": "p", "kernel_size": [2, 2]},
        {"type": "flatten", "name": "f", "mod": "channel_last"},
        DENSE | {"output_channels": 4},
        SOFTMAX,
    ]
    document = small_spec(
        inputs=[{"name": "x", "shape": [1, 4, 4]}],
        layers=layers,
        optimizer={"type": "sgd", "mini_batch_size": 0},
        epochs={"default": 5, "max": 3},
        colour="red",
    )
    assert set(faults_of(document)) == {
        "/layers/0/kernel_size/0",
        "/layers/1/type",
        "/layers/2/mod",
        "/optimizer/learning_rate",
        "/optimizer/mini_batch_size",
        "/epochs",
        "/colour",
    }


def test_unnamed_layer_adds_no_faults_to_its_readers() -> None:
    layers = [{key: value for key, value in DENSE.items() if key != "name"}, SOFTMAX | {"input": "hidden"}]
    assert list(faults_of(small_spec(layers=layers))) == ["/layers/0/name"]


def test_faulty_input_adds_no_faults_to_its_readers() -> None:
    assert list(faults_of(small_spec(inputs=[{"name": "x", "shape": ["four"]}]))) == ["/inputs/0/shape/0"]
    assert list(faults_of(small_spec(inputs=[{"shape": [4]}]))) == ["/inputs/0/name"]


WIDE = {"type": "convolution", "name": "c", "output_channels": 2**10, "kernel_size": [1, 1], "updatable": True}
FLATTEN = {"type": "flatten", "name": "f"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"inputs": [{"name": "x", "shape": [2**16, 2**16, 2]}]}, "/inputs/0/shape"),
        ({"layers": [DENSE | {"output_channels": 2**24 + 1}, SOFTMAX]}, "/layers/0/output_channels"),
        (
            {"layers": [DENSE | {"output_channels": 2**24}, DENSE | {"name": "e", "output_channels": 2**24}]},
            "/layers/1",
        ),
        (
            {"inputs": [{"name": "x", "shape": [1, 2**12, 2**12]}], "layers": [WIDE, FLATTEN, DENSE, SOFTMAX]},
            "/layers/0",
        ),
        ({"inputs": [{"name": "x", "shape": [4] * 6}]}, "/inputs/0/shape"),
    ],
)
def test_huge_sizes_are_refused_before_allocation(changes: dict[str, Any], pointer: str) -> None:
    assert pointer in faults_of(small_spec(**changes))


def test_parameters_of_all_layers_count_towards_the_limit() -> None:
    wide = {"type": "inner_product", "output_channels": 20_000, "updatable": True}
    layers = [wide | {"name": "a"}, wide | {"name": "b"}, wide | {"name": "c"}, DENSE, SOFTMAX]
    assert list(faults_of(small_spec(layers=layers))) == ["/layers"]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_resolving_twice_changes_nothing(data: st.DataObject, chains: st.SearchStrategy[dict[str, Any]]) -> None:
    resolved = resolve(data.draw(chains))
    again = resolve(resolved.spec)
    assert again.spec == resolved.spec
    assert again == resolved
    assert resolve(resolved.spec.document()).spec == resolved.spec


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def _replace(value: Any, path: tuple[int | str, ...], new: object) -> object:  # noqa: ANN401 - walks any JSON
    if not path:
        return new
    if isinstance(value, Mapping):
        return {**value, path[0]: _replace(value[path[0]], path[1:], new)}
    return [_replace(entry, path[1:], new) if index == path[0] else entry for index, entry in enumerate(value)]


def _paths(value: object, so_far: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    yield so_far
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from _paths(inner, (*so_far, key))


@settings(max_examples=100)
@given(data=st.data())
def test_any_value_in_a_document_is_valid_or_a_located_fault(data: st.DataObject) -> None:
    document: Any = small_spec(
        training_inputs=[{"name": "x", "shape": [4]}, {"name": "y_true", "shape": [1], "type": "int"}]
    )
    path = data.draw(st.sampled_from(sorted(_paths(document), key=str)))
    document = _replace(document, path, data.draw(JSON))
    for pointer in faults_of(document):
        parent: Any = document
        for part in pointer.split("/")[1:-1]:
            key = part.replace("~1", "/").replace("~0", "~")
            parent = parent[int(key)] if isinstance(parent, list) else parent[key]


@pytest.mark.parametrize("document", [None, 3, "spec", [], [{}], True])
def test_document_that_is_not_an_object_is_refused(document: object) -> None:
    assert list(faults_of(document)) == [""]


def test_a_spec_object_resolves_as_its_document_does() -> None:
    document = small_spec()
    assert resolve(ModelSpec.model_validate(document)) == resolve(document)
