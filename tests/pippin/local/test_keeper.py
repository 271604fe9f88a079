"""The embedded server, kept running."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import redis

from pippin.local.keeper import ServerKeeper
from pippin.local.valkey import EmbeddedValkey, EmbeddedValkeyError


def run(home: Path, script: Callable[[ServerKeeper], Coroutine[Any, Any, None]]) -> list[str]:
    """Runs a script with a keeper, as the supervisor does; returns the keeper's messages."""
    lines: list[str] = []

    async def main() -> None:
        keeper = ServerKeeper(EmbeddedValkey(home), lambda _, line: lines.append(line))
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, keeper.poll)
        try:
            await script(keeper)
        finally:
            await keeper.stop(3)
            assert keeper.pid is None

    asyncio.run(asyncio.wait_for(main(), 60))
    return lines


async def answers(url: str, keeper: ServerKeeper, but_not: int) -> None:
    """Waits until another process than `but_not` answers at `url`."""
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                if client.info()["process_id"] != but_not and keeper.pid != but_not:
                    return
            except redis.ConnectionError:
                pass
            await asyncio.sleep(0.02)


def test_killed_server_restarts_at_the_same_address_with_its_data(tmp_path: Path) -> None:
    async def script(keeper: ServerKeeper) -> None:
        url = await keeper.begin()
        keeper.start()
        with redis.Redis.from_url(url) as client:
            client.set("kept", "1")
        before = keeper.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await answers(url, but_not=before, keeper=keeper)
        with redis.Redis.from_url(url) as client:
            assert client.get("kept") == b"1"

    assert run(tmp_path / "home", script) == ["valkey ended (killed by SIGKILL); restarting it in 0.2 s"]


def test_server_stopped_during_its_start_ends(tmp_path: Path) -> None:
    async def script(keeper: ServerKeeper) -> None:
        starting = asyncio.ensure_future(keeper.begin())
        await asyncio.sleep(0)
        starting.cancel()

    assert run(tmp_path / "home", script) == []


def test_failed_start_is_reported_with_the_log(tmp_path: Path) -> None:
    async def begin(keeper: ServerKeeper) -> None:
        await keeper.begin()

    run(tmp_path / "home", begin)
    manifest = next((tmp_path / "home" / "valkey" / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    with pytest.raises(EmbeddedValkeyError, match="end of its log"):
        run(tmp_path / "home", begin)
