"""The `Content-Disposition` header: the name under which a browser or `curl -OJ` saves a file (RFC 6266)."""

import re
from urllib.parse import quote

# What a shell, Windows or a path would trip over, and what is invisible.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+')
_LONGEST = 150


def safe_name(name: str, otherwise: str) -> str:
    """`name` as the stem of a file name; `otherwise` when nothing usable remains of it."""
    return _UNSAFE.sub("-", name).strip(" .-")[:_LONGEST].strip(" .-") or otherwise


def attachment(filename: str) -> str:
    """The header's value: a plain ASCII name that everything reads, and the exact one for those who read RFC 8187."""
    plain = re.sub(r"[^\x20-\x7e]|[%\"\\]", "_", filename)
    value = f'attachment; filename="{plain}"'
    return value if plain == filename else f"{value}; filename*=UTF-8''{quote(filename, safe='')}"
