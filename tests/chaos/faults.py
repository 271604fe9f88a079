"""The faults that are injected into a cluster."""

import random
import signal
from collections.abc import Sequence
from enum import StrEnum

from tests.chaos import processes
from tests.chaos.cluster import Cluster


class Fault(StrEnum):
    TRAINING_KILLED = "kill -9 of the training process"
    WORKER_KILLED = "kill -9 of the worker parent"
    SERVICE_KILLED = "kill -9 of the service"
    VALKEY_KILLED = "kill -9 of Valkey"
    TRAINING_FROZEN = "SIGSTOP of the training process for longer than the lease"
    CACHE_DAMAGED = "cached files damaged, then kill -9 of the training process"
    WORKER_FROZEN = "SIGSTOP of parent and training process for longer than the lease"
    REDIS_SILENT = "outage: Redis does not answer"
    REDIS_REFUSES = "outage: Redis refuses connections"

    @property
    def of_worker(self) -> bool:
        """Whether it ends an attempt."""
        return self in _OF_WORKER

    @property
    def outage(self) -> bool:
        """Whether Redis is unavailable for long."""
        return self in {Fault.REDIS_SILENT, Fault.REDIS_REFUSES}


_OF_WORKER = {
    Fault.TRAINING_KILLED,
    Fault.CACHE_DAMAGED,
    Fault.WORKER_KILLED,
    Fault.TRAINING_FROZEN,
    Fault.WORKER_FROZEN,
}
KILLS = {Fault.TRAINING_KILLED, Fault.CACHE_DAMAGED, Fault.WORKER_KILLED}

# Of 200.
_SHARES = {
    Fault.TRAINING_KILLED: 68,
    Fault.CACHE_DAMAGED: 8,
    Fault.WORKER_KILLED: 34,
    Fault.TRAINING_FROZEN: 16,
    Fault.WORKER_FROZEN: 16,
    Fault.SERVICE_KILLED: 25,
    Fault.VALKEY_KILLED: 25,
    Fault.REDIS_SILENT: 4,
    Fault.REDIS_REFUSES: 4,
}


def plan(count: int, choice: random.Random) -> list[Fault]:
    """`count` faults in an order that `choice` decides: of each kind its share, and at least one if `count` allows."""
    kinds = list(Fault)[:count]
    every = [fault for fault, share in _SHARES.items() for _ in range(max(1, round(share * count / 200)))]
    faults = (
        every if len(every) == count else [*kinds, *choice.choices(kinds, [_SHARES[each] for each in kinds], k=count)]
    )
    faults = faults[:count]
    choice.shuffle(faults)
    return faults


def victims(cluster: Cluster, fault: Fault, worker: str) -> Sequence[int]:
    """The processes that a fault of the worker named `worker` hits; none when it trains nothing."""
    parent = cluster.worker_of(worker).pid
    trainings = processes.children(parent)
    if not trainings:
        return []
    return {
        Fault.TRAINING_KILLED: trainings,
        Fault.CACHE_DAMAGED: trainings,
        Fault.TRAINING_FROZEN: trainings,
        Fault.WORKER_KILLED: [parent],
        Fault.WORKER_FROZEN: [parent, *trainings],
    }[fault]


def signal_of(fault: Fault) -> signal.Signals:
    return signal.SIGKILL if fault in KILLS else signal.SIGSTOP
