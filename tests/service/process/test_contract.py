"""The service conforms to its OpenAPI document: schemathesis with all checks, against a real process.

Runs without tokens on a service that requires none, as an administrator, and without a token on a closed service.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import httpx2
import pytest

from tests.support.service_process import ServiceProcess

SEED = 20_261_125
CONFIGURATION = Template((Path(__file__).parent / "contract.toml").read_text())
WITH_422 = ["2xx", "3xx", "401", "403", "404", "409", "422", "429", "5xx"]


def strict_document(url: str, caller: str) -> dict[str, Any]:
    """The service's document without the default response, so that every problem must be documented itself."""
    document: dict[str, Any] = httpx2.get(f"{url}/openapi.json", timeout=60).raise_for_status().json()
    for operation in (each for path in document["paths"].values() for each in path.values()):
        operation["responses"].pop("default")
        if caller == "anybody":
            # The document states the role of each operation. A service on loopback for which no token was created
            # requires none, as the security scheme's description says. OpenAPI cannot express that condition, and the
            # check that a token is really required would fail.
            operation.pop("security", None)
    return document


def schemathesis(process: ServiceProcess, held: dict[str, str], caller: str, folder: Path, *options: str) -> int:
    """Run schemathesis; the number of requests that it sent."""
    token = "" if caller == "anybody" else process.add_token("admin")
    headers = f'headers = {{ Authorization = "Bearer {token}" }}' if caller == "admin" else ""
    configuration, document = folder / "contract.toml", folder / "openapi.json"
    configuration.write_text(CONFIGURATION.substitute(held, headers=headers, with_422=json.dumps(WITH_422)))
    document.write_text(json.dumps(strict_document(process.url, caller)))
    command = [str(Path(sys.executable).parent / "schemathesis"), f"--config-file={configuration}", "run"]
    command += [str(document), f"--url={process.url}", f"--seed={SEED}", "--checks=all", "--continue-on-failure"]
    ran = subprocess.run([*command, "--no-color", *options], cwd=folder, capture_output=True, text=True, check=False)
    output = ran.stdout + ran.stderr
    assert ran.returncode == 0, output[-20_000:]
    assert process.is_alive
    generated = re.search(r"(\d+) generated", output)
    assert generated, output
    return int(generated[1])


@pytest.mark.full
def test_unauthenticated_requests_conform_to_the_openapi_document(
    process: ServiceProcess, held: dict[str, str], tmp_path: Path
) -> None:
    assert schemathesis(process, held, "stranger", tmp_path, "--phases=examples,fuzzing", "--max-examples=4") > 80


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("caller", ["anybody", "admin"])
def test_a_thousand_requests_of_each_caller_conform_to_the_openapi_document(
    process: ServiceProcess, held: dict[str, str], caller: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = schemathesis(process, held, caller, tmp_path, "--max-examples=15")
    with capsys.disabled():
        sys.stdout.write(f"\nschemathesis: {cases:,} requests as {caller}\n")
    assert cases >= 1_000
