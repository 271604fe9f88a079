"""A job's epochs as CSV (RFC 4180), for spreadsheets and data frames."""

import csv
from collections.abc import Iterable
from typing import TextIO

from pippin.api.metrics import EpochMetrics


def write_csv(file: TextIO, epochs: Iterable[EpochMetrics]) -> None:
    """Writes a row an epoch below a row of names; what was not measured is empty.

    Args:
        file: Open for text, with `newline=""`.
        epochs: Oldest first.
    """
    writer = csv.DictWriter(file, list(EpochMetrics.model_fields))
    writer.writeheader()
    for epoch in epochs:
        writer.writerow(epoch.model_dump(mode="json"))
