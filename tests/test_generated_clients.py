"""Clients generated from the API description, compiled and used as docs/generated-clients.md describes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import coremltools
import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "generated-clients.md").read_text(encoding="utf-8")
DESCRIPTION = ROOT / "docs" / "openapi.json"
PACKAGES = json.loads((ROOT / "tools" / "clients" / "package.json").read_text())
SPEC = """
import createClient from "openapi-fetch";
import type { components, paths } from "./pippin.js";

// Only what the service requires of a spec; every other member has a default there.
const spec: components["schemas"]["ModelSpec"] = {
  inputs: [{ name: "x", shape: [4] }],
  outputs: [{ name: "probabilities", shape: [3] }],
  layers: [
    { type: "inner_product", name: "dense", output_channels: 3, updatable: true },
    { type: "softmax", name: "softmax" },
  ],
  loss: { type: "categorical_cross_entropy" },
  optimizer: { type: "sgd", learning_rate: 0.01, mini_batch_size: 8 },
  epochs: 2,
};
const pippin = createClient<paths>({ baseUrl: process.env.PIPPIN_URL ?? "" });
const checked = await pippin.POST("/specs/validate", { body: spec });
if (!checked.data) throw new Error(JSON.stringify(checked.error));
const described = await pippin.POST("/jobs", { body: { model: { spec }, dataset: "there is none" } });
if (described.response.status !== 422) throw new Error(`${described.response.status}`);
// @ts-expect-error A job needs a dataset.
await pippin.POST("/jobs", { body: { model: { preset: "mnist-cnn" } } });
"""

Run = Callable[[str], str]

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands(starting: str) -> list[str]:
    return [block for block in blocks("sh") if block.startswith(starting)]


@pytest.fixture
def run(client_tools: Path, tmp_path: Path, running_up: SimpleNamespace) -> Run:
    """Runs a shell command in the test's folder with the tools on the PATH; returns its output."""
    path = os.pathsep.join([str(client_tools / "bin"), str(client_tools / "node_modules" / ".bin"), os.environ["PATH"]])
    own = {"PATH": path, "PYTHONPATH": str(tmp_path), "PIPPIN_URL": running_up.url, "TOKEN": ""}

    def run(command: str) -> str:
        ran = subprocess.run(
            ["sh", "-euc", command],
            cwd=tmp_path,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-8000:]}"
        return ran.stdout

    return run


def check_trained(output: str, folder: Path) -> None:
    """Check that the program printed one line an epoch and wrote an updatable model."""
    assert re.fullmatch(r"1/2  loss \d\.\d+\n2/2  loss \d\.\d+\nmnist\.mlmodel\n", output), output
    assert coremltools.utils.load_spec(str(folder / "mnist.mlmodel")).isUpdatable


def test_a_typescript_client_compiles_and_trains(run: Run, client_tools: Path, tmp_path: Path) -> None:
    (install,) = commands("npm install")
    named = dict(re.findall(r"([@a-z/-]+)@(\d[\d.]*)", install))
    pinned = PACKAGES["dependencies"] | PACKAGES["devDependencies"]
    assert named.keys() == pinned.keys() - {"@redocly/cli", "pyright"}
    assert all(f"{pinned[package]}.".startswith(f"{version}.") for package, version in named.items())
    (tmp_path / "node_modules").symlink_to(client_tools / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "train.ts").write_text(blocks("typescript")[0])
    (tmp_path / "spec.ts").write_text(SPEC)
    (generate,), (compile_,), (start,) = commands("npx openapi-typescript"), commands("npx tsc"), commands("node")
    run(generate)
    run(f"{compile_.strip()} spec.ts --noUncheckedIndexedAccess --exactOptionalPropertyTypes")
    check_trained(run(start), tmp_path)
    run("node spec.js")


def test_a_python_client_is_generated_without_warnings_and_trains(run: Run, client_tools: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(blocks("python")[0])
    (generate,) = commands("openapi-python-client generate")
    assert run(generate).split() == ["Generating", "pippin_client"]
    run("python -m compileall -q pippin_client")
    interpreter = client_tools / "bin" / "python"
    # The generated package is used for its types only: errors inside it are not reported.
    options = f"--strict --follow-imports=silent --python-executable={interpreter} --config-file="
    run(f"{sys.executable} -m mypy {options} train.py")
    check_trained(run("python train.py"), tmp_path)
    document = json.loads(DESCRIPTION.read_text())
    listed = run("python -c 'import pippin_client.models as models; print(*models.__all__)'")
    classes = set(listed.lower().split())
    objects = {name for name, schema in document["components"]["schemas"].items() if "properties" in schema}
    assert {name for name in objects if name.lower() not in classes} == set()


def test_the_description_has_no_errors(run: Run) -> None:
    run(f"openapi-spec-validator '{DESCRIPTION}'")
    linted = json.loads(run(f"redocly lint --format=json '{DESCRIPTION}' 2>/dev/null"))
    assert linted["totals"]["errors"] == 0
    # redocly warns of the union of features: a feature without a type is an array, which the rule considers ambiguous.
    # It also warns of the missing URL of the license: the API page would turn it into a link to another host.
    places = {(problem["ruleId"], problem["location"][0]["pointer"]) for problem in linted["problems"]}
    warnings = {(rule, place.split("/")[3]) for rule, place in places if not place.startswith("#/info/license")}
    assert warnings <= {("no-illogical-composition-keywords", "ModelSpec")}
