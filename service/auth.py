"""Who may come in: bearer tokens (RFC 6750), demanded of workers once the first worker token has been made."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pippin.store import Store
from pippin.tokens import Role
from service.context import TheStore
from service.problems import Problem

_SCHEME = HTTPBearer(
    scheme_name="workerToken",
    description="A token made by `pippin tokens create --role worker`. Demanded once the first one has been made.",
    auto_error=False,
)
_REALM = 'Bearer realm="pippin"'


def _worker(shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)], store: TheStore) -> None:
    _demand("worker", shown.credentials if shown else None, store)


def _demand(role: Role, text: str | None, store: Store) -> None:
    if store.tokens.allows(text, role):
        return
    if text is None:
        # RFC 6750 section 3.1: who showed nothing is told no error code.
        detail = f"This takes a token of the role {role}, sent as: Authorization: Bearer TOKEN."
        raise Problem("unauthorized", detail, headers={"www-authenticate": _REALM})
    described = f'{_REALM}, error="invalid_token", error_description="The token is unknown or revoked"'
    detail = f"The token is unknown or revoked; `pippin tokens create --role {role}` makes another."
    raise Problem("unauthorized", detail, headers={"www-authenticate": described})


WorkersOnly = Depends(_worker)
