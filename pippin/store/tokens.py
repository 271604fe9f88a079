"""The tokens that let people and machines in, and the browser sessions that stand for them."""

import hmac
import secrets
from typing import NamedTuple

from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import BadTenant
from pippin.tokens.token import NewToken, Token, parse, secret_hash

SESSION_SECONDS = 12 * 3600
"""How long a browser stays let in."""

_NO_HASH = secret_hash("")
_SECRET_BYTES = 32


class Knock(NamedTuple):
    """Who stands before the door.

    Attributes:
        token: The live token that was shown; None if none was, or another.
        made: The roles of which a token was ever made.
    """

    token: Token | None
    made: frozenset[str]


class Tokens:
    """Records of tokens, and the hashes of their secrets.

    A role counts as made from its first token on, and stays so when that token is revoked: to revoke the only token
    must not open the door to everybody.
    """

    def __init__(self, client: Client, *, max_sessions: int) -> None:
        self._client = client
        self._max_sessions = max_sessions

    def add(self, token: NewToken) -> None:
        """Keep a token; its role counts as made from now on.

        Raises:
            BadTenant: Its tenant's name cannot be one.
        """
        if not keys.is_tenant(token.record.tenant):
            raise BadTenant(
                f"no tenant can be called {token.record.tenant!r}; give 1 to 40 small letters, digits and dashes, and "
                "none of the names that Pippin uses itself, such as worker"
            )
        with self._client.pipeline() as pipe:
            pipe.hset(keys.TOKENS, token.record.id, token.record.model_dump_json())
            pipe.hset(keys.HASHES, token.record.id, token.hash)
            pipe.sadd(keys.GUARDED_ROLES, token.record.role)
            pipe.execute()

    def all(self) -> list[Token]:
        """Every token that is live, oldest first."""
        records = self._client.hgetall(keys.TOKENS).values()
        return sorted((Token.model_validate_json(record) for record in records), key=lambda token: token.created_at)

    def revoke(self, token_id: str) -> None:
        """Let a token, and every session that stands for it, open nothing from now on; one that is gone is no error."""
        with self._client.pipeline() as pipe:
            pipe.hdel(keys.TOKENS, token_id)
            pipe.hdel(keys.HASHES, token_id)
            pipe.execute()

    def knock(self, text: str | None) -> Knock:
        """Who shows the token `text`, or none.

        Text that has not the form of a token costs Redis no look-up of it.
        """
        shown = parse(text or "")
        with self._client.pipeline() as pipe:
            pipe.smembers(keys.GUARDED_ROLES)
            if shown is not None:
                pipe.hget(keys.TOKENS, shown.id)
                pipe.hget(keys.HASHES, shown.id)
            made, *found = pipe.execute()
        if shown is None:
            return Knock(None, frozenset(made))
        record, kept = found
        # The comparison is made for an unknown id too, and takes as long wherever the two differ.
        same = hmac.compare_digest(kept or _NO_HASH, secret_hash(shown.secret))
        return Knock(Token.model_validate_json(record) if same and record is not None else None, frozenset(made))

    def open_session(self, token: Token) -> str:
        """Begin a session that stands for a token. Of too many, the oldest end.

        Returns:
            Its secret of 256 random bits, of which only a hash is kept.
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

    def knock_with_session(self, secret: str) -> Knock:
        """Who shows a session's secret. It is found by its hash, so nothing can be learnt from how long that takes."""
        token_id = self._client.get(keys.session(secret_hash(secret)))
        with self._client.pipeline() as pipe:
            pipe.smembers(keys.GUARDED_ROLES)
            pipe.hget(keys.TOKENS, str(token_id or ""))
            made, record = pipe.execute()
        return Knock(Token.model_validate_json(record) if record is not None else None, frozenset(made))

    def end_session(self, secret: str) -> None:
        """Let a session open nothing from now on; one that is gone is no error."""
        self._client.delete(keys.session(secret_hash(secret)))
