"""Draws the packaged sample of MNIST: the same digits with any version of Python and NumPy.

    python tools/draw_mnist_sample.py FOLDER_WITH_THE_FOUR_FILES

For each digit the sample has the 1,000 training examples and the 200 test examples with the smallest SHA-256 of
"mnist-sample/<split>/<number of the example, from 0>", in their original order.
"""

import gzip
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np

from pippin.datasets.limits import DatasetLimits
from pippin.datasets.mnist import collect
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import parse
from pippin.datasets.sample import NAME, mnist_sample_path

_DRAWN = {"train": ("train", 1000), "test": ("t10k", 200)}


def _rank(split: str, example: int) -> bytes:
    return hashlib.sha256(f"{NAME}/{split}/{example}".encode()).digest()


def _write(path: Path, values: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    header = bytes([0, 0, 0x08, values.ndim]) + b"".join(length.to_bytes(4, "big") for length in values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), compresslevel=9, mtime=0))


def main() -> None:
    """Read the four files, draw the sample, and write it to the folder in the package."""
    with tempfile.TemporaryDirectory() as workdir:
        mnist = parse(collect(Path(sys.argv[1])), DatasetOptions(), DatasetLimits(), Path(workdir))
        for split, (prefix, count) in _DRAWN.items():
            images, labels = mnist.splits[split]["image"], mnist.splits[split]["label"][:, 0]
            drawn = sorted(
                int(example)
                for digit in range(10)
                for example in sorted(np.flatnonzero(labels == digit), key=lambda at: _rank(split, int(at)))[:count]
            )
            _write(mnist_sample_path() / f"{prefix}-images-idx3-ubyte.gz", images[drawn, 0])
            _write(mnist_sample_path() / f"{prefix}-labels-idx1-ubyte.gz", labels[drawn].astype(np.uint8))


if __name__ == "__main__":
    main()
