"""`pippin predict` and `evaluate` against a whole, real Pippin."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.client import Client
from tests.conftest import Up
from tests.pippin.cli.conftest import Invoke
from tests.support.specs import digits_spec, regression_spec

EXAMPLES = 30
Pictures = NDArray[np.uint8]


def trained(up: Up, spec: dict[str, Any], dataset: str | dict[str, Any]) -> str:
    """The id of a job that has succeeded."""
    with Client(up.url) as client:
        ended = client.wait(client.submit({"model": {"spec": spec}, "dataset": dataset}).id, timeout=60)
    assert ended.status == "succeeded", ended.reason
    return ended.id


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """A bright line for each digit in a row of its own: the classes are linearly separable."""
    shown = np.zeros((EXAMPLES, 1, 28, 28), np.uint8)
    for row in range(EXAMPLES):
        shown[row, 0, 2 * (row % 10)] = 255
    return shown


@pytest.fixture(scope="module")
def job(running_up: Up, pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job trained on the pictures."""
    file = tmp_path_factory.mktemp("lines") / "lines.npz"
    truth = (np.arange(EXAMPLES, dtype=np.int32) % 10).reshape(-1, 1)
    arrays: dict[str, Any] = {
        "train/image": pictures,
        "train/digit_true": truth,
        "test/image": pictures[:10],
        "test/digit_true": truth[:10],
    }
    np.savez(file, **arrays)
    with Client(running_up.url) as client:
        client.add_dataset("lines", [file])
    return trained(running_up, digits_spec(mini_batch_size=5, epochs=20), "lines")


@pytest.fixture(scope="module")
def held_out_job(running_up: Up, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job trained on prices, with a fifth of them held out."""
    file = tmp_path_factory.mktemp("prices") / "prices.csv"
    file.write_text("price,size\n" + "".join(f"{3.5 * size + 1.25},{size / 10}\n" for size in range(30)))
    with Client(running_up.url) as client:
        client.add_dataset("prices", [file], options={"target": "price"})
    spec = regression_spec("size", 1, "price", learning_rate=0.01, mini_batch_size=5)
    return trained(running_up, spec, {"id": "prices", "validation_fraction": 0.2})


def test_prediction_of_a_picture_shows_bars(with_service: Invoke, job: str, pictures: Pictures, tmp_path: Path) -> None:
    Image.fromarray(pictures[4, 0]).save(tmp_path / "four.png")
    heading, first, *rest = with_service.ok("predict", job, tmp_path / "four.png", "--top", "3").splitlines()
    assert heading.split() == ["CLASS", "PROBABILITY"]
    label, share, bar = first.split()
    assert label == "4"
    assert len(bar) == round(30 * float(share.rstrip("%")) / 100)
    assert len(rest) == 2


def test_arrays_from_json_and_npz_are_not_scaled(
    with_service: Invoke, job: str, pictures: Pictures, tmp_path: Path
) -> None:
    images = pictures[[7, 1]].astype(np.float32) / np.float32(255)
    np.savez(tmp_path / "two.npz", image=images)
    (tmp_path / "two.json").write_text(json.dumps({"inputs": {"image": images.tolist()}}))
    (tmp_path / "bare.json").write_text(json.dumps({"image": images.tolist()}))
    prediction = with_service.json("predict", job, tmp_path / "two.npz")
    for name in ("two.json", "bare.json"):
        assert with_service.json("predict", job, tmp_path / name) == prediction
    assert [choices[0]["label"] for choices in prediction["top"]] == [7, 1]
    text = with_service.ok("predict", job, tmp_path / "two.npz", "--top", "1")
    assert "example 0" in text
    assert "example 1" in text


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("none.png", None, 2, "cannot be read: No such file"),
        ("none.json", None, 2, "cannot be read: No such file"),
        ("none.npz", None, 2, "cannot be read: No such file"),
        ("text.png", b"hello", 2, "text.png is not a PNG, JPEG or PGM"),
        ("broken.png", b"\x89PNG\r\n\x1a\n", 3, "not a PNG, JPEG or PGM"),
        ("broken.json", b"{", 3, "broken.json is not JSON"),
        ("list.json", b"[1]", 3, "list.json must contain arrays by input name"),
        ("broken.npz", b"x", 3, "broken.npz is not an NPZ file of plain arrays"),
        ("short.json", b'{"image": [[[1, 2]]]}', 3, "inputs.image[0]: found a list of 1; needs a list of 28"),
    ],
)
def test_unusable_prediction_input_is_refused(
    *, name: str, content: bytes | None, code: int, said: str, with_service: Invoke, job: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert said in with_service.refused(code, "predict", job, tmp_path / name)


def test_evaluation_prints_its_confusion_matrix(with_service: Invoke, job: str) -> None:
    first, heading, *rows = with_service.ok("evaluate", job, "--dataset", "lines").splitlines()
    assert first.startswith("loss ")
    assert "accuracy 100.00% on 10 examples of test" in first
    assert heading.split() == ["TRUE", "\\", "PREDICTED", *map(str, range(10))]
    assert [row.split() for row in rows] == [
        [str(digit), *("1" if other == digit else "·" for other in range(10))] for digit in range(10)
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "on 6 examples of train that the job held out"),
        (["--part", "trained_on"], "on 24 examples of train that the job trained on"),
        (["--split", "train"], "Warning: 24 of the 30 examples were trained on"),
    ],
)
def test_evaluation_names_the_evaluated_rows(
    asked: list[str], said: str, with_service: Invoke, held_out_job: str
) -> None:
    shown = with_service.ok("evaluate", held_out_job, "--dataset", "prices", *asked)
    assert said in shown
    assert ("Warning: " in shown) == bool(asked)


def test_an_evaluation_of_quantities_lists_the_largest_errors(with_service: Invoke, held_out_job: str) -> None:
    first, *errors = with_service.ok("evaluate", held_out_job).splitlines()
    assert first.startswith("loss ")
    assert "accuracy" not in first
    assert len(errors) == 5
    for line in errors:
        assert re.fullmatch(r"row \d+: expected \S+, predicted \S+ \(loss [\d,.]+\)", line), line


def test_evaluation_as_json_uses_the_given_options(with_service: Invoke, job: str) -> None:
    report = with_service.json("evaluate", job, "--dataset", "lines", "--split", "train", "--max-examples", "5")
    assert (report["split"], report["examples"], report["accuracy"]) == ("train", 5, 1)
    assert "There is no dataset nothing." in with_service.refused(3, "evaluate", job, "--dataset", "nothing")
