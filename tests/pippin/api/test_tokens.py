import hashlib
from collections.abc import Callable

import pytest

from pippin.api.tokens import adopt, issue, parse, secret_hash


def test_a_token_is_its_id_and_a_secret_of_which_only_the_hash_is_kept() -> None:
    token = issue("worker", "mac-mini")
    found = parse(token.text)
    assert found is not None
    assert found.id == token.record.id
    assert len(bytes.fromhex(found.secret)) == 32
    assert token.hash == secret_hash(found.secret) == hashlib.sha256(found.secret.encode()).hexdigest()
    assert found.secret not in token.record.model_dump_json()


def test_no_two_tokens_are_alike() -> None:
    assert len({issue("worker", None).text for _ in range(100)}) == 100


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: text + "\n", lambda _: "", repr])
def test_what_has_not_the_form_of_a_token_is_none(change: Callable[[str], str]) -> None:
    assert parse(change(issue("worker", None).text)) is None


def test_a_token_that_was_made_elsewhere_is_kept_as_if_it_were_made_here() -> None:
    made = issue("admin", "first")
    kept = adopt(made.text, "admin", "first")
    assert (kept.text, kept.hash, kept.record.id) == (made.text, made.hash, made.record.id)
    with pytest.raises(ValueError, match="form of a token"):
        adopt("hunter2", "admin", "first")
