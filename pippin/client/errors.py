"""The errors of the client."""

from collections.abc import Iterable
from typing import Any

from pippin.errors import Fault, PippinError


class ServiceError(PippinError):
    """The service refused the request (RFC 9457), or the response does not come from a Pippin service.

    Attributes:
        status: The HTTP status.
        title: The kind of problem, the same for every occurrence.
        detail: A sentence about this occurrence.
        faults: The faults in the request; a fault in the query has the parameter's name instead of a pointer.
    """

    def __init__(self, status: int, title: str, detail: str = "", faults: Iterable[Fault] = ()) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.faults: tuple[Fault, ...] = tuple(faults)
        shown = "; ".join(f"{fault.pointer}: {fault.detail}".removeprefix(": ") for fault in self.faults[:5])
        more = f"; and {len(self.faults) - 5} more" if len(self.faults) > 5 else ""
        text = " ".join(part for part in (f"{title} ({status}).", detail) if part)
        super().__init__(f"{text} {shown}{more}".rstrip())

    @classmethod
    def of_problem(cls, status: int, problem: object, reason_phrase: str) -> "ServiceError":
        """The error that an `application/problem+json` body describes; missing members are left out.

        Args:
            status: The HTTP status of the response.
            problem: The parsed body; a value other than an object is treated as an empty one.
            reason_phrase: The reason phrase of the status line, for a body without a title.
        """
        members: dict[str, Any] = problem if isinstance(problem, dict) else {}
        errors = members.get("errors")
        faults = [
            Fault(
                str(error.get("pointer") or error.get("parameter") or ""),
                str(error.get("detail") or ""),
                str(error["rule"]) if error.get("rule") else None,
            )
            for error in (errors if isinstance(errors, list) else [])
            if isinstance(error, dict)
        ]
        title = str(members.get("title") or reason_phrase or "The service refused the request")
        return cls(status, title, str(members.get("detail") or ""), faults)


class ServiceUnreachable(PippinError):  # noqa: N818 - reads as what happened: "except ServiceUnreachable"
    """No response arrived within the client's patience.

    Attributes:
        url: The service's address, without a password.
        is_absent: Whether no process listens at that address.
    """

    def __init__(self, url: str, why: str, *, is_absent: bool = False) -> None:
        self.url = url
        self.is_absent = is_absent
        super().__init__(f"No response from {self.url}: {why}")


class DamagedDownloadError(PippinError):
    """The bytes received do not have the digest that the service sent; no file was kept."""
