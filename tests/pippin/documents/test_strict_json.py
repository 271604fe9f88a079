import pytest

from pippin.documents.errors import MalformedDocumentError, Place
from pippin.documents.strict_json import loads


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is not JSON: expecting value at line 1, column 1"),
        (b"\xff", "it is not UTF-8: byte 0 does not fit"),
        (b"[1e999]", "1e999"),
        (b'{"a": 1, "a": 2}', 'the key "a" twice'),
        (b'"\\ud800"', "half a surrogate pair"),
    ],
)
def test_the_reason_is_a_sentence_about_the_text(data: bytes, said: str) -> None:
    with pytest.raises(MalformedDocumentError, match=r"^it ") as caught:
        loads(data)
    assert said in str(caught.value)
    assert caught.value.located == str(caught.value)


def test_a_place_that_is_known_can_be_told_with_the_reason() -> None:
    assert MalformedDocumentError("no colon", Place(3, 4)).located == "no colon at line 3, column 4"
