"""The Lua scripts that change a job: each is `lua/transition.lua` followed by its own small file."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from redis.client import Pipeline

from pippin.api.states import Status
from pippin.jobs.states import TRANSITIONS, sources
from pippin.store import keys
from pippin.store.client import Client

# States in which no worker holds the job. In all other states that are not final, a worker holds it, with a lease.
_UNHELD = {Status.QUEUED, Status.PAUSED}

# The transition table as the scripts receive it.
_TABLE = json.dumps(
    {
        to: {
            "from": dict.fromkeys(sorted(sources(to)), True),
            "held": not to.is_final and to not in _UNHELD,
            "final": to.is_final,
        }
        for to in TRANSITIONS
    },
    separators=(",", ":"),
)


# Scripts that end or record a running job, and deletion, also work in a full Redis: their writes are bounded, and
# deletion makes room.
_WHEN_FULL = frozenset(
    {
        "running",
        "renew",
        "epoch",
        "checkpoint",
        "discard",
        "log",
        "artifact",
        "end_attempt",
        "fail_damaged",
        "cancel",
        "pause",
        "delete",
    }
)


@cache
def _source(name: str) -> str:
    folder = files("pippin.store") / "lua"
    flags = "#!lua flags=allow-oom\n" if name in _WHEN_FULL else ""
    return flags + (folder / "transition.lua").read_text() + (folder / f"{name}.lua").read_text()


class Scripts:
    """Runs the scripts by their digest, and sends a script to a server that does not have it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._registered = {
            name: client.register_script(_source(name))
            for name in (
                "create",
                "claim",
                "running",
                "renew",
                "epoch",
                "checkpoint",
                "discard",
                "log",
                "artifact",
                "end_attempt",
                "cancel",
                "pause",
                "resume",
                "delete",
                "fail_damaged",
            )
        }

    def load(self) -> None:
        """Load every script into the server: the user of workers may run scripts, but not load them."""
        scripts = list(self._registered.values())
        with self._client.pipeline(transaction=False) as pipe:
            pipe.script_exists(*(script.sha for script in scripts))
            loaded = pipe.execute()[0]
            for script, is_loaded in zip(scripts, loaded, strict=True):
                if not is_loaded:
                    pipe.script_load(script.script)
            pipe.execute()

    def run(
        self,
        name: str,
        tenant: str,
        job_id: str,
        *arguments: str | float,
        more_keys: tuple[str, ...] = (),
        pipe: Pipeline | None = None,
    ) -> list[str]:
        """Run a script about one job.

        Args:
            name: The script's file name in `lua`, without its ending.
            tenant: The tenant that owns the job.
            job_id: The id of the job.
            arguments: The arguments that the script's first lines list.
            more_keys: Keys in addition to those of every script.
            pipe: Queue the script in this pipeline, for one MULTI with other commands; its reply is then among those
                of the MULTI.

        Returns:
            `ok`, `missing`, `refused`, `lost`, `newer` or `renewed`, then further values of the script. Not
            meaningful with `pipe`.
        """
        answer: Any = self._registered[name](
            keys=[*keys.job(tenant, job_id).for_scripts, keys.counters(tenant), *more_keys],
            args=[keys.member(tenant, job_id), job_id, keys.jobs_by_status(tenant), _TABLE, *arguments],
            client=pipe or self._client,
        )
        return answer if isinstance(answer, list) else []
