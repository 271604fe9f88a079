"""The types of settings: what is checked of a path, an address or a list when it is read from the environment."""

from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _redis_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("give an address that begins with redis://, rediss:// or unix://")
    if not _has_port_or_none(parts):
        # Told without what was found: it may be the rest of a password with a slash in it.
        raise ValueError(
            "its port is no number from 0 to 65535; in a password, percent-encode all but letters and digits"
        )
    if parts.query:
        _check_options(url.get_secret_value())
    return url


def _has_port_or_none(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port >= 0
    except ValueError:
        return False


def _check_options(url: str) -> None:
    """Refuse options that redis-py does not know, which it tells with its first command only."""
    # Imported with an address that has options: others need not wait for it.
    from redis import ConnectionPool  # noqa: PLC0415

    try:
        ConnectionPool.from_url(url).make_connection()
    except TypeError as error:
        option = str(error).rpartition(" ")[2]
        raise ValueError(f"{option} is no option of it; one for TLS is ssl_ca_certs=/path/of/authority.pem") from None


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an address such as http://127.0.0.1:8000")
    return url.rstrip("/")


def _names(text: object) -> object:
    """What stands between commas."""
    return tuple(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else text


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("give origins such as https://app.example.com, without a path")
    return origins


def _blobs_url(url: str) -> str:
    if not urlsplit(url).scheme:
        raise ValueError("give an address such as file:///var/lib/pippin/blobs, s3://bucket/prefix or http://host:8000")
    return url


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
"""A path, made absolute; `~` is the home folder of the user."""

RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
"""The address of a Redis, which may have a password in it."""

HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""The address of a service, without a slash at its end."""

BlobsUrl = Annotated[str, AfterValidator(_blobs_url)]
"""The address of a blob store."""

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
"""Texts with commas between them."""

Origins = Annotated[Names, AfterValidator(_origins)]
"""Origins (RFC 6454) with commas between them."""
