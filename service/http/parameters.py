"""Query parameters that several routes take: cursors of lists, and names for what is uploaded."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, WithJsonSchema

from pippin.api.names import checked
from pippin.ids import PATTERN, is_id
from pippin.models.spec.explain import shown


def _cursor_of(prefix: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        # An empty value counts as none: forms send it.
        if text and not is_id(text, prefix):
            raise ValueError(f"found {shown(text)}; needs the `next` of the page before, such as {prefix}_01k9…")
        return text

    return check


def _described(prefix: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{prefix}_{PATTERN})?$"})


_AFTER = Query(description="The `next` of the page before.")

AfterJob = Annotated[Annotated[str, AfterValidator(_cursor_of("job")), _described("job")] | None, _AFTER]
"""The cursor of a list of jobs."""

AfterDataset = Annotated[Annotated[str, AfterValidator(_cursor_of("ds")), _described("ds")] | None, _AFTER]
"""The cursor of a list of datasets."""

AfterModel = Annotated[Annotated[str, AfterValidator(_cursor_of("model")), _described("model")] | None, _AFTER]
"""The cursor of a list of models."""

DatasetReference = Annotated[
    str, Path(description="The dataset's id, its name, the beginning of its id, or `last` for the newest.")
]
"""The dataset that a path names."""

ModelReference = Annotated[
    str, Path(description="The model's id, its name, the beginning of its id, or `last` for the newest.")
]
"""The model that a path names."""

NewName = Annotated[str, AfterValidator(checked)]
"""The name of an upload."""
