from pathlib import Path

import numpy as np

from pippin.datasets import sample
from pippin.datasets.arrays import open_arrays
from pippin.system.digests import digest_of


def test_sample_has_its_recorded_digest_and_equally_many_of_every_digit(tmp_path: Path) -> None:
    prepared = sample.prepare(tmp_path)
    digest, _ = digest_of(prepared.arrays_path)
    assert digest == "sha256:2e2384c40b7ed08252c5d90be7eaf10a75ba7630b08162620d79490f443fd32b"
    assert [(split.name, split.examples) for split in prepared.splits] == [("train", 10_000), ("test", 2_000)]
    assert prepared.format == "idx"
    arrays = open_arrays(prepared.arrays_path)
    assert arrays["train/image"].shape == (10_000, 1, 28, 28)
    assert np.bincount(arrays["train/label"][:, 0]).tolist() == [1000] * 10
    assert np.bincount(arrays["test/label"][:, 0]).tolist() == [200] * 10


def test_sample_is_small_and_has_its_attribution() -> None:
    folder = sample.mnist_sample_path()
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 2_000_000
    attribution = (folder / "ATTRIBUTION.md").read_text()
    assert all(name in attribution for name in ("LeCun", "Cortes", "Burges"))
