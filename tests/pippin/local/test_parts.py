"""What `pippin up` starts its parts with."""

from pathlib import Path

import pytest

from pippin.local.parts import parts
from pippin.settings import Settings


@pytest.mark.parametrize("own", ["redis://worker:limited@127.0.0.1:1/0", None])
def test_workers_reach_redis_with_a_user_of_their_own_where_there_is_one(tmp_path: Path, own: str | None) -> None:
    whole = "redis://:whole@127.0.0.1:1/0"
    settings = Settings(home=tmp_path, redis_url=whole, worker_redis_url=own)
    addresses = {part.name: part.environment["PIPPIN_REDIS_URL"] for part in parts(settings, 2, coreml=True)}
    assert addresses.pop("service") == whole
    assert addresses == dict.fromkeys(["worker-1", "worker-2", "coreml"], own or whole)
