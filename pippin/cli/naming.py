"""The id of the record that a person names: by id, by name, by the beginning of its id, or as the `last`.

The service knows what is meant. A command asks it once, before its first call: what it prints, and what it asks of the
service afterwards, is about that record, even if another becomes the newest meanwhile.
"""

from typing import TYPE_CHECKING

from pippin.ids import is_id

if TYPE_CHECKING:
    from pippin.client import Client


def job_id(client: "Client", named: str) -> str:
    """The id of a job."""
    return named if is_id(named, "job") else client.job(named).id


def dataset_id(client: "Client", named: str) -> str:
    """The id of a dataset."""
    return named if is_id(named, "ds") else client.dataset(named).id


def model_id(client: "Client", named: str) -> str:
    """The id of an uploaded model."""
    return named if is_id(named, "model") else client.model(named).id
