"""Where datasets and models are kept."""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pippin.blobs import BlobError, BlobRefusedError, Blobs
from pippin.cli.doctor.finding import Finding, fault, ok
from pippin.cli.doctor.secrecy import shown
from pippin.http.token_file import TokenFileError

_ADVICE_S3 = (
    "See that PIPPIN_BLOBS_URL names the bucket, that AWS_ENDPOINT_URL names the server unless it is Amazon's, and "
    "that AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are right."
)
_ADVICE_HTTP = "See that PIPPIN_BLOBS_URL is the address of the service, and that it runs (docs/remote-workers.md)."
_ADVICE_ACCESS = (
    "Have `pippin tokens create --role worker` make a token where the service is, write it to a file of mode 0600, and "
    "name that in PIPPIN_TOKEN_FILE (docs/remote-workers.md)."
)


def check_blobs(url: str, token_file: Path | None = None) -> Finding:
    """Whether the store can be asked: for a blob of a random name, which it should not have.

    A folder is looked at and not made.

    Args:
        url: Its address.
        token_file: Where the token is that a service demands.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return _folder(Path(unquote(urlsplit(url).path)))
    try:
        Blobs(url, token_file).head(f"sha256:{secrets.token_hex(32)}")
    except (BlobRefusedError, TokenFileError) as error:
        return fault("blobs", f"{shown(url)}: {error}", _ADVICE_ACCESS)
    except BlobError as error:
        advice = _ADVICE_HTTP if scheme in {"http", "https"} else _ADVICE_S3
        return fault("blobs", f"{shown(url)}: {error}", advice)
    return ok("blobs", f"{shown(url)} answers")


def _folder(folder: Path) -> Finding:
    if not folder.exists():
        parent = next(each for each in folder.parents if each.exists())
        if os.access(parent, os.W_OK | os.X_OK) and parent.is_dir():
            return ok("blobs", f"{folder} will be made")
        return fault("blobs", f"{folder} cannot be made in {parent}", "Name another folder in PIPPIN_BLOBS_URL.")
    if not folder.is_dir():
        return fault("blobs", f"{folder} is no folder", "Move that file away, or name another in PIPPIN_BLOBS_URL.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return fault("blobs", f"{folder} may not be used by this user", f"Run: sudo chown -R $(whoami) '{folder}'")
    return ok("blobs", f"the folder {folder}, which must be the service's own")
