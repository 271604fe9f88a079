"""Checks of the blob store: whether it can be used, and whether the Redis in the settings owns it."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from redis.exceptions import RedisError

from pippin.blobs import BlobError, BlobRefusedError, Blobs
from pippin.cli.doctor.findings import Finding, fault, ok, redacted_url, warning
from pippin.http.token_file import TokenFileError
from pippin.local.valkey import running_url
from pippin.settings import Settings
from pippin.store import Refusal, Store, StoreUnavailable, connect
from pippin.store.blob_ownership import BlobOwnership

_ADVICE_S3 = (
    "Check that PIPPIN_BLOBS_URL names the bucket, that AWS_ENDPOINT_URL names the server unless it is Amazon's, and "
    "that AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are correct."
)
_ADVICE_HTTP = (
    "Check that PIPPIN_BLOBS_URL is the address of the service, and that the service runs (docs/remote-workers.md)."
)
_ADVICE_ACCESS = (
    "Create a token with `pippin tokens create --role worker` on the service's machine, write it to a file of mode "
    "0600, and set PIPPIN_TOKEN_FILE to that file (docs/remote-workers.md)."
)


def check_blobs(url: str, token_file: Path | None = None) -> Finding:
    """Check that the store responds to a request for a blob with a random name.

    A folder is checked and never created.

    Args:
        url: The store's address.
        token_file: The file with the token that a service requires.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return _check_folder(Path(unquote(urlsplit(url).path)))
    try:
        Blobs(url, token_file).head(f"sha256:{secrets.token_hex(32)}")
    except (BlobRefusedError, TokenFileError) as error:
        return fault("blobs", f"{redacted_url(url)}: {error}", _ADVICE_ACCESS)
    except BlobError as error:
        advice = _ADVICE_HTTP if scheme in {"http", "https"} else _ADVICE_S3
        return fault("blobs", f"{redacted_url(url)}: {error}", advice)
    return ok("blobs", f"{redacted_url(url)} answers")


def _check_folder(folder: Path) -> Finding:
    if not folder.exists():
        parent = next(ancestor for ancestor in folder.parents if ancestor.exists())
        if os.access(parent, os.W_OK | os.X_OK) and parent.is_dir():
            return ok("blobs", f"{folder} will be created")
        return fault("blobs", f"{folder} cannot be created in {parent}", "Name another folder in PIPPIN_BLOBS_URL.")
    if not folder.is_dir():
        return fault("blobs", f"{folder} is not a folder", "Move that file away, or name another in PIPPIN_BLOBS_URL.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return fault("blobs", f"this user has no access to {folder}", f"Run: sudo chown -R $(whoami) '{folder}'")
    return ok("blobs", f"the folder {folder}, which must be the service's folder")


_CHECK = "blob owner"
_ADVICE = {
    Refusal.LOST: "Restore a backup (docs/backup.md); or see `pippin blobs list --unnamed`, then `pippin blobs adopt`.",
    Refusal.FOREIGN: "Give each service its own blob store in PIPPIN_BLOBS_URL; or see `pippin blobs adopt`.",
    Refusal.SHARED: "Give the other service its own blob store in PIPPIN_BLOBS_URL; see `pippin blobs list "
    "--unnamed`, then `pippin blobs adopt`.",
    Refusal.OUTDATED: "Restore a newer backup (docs/backup.md); or see `pippin blobs list --unnamed`, then "
    "`pippin blobs adopt`.",
    Refusal.CLOSED: "See `pippin blobs list --unnamed`, then `pippin blobs adopt`.",
    Refusal.UNCLAIMED: "See `pippin blobs list --unnamed`, then `pippin blobs adopt`.",
    Refusal.UNREADABLE: "Use the Pippin that wrote it, or see `pippin blobs adopt`.",
    Refusal.LIMIT: "See `pippin blobs list --unnamed`, then `pippin blobs sweep`.",
}


def check_owner(settings: Settings) -> Iterator[Finding]:
    """Yield one finding; none for a remote worker, or if Redis or the blob store, checked elsewhere, cannot be used."""
    url = settings.redis_url.get_secret_value() if settings.redis_url else running_url(settings.home)
    if url is None or urlsplit(settings.blobs_url).scheme not in {"file", "s3"} or _is_absent_folder(settings):
        return
    store = Store(connect(url, retries=0))
    try:
        yield _ownership(store, Blobs(settings.blobs_url))
    except (StoreUnavailable, BlobError, RedisError):
        return
    finally:
        store.close()


def _is_absent_folder(settings: Settings) -> bool:
    # Opening the store would create the folder, which the doctor must not do.
    parts = urlsplit(settings.blobs_url)
    return parts.scheme == "file" and not Path(unquote(parts.path)).is_dir()


def _ownership(store: Store, blobs: Blobs) -> Finding:
    verdict = BlobOwnership(store, blobs).inspect()
    if verdict.refusal is Refusal.UNCLAIMED and store.blob_ledger.closed() is None:
        return ok(_CHECK, "the blob store has no owner yet; the service claims it when it starts")
    if verdict.refusal is not None:
        return fault(_CHECK, f"no blobs are deleted: {verdict.detail}", _ADVICE[verdict.refusal])
    report = store.blob_ledger.last_report()
    if report is not None and report.refusal is Refusal.LIMIT:
        return warning(_CHECK, f"no blobs are deleted: {report.detail}", _ADVICE[report.refusal])
    return ok(_CHECK, "the blob store belongs to this Redis")
