"""The sample of MNIST that comes with Pippin: 10,000 training and 2,000 test digits; see ATTRIBUTION.md."""

from pathlib import Path

from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import Prepared
from pippin.datasets.prepare import prepare as prepare_upload
from pippin.datasets.upload import Upload

NAME = "mnist-sample"
"""The name of the dataset."""


def mnist_sample_path() -> Path:
    """The folder with the sample: four compressed IDX files, named as the files of MNIST."""
    return Path(__file__).parent


def prepare(workdir: Path) -> Prepared:
    """The sample as a dataset: splits `train` and `test`, features `image` and `label`.

    Args:
        workdir: As in `pippin.datasets.prepare.prepare`.
    """
    upload = Upload.of(*sorted(mnist_sample_path().glob("*-ubyte.gz")))
    return prepare_upload(upload, DatasetOptions(), DatasetLimits(), workdir)
