"""The first tokens of a service that other machines can reach: without an admin token no client could create tokens."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog

from pippin.api.tokens import Role, adopt, issue
from pippin.http.token_file import read_token, write_token
from pippin.settings import Settings
from pippin.store import Store, StoreUnavailable
from pippin.store.token_requirement import ADMIN_SETTING, TokenRequirement
from pippin.system.retry import Backoff, retry_async
from service.background.threads import run_in_background

_NAME = "first"
_PAUSE = 2.0

_log = structlog.stdlib.get_logger(__name__)


class _FirstToken(NamedTuple):
    """The first token of a role; a setting names its file."""

    role: Role
    setting: str
    path: Path


def _first_tokens(settings: Settings) -> list[_FirstToken]:
    files: list[tuple[Role, str, Path | None]] = [
        ("admin", ADMIN_SETTING, settings.admin_token_file),
        ("worker", "PIPPIN_WORKER_TOKEN_FILE", settings.worker_token_file),
    ]
    return [_FirstToken(role, setting, path) for role, setting, path in files if path is not None]


def check_first_token(settings: Settings) -> None:
    """Create the files that PIPPIN_ADMIN_TOKEN_FILE and PIPPIN_WORKER_TOKEN_FILE name, unless they exist.

    Raises:
        TokenFileError: A file cannot be created, or an existing one has no usable token.
    """
    for first in _first_tokens(settings):
        _text_in(first)


async def store_first_token(store: Store, settings: Settings, requirement: TokenRequirement) -> None:
    """Store the tokens of these files, unless a token of the role was created before. Waits for Redis without a limit.

    A Redis that has lost its records has also lost which tokens were revoked, so the tokens are not restored then.
    """
    for first in _first_tokens(settings):
        keep = partial(_store, store, requirement, first)
        await retry_async(partial(run_in_background, keep), Backoff(_PAUSE, _PAUSE), StoreUnavailable)


def _store(store: Store, requirement: TokenRequirement, first: _FirstToken) -> None:
    text = _text_in(first)
    recalled = requirement.recall()
    checked = store.tokens.check(text)
    file = str(first.path)
    if first.role not in checked.issued_roles | recalled.roles:
        # Only the first token: a revoked token must not become valid again after a restart of the service.
        store.tokens.add(adopt(text, first.role, _NAME))
        _log.info("stored the first token of a role", role=first.role, file=file)
    elif checked.token is None:
        _log.warning(
            "the token in the file is not valid, and the role already has other tokens",
            setting=first.setting,
            file=file,
        )


def _text_in(first: _FirstToken) -> str:
    """The token in the file, which is created if it does not exist. If two services try this, one creates the file."""
    if not first.path.exists():
        try:
            write_token(first.path, issue(first.role, _NAME).text, first.setting)
        except FileExistsError:
            pass
        else:
            _log.info("created a token", role=first.role, file=str(first.path))
    text = read_token(first.path, first.setting)
    assert text is not None
    return text
