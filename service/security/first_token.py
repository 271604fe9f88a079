"""The first tokens of a service that others reach: without an admin's token no client could make others."""

import asyncio
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog

from pippin.api.tokens import Role, adopt, issue
from pippin.http.token_file import read_token, write_token
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable, first_admin
from pippin.store.token_requirement import TokenRequirement
from service.background.threads import run_duty

_NAME = "first"
_PAUSE = 2.0

_log = structlog.stdlib.get_logger(__name__)


class _First(NamedTuple):
    """The first token of a role, in the file that a setting names."""

    role: Role
    setting: str
    path: Path


def _firsts(settings: Settings) -> list[_First]:
    files: list[tuple[Role, str, Path | None]] = [
        ("admin", first_admin.SETTING, settings.admin_token_file),
        ("worker", "PIPPIN_WORKER_TOKEN_FILE", settings.worker_token_file),
    ]
    return [_First(role, setting, path) for role, setting, path in files if path is not None]


def check_first_token(settings: Settings) -> None:
    """Make the files that PIPPIN_ADMIN_TOKEN_FILE and PIPPIN_WORKER_TOKEN_FILE name, unless they are there.

    Raises:
        TokenFileError: One cannot be made, or what is there cannot be used.
    """
    for first in _firsts(settings):
        _text_in(first)


async def keep_first_token(store: Store, settings: Settings, requirement: TokenRequirement) -> None:
    """Let in the tokens of these files, unless one of the role was ever made; wait for Redis as long as it takes.

    A Redis that lost its records has lost which tokens were revoked too, so the tokens do not come back then.
    """
    for first in _firsts(settings):
        while True:
            try:
                await run_duty(partial(_keep, store, requirement, first))
            except StoreUnavailable:
                await asyncio.sleep(_PAUSE)
            else:
                break


def _keep(store: Store, requirement: TokenRequirement, first: _First) -> None:
    text = _text_in(first)
    recalled = requirement.recall()
    checked = store.tokens.check(text)
    file = str(first.path)
    if first.role not in checked.made | recalled.roles:
        # Only the first: a token that was revoked must not come back when the service is started again.
        store.tokens.add(adopt(text, first.role, _NAME))
        _log.info("the first token of a role is kept", role=first.role, file=file)
    elif checked.token is None:
        _log.warning("the token in the file is not live, and not the first any more", setting=first.setting, file=file)


def _text_in(first: _First) -> str:
    """The token in the file; a new one in a new file if there is none. Of two services that make it, one does."""
    if not first.path.exists():
        try:
            write_token(first.path, issue(first.role, _NAME).text, first.setting)
        except FileExistsError:
            pass
        else:
            _log.info("made a token", role=first.role, file=str(first.path))
    text = read_token(first.path, first.setting)
    assert text is not None
    return text
