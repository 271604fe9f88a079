"""Which rows of a split a job trains on, told from its request alone."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pippin.api.requests import ResolvedRequest
from pippin.datasets.examples import held_out_rows, rows_without


class TrainingRows(BaseModel):
    """How a job divides the split that it trains on."""

    model_config = ConfigDict(frozen=True)

    validation_fraction: float | None = Field(description="The share that it holds out; null for none.")
    seed: int = Field(description="Draws the rows that are held out.")

    @classmethod
    def of(cls, request: ResolvedRequest) -> "TrainingRows":
        """Those of a job."""
        fraction = request.dataset.validation_fraction
        # Without a share the seed draws nothing, and jobs that differ in it train on the same rows.
        return cls(validation_fraction=fraction, seed=0 if fraction is None else request.hyperparameters.seed)

    def held_out(self, count: int) -> NDArray[np.intp]:
        """The rows that are held out, out of `count`; none without a share."""
        if self.validation_fraction is None:
            return np.empty(0, dtype=np.intp)
        return held_out_rows(count, self.validation_fraction, self.seed)

    def trained_on(self, count: int) -> NDArray[np.intp]:
        """The rows that are trained on, out of `count`."""
        return rows_without(count, self.held_out(count))
