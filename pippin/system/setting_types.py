"""Types of settings: validation of paths, addresses and lists that are read from the environment."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


# RFC 3986, 3.2.1: characters that a user or a password may contain unencoded; all others are percent-encoded. The colon
# is not among them: it separates user and password.
_PLAIN = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_USER = rf"(?:{_PLAIN}(?::{_PLAIN})?@)?"
_OPTIONS = r"(?:\?[^\s@#]*)?"
_REDIS = re.compile(
    rf"rediss?://{_USER}(?:\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::(?P<port>[0-9]*))?(?P<database>/[^\s@#?]*)?{_OPTIONS}"
)
_SOCKET = re.compile(rf"unix://{_USER}/[^\s@#?]*{_OPTIONS}")
_MAX_PORT = 65535


def _redis_url(url: SecretStr) -> SecretStr:
    """Validate the whole address: any part of an address that is not fully encoded may be a piece of a password.

    Every parser reads `redis://:12/ab@host` as the host "", the port 12 and the path "/ab@host", and libraries quote
    such hosts and paths in their errors. So no message here repeats any part of the address.
    """
    text = url.get_secret_value()
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("give an address that begins with redis://, rediss:// or unix://")
    match = _REDIS.fullmatch(text) or _SOCKET.fullmatch(text)
    if match is None:
        raise ValueError(_ENCODE)
    parts = match.groupdict()
    if int(parts.get("port") or 0) > _MAX_PORT:
        raise ValueError(f"its port is above {_MAX_PORT}; {_ENCODE}")
    if not (parts.get("database") or "").strip("/").isdecimal() and (parts.get("database") or "/") != "/":
        raise ValueError(f"the part after the port is not a database number; {_ENCODE}")
    if "?" in text:
        _check_options(text)
    return url


_ENCODE = (
    "give redis://user:password@host:port/0 and percent-encode all characters of user and password except letters and "
    "digits, such as %40 for @ and %2F for / (Python: urllib.parse.quote(password, safe=''))"
)


def _check_options(url: str) -> None:
    """Refuse options that redis-py does not support, which it reports only with its first command."""
    # Imported only for an address with options, since the import takes time.
    from redis import ConnectionPool  # noqa: PLC0415

    try:
        ConnectionPool.from_url(url).make_connection()
    except TypeError as error:
        # This cannot be a piece of a password: an @ would follow, which options cannot contain.
        option = str(error).rpartition(" ")[2]
        raise ValueError(
            f"it has no option {option}; an option for TLS is ssl_ca_certs=/path/of/authority.pem"
        ) from None
    except ValueError:
        raise ValueError("the value of an option is invalid") from None


def _split(url: str) -> SplitResult:
    """The parts of an address. Python's own errors are replaced, since they quote the address and thus a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - the port is validated when it is read
        is_cut = parts.scheme in {"http", "https"} and "@" in f"{parts.path}{parts.query}{parts.fragment}"
    except ValueError:
        is_cut = True
    if is_cut:
        raise ValueError(
            "its host or port is invalid; percent-encode all characters of user and password except letters and digits"
        )
    return parts


def _http_url(url: str) -> str:
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an address such as http://127.0.0.1:8000")
    return url.rstrip("/")


def _names(text: object) -> object:
    """The texts between commas."""
    return tuple(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else text


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        parts = _split(origin)
        if parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("give origins such as https://app.example.com, without a path")
    return origins


def _blobs_url(url: str) -> str:
    if not _split(url).scheme:
        raise ValueError("give an address such as file:///var/lib/pippin/blobs, s3://bucket/prefix or http://host:8000")
    return url


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
"""A path, made absolute; `~` is the user's home folder."""

RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
"""The address of a Redis, which may contain a password."""

HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""The address of a service, without a trailing slash."""

BlobsUrl = Annotated[str, AfterValidator(_blobs_url)]
"""The address of a blob store."""

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
"""Texts separated by commas."""

Origins = Annotated[Names, AfterValidator(_origins)]
"""Origins (RFC 6454) separated by commas."""
