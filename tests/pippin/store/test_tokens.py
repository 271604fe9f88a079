import pytest

from pippin.store import Store
from pippin.tokens import issue, parse


def test_nobody_is_asked_for_a_token_before_the_first_is_made(store: Store) -> None:
    assert store.tokens.allows(None, "worker")
    assert store.tokens.allows("anything", "worker")


def test_from_the_first_on_only_live_ones_open(store: Store) -> None:
    first, second, stranger = (issue("worker", name) for name in ("a", "b", "c"))
    store.tokens.add(first)
    store.tokens.add(second)
    assert [token.name for token in store.tokens.all()] == ["a", "b"]
    assert store.tokens.allows(first.text, "worker")
    assert store.tokens.allows(second.text, "worker")
    for text in (None, "", "anything", stranger.text):
        assert not store.tokens.allows(text, "worker")


def test_the_id_of_a_live_token_with_another_secret_opens_nothing(store: Store) -> None:
    token, other = issue("worker", None), issue("worker", None)
    store.tokens.add(token)
    secret, wrong = (parse(each.text) for each in (token, other))
    assert secret is not None
    assert wrong is not None
    assert not store.tokens.allows(token.text.replace(secret.secret, wrong.secret), "worker")


def test_a_revoked_token_opens_nothing_and_the_door_stays_shut(store: Store) -> None:
    token = issue("worker", None)
    store.tokens.add(token)
    for _ in range(2):
        store.tokens.revoke(token.record.id)
    assert store.tokens.all() == []
    assert not store.tokens.allows(token.text, "worker")
    assert not store.tokens.allows(None, "worker")


@pytest.mark.parametrize("part", ["text", "secret"])
def test_redis_never_holds_what_would_open(store: Store, part: str) -> None:
    token = issue("worker", "mac-mini")
    store.tokens.add(token)
    shown = parse(token.text)
    assert shown is not None
    secret = {"text": token.text, "secret": shown.secret}[part]
    kept = [
        value
        for key in store.redis.scan_iter("pippin:tokens*")
        if store.redis.type(key) == "hash"
        for value in store.redis.hvals(key)
    ]
    assert len(kept) == 2
    assert not any(secret in value for value in kept)
