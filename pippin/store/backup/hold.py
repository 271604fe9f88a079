"""Keeps the sweeper from deleting blobs while a backup or a restore runs."""

import os
import secrets
import socket
from contextlib import suppress
from typing import Self

from pippin.store import BlobLedger, StoreUnavailable
from pippin.store.blob_ledger import HOLD_SECONDS
from pippin.store.errors import BackupError
from pippin.system.background import PeriodicThread


class SweepHold:
    """Blocks the sweeper for a `with` block, renewing the hold in its own thread.

    Args:
        ledger: Stores the hold.
        purpose: `backup` or `restore`.

    Raises:
        BackupError: On entering, when another backup or restore is running.
    """

    def __init__(self, ledger: BlobLedger, purpose: str) -> None:
        self._ledger = ledger
        self._holder = f"{purpose} {os.getpid()}@{socket.gethostname()} {secrets.token_hex(4)}"
        self._lost = False
        self._renewals = PeriodicThread("sweep-hold", HOLD_SECONDS / 4, self._renew, wait_first=True)

    def __enter__(self) -> Self:
        while not self._ledger.hold(self._holder):
            other = self._ledger.holder()
            if other is None:
                continue
            if not _is_dead(other):
                raise BackupError(f"a {other.rpartition(' ')[0]} is running; try again when it has ended")
            # The holder was a process of this machine that has ended: release its hold.
            self._ledger.release(other)
        self._renewals.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._renewals.__exit__()
        with suppress(StoreUnavailable):  # the hold expires by itself
            self._ledger.release(self._holder)

    def require(self) -> None:
        """Check that the hold has not been lost.

        Raises:
            BackupError: The hold was lost: blobs may have been deleted meanwhile.
        """
        if self._lost or self._ledger.holder() != self._holder:
            raise BackupError("this process was suspended for more than a minute, so blobs may be missing; start again")

    def _renew(self) -> None:
        try:
            if self._ledger.holder() != self._holder or not self._ledger.hold(self._holder):
                self._lost = True
        except StoreUnavailable:
            pass  # the next renewal is early enough; if that fails too, `require` raises


def _is_dead(holder: str) -> bool:
    """Whether a holder was a process of this machine that has ended."""
    process, _, host = holder.partition(" ")[2].partition(" ")[0].partition("@")
    if host != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
