"""Names, labels and layers that would control a terminal are shown escaped.

The service refuses such names for new records; records of earlier versions can have them.
"""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace

import httpx2
import pytest

from pippin.cli.arguments import complete_datasets, complete_jobs
from pippin.documents import yaml12
from pippin.local.valkey import running_url
from pippin.store import connect
from tests.conftest import Up
from tests.pippin.cli.conftest import JOB, Invoke

EVIL = "evil\x1b]0;title\x07\x9b31m\u202e\n[red]x[/red][link=http://e.example]y[/link]"
SHOWN = r"evil\x1b]0;title\x07\x9b31m\u202e\x0a[red]x[/red][link=http://e.example]y[/link]"
CONTROL = "\x1b\x07\x9b\u202e"


@pytest.fixture(scope="module")
def evil_names(running_up: Up) -> Iterator[SimpleNamespace]:
    """A dataset, a model and a job with such names."""
    spec = yaml12.loads(JOB)["model"]["spec"]
    spec["layers"][1]["name"] = EVIL
    with (
        httpx2.Client(base_url=running_up.url, timeout=60) as http,
        connect(running_url(running_up.home) or "") as records,
    ):

        def add(path: str, **request: object) -> str:
            answer = http.post(path, **request).raise_for_status()
            return str(answer.json()["id"])

        def change(key: str, field: str, **members: object) -> None:
            document = json.loads(str(records.hget(key, field)))
            records.hset(key, field, json.dumps(document | members))

        rows = f'label,x\n"{EVIL}",1\nplain,2\n'
        options = {"name": "evil", "target": "label"}
        evil = SimpleNamespace(
            dataset=add("/datasets", params=options, content=rows, headers={"content-type": "text/csv"}),
            model=add("/models", params={"name": "evil"}, json=spec),
            job=add("/jobs", json={"model": {"spec": spec}, "dataset": "mnist-sample"}),
        )
        change(f"pippin:default:dataset:{evil.dataset}", "record", name=EVIL)
        change(f"pippin:default:model:{evil.model}", "record", name=EVIL)
        change(f"pippin:default:job:{evil.job}", "request", name=EVIL, labels={"team": EVIL})
        yield evil
        http.post(f"/jobs/{evil.job}/cancel")
        http.delete(f"/datasets/{evil.dataset}")
        http.delete(f"/models/{evil.model}")


@pytest.mark.full
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_no_name_controls_the_terminal(
    with_service: Invoke, evil_names: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "400")
    commands = [
        ["jobs"],
        ["job", evil_names.job],
        ["jobs", "--json"],
        ["top", "--once"],
        ["datasets", "list"],
        ["models", "list"],
        ["models", "show", evil_names.model],
        ["models", "show", evil_names.model, "--json"],
        ["job", EVIL],
        ["workers"],
    ]
    quoting = 0
    for command in commands:
        result = with_service(*command)
        # Rich's own colours are the only sequences.
        shown = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)
        assert not set(shown) & set(CONTROL), command
        assert "\n[red]" not in shown, command
        quoting += SHOWN in shown
    assert quoting >= 4


@pytest.mark.usefixtures("with_service", "evil_names")
def test_shell_completion_offers_printable_names_only() -> None:
    datasets, jobs = complete_datasets(""), complete_jobs("")
    assert "mnist-sample" in [value for value, _ in datasets]
    assert any(SHOWN in text for _, text in jobs)
    for offered in (*datasets, *jobs):
        assert not set("".join(offered)) & set(CONTROL + "\n")
