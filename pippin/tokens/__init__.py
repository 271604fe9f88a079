"""Tokens that let machines in: what they are, how they are written, where a process reads its own from."""

from pippin.tokens.file import TokenFileError, read_token
from pippin.tokens.token import ROLES, NewToken, Role, Token, issue, parse, secret_hash

__all__ = ["ROLES", "NewToken", "Role", "Token", "TokenFileError", "issue", "parse", "read_token", "secret_hash"]
