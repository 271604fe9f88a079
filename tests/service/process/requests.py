"""Requests that no honest client sends, as bytes: hypothesis makes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

_ADDRESSES = ("/", "/docs", "/docs/start.js", "/docs/assets/{word}", "/openapi.json", "/problems/{word}", "/{word}")
_METHODS = ("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "JOB")
_PARAMETERS = (
    *("status", "label", "after", "limit", "follow", "batches", "variant", "name", "format", "scale", "target"),
    *("inputs", "shape", "header", "color", "split", "top", "form", "force", ""),
)
_HEADERS = (
    *("Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Disposition", "Content-Encoding"),
    *("Content-Type", "Cookie", "Expect", "Host", "Idempotency-Key", "If-Match", "If-Modified-Since"),
    *("If-None-Match", "If-Range", "Last-Event-ID", "Origin", "Range", "Referer", "TE", "Upgrade", "X-Request-Id"),
)
_VALUES = (
    *(b"", b"*", b"*/*", b",", b";", b'"', b'""', b"\xff\xfe", b"0", b"-1", b"1e400", b"NaN", b"null", b"\t", b"true"),
    *(b"text/event-stream", b"application/x-ndjson", b"text/csv;q=0", b"application/json;q=x", b"a/b;q=", b"/;/;"),
    *(b"bytes=0-", b"bytes=-0", b"bytes=5-2", b"bytes=0-0,9-9", b"bytes=99999999999999999999-", b"items=0-1"),
    *(b"0-0", b"9" * 40, b"18446744073709551615-18446744073709551615", b"1-", b"-", b'W/"x"', b"gzip", b"chunked"),
    *(b"100-continue", b"websocket", b"h2c", b"Bearer", b"Bearer \xff", b"Basic OjpAOg==", b"a" * 9000, b"k=v"),
    *(b"Bearer pippin_" + b"0" * 26 + b"_" + b"0" * 64, b"bearer  x y", b"pippin_session=", b"pippin_session=\xff"),
    *(b"pippin_session=" + b"0" * 64 + b"; pippin_session=x", b"http://x", b"https://x:9", b"http://["),
    *(b"text/plain; version=1.0.0; escaping=x", b"application/openmetrics-text; version=9", b"x:99999", b"[::1"),
    *(b"application/json; charset=utf-16", b"multipart/form-data", b"multipart/form-data; boundary=", b"image/png"),
    *(b"multipart/form-data; boundary=x", b"application/yaml", b"application/octet-stream", b"application/json"),
)
_NUMBERS = (10**400, -(10**400), 2**63, 2**64, -1, 0, 1e308, 5e-324, -0.0)
_KEYS = (
    *("model", "spec", "preset", "id", "job", "dataset", "hyperparameters", "epochs", "limits", "labels", "layers"),
    *("type", "name", "inputs", "outputs", "shape", "optimizer", "loss", "neuralNetwork", "max_examples", "split"),
    *("from_checkpoint", "hand_back", "checkpoint", "engine", "max_attempts", "timeout_seconds"),
)
_JSON_WORDS = ("mnist-cnn", "contract", "\0", "\ud800", "é" * 300, "convolution", "enforce", "", "float")


@dataclass(frozen=True)
class RawRequest:
    """A request as it goes over the wire.

    Attributes:
        content: The bytes.
        is_whole: Whether it says itself where it ends: of another one the rest never comes.
    """

    content: bytes
    is_whole: bool


@cache
def _words(held: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """What stands for an id in an address."""
    known = st.sampled_from(held).map(str.encode)
    encoded = st.binary(max_size=20).map(lambda raw: quote_from_bytes(raw).encode())
    # Nothing that ends the request line.
    raw = st.binary(max_size=20).map(lambda raw: raw.translate(None, b" \r\n\0\t?#"))
    return st.one_of(known, known, known, encoded, raw, st.sampled_from([b"..", b"%2e%2e%2f", b"a" * 3000, b"%00"]))


def _documents() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(_NUMBERS + _JSON_WORDS),
    )
    keys = st.one_of(st.sampled_from(_KEYS), st.text(max_size=4))
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=20
    )


def _jobs() -> st.SearchStrategy[Any]:
    """Requests of jobs that are right but for a part or two."""
    right = {"model": {"preset": "mnist-cnn"}, "dataset": "contract", "hyperparameters": {"epochs": 1}}
    return st.dictionaries(st.sampled_from(_KEYS), _documents(), max_size=2).map(lambda changes: right | changes)


@cache
def _bodies() -> st.SearchStrategy[tuple[bytes, bytes]]:
    """A body, and the media type that fits it best."""
    text = (_documents() | _jobs()).map(lambda value: json.dumps(value).encode())
    deep = st.sampled_from([b"[", b'{"a":', b'{"model":{"spec":']).map(lambda opening: opening * 50_000)
    cut = st.tuples(text, st.integers(0, 40)).map(lambda parts: parts[0][: -parts[1] or None])
    parts = st.lists(
        st.tuples(
            st.sampled_from([b"file", b"", b'"', b"\xff", b"name"]),
            st.sampled_from([b'; filename="a.npz"', b"; filename=", b'; filename="../../x"', b""]),
            st.binary(max_size=60),
        ),
        max_size=3,
    )
    ending = st.sampled_from([b"--x--\r\n", b"--x--", b"--x", b""])
    return st.one_of(
        st.just((b"", b"")),
        st.tuples(text, st.just(b"application/json")),
        st.tuples(text, st.just(b"application/json")),
        st.tuples(text | st.binary(max_size=200), st.just(b"application/yaml")),
        st.tuples(cut | deep | st.binary(max_size=200), st.just(b"application/json")),
        st.tuples(st.binary(max_size=300), st.sampled_from([b"application/octet-stream", b"image/png", b"image/jpeg"])),
        st.tuples(st.tuples(parts, ending).map(_form), st.just(b"multipart/form-data; boundary=x")),
    )


def _form(made: tuple[list[tuple[bytes, bytes, bytes]], bytes]) -> bytes:
    parts, ending = made
    head = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
    return b"".join(head % part for part in parts) + ending


@cache
def _values() -> st.SearchStrategy[bytes]:
    return st.one_of(st.sampled_from(_VALUES), st.sampled_from(_VALUES), st.binary(max_size=30))


@cache
def _queries() -> st.SearchStrategy[list[tuple[str, bytes]]]:
    return st.lists(st.tuples(st.sampled_from(_PARAMETERS), _values()), max_size=3) | st.just([])


@cache
def _headers() -> st.SearchStrategy[dict[str, bytes]]:
    return st.dictionaries(st.sampled_from(_HEADERS), _values(), max_size=4) | st.just({})


# How the body's length is told: mostly as it is.
_ANNOUNCED = st.sampled_from(["right"] * 12 + ["chunked", "short", "long", "broken", "twice", "none"])

# Whether the token is shown.
_SHOWN = st.sampled_from([True] * 15 + [False])


@st.composite
def requests(
    draw: st.DrawFn, document: Mapping[str, Any], held: Mapping[str, tuple[str, ...]], token: str | None = None
) -> RawRequest:
    """A request of any endpoint.

    Args:
        draw: Given by hypothesis.
        document: The OpenAPI description, which names the addresses.
        held: Ids and names that the service knows, by the parameters that take them.
        token: Shown with most requests.
    """
    address = draw(st.sampled_from([*document["paths"], *_ADDRESSES]))
    documented = [method.upper() for method in document["paths"].get(address, {})]
    method = draw(st.sampled_from([*documented * 20, *_METHODS]))
    # What all others ask for must not go away; what is drained is there.
    known = {} if method == "DELETE" and not address.endswith("/drain") else held
    path = b"/".join(
        draw(_words(known.get(part.strip("{}"), ("nobody",)))) if part.startswith("{") else part.encode()
        for part in address.split("/")
    )
    pairs = draw(_queries())
    query = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs).encode()
    headers = draw(_headers())
    body, media = draw(_bodies())
    lines = [b"%b %b%b%b HTTP/1.1" % (method.encode(), path, b"?" if query else b"", query)]
    lines += [b"Host: localhost"] * ("Host" not in headers)
    if token and "Authorization" not in headers and draw(_SHOWN):
        lines.append(b"Authorization: Bearer %b" % token.encode())
    lines += [b"Content-Type: %b" % media] * ("Content-Type" not in headers and media != b"")
    lines += [b"%b: %b" % (name.encode(), value) for name, value in headers.items()]
    announced = draw(_ANNOUNCED)
    match announced:
        case "chunked":
            lines.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        case "broken":
            lines.append(b"Transfer-Encoding: chunked")
        case "twice":
            lines += [b"Content-Length: %d" % len(body), b"Content-Length: 7"]
        case "none":
            pass
        case _:
            more = {"right": 0, "short": -1, "long": 9}[announced]
            lines.append(b"Content-Length: %d" % max(0, len(body) + more))
    is_whole = announced in {"right", "short", "chunked", "none"} and not any(b"\n" in line for line in lines)
    return RawRequest(b"\r\n".join([*lines, b"", body]), is_whole)
