"""Finds the job, dataset or model that a person names: by id, by name, by the beginning of its id, or as the `last`.

The rules are the same for all three kinds, in this order:

- `last` is the newest;
- a whole id, or the name of one record;
- the beginning of an id, of at least four characters after `job_`, `ds_` or `model_`, that no other id has.

Names of jobs need not be unique: a name of several is refused, with their ids.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from pippin.cli.exits import Exit, ToldError
from pippin.cli.figures import counted
from pippin.jobs.ids import is_id

if TYPE_CHECKING:
    from pippin.client import Client

LAST = "last"

_LEAST = 4  # characters of an id after its prefix
_MOST_SEARCHED = 1000  # a name or a beginning is looked for among so many, the newest
_MOST_LISTED = 5


class _Record(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str | None: ...


def job_id(client: "Client", named: str) -> str:
    """The id of a job."""
    return named if is_id(named, "job") else _found("job", "job", named, client.jobs(limit=_MOST_SEARCHED))


def dataset_id(client: "Client", named: str) -> str:
    """The id of a dataset."""
    return named if is_id(named, "ds") else _found("dataset", "ds", named, client.datasets(), client.dataset)


def model_id(client: "Client", named: str) -> str:
    """The id of an uploaded model."""
    return named if is_id(named, "model") else _found("model", "model", named, client.models(), client.model)


def _found(
    kind: str,
    prefix: str,
    named: str,
    newest_first: Iterator[_Record],
    look_up: Callable[[str], _Record] | None = None,
) -> str:
    """The id of the record that is meant.

    Args:
        kind: What the record is.
        prefix: Begins its id.
        named: What the person gave.
        newest_first: The records; nothing is asked of the service before one is taken.
        look_up: Asks the service for the record of a name, where names are unique.

    Raises:
        ToldError: None is meant, or several are.
    """
    from pippin.client import ServiceError

    if named == LAST:
        newest = next(newest_first, None)
        if newest is None:
            raise ToldError(Exit.REFUSED, f"There is no {kind} yet.")
        return newest.id
    if look_up is not None:
        try:
            return look_up(named).id
        except ServiceError as error:
            if error.status != 404:
                raise
    records = list(islice(newest_first, _MOST_SEARCHED))
    matches = [each for each in records if each.name == named]
    if not matches and named.startswith(f"{prefix}_"):
        if len(named) < len(prefix) + 1 + _LEAST:
            what = f"There is no {kind} {named!r}; of an id, give {_LEAST} characters or more after {prefix}_."
            raise ToldError(Exit.REFUSED, what, now=_where(kind))
        matches = [each for each in records if each.id.startswith(named)]
    if not matches:
        among = f" among the newest {_MOST_SEARCHED:,}" if len(records) == _MOST_SEARCHED else ""
        raise ToldError(Exit.REFUSED, f"There is no {kind} {named!r}{among}.", now=_where(kind))
    if len(matches) > 1:
        shown = [f"{each.id}  {each.name or '-'}" for each in matches[:_MOST_LISTED]]
        more = [f"and {len(matches) - _MOST_LISTED:,} more"] if len(matches) > _MOST_LISTED else []
        what = f"{named!r} matches {counted(len(matches), kind)}, the newest first:"
        raise ToldError(Exit.REFUSED, what, [*shown, *more], "Give the id of one of them, or more of it.")
    return matches[0].id


def _where(kind: str) -> str:
    return "`pippin jobs` shows them." if kind == "job" else f"`pippin {kind}s list` shows them."
