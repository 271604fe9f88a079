"""Identifiers of records: sortable by the time they were made, and not to be guessed."""

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case; ascending as text


def new_id(prefix: str, milliseconds: int | None = None) -> str:
    """A new identifier, such as `job_01k…` for the prefix `job`.

    Args:
        prefix: The kind of record: `job`, `ds` or `model`.
        milliseconds: Unix time of the record; now, by this machine's clock, when absent.

    Returns:
        The prefix, `_`, and 26 characters: 48 bits of time, then 80 random bits.
    """
    moment = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return _written(prefix, moment, secrets.randbits(80))


def first_id(prefix: str, milliseconds: int) -> str:
    """What no identifier made at or after this Unix time sorts before, and each one made earlier does."""
    return _written(prefix, milliseconds, 0)


def _written(prefix: str, milliseconds: int, chance: int) -> str:
    number = (milliseconds & (2**48 - 1)) << 80 | chance
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of an identifier with this prefix: what has not must not become part of a key."""
    return re.fullmatch(f"{prefix}_[{_ALPHABET}]{{26}}", text) is not None
