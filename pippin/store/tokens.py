"""Tokens of users and machines, and the browser sessions that are opened with tokens."""

import hmac
import secrets
from collections.abc import Collection
from typing import NamedTuple

from redis.client import Pipeline

from pippin.api.tokens import ROLES, NewToken, Token, parse, secret_hash
from pippin.store import keys
from pippin.store.client import Client, watching
from pippin.store.errors import BadTenant, UnreadableRecord
from pippin.store.versions import UNREADABLE, Unreadable, dump, load

SESSION_SECONDS = 12 * 3600
"""How long a browser session lasts."""

_NO_HASH = secret_hash("")
_SECRET_BYTES = 32


class CheckedToken(NamedTuple):
    """Result of checking the token or session of a request.

    Attributes:
        token: The live token; None without a token, or for an unknown or revoked token.
        issued_roles: The roles of which a token was ever issued.
    """

    token: Token | None
    issued_roles: frozenset[str]


class LiveTokens(NamedTuple):
    """Tokens and sessions that are still valid.

    Attributes:
        tokens: Ids of the live tokens.
        sessions: Hashes of the secrets of sessions that have not ended and whose token is live.
        issued_roles: The roles of which a token was ever issued.
    """

    tokens: frozenset[str]
    sessions: frozenset[str]
    issued_roles: frozenset[str]


class Tokens:
    """Records of tokens, and the hashes of their secrets.

    A role counts as issued from its first token on, even after that token is revoked: revoking the only token must not
    open the service to requests without a token.
    """

    def __init__(self, client: Client, *, max_sessions: int) -> None:
        self._client = client
        self._max_sessions = max_sessions

    def add(self, token: NewToken) -> None:
        """Store a token; its role counts as issued from now on.

        Raises:
            BadTenant: The name of the token's tenant is not valid.
        """
        if not keys.is_tenant(token.record.tenant):
            raise BadTenant(
                f"no tenant can be called {token.record.tenant!r}; give 1 to 40 lower-case letters, digits and "
                "dashes, and none of the reserved names, such as worker"
            )
        with self._client.pipeline() as pipe:
            pipe.hset(keys.TOKENS, token.record.id, dump(token.record))
            pipe.hset(keys.HASHES, token.record.id, token.hash)
            pipe.sadd(keys.GUARDED_ROLES, token.record.role)
            pipe.execute()

    def all(self) -> list[Token]:
        """Every live token whose record can be read, oldest first."""
        return self.listing()[0]

    def listing(self) -> tuple[list[Token], list[Unreadable]]:
        """Every live token, oldest first, and the records that cannot be read: these tokens grant nothing."""
        tokens: list[Token] = []
        unreadable: list[Unreadable] = []
        for token_id, record in self._client.hgetall(keys.TOKENS).items():
            try:
                tokens.append(load(Token, record, str(token_id)))
            except UnreadableRecord as error:
                unreadable.append(UNREADABLE.record(error))
        return sorted(tokens, key=lambda token: token.created_at), sorted(unreadable, key=lambda each: each.id)

    def revoke(self, token_id: str) -> None:
        """Revoke a token, and with it every session opened with it. Revoking an unknown token is no error."""
        with self._client.pipeline() as pipe:
            pipe.hdel(keys.TOKENS, token_id)
            pipe.hdel(keys.HASHES, token_id)
            pipe.execute()

    def check(self, text: str | None) -> CheckedToken:
        """Check the text of a token; None for a request without a token.

        Text that does not have the form of a token is not looked up.
        """
        shown = parse(text or "")
        with self._client.pipeline() as pipe:
            pipe.smembers(keys.GUARDED_ROLES)
            pipe.hlen(keys.TOKENS)
            if shown is not None:
                pipe.hget(keys.TOKENS, shown.id)
                pipe.hget(keys.HASHES, shown.id)
            roles, count, *stored = pipe.execute()
        issued_roles = _issued_roles(roles, count)
        if shown is None:
            return CheckedToken(None, issued_roles)
        record, stored_hash = stored
        # The comparison is also made for an unknown id, and its duration does not depend on where the hashes differ.
        same = hmac.compare_digest(stored_hash or _NO_HASH, secret_hash(shown.secret))
        return CheckedToken(_token(shown.id, record) if same and record is not None else None, issued_roles)

    def issued_roles(self) -> frozenset[str]:
        """The roles of which a token was ever issued."""
        return self.live((), ()).issued_roles

    def live(self, token_ids: Collection[str], session_hashes: Collection[str]) -> LiveTokens:
        """Which of these tokens and sessions are live, in two round trips for any number of them."""
        with self._client.pipeline() as pipe:
            pipe.smembers(keys.GUARDED_ROLES)
            pipe.hlen(keys.TOKENS)
            for each in session_hashes:
                pipe.get(keys.session(each))
            roles, count, *owners = pipe.execute()
        sessions = {each: owner for each, owner in zip(session_hashes, owners, strict=True) if owner is not None}
        ids = list({*token_ids, *sessions.values()})
        hashes = self._client.hmget(keys.HASHES, ids) if ids else []
        live = frozenset(each for each, stored_hash in zip(ids, hashes, strict=True) if stored_hash is not None)
        return LiveTokens(
            live, frozenset(each for each, owner in sessions.items() if owner in live), _issued_roles(roles, count)
        )

    def forget_roles(self) -> bool:
        """Reset the roles that count as issued, unless a token is live.

        Returns:
            Whether the roles were reset.
        """

        def forget(pipe: Pipeline) -> bool:
            # Under WATCH a pipeline returns the reply at once; redis-py's type does not say so.
            if pipe.execute_command("HLEN", keys.TOKENS):  # type: ignore[no-untyped-call]
                return False
            pipe.multi()
            pipe.delete(keys.GUARDED_ROLES)
            pipe.execute()
            return True

        return watching(self._client, [keys.TOKENS], forget)

    def open_session(self, token: Token) -> str:
        """Open a session for a token. Beyond the limit of sessions, the oldest ones end.

        Returns:
            The session's secret of 256 random bits, of which only a hash is stored.
        """
        secret = secrets.token_hex(_SECRET_BYTES)
        session, opened = keys.session(secret_hash(secret)), keys.sessions_of(token.id)
        seconds, microseconds = self._client.time()
        with self._client.pipeline() as pipe:
            pipe.set(session, token.id, ex=SESSION_SECONDS)
            pipe.zadd(opened, {session: int(seconds) * 1_000_000 + int(microseconds)})
            pipe.expire(opened, SESSION_SECONDS)
            pipe.zrange(opened, 0, -self._max_sessions - 1)
            oldest: list[str] = pipe.execute()[-1]
        if oldest:
            with self._client.pipeline() as pipe:
                pipe.delete(*oldest)
                pipe.zrem(opened, *oldest)
                pipe.execute()
        return secret

    def check_session(self, secret: str) -> CheckedToken:
        """Look up a session's token by the hash of its secret, so that timing does not reveal the secret."""
        token_id = self._client.get(keys.session(secret_hash(secret)))
        with self._client.pipeline() as pipe:
            pipe.smembers(keys.GUARDED_ROLES)
            pipe.hlen(keys.TOKENS)
            pipe.hget(keys.TOKENS, str(token_id or ""))
            roles, count, record = pipe.execute()
        return CheckedToken(_token(str(token_id), record) if record is not None else None, _issued_roles(roles, count))

    def end_session(self, secret: str) -> None:
        """End a session. Ending an unknown session is no error."""
        self._client.delete(keys.session(secret_hash(secret)))


def _token(token_id: str, record: str) -> Token | None:
    """The token of a record; None where the record cannot be read: its role is then unknown, so it grants nothing."""
    try:
        return load(Token, record, token_id)
    except UnreadableRecord as error:
        UNREADABLE.record(error)
        return None


def _issued_roles(roles: Collection[str], live_count: int) -> frozenset[str]:
    """The roles of which a token was issued; all roles where there are live tokens, but no record of their roles."""
    return frozenset(roles or (ROLES if live_count else ()))
