"""The tokens that let machines in."""

import hmac

from pippin.store import keys
from pippin.store.client import Client
from pippin.tokens.token import NewToken, Role, Token, parse, secret_hash

_NO_HASH = secret_hash("")


class Tokens:
    """Records of tokens, and the hashes of their secrets.

    A role is demanded from its first token on, and stays so when that token is revoked: to revoke the only token must
    not open the door to everybody.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, token: NewToken) -> None:
        """Keep a token, and demand one of its role from now on."""
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
        """Let a token open nothing from now on; one that is gone is no error."""
        with self._client.pipeline() as pipe:
            pipe.hdel(keys.TOKENS, token_id)
            pipe.hdel(keys.HASHES, token_id)
            pipe.execute()

    def allows(self, text: str | None, role: Role) -> bool:
        """Whether who shows the token `text`, or none, may do what `role` allows.

        Text that has not the form of a token costs Redis no look-up of it.
        """
        shown = parse(text or "")
        with self._client.pipeline() as pipe:
            pipe.sismember(keys.GUARDED_ROLES, role)
            if shown is not None:
                pipe.hget(keys.TOKENS, shown.id)
                pipe.hget(keys.HASHES, shown.id)
            guarded, *found = pipe.execute()
        if not guarded:
            return True
        if shown is None:
            return False
        record, kept = found
        # The comparison is made for an unknown id too, and takes as long wherever the two differ.
        same = hmac.compare_digest(kept or _NO_HASH, secret_hash(shown.secret))
        return same and record is not None and Token.model_validate_json(record).role == role
