"""Tables over REST: the place of a refusal, and the notices about what was assumed."""

from collections.abc import Callable

import httpx2
import pytest

from tests.support.problems import is_problem

Send = Callable[..., httpx2.Response]


@pytest.fixture
def send(http: httpx2.Client) -> Send:
    def send(name: str, content: bytes, **query: str) -> httpx2.Response:
        return http.post("/datasets", params={"name": "table", **query}, files={"file": (name, content)})

    return send


@pytest.mark.parametrize(
    ("content", "query", "place", "message"),
    [
        (b"a,y,Class\n1,2,3\n", {}, {"parameter": "target"}, "y, Class could each be the target"),
        (b"0,1,2\n7,8,1\n", {"target": "1"}, {"parameter": "header"}, "header=false if it is an example"),
        (b"a,b,label\n1,,x\n3,4,y\n", {}, {"pointer": ""}, "row 2, column 2 ('b'): the cell is empty"),
    ],
    ids=["unclear target", "unclear header", "empty cell"],
)
def test_ambiguous_table_is_refused_at_the_parameter_that_decides(
    send: Send, content: bytes, query: dict[str, str], place: dict[str, str], message: str
) -> None:
    error = is_problem(send("table.csv", content, **query), 422, "invalid-request")["errors"][0]
    assert error.items() >= place.items()
    assert message in error["detail"]


@pytest.mark.parametrize(
    ("name", "content", "query", "labels", "notice"),
    [
        ("mnist.csv", b"5,0,255\n6,1,2\n", {}, None, "the target is column 1: the columns have no names"),
        ("iris.data", b"5.1,3.5,setosa\n4.9,3.0,virginica\n", {"target": "3"}, 2, "became 2 classes: 'setosa'"),
        ("excel.txt", "a\tb\tlabel\r\n1\t2\tcafé\r\n".encode("utf-16"), {}, 1, "was read as UTF-16"),
        ("bool.csv", b"a,b,label\n1,2,True\n3,4,False\n", {}, 2, "2 classes: 'False', 'True'"),
        ("end.csv", b"a,b,label\r\n1,2,x\r\n3,4,y\r\n\r\n", {}, 2, ""),
        ("emoji.csv", "a,b,label\n1,2,✊\n3,4,✋\n5,6,✌️\n".encode(), {}, 3, ""),
        ("newline.csv", b'a,b,label\n1,2,"x\ny"\n3,4,z\n', {}, 2, ""),
        ("spaces.csv", b"a, b, label\n1, 2, x\n3, 4, y\n", {}, 2, ""),
        ("comma.tsv", b"a\tb\tlabel\n1\t2\tx, y\n3\t4\tz\n", {}, 2, ""),
    ],
)
def test_assumptions_about_a_table_are_in_the_notices(
    *, http: httpx2.Client, send: Send, name: str, content: bytes, query: dict[str, str], labels: int, notice: str
) -> None:
    answer = send(name, content, **query)
    assert answer.status_code == 201, answer.text
    manifest = answer.json()
    assert (manifest["labels"] and len(manifest["labels"])) == labels
    assert any(notice in each for each in manifest["notices"])
    assert http.get("/datasets/table").json()["notices"] == manifest["notices"]
    assert http.get("/datasets").json()["data"][0]["notices"] == manifest["notices"]
