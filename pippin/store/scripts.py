"""The Lua scripts that change a job: each is `lua/transition.lua` followed by a small file of its own."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from redis.client import Pipeline

from pippin.api.states import Status
from pippin.jobs.states import TRANSITIONS, sources
from pippin.store import keys
from pippin.store.client import Client

# The states in which a worker holds the job, with a lease: all but these and the final ones.
_AT_REST = {Status.QUEUED, Status.PAUSED}

# The transition table as the scripts receive it.
_TABLE = json.dumps(
    {
        to: {
            "from": dict.fromkeys(sorted(sources(to)), True),
            "held": not to.is_final and to not in _AT_REST,
            "final": to.is_final,
        }
        for to in TRANSITIONS
    },
    separators=(",", ":"),
)


# What ends or records a job that runs works in a full Redis, too: each is bounded, and deleting is what makes room.
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
    """Runs the scripts by their digest; a server that does not know one yet is sent it."""

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
        """Have the server know every script: a worker's own user may run them and load none."""
        scripts = list(self._registered.values())
        with self._client.pipeline(transaction=False) as pipe:
            pipe.script_exists(*(script.sha for script in scripts))
            known = pipe.execute()[0]
            for script, is_known in zip(scripts, known, strict=True):
                if not is_known:
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
            tenant: Whose job.
            job_id: Which job.
            arguments: What the script's first lines say.
            more_keys: Keys beyond those of every script.
            pipe: Queue the script there, for one MULTI with other commands; its answer is then among that MULTI's.

        Returns:
            `ok`, `missing`, `refused`, `lost`, `newer` or `renewed`, then what the script adds to it. Of no use with
            `pipe`.
        """
        answer: Any = self._registered[name](
            keys=[*keys.job(tenant, job_id).for_scripts, keys.counters(tenant), *more_keys],
            args=[keys.member(tenant, job_id), job_id, keys.jobs_by_status(tenant), _TABLE, *arguments],
            client=pipe or self._client,
        )
        return answer if isinstance(answer, list) else []
