"""Runs each attack beside a bystander and judges the bystander's latency."""

import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from tests.abuse import lost_records, outbox
from tests.abuse.attacks import ATTACKS, MB, Attack, Damage, Size
from tests.abuse.bystander import Bystander
from tests.abuse.target import Target

# The maximum duration of a bystander's GET /jobs, and the maximum resident memory of the service.
WORST_SECONDS = 0.5
PEAK_BYTES = 600 * MB

Say = Callable[[str], None]


def run(size: Size, *, only: Collection[str] | None = None, say: Say, worst: float = WORST_SECONDS) -> list[str]:
    """Carry out the attacks.

    Args:
        size: The sizes of the attacks.
        only: The names of the attacks to run; None for all.
        say: Takes each line of the table.
        worst: The maximum duration of a bystander's request, in seconds.

    Returns:
        Violations, in sentences.
    """
    wrong: list[str] = []
    for name, attack in ATTACKS.items():
        if only is None or name in only:
            wrong += _run_beside_bystander(name, attack, size, say, worst)
    alone: dict[str, Callable[[], Damage]] = {
        "outbox": lambda: outbox.run(size.outage_seconds),
        "lost records": lambda: lost_records.run(size.sweeps),
    }
    for name, attack_alone in alone.items():
        if only is None or name in only:
            began = time.monotonic()
            damage = attack_alone()
            say(f"{name}: {time.monotonic() - began:.1f} s")
            wrong += _report_damage(name, damage, say)
    return wrong


def _run_beside_bystander(name: str, attack: Attack, size: Size, say: Say, worst: float) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="pippin-abuse-") as home, Target(Path(home)) as target:
        at_rest = target.service.resident_bytes
        target.settle()
        began = time.monotonic()
        with Bystander(target.service.url, target.bystander) as bystander:
            damage = attack(target, size)
        seconds = time.monotonic() - began
        target.settle()
        slowest = max(bystander.seconds)
        say(
            f"{name}: {seconds:.1f} s; a bystander's GET /jobs at worst {1000 * slowest:.0f} ms of "
            f"{len(bystander.seconds)}; the service held {at_rest / MB:.0f} MB before, "
            f"{target.peak_bytes / MB:.0f} MB at most, {target.service.resident_bytes / MB:.0f} MB after"
        )
        if slowest > worst:
            damage.wrong.append(f"a bystander's GET /jobs took {slowest:.1f} s")
        if bystander.failures:
            failures = bystander.failures
            damage.wrong.append(f"{len(failures)} of a bystander's requests failed, first with: {failures[0]}")
        if target.peak_bytes > PEAK_BYTES:
            damage.wrong.append(f"the service held {target.peak_bytes / MB:.0f} MB")
        if not target.service.is_alive:
            damage.wrong.append("the service ended")
        return _report_damage(name, damage, say)


def _report_damage(name: str, damage: Damage, say: Say) -> list[str]:
    for figure, value in damage.figures.items():
        say(f"    {figure}: {value}")
    return [f"{name}: {each}" for each in damage.wrong]
