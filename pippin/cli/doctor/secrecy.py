"""Keeps passwords out of what the doctor prints: the errors of other people's libraries may quote an address."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from pippin.cli.doctor.finding import Finding
from pippin.settings import Settings

_MARK = "***"
_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def secrets_of(settings: Settings, environment: Mapping[str, str]) -> frozenset[str]:
    """The passwords in the settings' addresses, as written and decoded, and those that obstore reads.

    Args:
        settings: Their addresses may hold some.
        environment: The variables of this process.
    """
    addresses = [settings.blobs_url, settings.url]
    redis_urls = (settings.redis_url, settings.worker_redis_url)
    addresses += [url.get_secret_value() for url in redis_urls if url is not None]
    passwords = [urlsplit(address).password or "" for address in addresses]
    known = [*passwords, *map(unquote, passwords), *(environment.get(name, "") for name in _VARIABLES)]
    return frozenset(filter(None, known))


def without(secrets: Iterable[str], finding: Finding) -> Finding:
    """The finding with every secret replaced by three asterisks."""
    found, advice = finding.found, finding.advice
    # The longest first: one may be a part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        found, advice = found.replace(secret, _MARK), advice.replace(secret, _MARK)
    return replace(finding, found=found, advice=advice)


def shown(url: str) -> str:
    """An address without its user, its password and its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
