"""Mutations of bytes, protobuf messages and JSON documents."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec.layer import Message

_INTEGERS = (0, 1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1)
_FLOATS = (0.0, -1.0, 1e-30, 1e38, float("inf"), float("-inf"), float("nan"))
_TEXTS = ("", "x0", "y0", "x", "y", "layer", "head", "dense", "pippin.seed", "é" * 300, "a" * 10_000)
_MOST = 300
_LARGEST = 100_000


def mutated_file(random: Random, seeds: list[bytes]) -> bytes:
    """A mutated seed file."""
    data = random.choice(seeds)
    if random.random() < 0.35:
        return _harmed_bytes(random, data, seeds)
    model = parse(data)
    for _ in range(random.randint(1, 4)):
        _harm_message(random, model, seeds)
    try:
        return serialize(model)
    except Exception:  # noqa: BLE001 - for example a text that is not UTF-8: then the seed itself
        return data


def mutated_document(random: Random, seeds: list[dict[str, Any]]) -> bytes:
    """A mutated seed document as JSON, whose bytes may be mutated too."""
    document = copy.deepcopy(random.choice(seeds))
    for _ in range(random.randint(1, 4)):
        harmed = _harmed_value(random, document, document)
        # Repeatedly copied lists would exhaust the memory of the test.
        document = harmed if _size(harmed, _LARGEST) < _LARGEST else document
    text = json.dumps(document).encode()
    return _harmed_bytes(random, text, [text]) if random.random() < 0.15 else text


def _size(value: Any, most: int) -> int:  # noqa: ANN401 - any JSON value
    """The number of values in a document, counted up to a limit."""
    total = 1
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        total += _size(each, most - total)
        if total >= most:
            break
    return total


def _harmed_bytes(random: Random, data: bytes, seeds: list[bytes]) -> bytes:
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) + 1)
        size = random.choice((1, 2, 4, 16, 200))
        match random.randrange(5):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + random.randbytes(size) + data[at + size :]
            case 2:
                data = data[:at] + data[at + size :]
            case 3:
                data = data[:at] + data[at : at + size] * random.choice((2, 3, 50)) + data[at + size :]
            case 4:
                other = random.choice(seeds)
                begin = random.randrange(len(other) + 1)
                data = data[:at] + other[begin : begin + size] + data[at:]
    return data


def _messages(message: Message, found: list[Message]) -> list[Message]:
    """The message and all messages inside it, up to a limit."""
    found.append(message)
    for field, value in message.ListFields():
        if field.message_type is None or _is_map(field):
            continue
        for inner in value if field.is_repeated else (value,):
            if len(found) < _MOST:
                _messages(inner, found)
    return found


def _is_map(field: Any) -> bool:  # noqa: ANN401 - descriptors have no types
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _harm_message(random: Random, model: Message, seeds: list[bytes]) -> None:
    target = random.choice(_messages(model, []))
    fields = [field for field in target.DESCRIPTOR.fields if not _is_map(field)]
    if not fields:
        return
    present = [field for field, _ in target.ListFields() if field in fields]
    field = random.choice(present) if present and random.random() < 0.7 else random.choice(fields)
    if field.is_repeated:
        _harm_list(random, getattr(target, field.name), field)
    elif field.message_type is not None:
        _harm_inner(random, target, field, seeds)
    else:
        setattr(target, field.name, _scalar(random, field))


def _harm_list(random: Random, values: Any, field: Any) -> None:  # noqa: ANN401 - protobuf's containers have no types
    match random.randrange(4):
        case 0 if len(values):
            del values[random.randrange(len(values))]
        case 1 if len(values):
            chosen = values[random.randrange(len(values))]
            for _ in range(random.choice((1, 2, 500))):
                values.append(chosen)
        case 2 if len(values) and field.message_type is None:
            values[random.randrange(len(values))] = _scalar(random, field)
        case _:
            if field.message_type is not None:
                values.add()
            else:
                values.append(_scalar(random, field))


def _harm_inner(random: Random, target: Message, field: Any, seeds: list[bytes]) -> None:  # noqa: ANN401 - as above
    match random.randrange(3):
        case 0:
            target.ClearField(field.name)
        case 1:
            getattr(target, field.name).SetInParent()
        case _:
            others = [
                other
                for other in _messages(parse(random.choice(seeds)), [])
                if other.DESCRIPTOR.full_name == field.message_type.full_name
            ]
            if others:
                getattr(target, field.name).CopyFrom(random.choice(others))


def _scalar(random: Random, field: Any) -> Any:  # noqa: ANN401 - as above
    kind = field.cpp_type
    if kind == field.CPPTYPE_BOOL:
        return random.random() < 0.5
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return random.choice(_FLOATS)
    if kind == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return random.randbytes(random.choice((0, 1, 3, 100)))
        return random.choice(_TEXTS)
    if kind == field.CPPTYPE_ENUM:
        return random.choice([value.number for value in field.enum_type.values] + [99])
    most = {field.CPPTYPE_INT32: 2**31 - 1, field.CPPTYPE_UINT32: 2**32 - 1}.get(kind, 2**63 - 1)
    value = min(random.choice(_INTEGERS), most)
    signed = kind in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    return -value if signed and random.random() < 0.2 else value


def _harmed_value(random: Random, value: Any, whole: Any) -> Any:  # noqa: ANN401 - any JSON value
    """`value` with one place in it changed."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        match random.randrange(8):
            case 0:
                return {name: inner for name, inner in value.items() if name != key}
            case 1:
                return value | {random.choice(_TEXTS): value[key]}
            case _:
                return value | {key: _harmed_value(random, value[key], whole)}
    if isinstance(value, list) and value and random.random() < 0.85:
        index = random.randrange(len(value))
        match random.randrange(6):
            case 0:
                return value[:index] + value[index + 1 :]
            case 1:
                return value + [value[index]] * random.choice((1, 2, 3000))
            case _:
                return [*value[:index], _harmed_value(random, value[index], whole), *value[index + 1 :]]
    return random.choice(_VALUES)(random, whole)


_VALUES: tuple[Callable[[Random, Any], Any], ...] = (
    lambda random, _: random.choice(_INTEGERS) * random.choice((1, -1)),
    lambda random, _: random.choice((0.5, -0.5, 1e300, 1e-300)),
    lambda random, _: random.choice(_TEXTS),
    lambda random, _: random.choice((None, True, False, {}, [], [[]], {"type": "valid"})),
    lambda _, whole: copy.deepcopy(whole.get("layers", [])) if isinstance(whole, dict) else whole,
    lambda *_: _deep(),
    lambda random, _: [random.choice(_INTEGERS)] * random.choice((1, 2, 4, 5000)),
)


def _deep() -> Any:  # noqa: ANN401 - any JSON value
    value: Any = 1
    for _ in range(200):
        value = [value]
    return value
