"""The options of an upload: how to read its files."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pippin.api.datasets import Format
from pippin.datasets.errors import DatasetError, refuse
from pippin.datasets.picture_decoding import BACKGROUND_PATTERN
from pippin.documents.hints import did_you_mean
from pippin.errors import Fault, pointer
from pippin.models.spec.explain import explain

Columns = dict[str, tuple[str, ...]]
"""Feature name -> the CSV columns that make it up, in order."""


def _parsed_groups(value: object) -> object:
    """`size:width,height;age` as a mapping. A name without columns is a column that is the feature of the same name."""
    if not isinstance(value, str):
        return value
    groups: dict[str, list[str]] = {}
    for group in value.split(";"):
        name, _, columns = group.partition(":")
        if name in groups:
            raise ValueError(f"the name {name!r} occurs twice")
        groups[name] = columns.split(",") if columns else [name]
    return groups


def _check_groups(groups: Columns) -> Columns:
    if not groups or any(not name or not columns or not all(columns) for name, columns in groups.items()):
        raise ValueError("give columns as size:width,height;age, each group with a name and at least one column")
    return groups


def _check_single_group(groups: Columns) -> Columns:
    if len(groups) != 1:
        raise ValueError("give one target, such as price, or corner:x,y for a target of several columns")
    return groups


def _split_numbers(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


_Groups = Annotated[Columns, BeforeValidator(_parsed_groups), AfterValidator(_check_groups)]


class DatasetOptions(BaseModel):
    """The query parameters of `POST /datasets`, `name` apart."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Format | None = Field(default=None, description="idx, csv, npz or images. Default: recognised.")
    scale: float | None = Field(
        default=None,
        gt=0,
        description="Factor for uint8 values before training. Default: 1/255 for pictures, else none.",
    )
    target: Annotated[_Groups, AfterValidator(_check_single_group)] | None = Field(
        default=None,
        description="CSV: the column to predict, or several as `corner:x,y`. Default: the column called `label`, "
        "`target`, `class` or `y`, in any case. Without a header, columns are named by their numbers, from 1.",
    )
    inputs: _Groups | None = Field(
        default=None,
        description="CSV: the columns of each feature, as `size:width,height;age`. Default: one feature of all "
        "columns but the target.",
    )
    shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_split_numbers)] | None = Field(
        default=None,
        min_length=1,
        max_length=5,
        description="CSV: the shape of an example, as `1,28,28`, if all columns but the target are one feature.",
    )
    header: bool | None = Field(
        default=None,
        description="CSV: whether the first row holds column names. Default: recognised; an ambiguous file is refused.",
    )
    color: Literal["gray", "rgb"] | None = Field(
        default=None, description="Images: convert all to this. Default: all must be like the first one."
    )
    background: Annotated[str, Field(pattern=BACKGROUND_PATTERN)] | None = Field(
        default=None,
        description="Images: background of transparent pixels: white, black or a color such as `ff8000`. Default: "
        "white.",
    )

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Parse the strings of a query or a command line.

        Raises:
            DatasetError: A parameter is unknown or invalid; the pointer is its name.
        """
        try:
            return cls.model_validate(query)
        except ValidationError as error:
            raise DatasetError(_explained(fault) for fault in explain(error, cls, query)) from None

    def check_used(self, format_: Format, used: frozenset[str]) -> None:
        """Refuse options that have no effect on a format.

        Raises:
            DatasetError: There is such an option.
        """
        for name in sorted(self.model_fields_set - used - {"format"}):
            if getattr(self, name) is not None:
                takes = ", ".join(sorted(used))
                raise refuse(f"{name} has no effect on the format {format_}, whose options are {takes}", pointer(name))


def _explained(fault: Fault) -> Fault:
    name = fault.pointer[1:]
    if name == "background":
        color = "give white, black, or any color as six hexadecimal digits of its red, green and blue, such as ff8000"
        return Fault(fault.pointer, color)
    if name in DatasetOptions.model_fields:
        return fault
    known = tuple(DatasetOptions.model_fields)
    listed = f"{name} is not an option of a dataset; the options are {', '.join(known)}"
    return Fault(fault.pointer, f"{listed}{did_you_mean(name, known)}")
