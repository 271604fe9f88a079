"""Tokens that let people and machines in: what they are, how they are written, where a process reads its own from."""

from pippin.tokens.file import TokenFileError, read_token, write_token
from pippin.tokens.quotas import Quotas
from pippin.tokens.requirement import Requirement, RequirementError, TokenRequirement
from pippin.tokens.roles import ROLES, Role, grants, is_demanded
from pippin.tokens.token import DEFAULT_TENANT, NewToken, Token, adopt, issue, parse, secret_hash

__all__ = [
    "DEFAULT_TENANT",
    "ROLES",
    "NewToken",
    "Quotas",
    "Requirement",
    "RequirementError",
    "Role",
    "Token",
    "TokenFileError",
    "TokenRequirement",
    "adopt",
    "grants",
    "is_demanded",
    "issue",
    "parse",
    "read_token",
    "secret_hash",
    "write_token",
]
