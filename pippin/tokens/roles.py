"""What a token may do. Roles are few and fixed: each allows what the ones that it includes allow."""

from collections.abc import Collection
from typing import Literal, get_args

Role = Literal["admin", "submit", "read", "worker"]
ROLES: tuple[Role, ...] = get_args(Role)

_INCLUDED: dict[Role, frozenset[Role]] = {
    "admin": frozenset(ROLES),
    "submit": frozenset({"submit", "read"}),
    "read": frozenset({"read"}),
    "worker": frozenset({"worker"}),
}


def grants(role: Role, needed: Role) -> bool:
    """Whether a token of `role` may do what takes `needed`."""
    return needed in _INCLUDED[role]


def is_demanded(needed: Role, made: Collection[str]) -> bool:
    """Whether a token is demanded for what takes `needed`, on a service that only its own machine reaches.

    Args:
        needed: The role that it takes.
        made: The roles of which a token was ever made, revoked ones included: to revoke the last token must not open
            the door again.
    """
    # A worker elsewhere opens no door to the people of this machine, and shuts none either.
    people = set(made) - {"worker"}
    return bool(made) if needed == "worker" else bool(people)
