"""Which role each request takes. The one place that decides it: the guard asks here, and so does the description."""

from pippin.tokens import Role

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1), as far as we know them."""

# Firsts of paths that say nothing about anybody: a person finds out here how to come in, a probe whether all is well.
_OPEN = frozenset({"", "dashboard", "docs", "healthz", "netron", "openapi.json", "problems", "readyz"})
# They ask and keep nothing.
_ASKING = ("/predict", "/specs/validate")


def role_for(method: str, path: str) -> Role | None:
    """The role that a request takes; None when anybody may make it.

    Whatever is not named here takes a token, also what does not exist.

    Args:
        method: In capitals.
        path: As asked for, or with parameters in braces.
    """
    first = path.removeprefix("/").partition("/")[0]
    if first in _OPEN:
        return None
    if first == "blobs":
        return "worker"
    if first == "tokens" or (first == "workers" and method not in SAFE):
        return "admin"
    if method in SAFE or first == "session" or path.endswith(_ASKING):
        return "read"
    return "submit"
