"""A copy of all records shows a single moment, even during concurrent writes."""

import threading

import pytest
import redis

from pippin.store import Store, connect, keys
from pippin.store import snapshot as module
from pippin.store.restoring import Restoring
from pippin.store.snapshot import KeyCopy, Snapshot, SnapshotError
from tests.pippin.store.backup.conftest import Side
from tests.support.waiting import wait_for


def final(copies: list[KeyCopy]) -> dict[str, KeyCopy]:
    return {copy.key: copy for copy in copies}


def test_counters_written_together_are_copied_together(source: Side) -> None:
    source.store.redis.mset({f"pippin:default:filler:{number}": "x" for number in range(1000)})
    over = threading.Event()

    def write() -> None:
        writer = connect(source.url)
        number = 0
        while not over.is_set():
            number += 1
            with writer.pipeline() as pipe:
                pipe.set("pippin:default:first", number)
                pipe.set(f"pippin:default:ring:{number % 40}", number)
                pipe.execute()
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        copies = [final(list(Snapshot(source.url).copies())) for _ in range(3)]
    finally:
        over.set()
        thread.join()
    for copy in copies:
        last = int(copy["pippin:default:first"].value)
        ring = sorted(int(copy[f"pippin:default:ring:{slot}"].value) for slot in range(40) if last >= 40)
        assert ring in ([], list(range(last - 39, last + 1)))
    assert int(copies[-1]["pippin:default:first"].value) > int(copies[0]["pippin:default:first"].value)


def test_key_deleted_or_retyped_during_the_copy_has_its_last_state(
    source: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_ = source.store.redis
    redis_.set("pippin:default:goes", "1")
    redis_.set("pippin:default:turns", "1")
    read = Snapshot._read

    def change_meanwhile(self: Snapshot, names: list[str]) -> object:
        yield from read(self, names)
        redis_.delete("pippin:default:goes", "pippin:default:turns")
        redis_.rpush("pippin:default:turns", "a", "b")
        redis_.set("pippin:default:new", "1")

    monkeypatch.setattr(Snapshot, "_read", change_meanwhile)
    copy = final(list(Snapshot(source.url).copies()))
    assert copy["pippin:default:goes"].type == "none"
    assert copy["pippin:default:turns"].value == ["a", "b"]
    assert copy["pippin:default:new"].value == "1"


def test_process_and_server_keys_are_left_out(source: Side) -> None:
    for name in (
        keys.REAPER_LEADER,
        keys.worker("w"),
        keys.drain("w"),
        keys.session("s"),
        keys.wakeup("r"),
        keys.BLOB_IDENTITY,
    ):
        source.store.redis.set(name, "1")
    source.store.redis.set("pippin:rate/1", "1")
    source.store.redis.set("pippin:rates:job:1", "1")  # of a tenant with that name
    source.store.redis.set("other:key", "1")
    assert [copy.key for copy in Snapshot(source.url).copies()] == ["pippin:rates:job:1"]


def test_redis_emptied_during_the_copy_is_an_error(source: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    source.store.redis.set("pippin:default:key", "1")
    read = Snapshot._read

    def empty_meanwhile(self: Snapshot, names: list[str]) -> object:
        yield from read(self, names)
        source.store.redis.flushall()

    monkeypatch.setattr(Snapshot, "_read", empty_meanwhile)
    with pytest.raises(SnapshotError, match="emptied"):
        list(Snapshot(source.url).copies())


def test_redis_that_changes_too_quickly_is_an_error(source: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 5)
    take = module._Changes.take
    count = 0

    def take_after_a_write(self: module._Changes) -> set[str]:
        nonlocal count
        count += 1
        source.store.redis.set(f"pippin:default:new:{count}", "1")
        return take(self)

    monkeypatch.setattr(module._Changes, "take", take_after_a_write)
    with pytest.raises(SnapshotError, match="changes too quickly"):
        list(Snapshot(source.url).copies())


def test_user_without_permissions_is_refused_with_a_sentence(source: Side, store: Store) -> None:
    store.redis.execute_command("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "+@read", "+ping")
    url = source.url.replace("//:", "//narrow:").rpartition("@")
    address = f"redis://narrow:secret@{url[2]}"
    try:
        with pytest.raises(SnapshotError, match="refuses a command"):
            list(Snapshot(address).copies())
    finally:
        store.redis.execute_command("ACL", "DELUSER", "narrow")


@pytest.mark.parametrize("value", [b"\xff\x00\xfe", "größer 🍎".encode(), b""])
def test_every_type_is_restored_byte_for_byte(source: Side, target: Side, value: bytes) -> None:
    with redis.Redis.from_url(source.url) as raw:
        raw.set("pippin:default:string", value)
        raw.hset("pippin:default:hash", mapping={value or b"f": value, b"n": b"1"})
        raw.rpush("pippin:default:list", value, b"2", value)
        raw.sadd("pippin:default:set", value, b"2")
        raw.zadd("pippin:default:zset", {value: 1796061396183093, b"half": 0.1, b"end": float("inf")})
        for field in (b"a", b"b", b"c"):
            raw.xadd("pippin:default:stream", {field: value})
        raw.xdel("pippin:default:stream", raw.xrevrange("pippin:default:stream")[0][0])
        last = raw.xinfo_stream("pippin:default:stream")["last-generated-id"]
    copies = list(Snapshot(source.url).copies())
    restoring = Restoring(target.url)
    restoring.stage(copies)
    restoring.replace()
    restoring.close()
    assert target.contents() == source.contents()
    with redis.Redis.from_url(target.url) as raw:
        assert raw.xinfo_stream("pippin:default:stream")["last-generated-id"] == last


def test_restored_key_keeps_its_expiry(source: Side, target: Side) -> None:
    source.store.redis.set("pippin:default:soon", "1", ex=1000)
    source.store.redis.set("pippin:default:gone", "1", px=300)
    copies = list(Snapshot(source.url).copies())
    wait_for(lambda: not source.store.redis.exists("pippin:default:gone"))
    restoring = Restoring(target.url)
    restoring.stage(copies)
    restoring.replace()
    restoring.close()
    assert 900 < target.store.redis.ttl("pippin:default:soon") <= 1000
    assert not target.store.redis.exists("pippin:default:gone")


def test_replace_sent_twice_takes_effect_once(source: Side, target: Side) -> None:
    source.store.redis.set("pippin:default:key", "1")
    restoring = Restoring(target.url)
    restoring.stage(Snapshot(source.url).copies())
    restoring.replace()
    restoring.replace()
    restoring.close()
    assert target.contents() == source.contents() == {b"pippin:default:key": b"1"}
