"""The names of Pippin's keys in Redis. No key name is written outside this file.

Each key begins with `pippin:`. Keys of a tenant contain the tenant's name. RQ defines its own keys (`queues.py`).
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from pippin.ids import is_id

LEASES = "pippin:leases"  # sorted set: member of a held job -> end of its lease, microseconds of Redis TIME
QUEUED = "pippin:queued"  # sorted set: member of a queued job -> time of queueing, microseconds of Redis TIME
RELEASED = "pippin:released"  # list: blobs that a record no longer names, until the sweeper checks them
STRAYS = "pippin:strays"  # hash: member of a job found in no queue -> since when, microseconds of Redis TIME
REAPER_LEADER = "pippin:acting"  # string: the reaper that currently acts
REACHED = "pippin:reached"  # hash: begin and end of the time in which reapers reached Redis, microseconds of Redis TIME
TOKENS = "pippin:tokens"  # hash: id of a live token -> its record as JSON
HASHES = "pippin:tokens:hashes"  # hash: id of a live token -> SHA-256 of its secret
GUARDED_ROLES = "pippin:tokens:roles"  # set: roles that require a token, since a token of the role was made
RATES = "pippin:rate"  # prefix of the keys of the rate limits, which the library `limits` makes
SAMPLES = "pippin:samples"  # set: every tenant that received the packaged sample
TENANTS = "pippin:tenants"  # set: every tenant that ever submitted a job
BLOB_STATS = "pippin:blobs:usage"  # string: contents of the blob store at the last count, as JSON
BLOB_STATS_TURN = "pippin:blobs:turn"  # string: while it exists, the blobs need not be counted again
BLOB_IDENTITY = "pippin:blobs:identity"  # string: name of this Redis in the blob store that it owns
BLOB_GENERATION = "pippin:blobs:generation"  # string: number of sweeps made by the records of this Redis
BLOB_CLOSED = "pippin:blobs:closed"  # string: why no blob may be deleted until an operator adopts the store
SWEEP_HOLD = "pippin:blobs:hold"  # string: while it exists, no blob is deleted; expires
SWEEP_APPROVAL = "pippin:blobs:approval"  # string: number of blobs an operator allowed the sweeper to delete; expires
SWEEP_REPORT = "pippin:blobs:sweep"  # string: result of the last sweep, as JSON
WORKERS = "pippin:workers"  # sorted set: name of a worker -> last heartbeat, microseconds of Redis TIME
ALL_KEYS = "pippin:*"  # pattern: every key of Pippin, without keys staged by a restore
STAGED = "pippin-restore:"  # prefix of the keys that a restore stages, until they replace the present keys
STAGED_WHOLE = "pippin-restored:whole"  # string: everything is staged
LISTINGS = "pippin:*s"  # pattern: matches every tenant's listings, among other keys

# Second parts of keys that belong to processes or to this Redis alone, not to the records.
NON_RECORD_KINDS = frozenset({"acting", "blobs", "rate", "reached", "session", "strays", "wakeup", "worker", "workers"})

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# Second parts of keys that belong to no tenant.
_TAKEN = frozenset(
    {
        "acting",
        "blobs",
        "leases",
        "queued",
        "rate",
        "reached",
        "released",
        "samples",
        "session",
        "strays",
        "tenants",
        "tokens",
        "wakeup",
        "worker",
        "workers",
    }
)


def is_tenant(name: str) -> bool:
    """Whether a tenant can have this name: 1 to 40 small letters, digits and dashes, not the second part of a key."""
    return _TENANT.fullmatch(name) is not None and name not in _TAKEN


def is_record(key: str) -> bool:
    """Whether a key of Pippin belongs to the records, which a backup holds and a restore replaces.

    Heartbeats, sessions, rate limits and the state of the blob store do not.
    """
    return re.split("[:/]", key)[1] not in NON_RECORD_KINDS


@dataclass(frozen=True)
class JobKeys:
    """The keys of one job; `for_scripts` is the order in which lua/transition.lua names them."""

    job: str  # hash: the job's flat fields
    transitions: str  # list: "from to microseconds"
    attempts: str  # hash: "number:field" -> value
    events: str  # stream: type, data
    epochs: str  # hash: epoch -> id of its event
    artifacts: str  # hash: variant -> artifact as JSON
    checkpoints: str  # hash: epoch -> kept checkpoint of the epoch's end as JSON
    spec: str  # string: the resolved spec as JSON

    @property
    def for_scripts(self) -> list[str]:
        """The first keys of every script about a job."""
        return [*self._changing, LEASES, QUEUED, RELEASED]

    @property
    def own(self) -> list[str]:
        """The keys that are deleted with the job."""
        return [*self._changing, self.spec]

    @property
    def _changing(self) -> list[str]:
        return [self.job, self.transitions, self.attempts, self.events, self.epochs, self.artifacts, self.checkpoints]


def job(tenant: str, job_id: str) -> JobKeys:
    """The keys of one job."""
    base = f"pippin:{tenant}:job:{job_id}"
    return JobKeys(
        job=base,
        transitions=f"{base}:transitions",
        attempts=f"{base}:attempts",
        events=f"{base}:events",
        epochs=f"{base}:epochs",
        artifacts=f"{base}:artifacts",
        checkpoints=f"{base}:checkpoints",
        spec=f"{base}:spec",
    )


def member(tenant: str, job_id: str) -> str:
    """A job's member name in the sets that span tenants."""
    return f"{tenant}/{job_id}"


def parse_member(text: str) -> tuple[str, str]:
    """The tenant and the job id that `member` joined."""
    tenant, _, job_id = text.rpartition("/")
    return tenant, job_id


def is_member(text: str) -> bool:
    """Whether a text has the form that `member` makes."""
    tenant, job_id = parse_member(text)
    return is_tenant(tenant) and is_id(job_id, "job")


def jobs(tenant: str) -> str:
    """Sorted set of all job ids. All scores are 0: ids sort by time as text."""
    return f"pippin:{tenant}:jobs"


def jobs_by_status(tenant: str, status: str = "") -> str:
    """Sorted set of the job ids with a status; without a status, the common prefix of these keys."""
    return f"pippin:{tenant}:jobs:status:{status}"


def jobs_by_label(tenant: str, name: str, value: str) -> str:
    """Sorted set of the job ids with a label."""
    return f"pippin:{tenant}:jobs:label:{quote(name, safe='')}={quote(value, safe='')}"


def jobs_by_name(tenant: str, name: str) -> str:
    """Sorted set of the ids of the jobs with a name."""
    return f"pippin:{tenant}:jobs:name:{quote(name, safe='')}"


def job_listings(tenant: str) -> str:
    """Pattern: the keys of every listing of a tenant's jobs by status, label or name."""
    return f"pippin:{tenant}:jobs:*"


def counters(tenant: str) -> str:
    """Hash: counters of a tenant; for the fields see `counters.py` and `usage.py`."""
    return f"pippin:{tenant}:counters"


def idempotency(tenant: str, key: str) -> str:
    """Hash: the request and job of a client's idempotency key, which is hashed since it may be any text."""
    return f"pippin:{tenant}:idempotency:{sha256(key.encode()).hexdigest()}"


def record(tenant: str, kind: str, record_id: str) -> str:
    """Hash: the record of an upload of a kind (`dataset`, `model`) as JSON, and its identity for deduplication."""
    return f"pippin:{tenant}:{kind}:{record_id}"


def listing(tenant: str, kind: str) -> str:
    """Sorted set of all ids of a kind, all scores 0."""
    return f"pippin:{tenant}:{kind}s"


def tenant_of_listing(key: str) -> str | None:
    """The tenant whose jobs, datasets or models the key lists; None for other keys."""
    match key.split(":"):
        case [_, tenant, "jobs" | "datasets" | "models"]:
            return tenant
    return None


def names(tenant: str, kind: str) -> str:
    """Hash: name of an upload of a kind -> its id."""
    return f"pippin:{tenant}:{kind}s:names"


def contents(tenant: str, kind: str) -> str:
    """Hash: identity of an upload of a kind, for deduplication -> its id."""
    return f"pippin:{tenant}:{kind}s:contents"


def jobs_of_token(tenant: str, token_id: str) -> str:
    """Set: ids of live jobs that a token with a quota submitted, and of some jobs that have ended since."""
    return f"pippin:{tenant}:quota:{token_id}:jobs"


def bytes_of_token(tenant: str, token_id: str) -> str:
    """Hash: key of a record that a token with a quota added -> bytes of its blob; some records may be deleted since."""
    return f"pippin:{tenant}:quota:{token_id}:bytes"


def session(secret_hash: str) -> str:
    """String: id of the token of a browser's session; expires."""
    return f"pippin:session:{secret_hash}"


def sessions_of(token_id: str) -> str:
    """Sorted set: keys of a token's sessions -> time when they began, microseconds; expires."""
    return f"pippin:session:of:{token_id}"


def worker(name: str) -> str:
    """String: a worker's last report, as JSON; expires."""
    return f"pippin:worker:{name}"


def drain(name: str) -> str:
    """String: how a worker drains (a `Drain`); set while the worker must take no more jobs; expires."""
    return f"{worker(name)}:drain"


def wakeup(reader: str) -> str:
    """Stream that wakes one process's event reader."""
    return f"pippin:wakeup:{reader}"
