"""The pages of datasets: upload, details, deletion."""

import gzip
import io
import re
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import NO_CLASSES, Api, CheckAccessibility, Faults, OpenPage

DROP = """(zone, [name, bytes]) => {
    const moved = new DataTransfer();
    moved.items.add(new File([new Uint8Array(bytes)], name));
    for (const kind of ["dragover", "drop"]) {
        zone.dispatchEvent(new DragEvent(kind, {dataTransfer: moved, bubbles: true, cancelable: true}));
    }
}"""


def pictures() -> bytes:
    """An NPZ file of twelve pictures in three classes."""
    file = io.BytesIO()
    image = np.random.default_rng(1).integers(0, 256, (12, 1, 16, 16), dtype=np.uint8)
    np.savez(file, image=image, label=np.array([0, 1, 2] * 3 + [0] * 3, dtype=np.int32))
    return file.getvalue()


def drop(place: Page | Locator, name: str, content: bytes) -> None:
    """Drop a file on the only zone for files there."""
    place.locator(".drop").evaluate(DROP, [name, list(content)])


def open_datasets(page: Page, **options: str) -> None:
    """Open the page of datasets and fill in options by their labels, with spaces for underscores."""
    page.goto("/#/datasets")
    if options:
        page.get_by_text("Name and options").click()
    for label, value in options.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def examples(page: Page) -> Locator:
    return page.get_by_role("region", name="Examples")


def choose_target(dialog: Locator, column: str) -> None:
    dialog.get_by_text(column, exact=True).click()
    dialog.get_by_role("button", name="Send it", exact=True).click()


def test_a_dataset_is_uploaded_shown_and_deleted(page: Page, api: Api) -> None:
    open_datasets(page, Name="dropped pictures")
    drop(page, "twelve.npz", pictures())
    expect(page.get_by_role("heading", name="dropped pictures")).to_be_visible()
    expect(page.locator(".tiles canvas")).to_have_count(12)
    expect(page.locator(".notice")).to_have_text(re.compile("^the bytes of 'image' are multiplied by 1/255"))
    rows = page.locator(".balance li")
    expect(rows).to_have_text(["06 · 50.0 %", "13 · 25.0 %", "23 · 25.0 %"])
    manifest = api.get("/datasets/dropped%20pictures")
    expect(page.get_by_text(manifest["digest"])).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    assert api.http.get(f"/datasets/{manifest['id']}").status_code == 404


def test_an_error_in_a_table_names_the_row(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    open_datasets(page)
    drop(page, "bad.csv", b"label,x\n1,2\n1,two\n")
    expect(page.get_by_role("alert")).to_contain_text("row 3")


def test_a_dataset_of_quantities_is_a_table_without_classes(page: Page, faults: Faults) -> None:
    faults.expected.append(NO_CLASSES)
    open_datasets(page, Target_column="price")
    drop(page, "sizes.csv", b"size,price\n10,0.5\n20,1.5\n")
    expect(examples(page).get_by_role("row")).to_have_count(3)
    expect(page.locator(".balance")).to_contain_text("is not a class number")


@pytest.mark.parametrize(
    ("table", "options", "rows"),
    [
        pytest.param(
            "label,x,y2\nred,0,0.5\nblue,-3,1e-7\n",
            {},
            [["0, 0.5", "red"], ["-3, 0.0000001", "blue"]],
            id="numbers and class names",
        ),
        pytest.param("label,x\n0,0\n0,0\n", {}, [["0", "0"], ["0", "0"]], id="zeros"),
        pytest.param(
            "label,x\nfalse,1\nnull,2\n", {}, [["1", "false"], ["2", "null"]], id="class names that look false"
        ),
        pytest.param("label,x\n7,1\n3,2\n", {}, [["1", "7"], ["2", "3"]], id="whole numbers as classes"),
        pytest.param(
            "x,a,b\n1,0,2.5\n3,4,0\n",
            {"Target_column": "corner:a,b"},
            [["1", "0, 2.5"], ["3", "4, 0"]],
            id="a target of two columns",
        ),
        pytest.param(
            "price,a,b,c\n0.5,1,2,3\n1.5,0,0,0\n",
            {"Target_column": "price", "Inputs": "first:a;rest:b,c"},
            [["1", "2, 3", "0.5"], ["0", "0, 0", "1.5"]],
            id="several inputs",
        ),
        pytest.param(
            "label," + ",".join(f"v{n}" for n in range(9)) + "\n1," + ",".join(["0"] * 9) + "\n",
            {},
            [["0, 0, 0, 0, 0, 0, … (9)", "1"]],
            id="a long vector",
        ),
    ],
)
def test_preview_shows_the_values_of_table_rows(
    *,
    table: str,
    options: dict[str, str],
    rows: list[list[str]],
    page: Page,
    faults: Faults,
    request: pytest.FixtureRequest,
) -> None:
    faults.expected.append(NO_CLASSES)
    open_datasets(page, Name=request.node.callspec.id, **options)
    drop(page, "table.csv", table.encode())
    shown = examples(page).locator("tbody tr")
    expect(shown).to_have_count(len(rows))
    assert [row.locator("td").all_inner_texts() for row in shown.all()] == rows


def test_new_job_shows_class_names_of_a_dataset_with_many_classes(page: Page, api: Api) -> None:
    table = "label,x\n" + "".join(f"class {n:03},{n}\n" for n in reversed(range(150)))
    api.add_table("many classes", table)
    page.goto("/#/new?dataset=many%20classes")
    cells = examples(page).locator("tbody tr").first.locator("td")
    expect(cells).to_have_text(["149", "class 149"])


def test_an_empty_class_name_stays_empty(page: Page, api: Api) -> None:
    """No upload creates an empty class name today; a record with one shows the name, not the number."""

    def rename(route: Route) -> None:
        manifest = route.fetch().json()
        manifest["labels"][0] = ""
        route.fulfill(json=manifest)

    api.add_table("nameless", "label,x\na,1\nb,2\n")
    page.route(re.compile(r"/datasets/nameless$"), rename)
    page.goto("/#/datasets/nameless")
    expect(examples(page).locator("tbody td")).to_have_text(["1", "", "2", "b"])


@pytest.mark.parametrize(
    ("name", "table", "columns", "target", "feature"),
    [
        pytest.param(
            "homes.csv",
            b'rooms,"price, total",size\n3,100.5,70\n2,80,55\n',
            ["rooms3, 2", "price, total100.5, 80", "size70, 55"],
            "size",
            "size",
            id="a header",
        ),
        pytest.param("homes.csv", b"a;b\n1;2\n3;4\n", ["a1, 3", "b2, 4"], "b", "b", id="semicolons"),
        pytest.param("homes.tsv", b"a\tb\n1\t2\n3\t4\n", ["a1, 3", "b2, 4"], "a", "a", id="tabs"),
        pytest.param(
            "iris.csv",
            b"5.1,3.5,Iris-setosa\n4.9,3.0,Iris-virginica\n",
            ["Column 15.1, 4.9", "Column 23.5, 3.0", "Column 3Iris-setosa, Iris-virginica"],
            "Column 3",
            "3",
            id="no header",
        ),
        pytest.param(
            "homes.csv",
            b'\xef\xbb\xbf"a ""b""","c"\r\n"1","2"\r\n\r\n3,4\r\n',
            ['a "b"1, 3', "c2, 4"],
            "c",
            "c",
            id="quotes, a mark and Windows' line ends",
        ),
    ],
)
def test_target_dialog_lists_the_columns_of_a_table(
    *,
    name: str,
    table: bytes,
    columns: list[str],
    target: str,
    feature: str,
    page: Page,
    api: Api,
    faults: Faults,
    request: pytest.FixtureRequest,
) -> None:
    faults.expected.append(NO_CLASSES)
    dataset = f"target: {request.node.callspec.id}"
    open_datasets(page, Name=dataset)
    drop(page, name, table)
    dialog = page.get_by_role("dialog", name=f"Which column of {name} is to be predicted?")
    expect(dialog.locator(".columns label")).to_have_text(columns)
    choose_target(dialog, target)
    expect(page.get_by_role("heading", name=dataset)).to_be_visible()
    manifest = api.get(f"/datasets/{quote(dataset)}")
    assert [each["name"] for each in manifest["features"]] == ["features", feature]
    assert manifest["splits"] == [{"name": "train", "examples": 2}]


def test_columns_of_a_table_can_be_left_out_before_it_is_sent(page: Page, api: Api) -> None:
    open_datasets(page)
    page.get_by_text("Name and options").click()
    page.get_by_label("Choose the columns of a table before it is sent").check()
    drop(page, "plants.csv", b"row,width,height,species\n1,0.5,2.5,oak\n2,1.5,3.5,elm\n3,0.7,2.7,oak\n")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("row is an input").uncheck()
    choose_target(dialog, "species")
    expect(page.get_by_role("heading", name="plants")).to_be_visible()
    features = api.get("/datasets/plants")["features"]
    assert [(each["name"], each["shape"]) for each in features] == [("features", [2]), ("species", [1])]


def test_first_row_can_be_declared_a_header(page: Page, api: Api, faults: Faults) -> None:
    faults.expected.append(NO_CLASSES)
    open_datasets(page)
    drop(page, "years.csv", b"2019,2020.5\n1,2\n3,4\n")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".columns label")).to_have_text(["Column 12019, 1, 3", "Column 22020.5, 2, 4"])
    dialog.get_by_label("The first row holds the names").check()
    expect(dialog.locator(".columns label")).to_have_text(["20191, 3", "2020.52, 4"])
    choose_target(dialog, "2020.5")
    expect(page.get_by_role("heading", name="years")).to_be_visible()
    manifest = api.get("/datasets/years")
    assert (manifest["splits"][0]["examples"], manifest["features"][-1]["name"]) == (2, "2020.5")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("a.csv", b"x,label\n1,a\n"),
        ("b.csv", b"Target,x\n1,2\n"),
        ("c.csv", b"x, CLASS \n1,2\n"),
        ("d.csv", b"Y;x\n1;2\n"),
        ("mnist.csv", b"5,0,255,17\n0,0,0,3\n"),
        ("zipped.csv.gz", gzip.compress(b"x,label\n1,a\n", mtime=0)),
    ],
)
def test_target_dialog_is_skipped_for_a_clear_target(name: str, table: bytes, page: Page, faults: Faults) -> None:
    faults.expected.append(NO_CLASSES)
    open_datasets(page)
    drop(page, name, table)
    expect(examples(page).locator("tbody tr")).not_to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_target_dialog_opens_after_the_service_refuses_a_table(page: Page, faults: Faults) -> None:
    faults.expected.append("status of 422")
    fault = {"pointer": "/target", "detail": "bad.csv has no clear target; say which column it is, with target="}
    problem = {"title": "Not valid", "detail": "The dataset cannot be read.", "errors": [fault]}

    def refuse(route: Route) -> None:
        if route.request.method != "POST" or "target=" in route.request.url:
            route.continue_()
        else:
            route.fulfill(status=422, json=problem)

    page.route(re.compile(r"/datasets\?"), refuse)
    open_datasets(page)
    drop(page, "refused.csv", b"5,0,255\n0,3,4\n")
    choose_target(page.get_by_role("dialog"), "Column 2")
    expect(page.get_by_role("heading", name="refused")).to_be_visible()


@pytest.mark.parametrize("way", ["button", "Escape"])
def test_the_upload_of_a_table_can_be_cancelled(way: str, page: Page, api: Api) -> None:
    before = len(api.get("/datasets", limit=100)["data"])
    open_datasets(page)
    drop(page, "unsent.csv", b"a,b\n1,2\n")
    dialog = page.get_by_role("dialog")
    # Without a column nothing is sent either.
    dialog.get_by_role("button", name="Send it", exact=True).click()
    expect(dialog).to_be_visible()
    if way == "button":
        dialog.get_by_role("button", name="Do not send it").click()
    else:
        page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".drop .told")).to_be_empty()
    assert len(api.get("/datasets", limit=100)["data"]) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_target_dialog_is_accessible_and_fits_a_phone(
    scheme: str, open_page: OpenPage, check_accessibility: CheckAccessibility
) -> None:
    page = open_page(color_scheme=scheme, viewport={"width": 375, "height": 740})
    open_datasets(page)
    header = ",".join(f"a column with a long name number {n}" for n in range(40))
    drop(page, "wide.csv", f"{header}\n{','.join(['123456.789'] * 40)}\n".encode())
    expect(page.get_by_role("dialog").locator(".columns label")).to_have_count(40)
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.get_by_role("button", name="Send it", exact=True).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 375
    assert box["y"] + box["height"] <= 740


def test_a_dataset_is_dropped_into_a_new_job(page: Page) -> None:
    page.goto("/#/new")
    drop(page.get_by_role("region", name="Dataset"), "twelve.npz", pictures())
    expect(page.get_by_label("Which").locator("option:checked")).to_have_text("twelve")
    expect(page.locator(".tiles canvas")).to_have_count(12)


def test_a_table_is_dropped_into_a_new_job_with_its_target(page: Page) -> None:
    page.goto("/#/new")
    drop(page.get_by_role("region", name="Dataset"), "rents.csv", b"rent,size\n0,1\n5,0\n")
    choose_target(page.get_by_role("dialog"), "rent")
    expect(page.get_by_label("Which").locator("option:checked")).to_have_text("rents")
    expect(examples(page).locator("td")).to_have_text(["1", "0", "0", "5"])
    expect(page).to_have_url(re.compile("#/new$"))
