from pathlib import Path

import pytest

from pippin.cli.documents import load
from pippin.cli.errors import CommandError, Exit
from pippin.client import ServiceError
from pippin.errors import Fault, FaultyDocumentError


def written(folder: Path, content: str | bytes) -> str:
    path = folder / "job.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "content",
    ["a:\n  b: 1\n", '{"a": {"b": 1}}', '{\n\t"a":\t{"b": 1}}', b'\xef\xbb\xbf{"a": {"b": 1}}'],
)
def test_yaml_and_json_in_any_layout_are_read(tmp_path: Path, content: str | bytes) -> None:
    assert load(written(tmp_path, content)).value == {"a": {"b": 1}}


def test_escaped_surrogate_pairs_are_read_as_in_json(tmp_path: Path) -> None:
    assert load(written(tmp_path, '{"a": "\\ud83d\\ude00"}')).value == {"a": "😀"}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("a: [1\n", Exit.REFUSED, "job.yaml is neither YAML nor JSON"),
        ("- 1\n", Exit.REFUSED, "must hold a mapping"),
        ("", Exit.REFUSED, "found nothing"),
        ('{"a": NaN}', Exit.REFUSED, "that JSON cannot represent"),
        ('{"a": "\\ud800"}', Exit.REFUSED, "that JSON cannot represent"),
        (b"\xff\xfe", Exit.USAGE, "not UTF-8 text"),
    ],
)
def test_document_that_is_no_mapping_is_refused(tmp_path: Path, content: str | bytes, code: Exit, said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        load(written(tmp_path, content))
    assert caught.value.code == code


def test_syntax_error_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        load(written(tmp_path, "a: 1\nb: [1, 2\n"))
    assert caught.value.why[0].startswith(f"{tmp_path}/job.yaml:3:1: ")


def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    for path in (tmp_path / "no.yaml", tmp_path):
        with pytest.raises(CommandError, match="cannot be read") as caught:
            load(str(path))
        assert caught.value.code == Exit.USAGE


@pytest.mark.parametrize("kind", ["local", "service"])
def test_faults_are_sorted_by_line_of_the_value_or_its_parent(tmp_path: Path, kind: str) -> None:
    document = load(written(tmp_path, "model:\n  spec:\n    layers:\n      - {type: relu}\n"))
    faults = [Fault("/model/spec/layers/0/name", "missing"), Fault("/dataset", "missing"), Fault("/model", "odd")]
    error = FaultyDocumentError("bad", faults) if kind == "local" else ServiceError(422, "Bad", "", faults)
    with pytest.raises(CommandError, match="It was refused") as caught, document.located("It was refused."):
        raise error
    name = document.name
    assert caught.value.code == Exit.REFUSED
    assert caught.value.why == [
        f"{name}:1:1: dataset: missing",
        f"{name}:1:1: model: odd",
        f"{name}:4:9: model.spec.layers[0].name: missing",
    ]


def test_service_error_without_faults_passes_through(tmp_path: Path) -> None:
    document = load(written(tmp_path, "a: 1\n"))
    with pytest.raises(ServiceError, match="Full"), document.located("It was refused."):
        raise ServiceError(503, "Full")


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "a", "name": "b"}',
        '{\n "model": {"preset": "a",\n  "preset": "b"}}',
        "name: a\nname: b\n",
        '\ufeff{"a": 1, "a": 1}',
    ],
)
def test_duplicate_key_is_refused_in_json_and_yaml(tmp_path: Path, content: str) -> None:
    with pytest.raises(CommandError) as caught:
        load(written(tmp_path, content))
    assert caught.value.code == Exit.REFUSED
    (why,) = caught.value.why
    assert why.startswith(f"{tmp_path}/job.yaml:")
    assert "second time" in why
