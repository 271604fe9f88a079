import json
from pathlib import Path

import numpy as np
import pytest

from pippin.errors import PippinError
from tests.pippin.client.conftest import Ask, Serve
from tests.support.scripted_server import Answer

PREDICTION = {"outputs": {"y": [[0.25, 0.75]]}, "labels": None, "top": [[{"label": 1, "probability": 0.75}]]}
REPORT = {
    "loss": None, "accuracy": 0.5, "examples": 2, "confusion": {"labels": ["a", "b"], "matrix": [[1, 1], [0, 0]]},
    "worst": [{"row": 1, "label": "a", "predicted": "b", "probability": None}],
    "dataset": "ds_1", "split": "test", "seconds": 0.5, "news": "of a later version",
}  # fmt: skip


def test_arrays_of_any_library_are_sent_as_lists(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, PREDICTION))
    prediction = ask(server.url, "predict", "job_1", {"x": np.array([[1, 2]]), "z": [3]}, top=1)
    assert prediction.top[0][0].label == 1
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/jobs/job_1/predict?top=1")
    assert json.loads(seen.body) == {"inputs": {"x": [[1, 2]], "z": [3]}}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff...", "image/jpeg"),
        (b"P5 1 1 255\n.", "image/x-portable-graymap"),
    ],
)
def test_picture_type_is_detected_from_its_content(
    *, data: bytes, kind: str, ask: Ask, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(data)
    # The first connection breaks: a prediction can be repeated.
    server = serve(None, Answer(200, PREDICTION))
    assert ask(server.url, "predict", "job_1", str(tmp_path / "file")).outputs == PREDICTION["outputs"]
    assert [(seen.headers["content-type"], seen.body) for seen in server.seen] == [(kind, data)] * 2


def test_file_that_is_no_picture_is_not_sent(ask: Ask, serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(500))
    (tmp_path / "file.png").write_text("hello")
    with pytest.raises(PippinError, match=r"file\.png is not a PNG, JPEG or PGM"):
        ask(server.url, "predict", "job_1", tmp_path / "file.png")
    with pytest.raises(FileNotFoundError):
        ask(server.url, "predict", "job_1", tmp_path / "none.png")
    assert server.seen == []


def test_evaluation_sends_only_the_given_fields(ask: Ask, serve: Serve) -> None:
    server = serve(Answer(200, REPORT))
    report = ask(server.url, "evaluate", "job_1", "tiny")
    assert report.confusion.matrix == [[1, 1], [0, 0]]
    assert report.worst[0].probability is None
    ask(server.url, "evaluate", "job_1", "tiny", split="train", bind={"x": "y"}, max_examples=3)
    assert [json.loads(seen.body) for seen in server.seen] == [
        {"dataset": "tiny"},
        {"dataset": "tiny", "split": "train", "bind": {"x": "y"}, "max_examples": 3},
    ]
