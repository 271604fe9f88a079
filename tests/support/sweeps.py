"""Waiting for a service's sweeps of blobs."""

from pippin.store import Store
from tests.support.waiting import wait_for


def wait_for_sweeps(store: Store, count: int) -> None:
    """Return after this many more sweeps."""
    times: set[float] = set()

    def swept() -> bool:
        report = store.blob_ledger.last_report()
        times.add(0 if report is None else report.at)
        return len(times) > count

    wait_for(swept, "the service does not sweep")
