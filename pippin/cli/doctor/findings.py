"""The result of a check, and its redaction: the errors of libraries may contain an address with a password."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from pippin.settings import Settings


class Level(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: The name of the check, one or two words.
        level: How serious the finding is.
        result: What the check read or measured.
        advice: What to do; empty if no action is needed.
    """

    check: str
    level: Level
    result: str
    advice: str = ""

    def __post_init__(self) -> None:
        # Every warning and fault comes with advice.
        assert self.level is Level.OK or self.advice


def ok(check: str, result: str) -> Finding:
    """A finding that needs no action."""
    return Finding(check, Level.OK, result)


def warning(check: str, result: str, advice: str) -> Finding:
    """A finding that makes jobs slower or less safe, or that matters only for some uses of this machine."""
    return Finding(check, Level.WARNING, result, advice)


def fault(check: str, result: str, advice: str) -> Finding:
    """A finding that prevents a worker from training here, or that may lose the results of a training."""
    return Finding(check, Level.FAULT, result, advice)


_MARK = "***"
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def secrets_in(settings: Settings, environment: Mapping[str, str]) -> frozenset[str]:
    """The passwords in the settings' addresses, as written and decoded, and the secrets that obstore reads.

    Args:
        settings: The settings; their addresses may contain passwords.
        environment: The variables of this process.
    """
    addresses = [settings.blobs_url, settings.url]
    redis_urls = (settings.redis_url, settings.worker_redis_url)
    addresses += [url.get_secret_value() for url in redis_urls if url is not None]
    passwords = [urlsplit(address).password or "" for address in addresses]
    secrets = [*passwords, *map(unquote, passwords), *(environment.get(name, "") for name in _SECRET_VARIABLES)]
    return frozenset(filter(None, secrets))


def redacted(secrets: Iterable[str], finding: Finding) -> Finding:
    """The finding with every secret replaced by three asterisks."""
    result, advice = finding.result, finding.advice
    # The longest first: one secret may be a part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        result, advice = result.replace(secret, _MARK), advice.replace(secret, _MARK)
    return replace(finding, result=result, advice=advice)


def redacted_url(url: str) -> str:
    """An address without its user, its password and its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
