"""The first token of a service that others reach: without one nobody could come in, and nobody could make one."""

import asyncio
from functools import partial
from pathlib import Path

import structlog

from pippin.first_admin import SETTING
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable
from pippin.tokens import TokenRequirement, adopt, issue, read_token, write_token
from service.background.threads import run_duty

_NAME = "first"
_PAUSE = 2.0

_log = structlog.stdlib.get_logger(__name__)


def check_first_token(settings: Settings) -> None:
    """Make the file that PIPPIN_ADMIN_TOKEN_FILE names, unless it is there.

    Raises:
        TokenFileError: It cannot be made, or what is there cannot be used.
    """
    if settings.admin_token_file is not None:
        _text_in(settings.admin_token_file)


async def keep_first_token(store: Store, settings: Settings, requirement: TokenRequirement) -> None:
    """Let in the token of that file, unless an admin's token was ever made; wait for Redis as long as it takes.

    A Redis that lost its records has lost which tokens were revoked too, so the token does not come back then.
    """
    if settings.admin_token_file is None:
        return
    while True:
        try:
            await run_duty(partial(_keep, store, requirement, settings.admin_token_file))
        except StoreUnavailable:
            await asyncio.sleep(_PAUSE)
        else:
            return


def _keep(store: Store, requirement: TokenRequirement, path: Path) -> None:
    text = _text_in(path)
    recalled = requirement.recall()
    knock = store.tokens.knock(text)
    if "admin" not in knock.made | recalled.roles:
        # Only the first: a token that was revoked must not come back when the service is started again.
        store.tokens.add(adopt(text, "admin", _NAME))
        _log.info("the first token of the role admin is kept", file=str(path))
    elif knock.token is None:
        _log.warning("the token in the file is not live, and not the first any more", setting=SETTING, file=str(path))


def _text_in(path: Path) -> str:
    """The token in the file; a new one in a new file if there is none. Of two services that make it, one does."""
    if not path.exists():
        try:
            write_token(path, issue("admin", _NAME).text, SETTING)
        except FileExistsError:
            pass
        else:
            _log.info("made a token of the role admin", file=str(path))
    text = read_token(path, SETTING)
    assert text is not None
    return text
