"""How large an uploaded dataset may be."""

from dataclasses import dataclass

from pippin.datasets.errors import quoted, too_large


@dataclass(frozen=True)
class DatasetLimits:
    """Limits that hold while an upload is read: counted as bytes and rows come, whatever a header declares.

    Attributes:
        max_bytes: Of the upload as sent.
        max_unpacked_bytes: Of everything in it, unpacked.
        max_files: In a ZIP, or sent together.
        max_examples: In all splits together.
        max_arrays: Features times splits.
        max_columns: Of a CSV.
        max_classes: Different class labels.
        max_label_characters: Of one class label.
        max_labels_bytes: Of all class labels together, in UTF-8.
        max_pixels: Of one image.
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
    """Checks class labels as they are met, each once.

    Args:
        limits: What they are checked against.
        advice: What to do about labels that are refused, for the message.
    """

    def __init__(self, limits: DatasetLimits, advice: str) -> None:
        self._limits = limits
        self._advice = advice
        self._count = 0
        self._bytes = 0

    def add(self, label: str, place: str) -> None:
        """One more different label.

        Args:
            label: It.
            place: Where it stands, for the message.

        Raises:
            DatasetTooLargeError: It is too long, or there are too many of them, or they take too many bytes.
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
    """What may still be unpacked. One budget serves a whole upload, so a bomb in many files is a bomb too."""

    def __init__(self, limits: DatasetLimits) -> None:
        self._limit = limits.max_unpacked_bytes
        self.left = limits.max_unpacked_bytes

    def spend(self, count: int, name: str) -> None:
        """Takes `count` bytes that came out of the file `name`.

        Raises:
            DatasetTooLargeError: The whole upload unpacks to more than it may.
        """
        self.left -= count
        if self.left < 0:
            raise self.exhausted(name)

    def exhausted(self, name: str) -> Exception:
        """The error that says so, at the file where it was noticed."""
        return too_large(f"the upload unpacks to more than the {self._limit:,} bytes allowed; noticed in {name}")
