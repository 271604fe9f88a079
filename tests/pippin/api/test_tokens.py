import hashlib
from collections.abc import Callable

import pytest

from pippin.api.tokens import adopt, issue, parse, secret_hash


def test_token_has_id_and_secret_and_only_the_hash_is_stored() -> None:
    token = issue("worker", "mac-mini")
    found = parse(token.text)
    assert found is not None
    assert found.id == token.record.id
    assert len(bytes.fromhex(found.secret)) == 32
    assert token.hash == secret_hash(found.secret) == hashlib.sha256(found.secret.encode()).hexdigest()
    assert found.secret not in token.record.model_dump_json()


def test_tokens_are_unique() -> None:
    assert len({issue("worker", None).text for _ in range(100)}) == 100


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: text + "\n", lambda _: "", repr])
def test_malformed_token_parses_to_none(change: Callable[[str], str]) -> None:
    assert parse(change(issue("worker", None).text)) is None


def test_adopted_token_equals_the_issued_one() -> None:
    made = issue("admin", "first")
    kept = adopt(made.text, "admin", "first")
    assert (kept.text, kept.hash, kept.record.id) == (made.text, made.hash, made.record.id)
    with pytest.raises(ValueError, match="form of a token"):
        adopt("hunter2", "admin", "first")
