"""Image folders, archives and array files of common forms, over REST."""

import io
import unicodedata
from collections.abc import Mapping
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from pippin.models.mlmodel import build
from pippin.models.spec import resolve
from tests.pippin.datasets.samples import ORIENTATION, PNG, digits, labels_of, npz, picture, tar, zipped
from tests.service.conftest import Trained
from tests.support.problems import fault, faults

MEDMNIST = {"train": 6, "val": 3, "test": 2}
NFC, NFD = "Äpfel", unicodedata.normalize("NFD", "Äpfel")


def classifier(*labels: str) -> bytes:
    """A classifier of images of shape [1, 8, 8]."""
    spec = {
        "inputs": [{"name": "image", "shape": [1, 8, 8]}],
        "layers": [
            {"type": "flatten", "name": "flat"},
            {"type": "inner_product", "name": "dense", "output_channels": len(labels), "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
        "classifier": {"labels": list(labels), "predicted_feature": "fruit"},
    }
    return build(resolve(spec))


def folders(*paths: str) -> bytes:
    return zipped(dict.fromkeys(paths, PNG))


def ink() -> bytes:
    """A PNG that is opaque black in its left half and transparent in its right half."""
    file = io.BytesIO()
    layer = Image.new("RGB", (8, 8))
    layer.putalpha(Image.fromarray(np.repeat(np.array([[255] * 4 + [0] * 4], np.uint8), 8, axis=0)))
    layer.save(file, "PNG")
    return file.getvalue()


def test_class_names_are_compared_in_nfc_and_the_model_keeps_its_form(http: httpx2.Client) -> None:
    http.post("/datasets?name=nfd", content=folders(f"{NFD}/1.png", "Birnen/1.png")).raise_for_status()
    header = ",".join(["label", *(f"p{at}" for at in range(64))])
    rows = "".join(f"{name},{','.join('7' * 64)}\n" for name in (NFD, NFC, "Birnen"))
    table = http.post("/datasets?name=table&shape=1,8,8", content=f"{header}\n{rows}".encode())
    assert table.json()["labels"] == ["Birnen", NFC]
    for own in (NFC, NFD):
        model = http.post("/models", params={"name": own}, content=classifier(own, "Birnen"))
        assert model.json()["model"]["labels"] == [own, "Birnen"]
        for dataset in ("nfd", "table"):
            job = http.post("/jobs", json={"model": {"id": model.json()["id"]}, "dataset": dataset})
            assert job.status_code == 202, job.text


def test_exif_orientation_is_applied_and_noted(http: httpx2.Client) -> None:
    stored = {"a/1.jpg": picture((12, 8), form="JPEG", orientation=6), "b/1.png": picture((12, 8), orientation=8)}
    answer = http.post("/datasets?name=d", content=zipped(stored))
    assert answer.json()["features"][0]["shape"] == [1, 12, 8]
    assert answer.json()["notices"] == ["2 pictures, first 'a/1.jpg', were rotated upright by the orientation in EXIF"]
    assert http.get("/datasets/d").json()["notices"] == answer.json()["notices"]


# The gray value that a transparent pixel gets by each query.
PAPERS = [({}, 255), ({"background": "black"}, 0), ({"background": "404040"}, 64)]


@pytest.mark.parametrize(("background", "paper"), PAPERS, ids=str)
def test_transparency_is_composed_on_the_background(
    http: httpx2.Client, background: dict[str, str], paper: int
) -> None:
    query = {"name": "ink", "color": "gray"} | background
    answer = http.post("/datasets", params=query, content=zipped({"a/1.png": ink(), "b/1.png": ink()}))
    assert answer.status_code == 201, answer.text
    shown = http.get("/datasets/ink/preview").json()["examples"][0]["image"]
    assert shown == [[[0] * 4 + [paper] * 4] * 8]


def test_prediction_applies_exif_orientation_and_background(http: httpx2.Client, trained: Trained) -> None:
    url = f"/jobs/{trained(classifier('a', 'b'))}/predict"

    def answer(data: bytes, **query: str) -> Any:  # noqa: ANN401 (JSON)
        sent = http.post(url, params=query, content=data, headers={"content-type": "image/png"})
        assert sent.status_code == 200, sent.text
        return sent.json()["top"]

    def png(pixels: Any, orientation: int | None = None) -> bytes:  # noqa: ANN401 (an array of any order)
        file = io.BytesIO()
        exif = Image.Exif()
        if orientation:
            exif[ORIENTATION] = orientation
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", exif=exif)
        return file.getvalue()

    upright = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3
    expected = answer(png(upright))
    assert answer(png(upright.T)) != expected
    stored = {3: upright[::-1, ::-1], 5: upright.T, 6: upright.T[::-1], 8: upright.T[:, ::-1]}
    for orientation, pixels in stored.items():
        assert answer(png(pixels, orientation)) == expected
    for background, paper in PAPERS:
        flat = np.repeat(np.array([[0] * 4 + [paper] * 4], np.uint8), 8, axis=0)
        assert answer(ink(), **background) == answer(png(flat))
    wrong = http.post(url, params={"background": "none"}, content=ink(), headers={"content-type": "image/png"})
    numbers = http.post(url, params={"background": "black"}, json={"inputs": {"image": [[[0] * 8] * 8]}})
    assert "background" in faults(wrong)
    assert "background" in faults(numbers)


@pytest.mark.parametrize(
    "arrays",
    [
        {"x_test": digits(3), "x_train": digits(6), "y_train": labels_of(6), "y_test": labels_of(3)},
        {f"{split}_images": digits(count) for split, count in MEDMNIST.items()}
        | {f"{split}_labels": labels_of(count)[:, None] for split, count in MEDMNIST.items()},
        {"train_images": digits(4)[..., None], "train_labels": labels_of(4)},
    ],
    ids=["keras", "medmnist", "channels last"],
)
def test_keras_and_medmnist_array_names_are_recognized(http: httpx2.Client, arrays: Mapping[str, Any]) -> None:
    answer = http.post("/datasets?name=k", content=npz(**arrays))
    assert answer.status_code == 201, answer.text
    assert answer.json()["splits"][0]["name"] == "train"
    assert len(answer.json()["splits"]) == len(arrays) // 2
    http.post("/models?name=m", content=classifier("0", "1")).raise_for_status()
    job = http.post("/jobs", json={"model": {"id": "m"}, "dataset": "k"})
    assert job.status_code == 202, job.text


def test_unsupported_file_is_identified_in_one_sentence(http: httpx2.Client) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 131\n"
    for path, name, data, message in (
        ("/models", "m.mlmodel", pointer, "m.mlmodel is a Git LFS pointer, not the file itself"),
        ("/datasets", "d.tar.gz", tar({"a/1.png": PNG}, "w:gz"), "d.tar is a TAR archive"),
        ("/datasets", "zero.zip", zipped({"a/1.png": b"", "b/1.png": PNG}), "a/1.png is empty (0 bytes)"),
    ):
        _, detail = fault(http.post(path, params={"name": "x"}, files={"file": (name, data)}))
        assert detail.startswith(message)
