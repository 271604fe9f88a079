"""Whether the blob store belongs to the Redis that the settings name, and what the last sweep did."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from redis.exceptions import RedisError

from pippin.blobs import BlobError, Blobs
from pippin.cli.doctor.finding import Finding, fault, ok, warning
from pippin.local.valkey import running_url
from pippin.settings import Settings
from pippin.store import Refusal, Store, StoreUnavailable, connect
from pippin.store.blob_ownership import BlobOwnership

_CHECK = "blob owner"
_ADVICE = {
    Refusal.LOST: "Restore a backup (docs/backup.md); or see `pippin blobs list --unnamed`, then `pippin blobs adopt`.",
    Refusal.FOREIGN: "Give each service a blob store of its own in PIPPIN_BLOBS_URL; or see `pippin blobs adopt`.",
    Refusal.SHARED: "Give the other service a blob store of its own in PIPPIN_BLOBS_URL; see `pippin blobs list "
    "--unnamed`, then `pippin blobs adopt`.",
    Refusal.OUTDATED: "Restore a newer backup (docs/backup.md); or see `pippin blobs list --unnamed`, then "
    "`pippin blobs adopt`.",
    Refusal.CLOSED: "See `pippin blobs list --unnamed`, then `pippin blobs adopt`.",
    Refusal.UNCLAIMED: "See `pippin blobs list --unnamed`, then `pippin blobs adopt`.",
    Refusal.UNREADABLE: "Use the Pippin that wrote it, or see `pippin blobs adopt`.",
    Refusal.LIMIT: "See `pippin blobs list --unnamed`, then `pippin blobs sweep`.",
}


def check_owner(settings: Settings) -> Iterator[Finding]:
    """One finding; none where Redis or the blobs cannot be reached, which other checks say, or for a remote worker."""
    url = settings.redis_url.get_secret_value() if settings.redis_url else running_url(settings.home)
    if url is None or urlsplit(settings.blobs_url).scheme not in {"file", "s3"} or _is_absent_folder(settings):
        return
    store = Store(connect(url, retries=0))
    try:
        yield _finding(store, Blobs(settings.blobs_url))
    except (StoreUnavailable, BlobError, RedisError):
        return
    finally:
        store.close()


def _is_absent_folder(settings: Settings) -> bool:
    # Opening it would make it, which an examination must not.
    parts = urlsplit(settings.blobs_url)
    return parts.scheme == "file" and not Path(unquote(parts.path)).is_dir()


def _finding(store: Store, blobs: Blobs) -> Finding:
    verdict = BlobOwnership(store, blobs).inspect()
    if verdict.refusal is Refusal.UNCLAIMED and store.blob_ledger.closed() is None:
        return ok(_CHECK, "the blob store has no owner yet; the service claims it when it starts")
    if verdict.refusal is not None:
        return fault(_CHECK, f"no blobs are deleted: {verdict.detail}", _ADVICE[verdict.refusal])
    report = store.blob_ledger.last_report()
    if report is not None and report.refusal is Refusal.LIMIT:
        return warning(_CHECK, f"no blobs are deleted: {report.detail}", _ADVICE[report.refusal])
    return ok(_CHECK, "the blob store belongs to this Redis")
