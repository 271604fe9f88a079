"""Another tenant's client in its own process: it lists jobs repeatedly, on a new connection each time.

`python -m tests.abuse.bystander URL TOKEN` runs until its standard input ends, then prints its measurements as JSON.
"""

import json
import subprocess
import sys
import threading
import time
from typing import Self

import httpx2

_PAUSE_SECONDS = 0.05


class Bystander:
    """The process, while its `with` block lasts.

    Attributes:
        seconds: Duration of each request, from before the connection to the last byte of the response.
        failures: Responses other than 200 and errors, as text.
    """

    def __init__(self, url: str, token: str) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._command = [sys.executable, "-m", "tests.abuse.bystander", url, token]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        # The process prints a line once its first request is answered.
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        output = self._process.communicate()[0]
        measured = json.loads(output)
        self.seconds, self.failures = measured["seconds"], measured["failures"]


def main() -> None:
    url, token = sys.argv[1:]
    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    seconds: list[float] = []
    failures: list[str] = []
    while not over.wait(_PAUSE_SECONDS) or not seconds:
        began = time.monotonic()
        try:
            # Without TLS: loading the certificate authorities takes longer than the request.
            with httpx2.Client(timeout=60, trust_env=False, verify=False) as client:
                answer = client.get(f"{url}/jobs", headers={"authorization": f"Bearer {token}"})
            if answer.status_code != httpx2.codes.OK:
                failures.append(f"{answer.status_code} {answer.text[:200]}")
        except httpx2.HTTPError as error:
            failures.append(repr(error))
        seconds.append(time.monotonic() - began)
        if len(seconds) == 1:
            sys.stdout.write("measuring\n")
            sys.stdout.flush()
    json.dump({"seconds": seconds, "failures": failures}, sys.stdout)


if __name__ == "__main__":
    main()
