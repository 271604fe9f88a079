"""Reading of files that coremltools made, and of damaged files."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from coremltools.models import datatypes
from google.protobuf.descriptor import FieldDescriptor as Field  # type: ignore[import-untyped]  # it ships no types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given
from hypothesis import strategies as st

from pippin.models.neighbors import NeighborsError, NeighborsModel, read_neighbors
from pippin.models.spec.layer import Message
from pippin.models.spec.parameters import IntegerParameter
from tests.pippin.models.neighbors.classifiers import make_message


def through_bytes(message: Message) -> Message:
    """What another process would find in the file."""
    found = type(message)()
    found.ParseFromString(message.SerializeToString())
    return found


def test_builder_model_is_read_field_by_field() -> None:
    message = make_message(
        number_of_neighbors=7, weighting_scheme="inverse_distance", index_type="kd_tree", leaf_size=12
    )
    message.description.metadata.userDefined["a"] = "1"
    model = read_neighbors(through_bytes(message))
    assert (model.input, model.dimensions, model.input_type) == ("point", 2, "float")
    assert model.number_of_neighbors == IntegerParameter(default=7, minimum=1, maximum=1000)
    assert (model.weighting, model.index, model.leaf_size) == ("inverse_distance", "kd_tree", 12)
    assert model.samples.dtype == np.float32
    assert model.samples.tolist() == [[0, 0], [1, 0.5], [3, 4]]
    assert (model.labels, model.label_type, model.default_label) == (("red", "blue", "red"), "string", "none")
    assert model.classes == ("red", "blue")
    assert (model.predicted_feature, model.probabilities) == ("color", "colorProbs")
    assert model.metadata == {"a": "1"}


def test_model_with_integer_labels_and_linear_index_is_read() -> None:
    message = make_message(labels=(3, -(2**63), 3), default=0, input_type=datatypes.Double)
    model = read_neighbors(through_bytes(message))
    assert (model.labels, model.label_type, model.default_label) == ((3, -(2**63), 3), "int64", 0)
    assert (model.weighting, model.index, model.leaf_size, model.input_type) == ("uniform", "linear", None, "double")


@pytest.mark.parametrize("default", ["none", "", 5, 0])
def test_an_empty_model_is_read(default: str | int) -> None:
    model = read_neighbors(through_bytes(make_message(samples=(), default=default)))
    assert model.samples.shape == (0, 2)
    assert (model.labels, model.classes, model.default_label) == ((), (), default)


def test_label_type_defaults_to_that_of_the_default_label() -> None:
    message = make_message(samples=(), default=5)
    message.kNearestNeighborsClassifier.ClearField("ClassLabels")
    assert read_neighbors(message).label_type == "int64"


def test_allowed_set_of_k_is_read() -> None:
    message = make_message()
    parameter = message.kNearestNeighborsClassifier.numberOfNeighbors
    parameter.set.values.extend([5, 1, 3])
    assert read_neighbors(message).number_of_neighbors == IntegerParameter(default=5, allowed=(5, 1, 3))


def test_a_model_without_probabilities_is_read() -> None:
    message = make_message()
    message.description.ClearField("predictedProbabilitiesName")
    message.description.output.pop()
    assert read_neighbors(message).probabilities is None


def test_samples_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_neighbors(make_message()).samples[0, 0] = 1


def test_reading_does_not_change_the_message() -> None:
    message = make_message()
    before = message.SerializeToString(deterministic=True)
    read_neighbors(message)
    assert message.SerializeToString(deterministic=True) == before


def read_or_refused(message: Message) -> None:
    found: NeighborsModel | NeighborsError
    try:
        found = read_neighbors(message)
    except NeighborsError as error:
        found = error
    if isinstance(found, NeighborsError):
        assert found.faults
        assert all(fault.rule is not None for fault in found.faults)
    else:
        assert found.samples.shape == (len(found.labels), found.dimensions)
        assert np.isfinite(found.samples).all()


_NUMBERS = st.sampled_from([0, 1, -1, 2, 3, 4, 7, 11, 2**31 - 1, -(2**31), 65552, 65600, 131080])
_LONG = _NUMBERS | st.sampled_from([2**63 - 1, -(2**63)])
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    Field.TYPE_INT32: _NUMBERS,
    Field.TYPE_ENUM: _NUMBERS,
    Field.TYPE_INT64: _LONG,
    Field.TYPE_UINT64: _LONG.map(abs).map(lambda number: min(number, 2**63)),
    Field.TYPE_FLOAT: st.floats(width=32),
    Field.TYPE_DOUBLE: st.floats(),
    Field.TYPE_BOOL: st.booleans(),
    Field.TYPE_STRING: st.text(max_size=5) | st.sampled_from(["point", "color", "colorProbs", "red"]),
    Field.TYPE_BYTES: st.binary(max_size=5),
}


def is_map(field: Any) -> bool:  # noqa: ANN401 - protobuf's own descriptor
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def parts(message: Message) -> Iterator[Message]:
    """The message and all that it holds."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None and not is_map(field):
            for inner in value if field.is_repeated else (value,):
                yield from parts(inner)


def damage(draw: st.DrawFn, model: Message) -> None:
    """Do one thing to one field of one part."""
    place = draw(st.sampled_from(list(parts(model))))
    fields = [field for field in place.DESCRIPTOR.fields if not is_map(field)]
    if not fields:
        return
    field = draw(st.sampled_from(fields))
    values, scalar = getattr(place, field.name), _SCALARS.get(field.type, st.integers(0, 100))
    how = draw(st.sampled_from(["clear", "set", "set", "set"]))
    if how == "clear":
        place.ClearField(field.name)
    elif field.is_repeated and field.message_type is not None:
        values.add() if draw(st.booleans()) or not values else values.pop()
    elif field.is_repeated:
        values.append(draw(scalar))
    elif field.message_type is not None:
        values.SetInParent()
    else:
        setattr(place, field.name, draw(scalar))


@st.composite
def damages(draw: st.DrawFn) -> Callable[[Message], None]:
    def change(model: Message) -> None:
        for _ in range(draw(st.integers(1, 4))):
            damage(draw, model)

    return change


@given(change=damages(), labels=st.sampled_from([("a", "b", "a"), (1, 2, 1)]), empty=st.booleans())
def test_changed_message_is_read_or_raises_neighbors_error(
    change: Callable[[Message], None], labels: tuple[Any, ...], empty: bool
) -> None:
    options: dict[str, Any] = {"samples": ()} if empty else {}
    message = make_message(labels=labels, default=labels[0], index_type="kd_tree", **options)
    change(message)
    read_or_refused(message)


@given(data=st.data())
def test_damaged_bytes_are_read_or_raise_neighbors_error(data: st.DataObject) -> None:
    message = make_message()
    spoiled = bytearray(message.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    found = type(message)()
    try:
        found.ParseFromString(bytes(spoiled))
    except DecodeError:
        return
    read_or_refused(found)
