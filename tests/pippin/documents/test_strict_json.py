import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pippin.documents import strict_json
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
def test_error_is_a_sentence_about_the_text(data: bytes, said: str) -> None:
    with pytest.raises(MalformedDocumentError, match=r"^it ") as caught:
        loads(data)
    assert said in str(caught.value)
    assert caught.value.located == str(caught.value)


def test_error_with_a_known_place_names_it() -> None:
    assert MalformedDocumentError("no colon", Place(3, 4)).located == "no colon at line 3, column 4"


def test_a_repeated_key_among_very_many_is_named_in_linear_time() -> None:
    # Counting each key among all of them took 27 s for 40,000 keys, so it would take 3 minutes for these.
    members = b",".join(b'"%x":1' % number for number in range(100_000))
    with pytest.raises(MalformedDocumentError, match='the key "1869f" twice'):
        loads(b"{%s}" % (members + b',"1869f":2'))


def test_a_long_repeated_key_is_quoted_in_part() -> None:
    key = b'"%s":1' % (b"k" * 1_000_000)
    with pytest.raises(MalformedDocumentError) as caught:
        loads(b"{%s,%s}" % (key, key))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "data", [b'["\\ud83c\\udf4e", ["\\ud800"]]', b'{"\\ud83c\\udf4e": {"\\udc00": 1}}', b'"\\\\ud83c\\udf4e"']
)
def test_lone_surrogate_is_refused_anywhere(data: bytes) -> None:
    with pytest.raises(MalformedDocumentError, match="half a surrogate pair"):
        loads(data)


def test_an_escaped_backslash_before_a_surrogates_digits_is_text() -> None:
    assert loads(b'"\\\\ud800"') == "\\ud800"


_PEAK = """
import resource, sys
from pippin.documents import strict_json
unit = sys.argv[1].encode()
data = b"[" + unit * (2_000_000 // len(unit)) + unit[:-1] + b"]"
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
strict_json.loads(data)
print(peak() - before, strict_json.parsed_bytes(data))
"""


@pytest.mark.full
@pytest.mark.parametrize("unit", ["[],", "{},", '"ab",', "12345678,", "1.5,", "[[1]],", '{"a":1},', "[0.5,0.5],"])
def test_the_estimate_of_memory_is_not_too_low(unit: str) -> None:
    command = [sys.executable, "-c", _PEAK, unit]
    taken, estimated = map(int, subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())
    assert taken < 1.1 * estimated + 4_000_000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_interruptible_parser_gives_the_same_values(value: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_json, "_MAX_C_PARSED", -1)
        assert loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "data", [b"", b"[1,]", b"[[] []]", b'{"a" 1}', b'{"a": 1,}', b"[NaN]", b"[1e999]", b"nul", b"[" * 9000]
)
def test_interruptible_parser_gives_the_same_errors(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MalformedDocumentError) as usual:
        loads(data)
    monkeypatch.setattr(strict_json, "_MAX_C_PARSED", -1)
    with pytest.raises(MalformedDocumentError) as interruptible:
        loads(data)
    assert str(interruptible.value) == str(usual.value)


@pytest.fixture
def often_switched() -> Iterator[None]:
    """Switch threads every 0.1 ms instead of 5 ms, so that even a fast parse has hundreds of switches."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("often_switched")
@pytest.mark.parametrize("unit", ["[]", '"ab"', "{}", "1", "1.5", "[[1]]"])
def test_other_threads_run_while_a_large_text_is_parsed(unit: str) -> None:
    data = f"[{','.join([unit] * 50_000)}]".encode()
    switches, ended = 0, threading.Event()

    def count() -> None:
        nonlocal switches
        while not ended.is_set():
            switches += 1
            time.sleep(0)

    with ThreadPoolExecutor(1) as pool:
        counting = pool.submit(count)
        while not switches:
            time.sleep(0.001)
        before = switches
        loads(data)
        during = switches - before
        ended.set()
        counting.result()
    # Hundreds of times; a parser in C keeps the interpreter until it ends.
    assert during > 10
