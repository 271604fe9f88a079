"""Identifiers of records: sortable by creation time, and impossible to guess."""

import re
import secrets
import time
from collections.abc import Collection

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case; ascending as text

PATTERN = f"[{_ALPHABET}]{{26}}"
"""Regular expression of the part of an identifier after the prefix and `_`."""


def new_id(prefix: str, milliseconds: int | None = None) -> str:
    """A new identifier, such as `job_01k…` for the prefix `job`.

    Args:
        prefix: The kind of record: `job`, `ds` or `model`.
        milliseconds: Unix time of the record; this machine's present time when absent.

    Returns:
        The prefix, `_`, and 26 characters: 48 bits of time, then 80 random bits.
    """
    moment = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return _written(prefix, moment, secrets.randbits(80))


def first_id(prefix: str, milliseconds: int) -> str:
    """The lower bound of identifiers made at or after this Unix time; identifiers made earlier sort before it."""
    return _written(prefix, milliseconds, 0)


def _written(prefix: str, milliseconds: int, chance: int) -> str:
    number = (milliseconds & (2**48 - 1)) << 80 | chance
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of an identifier with this prefix; other text must not become part of a key."""
    return re.fullmatch(f"{prefix}_{PATTERN}", text) is not None


def is_abbreviation(text: str, prefix: str, shortest: int) -> bool:
    """Whether `text` may be an incomplete identifier, with at least `shortest` characters after the prefix."""
    return re.fullmatch(f"{prefix}_[{_ALPHABET}]{{{shortest},25}}", text) is not None


def has_id_form(text: str, prefixes: Collection[str]) -> bool:
    """Whether `text` could be mistaken for an identifier with one of these prefixes, in upper or lower case."""
    return re.fullmatch(f"(?:{'|'.join(prefixes)})_[0-9a-z]{{26}}", text.lower()) is not None
