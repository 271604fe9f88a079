"""Examples as Core ML reads them: a batch that makes each example only when it is asked for.

Both classes live in Objective-C's one space of names; their methods are selectors of Core ML's protocols.
"""

from typing import Any

import CoreML  # noqa: F401 - the protocols are there once it is loaded
import objc
from Foundation import NSObject
from numpy.typing import NDArray

from worker.engines.coreml.features import FeatureColumn


class PippinExample(  # type: ignore[call-arg] # the keyword is PyObjC's
    NSObject,  # type: ignore[misc] # it has no type in Python
    protocols=[objc.protocolNamed("MLFeatureProvider")],
):
    """One example, as an `MLFeatureProvider`.

    Attributes:
        values: `MLFeatureValue`s by name.
        kept: The memory that some of them point to and do not hold.
    """

    values: dict[str, Any]
    kept: list[NDArray[Any] | None]

    def featureNames(self) -> set[str]:  # noqa: N802 - a selector's name
        """What the example holds."""
        return set(self.values)

    def featureValueForName_(self, name: str) -> Any:  # noqa: ANN401, N802 - an MLFeatureValue, by a selector's name
        """One value, None for a name that the example does not hold."""
        return self.values.get(name)


class PippinExamples(  # type: ignore[call-arg] # see above
    NSObject,  # type: ignore[misc] # see above
    protocols=[objc.protocolNamed("MLBatchProvider")],
):
    """Rows of some features, as an `MLBatchProvider`; Core ML may ask for them on any thread and more than once.

    Attributes:
        columns: The features.
        start: The first row.
        length: How many rows.
    """

    columns: tuple[FeatureColumn, ...]
    start: int
    length: int

    def count(self) -> int:
        """How many examples there are."""
        return self.length

    def featuresAtIndex_(self, index: int) -> PippinExample:  # noqa: N802 - a selector's name
        """One example."""
        row = self.start + index
        # Core ML's own loop over the examples may not free what each of them leaves.
        with objc.autorelease_pool():
            made = {column.name: column.make(column.rows[row]) for column in self.columns}
            example: PippinExample = PippinExample.alloc().init()
            example.values = {name: value for name, (value, _) in made.items()}
            example.kept = [memory for _, memory in made.values()]
        return example


def batch_of(columns: tuple[FeatureColumn, ...], start: int, length: int) -> PippinExamples:
    """The rows `start` to `start + length` of the features."""
    batch: PippinExamples = PippinExamples.alloc().init()
    batch.columns, batch.start, batch.length = columns, start, length
    return batch
