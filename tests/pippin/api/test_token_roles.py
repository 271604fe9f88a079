import pytest

from pippin.api.tokens import ROLES, Role, grants, is_required

ALLOWED: dict[Role, set[Role]] = {
    "admin": {"admin", "submit", "read", "worker"},
    "submit": {"submit", "read"},
    "read": {"read"},
    "worker": {"worker"},
}


@pytest.mark.parametrize("role", ROLES)
def test_role_includes_the_roles_below_it(role: Role) -> None:
    assert {needed for needed in ROLES if grants(role, needed)} == ALLOWED[role]


@pytest.mark.parametrize("needed", ROLES)
def test_no_role_is_demanded_before_the_first_token(needed: Role) -> None:
    assert not is_required(needed, set())


def test_worker_token_demands_the_worker_role_and_others_demand_all() -> None:
    assert [needed for needed in ROLES if is_required(needed, {"worker"})] == ["worker"]
    for made in ("admin", "submit", "read"):
        assert all(is_required(needed, {made}) for needed in ROLES)
