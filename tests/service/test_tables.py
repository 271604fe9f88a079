"""Tables like those in real files, over REST: accepted ones, and the messages for refused ones."""

import io
import re
import zipfile
from collections.abc import Callable

import httpx2
import pytest

from tests.support.problems import is_problem

PIXELS = ",".join(f"pixel{at}" for at in range(64))
ZEROS = ",".join(["0"] * 64)
FRAME = "\n".join(
    [",".join(map(str, range(65))), *(f"{label}," + ",".join(str(at * 3) for at in range(64)) for label in range(3))]
)
IRISES = "5.1,3.5,1.4,0.2,Iris-setosa\n4.9,3.0,1.4,0.2,Iris-virginica\n6.2,2.9,4.3,1.3,Iris-versicolor\n"
IDS = "a,b,label\n1,2,3000000001\n3,4,3000000002\n"


Send = Callable[..., httpx2.Response]


def zipped(**tables: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in tables.items():
            archive.writestr(f"{name}.csv", content)
    return file.getvalue()


def first_fault(answer: httpx2.Response) -> tuple[str, str]:
    """The place and the detail of the first fault of an invalid request."""
    error = is_problem(answer, 422, "invalid-request")["errors"][0]
    return error.get("parameter", error.get("pointer")), error["detail"]


@pytest.fixture
def send(http: httpx2.Client) -> Send:
    def send(name: str, content: str | bytes, **query: str) -> httpx2.Response:
        return http.post(
            "/datasets",
            params={"name": "table", **query},
            files={"file": (name, content.encode() if isinstance(content, str) else content)},
        )

    return send


@pytest.mark.parametrize(
    ("name", "content", "query", "parameter", "message"),
    [
        ("kaggle-test.csv", f"{PIXELS}\n{ZEROS}\n", {"shape": "1,8,8"}, "target", "one of its 64 columns"),
        ("kaggle-test.csv", f"{ZEROS}\n{ZEROS}\n", {}, "target", "the first column has the same number in every row"),
        ("both.csv", "a,y,Class\n1,2,3\n", {}, "target", "y, Class could each be the target"),
        ("iris.data", IRISES, {}, "target", "only column 5, target=5, holds text"),
        ("small.csv", "0,1,2\n7,8,1\n", {"target": "1"}, "header", "header=false if it is an example"),
        ("all.zip", zipped(train="a,label\n1,2\n", test="a,b\n1,2\n"), {}, "target", "test.csv: no column is called"),
    ],
)
def test_ambiguous_table_is_refused_at_the_parameter_that_decides(
    *, send: Send, name: str, content: str | bytes, query: dict[str, str], parameter: str, message: str
) -> None:
    place, detail = first_fault(send(name, content, **query))
    assert place == parameter
    assert message in detail


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ids.csv", IDS, "column 3 ('label'): 2 of 2 rows are whole numbers that would equal"),
        ("ids.csv", "id,label\n1,1\n16777217.0,2\n", "row 3, column 1 ('id'): the whole number '16777217'"),
        ("latin1.csv", b"a,b,label\n1,2,caf\xe9\n", "row 2: the byte 0xE9 is not UTF-8"),
        ("spaces.data", "1.0 2.0 0\n3.0 4.0 1\n", "no comma, semicolon, tab or pipe"),
        ("comment.csv", "# by tool\na,b,label\n1,2,x\n", "begins with '#', like a comment"),
        ("comma.csv", "a;b;label\n1,5;2,25;x\n", "'1,5' is not a number; it looks like … decimal comma"),
        ("rows.jsonl", '{"a": 1, "label": 2}\n', "is JSON"),
        ("age.csv", "age,label\n" + "n/a,1\n7,2\n" * 450, "450 of 900 rows are not numbers, first row 2"),
        ("cell.csv", "a,b,label\n1,,x\n3,4,y\n", "row 2, column 2 ('b'): the cell is empty"),
        ("nan.csv", "a,b,label\n1,NaN,x\n", "row 2, column 2 ('b'): 'nan' is not a finite number"),
        ("none.csv", "a,b,label\n1,2,\n3,4,y\n", "row 2, column 3 ('label') is empty"),
        ("index.csv", ",a,b,label\n0,1,2,x\n1,3,4,y\n", "column 1 has no name; it may be an index: … inputs="),
        ("ragged.csv", "a,b,label\n1,2,x\n3,4\n", "row 3 has 2 cells, not 3"),
    ],
)
def test_unusual_table_is_refused_with_advice(send: Send, name: str, content: str | bytes, message: str) -> None:
    place, detail = first_fault(send(name, content))
    assert place == ""
    assert re.search(re.escape(message).replace("…", ".*"), detail)


def test_thousands_separators_are_refused_with_advice(send: Send) -> None:
    _, detail = first_fault(send("prices.csv", 'size,price\n1,"197,095"\n2,"12,000"\n', target="price"))
    assert "'197,095' looks like numbers with a thousands separator" in detail


@pytest.mark.parametrize(
    ("name", "content", "query", "labels", "notice"),
    [
        ("frame.csv", FRAME, {"shape": "1,8,8"}, None, "row 1 numbers the columns"),
        ("mnist.csv", "5,0,255\n6,1,2\n", {}, None, "the target is column 1: the columns have no names"),
        ("all.zip", zipped(train="5,0,255\n6,1,2\n", test="3,7,9\n"), {}, None, "the target is column 1"),
        ("iris.data", IRISES, {"target": "5"}, 3, "became 3 classes: 'Iris-setosa', 'Iris-versicolor'"),
        ("mac.csv", "a,b,label\r1,2,x\r3,4,y\r", {}, 2, "lines that end in CR"),
        ("excel.txt", "a\tb\tlabel\r\n1\t2\tcafé\r\n".encode("utf-16"), {}, 1, "was read as UTF-16"),
        ("pipe.csv", "a|b|label\n1|2|x\n", {}, 1, "pipes between its cells"),
        ("quoted.csv", '"a, b";c;Label\n1;2;x\n', {}, 1, "the target is column 3 ('Label'), by its name"),
        ("bom.csv", "\ufefflabel,p0,p1\n0,1,2\n1,3,4\n", {}, None, "the target is column 1 ('label')"),
        ("bool.csv", "a,b,label\n1,2,True\n3,4,False\n", {}, 2, "2 classes: 'False', 'True'"),
        ("end.csv", "a,b,label\r\n1,2,x\r\n3,4,y\r\n\r\n", {}, 2, ""),
        ("emoji.csv", "a,b,label\n1,2,✊\n3,4,✋\n5,6,✌️\n", {}, 3, ""),
        ("newline.csv", 'a,b,label\n1,2,"x\ny"\n3,4,z\n', {}, 2, ""),
        ("spaces.csv", "a, b, label\n1, 2, x\n3, 4, y\n", {}, 2, ""),
        ("comma.tsv", "a\tb\tlabel\n1\t2\tx, y\n3\t4\tz\n", {}, 2, ""),
    ],
)
def test_assumptions_about_a_table_are_in_the_notices(
    *, http: httpx2.Client, send: Send, name: str, content: str | bytes, query: dict[str, str], labels: int, notice: str
) -> None:
    answer = send(name, content, **query)
    assert answer.status_code == 201, answer.text
    manifest = answer.json()
    assert (manifest["labels"] and len(manifest["labels"])) == labels
    assert any(notice in each for each in manifest["notices"])
    assert http.get("/datasets/table").json()["notices"] == manifest["notices"]
    assert http.get("/datasets").json()["data"][0]["notices"] == manifest["notices"]


def test_pixels_of_a_pandas_frame_are_bytes_with_their_labels(http: httpx2.Client, send: Send) -> None:
    manifest = send("frame.csv", FRAME, shape="1,8,8").json()
    assert manifest["splits"] == [{"name": "train", "examples": 3}]
    image = manifest["features"][0]
    assert (image["name"], image["dtype"], image["scale"]) == ("image", "uint8", pytest.approx(1 / 255))
    assert [each["label"] for each in http.get("/datasets/table/preview").json()["examples"]] == [[0], [1], [2]]
