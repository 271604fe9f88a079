"""`make load`: the whole load, and a table of what came of it. Ends with 1 when a figure is missed."""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.load import listing, streams
from tests.support.service_process import ServiceProcess

# Targets in seconds: for a page, and for the median and worst delay from an event's write to its receipt.
PAGE, USUAL, WORST = 0.1, 0.1, 1.0
# How much memory may grow in the second half of the measurement, in bytes.
GROWTH = 32 * 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000, help="how many are submitted at once")
    parser.add_argument("--clients", type=int, default=500, help="how many read one stream")
    parser.add_argument("--frozen", type=int, default=5, help="how many more stop reading")
    parser.add_argument("--events", type=int, default=450, help="how many each client is sent, ten a second")
    options = parser.parse_args()
    shape = streams.Shape(clients=options.clients, frozen=options.frozen, epochs=options.events, pause=0.1)
    met = [
        _with_service(lambda service: _listing(service, options.jobs)),
        _with_service(lambda service: _streams(service, shape)),
    ]
    return 0 if all(met) else 1


def _with_service(measure: Callable[[ServiceProcess], bool]) -> bool:
    with tempfile.TemporaryDirectory(prefix="pippin-load-") as home, ServiceProcess(Path(home)) as service:
        service.wait_for_sample()
        return measure(service)


def _listing(service: ServiceProcess, jobs: int) -> bool:
    figures = asyncio.run(listing.measure(service.url, jobs, at_once=32))
    _print(f"{jobs:,} jobs submitted by 32 clients at once, {os.cpu_count()} cores")
    _row("a submission", _milliseconds(figures.submitted))
    _row("all of them", f"{figures.total:.1f} s, {jobs / figures.total:.0f} a second")
    _row(f"a page of {listing.PAGE} ({len(figures.pages)} pages)", _milliseconds(figures.pages))
    _row("not listed, or twice", f"{figures.missing}")
    return figures.missing == 0 and figures.in_order and max(figures.pages) < PAGE


def _streams(service: ServiceProcess, shape: streams.Shape) -> bool:
    figures = streams.measure(service, shape)
    _print(
        f"{shape.clients} clients of one stream, {1 / shape.pause:.0f} events a second, {shape.frozen} frozen clients"
    )
    _row("received", f"{len(figures.delays):,} of {shape.clients * shape.epochs:,}, {figures.repeats} twice")
    _row("from write to receipt", _milliseconds(figures.delays))
    megabytes = [size / 2**20 for size in figures.resident]
    _row("service at rest", f"{megabytes[0]:.0f} MB")
    _row("with all clients, over time", " ".join(f"{size:.0f}" for size in megabytes[1:]) + " MB")
    _row("frozen clients still connected", f"{figures.connections_left}")
    middle = len(figures.resident) // 2
    return (
        figures.missing + figures.repeats + figures.connections_left == 0
        and statistics.median(figures.delays) < USUAL
        and max(figures.delays) < WORST
        and max(figures.resident[middle:]) < max(figures.resident[:middle]) + GROWTH
    )


def _milliseconds(seconds: list[float]) -> str:
    ordered = sorted(1000 * each for each in seconds)
    last = ordered[int(0.99 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):.0f} ms, 99th percentile {last:.0f} ms, worst {ordered[-1]:.0f} ms"


def _row(name: str, value: str) -> None:
    _print(f"  {name:<32} {value}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
