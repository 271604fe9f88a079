import pytest

from pippin.api.tokens import ROLES, NewToken, Quotas, Role, issue, parse, secret_hash
from pippin.store import BadTenant, Store, StoreLimits, keys
from pippin.store.tokens import CheckedToken, LiveTokens


def added(store: Store, role: Role, name: str | None = None) -> NewToken:
    token = issue(role, name)
    store.tokens.add(token)
    return token


def secret_of(token: NewToken) -> str:
    parsed = parse(token.text)
    assert parsed is not None
    return parsed.secret


def test_without_tokens_no_token_and_no_role_is_found(store: Store) -> None:
    for checked in (store.tokens.check(None), store.tokens.check("anything"), store.tokens.check_session("anything")):
        assert checked == (None, frozenset())


def test_only_live_tokens_are_accepted(store: Store) -> None:
    first, second = added(store, "worker", "a"), added(store, "worker", "b")
    stranger = issue("worker", "c")
    assert [token.name for token in store.tokens.all()] == ["a", "b"]
    for token in (first, second):
        assert store.tokens.check(token.text) == CheckedToken(token.record, frozenset({"worker"}))
    for text in (None, "", "anything", stranger.text):
        assert store.tokens.check(text) == CheckedToken(None, frozenset({"worker"}))


def test_token_record_has_tenant_and_quotas(store: Store) -> None:
    quotas = Quotas(queued_jobs=1, active_jobs=2, stored_bytes=3, requests_per_minute=4)
    token = issue("submit", "ada", tenant="team-a", quotas=quotas)
    store.tokens.add(token)
    known = store.tokens.check(token.text).token
    assert known is not None
    assert (known.tenant, known.quotas) == ("team-a", quotas)


def test_live_token_id_with_another_secret_is_refused(store: Store) -> None:
    token, other = added(store, "worker"), issue("worker", None)
    forged = token.text.replace(secret_of(token), secret_of(other))
    assert store.tokens.check(forged).token is None


def test_revoked_token_and_its_sessions_are_refused_and_the_role_stays(store: Store) -> None:
    token = added(store, "submit")
    session = store.tokens.open_session(token.record)
    assert store.tokens.check_session(session) == CheckedToken(token.record, frozenset({"submit"}))
    for _ in range(2):
        store.tokens.revoke(token.record.id)
    assert store.tokens.all() == []
    assert store.tokens.check(token.text) == CheckedToken(None, frozenset({"submit"}))
    assert store.tokens.check_session(session) == CheckedToken(None, frozenset({"submit"}))


def test_session_expires_and_can_be_ended(store: Store) -> None:
    token = added(store, "read")
    session, other = store.tokens.open_session(token.record), store.tokens.open_session(token.record)
    (key, *_) = (key for key in store.redis.keys("pippin:session:*") if ":of:" not in str(key))
    assert 12 * 3600 - 60 < store.redis.ttl(key) <= 12 * 3600
    for _ in range(2):
        store.tokens.end_session(session)
    assert store.tokens.check_session(session).token is None
    assert store.tokens.check_session(other).token == token.record


def test_redis_stores_no_secret(store: Store) -> None:
    token = added(store, "worker", "mac-mini")
    session = store.tokens.open_session(token.record)
    kept = list(store.redis.keys("*"))
    for key in list(kept):
        kind = store.redis.type(key)
        if kind == "hash":
            kept += store.redis.hvals(key)
        elif kind == "string":
            value = store.redis.get(key)
            assert value is not None
            kept.append(value)
    assert len(kept) == 8
    for secret in (token.text, secret_of(token), session):
        assert not any(secret in value for value in kept)


@pytest.mark.parametrize("name", ["", "A", "a:b", "a/b", "é", "-a", "a" * 41, "worker", "session", "tokens", "a\n"])
def test_tenant_name_that_collides_with_a_key_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadTenant, match="no tenant can be called"):
        store.tokens.add(issue("read", None, tenant=name))
    assert store.tokens.all() == []


def test_own_keys_never_look_like_a_tenants() -> None:
    own = [value for name, value in vars(keys).items() if name.isupper() and str(value).startswith("pippin:")]
    own += [keys.session("x"), keys.worker("x"), keys.wakeup("x")]
    assert len(own) >= 10
    assert not any(keys.is_tenant(key.split(":")[1]) for key in own)
    assert keys.is_tenant("default")


def test_live_tokens_and_sessions_are_listed(store: Store) -> None:
    kept, revoked = added(store, "read"), added(store, "read")
    sessions = {token: store.tokens.open_session(token.record) for token in (kept, revoked)}
    hashes = {token: secret_hash(secret) for token, secret in sessions.items()}
    ended = secret_hash(store.tokens.open_session(kept.record) + "x")
    store.tokens.revoke(revoked.record.id)
    ids = [kept.record.id, revoked.record.id, "token_unknown"]
    live = store.tokens.live(ids, [*hashes.values(), ended])
    readers = frozenset({"read"})
    assert live == LiveTokens(frozenset({kept.record.id}), frozenset({hashes[kept]}), readers)
    # A session does not add a token that the query does not name.
    assert store.tokens.live([], []) == LiveTokens(frozenset(), frozenset(), readers)


def test_roles_are_deleted_only_without_live_tokens(store: Store) -> None:
    token = added(store, "admin")
    assert not store.tokens.forget_roles()
    assert store.tokens.issued_roles() == {"admin"}
    store.tokens.revoke(token.record.id)
    assert store.tokens.issued_roles() == {"admin"}
    assert store.tokens.forget_roles()
    assert store.tokens.issued_roles() == frozenset()


def test_live_tokens_without_recorded_roles_count_as_every_role(store: Store) -> None:
    token = added(store, "read")
    session = store.tokens.open_session(token.record)
    store.redis.delete(keys.GUARDED_ROLES)
    assert store.tokens.issued_roles() == store.tokens.check(None).issued_roles == set(ROLES)
    of_every_role = CheckedToken(token.record, frozenset(ROLES))
    assert store.tokens.check(token.text) == store.tokens.check_session(session) == of_every_role


def test_oldest_sessions_over_the_limit_end(store: Store) -> None:
    store = Store(store.redis, limits=StoreLimits(sessions=3))
    token, other = added(store, "submit"), added(store, "submit")
    sessions = [store.tokens.open_session(token.record) for _ in range(10)]
    kept = store.tokens.open_session(other.record)
    live = [store.tokens.check_session(session).token is not None for session in sessions]
    assert live == [False] * 7 + [True] * 3
    assert store.tokens.check_session(kept).token == other.record
    store.tokens.end_session(sessions[-1])
    store.tokens.open_session(token.record)
    assert len(store.redis.keys("pippin:session:*")) <= 3 + 1 + 2
