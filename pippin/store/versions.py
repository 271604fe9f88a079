"""The version of stored records, and how records of other versions are read.

A record contains the version `major.minor` of its format. A newer minor version may add fields, which older readers
ignore; a record of a newer major version is refused. The version of a job covers everything below its key: attempts,
events, epochs, artifacts and checkpoints. A record without a version has version 1.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from redis.exceptions import ResponseError

from pippin.store.errors import UnreadableRecord

MAJOR, MINOR = 1, 0
VERSION = f"{MAJOR}.{MINOR}"
FIELD = "record_version"

_FIRST = "1.0"  # the version of records that contain no version
_FORM = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")
_MAX_REMEMBERED = 10_000
_ModelT = TypeVar("_ModelT", bound=BaseModel)
_log = structlog.stdlib.get_logger(__name__)


class _Envelope(BaseModel):
    record_version: str = _FIRST


@dataclass(frozen=True)
class Unreadable:
    """A record that exists but cannot be read.

    Attributes:
        id: The id of the record.
        detail: Cause and remedy, in a sentence.
    """

    id: str
    detail: str


def dump(record: BaseModel) -> str:
    """A record as JSON, with the version of the format."""
    return f'{{"{FIELD}":"{VERSION}",{record.model_dump_json()[1:]}'


def load(kind: type[_ModelT], stored: object, record_id: str) -> _ModelT:
    """Read a record that `dump` wrote, in this version or a newer minor version.

    Args:
        kind: The class of the record.
        stored: The JSON text, or the error that Redis returned instead.
        record_id: The id of the record, for errors.

    Raises:
        UnreadableRecord: The record is damaged, or of a newer major version.
    """
    text = text_of(stored, record_id)
    try:
        require_readable(_Envelope.model_validate_json(text).record_version, record_id)
        return kind.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise damaged(record_id, error) from error


def text_of(stored: object, record_id: str) -> str:
    """The text that Redis returned.

    Raises:
        UnreadableRecord: Redis returned an error: the key has another type.
    """
    if isinstance(stored, ResponseError):
        raise damaged(record_id, stored)
    return str(stored)


def require_readable(version: str, record_id: str) -> None:
    """Check that records of this version can be read.

    Raises:
        UnreadableRecord: The major version is newer, or the text is not a version.
    """
    form = _FORM.fullmatch(version)
    if form is None:
        raise UnreadableRecord(
            record_id, f"the record {record_id} is damaged: its version is {version[:20]!r}; delete it"
        )
    if int(form[1]) > MAJOR:
        raise UnreadableRecord(
            record_id,
            f"the record {record_id} has version {version} and was written by a newer Pippin; this one reads versions "
            f"up to {MAJOR}.x: upgrade this Pippin, or delete the record",
        )


def damaged(record_id: str, error: Exception) -> UnreadableRecord:
    """The error for a damaged record."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))[:80]
        why = f"{place}: {first['msg']}" if place else first["msg"]
    elif isinstance(error, KeyError):
        why = f"the field {error} is missing"
    else:
        why = str(error)
    return UnreadableRecord(record_id, f"the record {record_id} is damaged ({why[:200]}): delete it")


class UnreadableLog:
    """Logs each unreadable record once, and counts such records, up to ten thousand.

    Attributes:
        count: Number of different unreadable records that this process has read.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()

    @property
    def count(self) -> int:
        """Number of different records noted."""
        return len(self._seen)

    def record(self, error: UnreadableRecord) -> Unreadable:
        """Note an unreadable record that is left out of a list or a count."""
        if error.record_id not in self._seen and len(self._seen) < _MAX_REMEMBERED:
            self._seen.add(error.record_id)
            _log.warning("a record cannot be read", record=error.record_id, error=str(error))
        return Unreadable(error.record_id, str(error))


UNREADABLE = UnreadableLog()
"""The log of this process."""


def version_of(fields: Mapping[str, str]) -> str:
    """The version in the fields of a hash."""
    return fields.get(FIELD, _FIRST)
