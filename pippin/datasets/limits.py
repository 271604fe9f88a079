"""Limits on uploaded datasets, and counters that enforce them."""

from dataclasses import dataclass

from pippin.datasets.errors import quoted, too_large


@dataclass(frozen=True)
class DatasetLimits:
    """Limits on an upload. They apply to the bytes and rows that are read, not to sizes that a header declares.

    Attributes:
        max_bytes: The size of the upload as sent.
        max_unpacked_bytes: The size of all its files, unpacked.
        max_files: The number of files in a ZIP, or sent together.
        max_examples: The number of examples in all splits together.
        max_arrays: The number of features times the number of splits.
        max_columns: The number of columns of a CSV.
        max_classes: The number of different class labels.
        max_label_characters: The length of one class label.
        max_labels_bytes: The size of all class labels together, in UTF-8.
        max_pixels: The number of pixels of one picture.
    """

    max_bytes: int = 2 * 2**30
    max_unpacked_bytes: int = 8 * 2**30
    max_files: int = 200_000
    max_examples: int = 10_000_000
    max_arrays: int = 256
    max_columns: int = 100_000
    max_classes: int = 10_000
    max_label_characters: int = 200
    max_labels_bytes: int = 2**19
    max_pixels: int = 64 * 2**20


class Labels:
    """Checks the different class labels of a dataset against the limits.

    Args:
        limits: The limits.
        advice: Advice about refused labels, for the message.
    """

    def __init__(self, limits: DatasetLimits, advice: str) -> None:
        self._limits = limits
        self._advice = advice
        self._count = 0
        self._bytes = 0

    def add(self, label: str, place: str) -> None:
        """Count a label that was not added before.

        Args:
            label: The label.
            place: Where the label is, for the message.

        Raises:
            DatasetTooLargeError: The label is too long, or there are too many labels or bytes of labels.
        """
        limits = self._limits
        self._count += 1
        self._bytes += len(label.encode(errors="surrogatepass"))
        if len(label) > limits.max_label_characters:
            raise too_large(
                f"{place}: the class label {quoted(label)} has {len(label):,} characters; "
                f"{limits.max_label_characters:,} are allowed (PIPPIN_MAX_LABEL_CHARACTERS); {self._advice}"
            )
        if self._count > limits.max_classes:
            raise too_large(
                f"{place}: there are more than {limits.max_classes:,} different class labels "
                f"(PIPPIN_MAX_DATASET_CLASSES); {self._advice}"
            )
        if self._bytes > limits.max_labels_bytes:
            raise too_large(
                f"{place}: the class labels take more than {limits.max_labels_bytes:,} bytes together "
                f"(PIPPIN_MAX_LABELS_BYTES); {self._advice}"
            )


class Budget:
    """The number of bytes that may still be unpacked, shared by all files of an upload against many small ZIP bombs."""

    def __init__(self, limits: DatasetLimits) -> None:
        self._limit = limits.max_unpacked_bytes
        self.left = limits.max_unpacked_bytes

    def spend(self, count: int, name: str) -> None:
        """Subtract `count` bytes that were unpacked from the file `name`.

        Raises:
            DatasetTooLargeError: The upload unpacks to more than the limit.
        """
        self.left -= count
        if self.left < 0:
            raise self.exhausted(name)

    def exhausted(self, name: str) -> Exception:
        """The error for an exceeded limit, with the file in which it was exceeded."""
        return too_large(f"the upload unpacks to more than the {self._limit:,} bytes allowed; noticed in {name}")
