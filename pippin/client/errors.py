"""What can go wrong between a client and the service."""

from collections.abc import Iterable
from typing import Any

from pippin.errors import Fault, PippinError


class ServiceError(PippinError):
    """The service understood the call and refused it (RFC 9457), or answered what Pippin never answers.

    Attributes:
        status: The HTTP status.
        title: What kind of problem it is, the same for every occurrence.
        detail: A sentence about this occurrence.
        faults: Each fault in what was sent; a fault in the query has the parameter's name where others have a pointer.
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
        """The error that a `application/problem+json` body tells of; whatever is not there is left out.

        Args:
            status: The HTTP status of the answer.
            problem: The parsed body; anything but an object counts as none.
            reason_phrase: The status line's words, for a body without a title.
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
        title = str(members.get("title") or reason_phrase or "The service refused the call")
        return cls(status, title, str(members.get("detail") or ""), faults)


class ServiceUnreachable(PippinError):  # noqa: N818 - reads as what happened: "except ServiceUnreachable"
    """No answer came, although the call was tried again for as long as it may be.

    Attributes:
        url: The service that was asked, without a password.
        is_absent: Whether nothing listens at that address.
    """

    def __init__(self, url: str, why: str, *, is_absent: bool = False) -> None:
        self.url = url
        self.is_absent = is_absent
        super().__init__(f"No answer from {self.url}: {why}")


class DamagedDownloadError(PippinError):
    """What arrived is not what the service said that it would send; nothing was kept."""
