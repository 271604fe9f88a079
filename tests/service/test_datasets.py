import gzip
import io
import struct
import zipfile
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from pippin.blobs import Blobs
from pippin.store import Store
from tests.service.conftest import MakeService, RunningService, Submit, unannounced
from tests.support.problems import fault, is_problem

CSV = {"content-type": "text/csv"}


def idx(dimensions: tuple[int, ...], data: bytes) -> bytes:
    return struct.pack(f">HBB{len(dimensions)}I", 0, 8, len(dimensions), *dimensions) + data


def pictures() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, grey in (("train/cat/1.png", 10), ("train/dog/1.png", 20), ("test/cat/2.png", 30)):
            picture = io.BytesIO()
            Image.new("L", (4, 3), grey).save(picture, "png")
            archive.writestr(name, picture.getvalue())
    return file.getvalue()


def test_a_new_dataset_is_created_and_found_by_id_and_by_name(http: httpx2.Client, tiny_npz: bytes) -> None:
    answer = http.post("/datasets", params={"name": "tiny"}, content=tiny_npz)
    manifest = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/datasets/{manifest['id']}"
    assert (manifest["format"], "ranges" in manifest) == ("npz", False)
    assert manifest["splits"] == [{"name": "train", "examples": 8}, {"name": "test", "examples": 4}]
    assert [feature["name"] for feature in manifest["features"]] == ["image", "output_true"]
    for key in (manifest["id"], "tiny"):
        response = http.get(f"/datasets/{key}")
        assert response.json() == manifest
        assert http.get(f"/datasets/{key}", headers={"if-none-match": response.headers["etag"]}).status_code == 304


def test_repeated_upload_returns_the_same_dataset(http: httpx2.Client, tiny_npz: bytes) -> None:
    first = http.post("/datasets?name=tiny", content=tiny_npz)
    second = http.post("/datasets?name=tiny", content=tiny_npz)
    assert (second.status_code, second.json()) == (200, first.json())
    assert len(http.get("/datasets").json()["data"]) == 1


def test_name_of_another_dataset_is_refused(http: httpx2.Client, tiny_npz: bytes) -> None:
    http.post("/datasets?name=tiny", content=tiny_npz)
    other = http.post("/datasets?name=tiny", content=b"label,x\n1,2\n", headers=CSV)
    is_problem(other, 409, "name-taken")


def test_files_can_come_as_multipart(http: httpx2.Client) -> None:
    images = gzip.compress(idx((2, 3, 4), bytes(range(24))))
    labels = idx((2,), b"\x01\x00")
    files = [("file", ("train-images-idx3-ubyte.gz", images)), ("file", ("train-labels-idx1-ubyte", labels))]
    answer = http.post("/datasets?name=small", files=files)
    assert answer.status_code == 201, answer.text
    assert answer.json()["format"] == "idx"
    shown = http.get("/datasets/small/preview").json()
    assert shown["split"] == "train"
    assert shown["examples"][1]["image"] == [[[12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22, 23]]]
    assert [example["label"] for example in shown["examples"]] == [[1], [0]]


def test_a_zip_of_class_folders_keeps_its_labels(http: httpx2.Client) -> None:
    answer = http.post("/datasets?name=pets&format=images", content=pictures())
    assert answer.status_code == 201, answer.text
    assert answer.json()["labels"] == ["cat", "dog"]
    assert answer.json()["features"][0]["scale"] == pytest.approx(1 / 255)
    shown = http.get("/datasets/pets/preview?split=test&limit=1").json()
    assert shown["examples"][0]["image"] == [[[30] * 4] * 3]


def test_options_control_how_a_table_is_read(http: httpx2.Client) -> None:
    body = b"size,rooms,price\n10,1,0.5\n20,2,1.5\n"
    answer = http.post("/datasets?name=flats&target=price&inputs=flat:size,rooms", content=body, headers=CSV)
    assert answer.status_code == 201, answer.text
    assert http.get("/datasets/flats/preview").json()["examples"] == [
        {"flat": [10.0, 1.0], "price": [0.5]},
        {"flat": [20.0, 2.0], "price": [1.5]},
    ]


def test_preview_respects_limit_and_split(http: httpx2.Client, tiny: dict[str, Any]) -> None:
    assert len(http.get(f"/datasets/{tiny['id']}/preview?limit=3").json()["examples"]) == 3
    refused = http.get("/datasets/tiny/preview?split=all")
    assert fault(refused) == ("split", "the dataset has no split 'all'; its splits are train, test")


def test_preview_returns_selected_rows_in_request_order(http: httpx2.Client, tiny: dict[str, Any]) -> None:
    first = http.get("/datasets/tiny/preview?split=test").json()["examples"]
    assert len(first) == 4
    chosen = http.get("/datasets/tiny/preview?split=test&at=3&at=0&at=3").json()
    assert chosen == {
        "dataset": tiny["id"],
        "split": "test",
        "examples": [first[3], first[0], first[3]],
        "truncated": [],
    }
    for row in (4, -1):
        refused = http.get(f"/datasets/tiny/preview?split=test&at={row}")
        assert fault(refused) == ("at", f"found {row}; the split has the rows 0 to 3")


def test_classes_are_counted_by_name_or_number_in_every_split(http: httpx2.Client) -> None:
    http.post("/datasets?name=pets&format=images", content=pictures())
    assert http.get("/datasets/pets/classes").json()["splits"] == {
        "train": [{"label": "cat", "examples": 1}, {"label": "dog", "examples": 1}],
        "test": [{"label": "cat", "examples": 1}],
    }
    http.post("/datasets?name=numbers", content=b"label,x\n7,1\n2,2\n7,3\n", headers=CSV)
    balance = http.get("/datasets/numbers/classes").json()
    expected = {"train": [{"label": 2, "examples": 1}, {"label": 7, "examples": 2}]}
    assert (balance["feature"], balance["splits"]) == ("label", expected)


def test_quantities_have_no_class_balance(http: httpx2.Client) -> None:
    http.post("/datasets?name=flats&target=price", content=b"size,price\n10,0.5\n20,1.5\n", headers=CSV)
    assert "'price', is not a class number" in fault(http.get("/datasets/flats/classes"))[1]


def test_datasets_are_listed_newest_first_page_by_page(http: httpx2.Client) -> None:
    for number in range(3):
        http.post(f"/datasets?name=d{number}", content=f"label,x\n1,{number}\n".encode(), headers=CSV)
    first = http.get("/datasets?limit=2").json()
    assert [manifest["name"] for manifest in first["data"]] == ["d2", "d1"]
    second = http.get("/datasets", params={"limit": 2, "after": first["next"]}).json()
    assert [manifest["name"] for manifest in second["data"]] == ["d0"]
    assert (second["has_more"], second["next"]) == (False, None)


def test_a_deleted_dataset_is_gone_and_its_name_free(http: httpx2.Client, tiny: dict[str, Any]) -> None:
    assert http.delete(f"/datasets/{tiny['id']}").status_code == 204
    for path in ("", "/preview"):
        is_problem(http.get(f"/datasets/{tiny['id']}{path}"), 404, "not-found")
        is_problem(http.get(f"/datasets/tiny{path}"), 404, "not-found")
    is_problem(http.delete("/datasets/tiny"), 404, "not-found")
    assert http.post("/datasets?name=tiny", content=b"label,x\n1,2\n", headers=CSV).status_code == 201


@pytest.mark.parametrize(
    ("query", "body", "place", "message"),
    [
        ("name=x", b"label,x\n1,2\n1,two\n", "", "row 3"),
        ("name=x", b"\x7fELF not at all\0", "", "no supported format"),
        ("name=x", b"", "", "empty"),
        ("name=x&format=pickle", b"1,2\n", "format", "idx"),
        ("name=x&target=price", b"label,x\n1,2\n", "target", "price"),
        ("name=x&scale=-1", b"label,x\n1,2\n", "scale", "more than 0"),
        ("name=x&scale=2", b"label,x\n1,2\n", "scale", ""),
        ("name=x&colour=rgb", b"label,x\n1,2\n", "colour", "no such query parameter"),
        ("", b"label,x\n1,2\n", "name", "required"),
        ("name=", b"label,x\n1,2\n", "name", "at least 1 character"),
    ],
)
def test_malformed_upload_is_refused_with_the_place_and_stores_nothing(
    *, http: httpx2.Client, service: RunningService, blobs: Blobs, query: str, body: bytes, place: str, message: str
) -> None:
    before = set(blobs.names())
    refused, detail = fault(http.post(f"/datasets?{query}", content=body, headers=CSV))
    assert refused == place
    assert message in detail
    assert http.get("/datasets").json()["data"] == []
    assert set(blobs.names()) == before
    assert service.uploads() == []


def test_upload_beyond_the_limit_is_stopped_while_it_arrives(http: httpx2.Client, service: RunningService) -> None:
    body = unannounced(b"1,2\n" * 16_384)
    is_problem(http.post("/datasets?name=x", content=body, headers=CSV), 413, "body-too-large")
    files = {"file": ("x.csv", b"1,2\n" * 600_000)}
    is_problem(http.post("/datasets?name=x", files=files), 413, "body-too-large")
    assert service.uploads() == []


MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "multipart/mixed; boundary=b"}, b"--b--\r\n", 415),
        ({"content-type": "multipart/form-data"}, b"--b--\r\n", 400),
        (MULTIPART, b"", 400),
        (MULTIPART, b"nothing of the kind", 400),
        (MULTIPART, b"--b--\r\n", 400),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n1,2', 400),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n', 400),
        (MULTIPART, b"--b\r\n\r\nx\r\n--b--\r\n", 400),
    ],
)
def test_a_body_of_another_kind_or_broken_is_refused(
    http: httpx2.Client, headers: dict[str, str], body: bytes, status: int
) -> None:
    is_problem(http.post("/datasets?name=x", content=body, headers=headers), status)


def test_dataset_in_use_cannot_be_deleted_until_its_jobs_have_ended(
    http: httpx2.Client, tiny: dict[str, Any], submit: Submit
) -> None:
    jobs = [submit()["id"] for _ in range(7)]
    detail = is_problem(http.delete("/datasets/tiny"), 409, "state-conflict")["detail"]
    assert ", ".join(jobs[:5]) in detail
    assert "and 2 more" in detail
    for job_id in jobs:
        http.post(f"/jobs/{job_id}/cancel")
    assert http.delete(f"/datasets/{tiny['id']}").status_code == 204
    assert http.get(f"/jobs/{jobs[0]}").json()["request"]["dataset"]["name"] == "tiny"


def test_model_can_be_deleted_before_its_jobs_have_ended(
    http: httpx2.Client, submit: Submit, mnist_spec: dict[str, Any], store: Store
) -> None:
    model = http.post("/models", json=mnist_spec).json()
    job = submit(model={"id": model["id"]})
    assert http.delete(f"/models/{model['id']}").status_code == 204
    assert model["digest"] in set(store.references.digests())
    http.post(f"/jobs/{job['id']}/cancel")
    assert model["digest"] not in set(store.references.digests())


def test_preview_truncates_a_too_large_example(make_service: MakeService) -> None:
    values, most = 2_000_000, 2**21
    file = io.BytesIO()
    arrays: dict[str, Any] = {
        "train/image": np.arange(values, dtype=np.uint32).astype(np.uint8).reshape(1, values),
        "train/label": np.array([[7]], dtype=np.int32),
    }
    np.savez_compressed(file, **arrays)
    with make_service(sample=False, max_answer_bytes=most).client() as http:
        assert http.post("/datasets?name=large", content=file.getvalue()).status_code == 201
        for query in ("", "?at=0"):
            answer = http.get(f"/datasets/large/preview{query}")
            assert answer.status_code == 200, answer.text
            assert len(answer.content) < most
            shown = answer.json()
            (example,) = shown["examples"]
            assert shown["truncated"] == ["image", "label"]
            assert example["image"][:300] == [number % 256 for number in range(300)]
            assert 1000 < len(example["image"]) < values


def test_page_of_large_dataset_records_is_shortened(make_service: MakeService) -> None:
    service = make_service(sample=False, max_page_bytes=40_000)
    names = [f"wide-{number}" for number in range(4)]
    rows = "".join(f"{'c' * 20}{number:03},1\n" for number in range(600))
    with service.client() as http:
        for name in names:
            answer = http.post(f"/datasets?name={name}&target=label", content=f"label,x\n{rows}", headers=CSV)
            assert answer.status_code == 201, answer.text
            assert (len(answer.json()["labels"]), answer.json()["label_count"]) == (600, 600)
        listed: list[dict[str, Any]] = []
        query: dict[str, str] | None = {}
        while query is not None:
            page = http.get("/datasets", params={"limit": "100", **query}).json()
            assert len(page["data"]) <= 2
            listed += page["data"]
            query = {"after": page["next"]} if page["has_more"] else None
        assert sorted(dataset["name"] for dataset in listed) == names
        assert {(len(dataset["labels"]), dataset["label_count"]) for dataset in listed} == {(100, 600)}
        assert len(http.get("/datasets/wide-0").json()["labels"]) == 600


def test_a_preview_of_a_damaged_blob_names_it(
    http: httpx2.Client, service: RunningService, tiny: dict[str, Any]
) -> None:
    path = service.blob_path(tiny["digest"])
    content = path.read_bytes()
    for damaged in (content[:100], content[:-1000], bytes(255 - byte for byte in content), b""):
        path.write_bytes(damaged)
        problem = is_problem(http.get("/datasets/tiny/preview?limit=100"), 500, "blob-damaged")
        assert tiny["digest"] in problem["detail"]
    path.write_bytes(content)
