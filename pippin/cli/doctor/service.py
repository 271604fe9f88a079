"""The service that hands out the jobs."""

from pippin.cli.doctor.finding import Finding, fault, ok, warning
from pippin.cli.doctor.secrecy import shown
from pippin.client import Client, ServiceError, ServiceUnreachable
from pippin.http.token_file import TokenFileError

_UNAVAILABLE = 503
_UNAUTHORIZED = frozenset({401, 403})


def check_service(url: str, *, named: bool) -> Finding:
    """Whether it answers, and reaches what it needs.

    Args:
        url: Its address.
        named: Whether PIPPIN_URL names it. A worker can do without, so its absence is no fault where nobody named it.
    """
    where = shown(url)
    try:
        with Client(url, patience=0) as client:
            if client.is_ready():
                return ok("service", f"{where} is ready")
            # Its answer says what it lacks, and whether it is Pippin's at all.
            client.workers()
    except ServiceUnreachable as error:
        if named:
            advice = "See that the service runs and that PIPPIN_URL has its host and port."
            return fault("service", str(error), advice)
        advice = "Set PIPPIN_URL to the service's address; `pippin up` starts one here."
        return warning("service", f"PIPPIN_URL is not set, and none runs at {where}", advice)
    except TokenFileError as error:
        return fault("service", str(error), "Correct PIPPIN_TOKEN_FILE (docs/security.md).")
    except ServiceError as error:
        if error.status in _UNAUTHORIZED:
            # It is asked for its workers once it has said that it is not ready.
            return fault(
                "service", f"{where} answers, but is not ready", f"`curl {where}/readyz` and its log say more."
            )
        if error.status != _UNAVAILABLE:
            advice = "Set PIPPIN_URL to the address of Pippin's service, without a path."
            return fault("service", f"{where} answers, but not as Pippin does: {error}", advice)
        why = f": {error.detail}" if error.detail else ""
    else:
        why = ": its blobs cannot be reached"
    return fault("service", f"{where} answers, but is not ready{why}", f"`curl {where}/readyz` and its log say more.")
