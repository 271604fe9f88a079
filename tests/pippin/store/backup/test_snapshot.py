"""A copy of all records shows a single moment, even during concurrent writes."""

import threading
from collections.abc import Iterable
from itertools import count

import pytest
import redis

from pippin.store import connect, keys
from pippin.store.restoring import Restoring
from pippin.store.snapshot import KeyCopy, Snapshot, SnapshotError, _Changes
from tests.pippin.store.backup.conftest import BeforeEach, Side
from tests.support.waiting import wait_for


def copied(side: Side) -> dict[str, KeyCopy]:
    """The last copy of each key."""
    return {copy.key: copy for copy in Snapshot(side.url).copies()}


def restore(side: Side, copies: Iterable[KeyCopy], replacements: int = 1) -> None:
    restoring = Restoring(side.url)
    restoring.stage(copies)
    for _ in range(replacements):
        restoring.replace()
    restoring.close()


def test_counters_written_together_are_copied_together(source: Side) -> None:
    source.store.redis.mset({f"pippin:default:filler:{number}": "x" for number in range(1000)})
    over = threading.Event()

    def write() -> None:
        with connect(source.url) as writer:
            for number in count(1):
                with writer.pipeline() as pipe:
                    pipe.set("pippin:default:first", number)
                    pipe.set(f"pippin:default:ring:{number % 40}", number)
                    pipe.execute()
                if over.is_set():
                    break

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_for(lambda: source.store.redis.exists("pippin:default:ring:0"))
        copies = [copied(source)]
        first = int(copies[0]["pippin:default:first"].value)
        wait_for(lambda: int(source.store.redis.get("pippin:default:first")) > first)
        copies.append(copied(source))
    finally:
        over.set()
        thread.join()
    for copy in copies:
        last = int(copy["pippin:default:first"].value)
        assert last >= 40
        ring = sorted(int(copy[f"pippin:default:ring:{slot}"].value) for slot in range(40))
        assert ring == list(range(last - 39, last + 1))
    assert int(copies[1]["pippin:default:first"].value) > first


def test_key_deleted_or_retyped_during_the_copy_has_its_last_state(source: Side, before_each: BeforeEach) -> None:
    client = source.store.redis
    client.mset({"pippin:default:goes": "1", "pippin:default:turns": "1"})

    def change() -> None:
        client.delete("pippin:default:goes", "pippin:default:turns")
        client.rpush("pippin:default:turns", "a", "b")
        client.set("pippin:default:new", "1")

    before_each(_Changes, "take", change)
    copy = copied(source)
    assert copy["pippin:default:goes"].type == "none"
    assert copy["pippin:default:turns"].value == ["a", "b"]
    assert copy["pippin:default:new"].value == "1"


def test_process_and_server_keys_are_left_out(source: Side) -> None:
    of_processes = [keys.worker("w"), keys.drain("w"), keys.session("s"), keys.wakeup("r"), "pippin:rate/1"]
    others = [keys.REAPER_LEADER, keys.BLOB_IDENTITY, "other:key"]
    tenants = "pippin:rates:job:1"  # of a tenant with that name
    source.store.redis.mset(dict.fromkeys([*of_processes, *others, tenants], "1"))
    assert list(copied(source)) == [tenants]


def test_redis_emptied_during_the_copy_is_an_error(source: Side, before_each: BeforeEach) -> None:
    source.store.redis.set("pippin:default:key", "1")
    before_each(_Changes, "take", source.store.redis.flushall)
    with pytest.raises(SnapshotError, match="emptied"):
        copied(source)


def test_redis_that_changes_too_quickly_is_an_error(
    source: Side, before_each: BeforeEach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pippin.store.snapshot._ROUNDS", 5)
    numbers = count()
    before_each(_Changes, "take", lambda: source.store.redis.set(f"pippin:default:new:{next(numbers)}", "1"))
    with pytest.raises(SnapshotError, match="changes too quickly"):
        copied(source)


def test_user_without_permissions_is_refused_with_a_sentence(source: Side) -> None:
    source.store.redis.execute_command("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "+@read", "+ping")
    address = f"redis://narrow:secret@{source.url.rpartition('@')[2]}"
    try:
        with pytest.raises(SnapshotError, match="refuses a command"):
            list(Snapshot(address).copies())
    finally:
        source.store.redis.execute_command("ACL", "DELUSER", "narrow")


@pytest.mark.parametrize("value", [b"\xff\x00\xfe", "größer 🍎".encode(), b""])
def test_every_type_is_restored_byte_for_byte(source: Side, target: Side, value: bytes) -> None:
    stream = "pippin:default:stream"
    with redis.Redis.from_url(source.url) as raw:
        raw.set("pippin:default:string", value)
        raw.hset("pippin:default:hash", mapping={value or b"f": value, b"n": b"1"})
        raw.rpush("pippin:default:list", value, b"2", value)
        raw.sadd("pippin:default:set", value, b"2")
        raw.zadd("pippin:default:zset", {value: 1796061396183093, b"half": 0.1, b"end": float("inf")})
        for field in (b"a", b"b", b"c"):
            raw.xadd(stream, {field: value})
        raw.xdel(stream, raw.xrevrange(stream)[0][0])
        last = raw.xinfo_stream(stream)["last-generated-id"]
    restore(target, copied(source).values())
    assert target.contents() == source.contents()
    with redis.Redis.from_url(target.url) as raw:
        assert raw.xinfo_stream(stream)["last-generated-id"] == last


def test_restored_key_keeps_its_expiry(source: Side, target: Side) -> None:
    source.store.redis.set("pippin:default:soon", "1", ex=1000)
    source.store.redis.set("pippin:default:gone", "1", px=300)
    copies = copied(source).values()
    wait_for(lambda: not source.store.redis.exists("pippin:default:gone"))
    restore(target, copies)
    assert 900 < target.store.redis.ttl("pippin:default:soon") <= 1000
    assert not target.store.redis.exists("pippin:default:gone")


def test_replace_sent_twice_takes_effect_once(source: Side, target: Side) -> None:
    source.store.redis.set("pippin:default:key", "1")
    restore(target, copied(source).values(), replacements=2)
    assert target.contents() == source.contents() == {b"pippin:default:key": b"1"}
