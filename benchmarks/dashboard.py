"""Measures the dashboard: first paint, first chart, size of its pages, and scrolling through 2,000 jobs.

Starts a separate Valkey and service, writes finished jobs directly into the store, and opens pages in Chromium. First
charts are measured with a CPU that is slowed four times, over 1.6 Mbit/s with 150 ms of latency; one of them is of a
job with 5,000 epochs and 285,000 mini-batches.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright

from pippin.api.jobs import Artifact
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Claim, Store, connect, new_token

CHROMIUM = "/usr/bin/chromium"
JOBS, EPOCHS, LOADS = 2_000, 5, 7
PAINT_LIMIT, WEIGHT_LIMIT, FRAME_LIMIT = 1_000, 100, 100
LONG_EPOCHS, BATCHES = 5_000, 57
CHART_LIMIT, FREEZE_LIMIT = 2_000, 200
SLOWED = 4
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 200_000}

# Runs before the page: notes when a chart has its first pixels, and the longest time between two frames.
WATCH = """
const isDrawn = () => {
  const canvas = document.querySelector(".chart canvas");
  if (!canvas?.width) return Boolean(document.querySelector(".js-plotly-plot .scatterlayer path"));
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
};
window.longest = 0;
let last = performance.now();
const look = () => {
  const now = performance.now();
  window.longest = Math.max(window.longest, now - last);
  last = now;
  if (!window.drawn && isDrawn()) {
    window.drawn = now;
    document.documentElement.dataset.drawn = "";
  }
  // Reading the pixels takes time itself.
  last = performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
DIGEST = "sha256:" + "0" * 64

# Scrolls in every frame, and waits at the end of the loaded rows for the next page.
SCROLL = """async (wanted) => {
  const table = document.querySelector('[aria-label="Table of jobs"]');
  const frames = [];
  let last = performance.now();
  const deadline = last + 60000;
  const bottom = () => document.querySelector(`tr[aria-rowindex="${wanted + 1}"]`);
  while (!bottom() && last < deadline) {
    table.scrollTop += 260;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return {frames, reached: Boolean(bottom())};
}"""


def request_of(number: int, epochs: int, report: str) -> ResolvedRequest:
    values = {
        "name": f"job {number}",
        "model": {"preset": "mnist-cnn"},
        "dataset": {
            "id": "ds_0",
            "name": "mnist-sample",
            "digest": DIGEST,
            "train": "train",
            "validation": "test",
            "validation_fraction": None,
            "bind": {"image": "image", "output_true": "label"},
        },
        "hyperparameters": {"epochs": epochs, "shuffle": True, "seed": number},
        "limits": "enforce",
        "engine": "jax",
        "compute_units": "all",
        "report": report,
        "max_attempts": 3,
        "timeout_seconds": None,
        "labels": {"team": "vision" if number % 2 else "speech"},
    }
    return ResolvedRequest.model_validate(values)


def finish(store: Store, number: int, epochs: int = EPOCHS, batches: int = 0) -> str:
    """Store a finished job with so many mini-batches in each epoch, and return its id."""
    job = store.jobs.submit("default", request_of(number, epochs, "batch" if batches else "epoch"), spec={})
    claim = Claim("default", job.id, 1, new_token())
    store.attempts.claim(claim, worker="worker-1", engine="jax")
    store.attempts.running(claim)
    for epoch in range(1, epochs + 1):
        metrics = EpochMetrics(
            epoch=epoch,
            epochs=epochs,
            loss=1 / epoch,
            validation_loss=1.1 / epoch,
            validation_accuracy=1 - 0.2 / epoch,
            examples_per_second=9_000,
            seconds=1,
            learning_rate=0.001,
            engine="jax",
            attempt=1,
            time=datetime.now(UTC),
        )
        losses = [1 / (epoch + place / batches) for place in range(batches)]
        store.attempts.epoch(claim, metrics, BatchLosses(losses, 1, batches) if batches else None)
    url = f"/jobs/{job.id}/model?variant=trained"
    store.attempts.succeed(claim, Artifact(variant="trained", digest=DIGEST, bytes=1, url=url))
    return job.id


@contextmanager
def service(redis_url: str, home: Path) -> Iterator[str]:
    """Run a service and yield its address once the service is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PIPPIN_REDIS_URL": redis_url, "PIPPIN_HOME": str(home), "PIPPIN_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "service"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx2.get(f"{url}/readyz").raise_for_status()
                break
            except httpx2.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def first_paint(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds to the first contentful paint, and to the first row of the table, with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{url}/")
    page.locator("tbody tr[data-id]").first.wait_for()
    rows: float = page.evaluate("performance.now()")
    paint: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint, rows


def first_chart(browser: Browser, url: str, path: str) -> tuple[float, float]:
    """Milliseconds until a chart is drawn, with an empty cache, and the longest time between frames until 3 s later."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    page.add_init_script(WATCH)
    page.goto(f"{url}/#{path}", timeout=120_000)
    page.locator("html[data-drawn]").wait_for(state="attached", timeout=120_000)
    page.wait_for_timeout(3000)
    drawn, longest = page.evaluate("[window.drawn, window.longest]")
    context.close()
    return drawn, longest


def weight(browser: Browser, url: str, path: str) -> int:
    """The bytes of the dashboard's files that the page loads, as they are sent, without the data of the API."""
    sizes: dict[str, int] = {}

    def record_size(response: Any) -> None:  # noqa: ANN401 (playwright's response)
        place = response.url.removeprefix(url).partition("?")[0]
        if place == "/" or place.startswith("/dashboard/"):
            sizes[place] = response.request.sizes()["responseBodySize"]

    context = browser.new_context()
    page = context.new_page()
    page.on("response", record_size)
    page.goto(f"{url}/#{path}")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_timeout(1000)
    context.close()
    return sum(sizes.values())


def scroll(browser: Browser, url: str) -> list[float]:
    """The durations in ms of all frames while scrolling from the newest job to the oldest, which fetches all jobs."""
    page: Page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{url}/")
    page.locator("tbody tr[data-id]").first.wait_for()
    page.wait_for_timeout(500)
    result = page.evaluate(SCROLL, JOBS)
    if not result["reached"]:
        raise SystemExit("the end of the list was not reached")
    frames: list[float] = result["frames"]
    return frames


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="pippin-bench-") as folder:
        home = Path(folder)
        with EmbeddedValkey(home) as valkey, service(valkey.url, home) as url:
            store = Store(connect(valkey.url))
            ids = [finish(store, number) for number in range(JOBS)]
            long = finish(store, JOBS, LONG_EPOCHS, BATCHES)
            store.close()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                loads = [first_paint(browser, url) for _ in range(LOADS)]
                pages = {
                    "jobs": "/jobs",
                    "job": f"/jobs/{ids[0]}",
                    "compare": f"/compare?jobs={','.join(ids[:3])}",
                }
                weights = {name: weight(browser, url, path) for name, path in pages.items()}
                charts = {
                    "job": pages["job"],
                    "compare": pages["compare"],
                    f"job of {LONG_EPOCHS:,} epochs": f"/jobs/{long}",
                    f"job of {LONG_EPOCHS * BATCHES:,} mini-batches": f"/jobs/{long}?batches=1",
                }
                drawn = {name: first_chart(browser, url, path) for name, path in charts.items()}
                frames = sorted(scroll(browser, url))
                browser.close()
    paint, rows = (statistics.median(times) for times in zip(*loads, strict=True))
    print(
        f"first paint {paint:.0f} ms (limit {PAINT_LIMIT}), first row of {JOBS:,} jobs {rows:.0f} ms; median of {LOADS}"
    )
    for name, size in weights.items():
        print(f"files of the page `{name}`, as sent: {size / 1000:.1f} kB (limit {WEIGHT_LIMIT})")
    for name, (milliseconds, longest) in drawn.items():
        print(
            f"slowed: first chart of {name} {milliseconds:.0f} ms (limit {CHART_LIMIT}), "
            f"longest freeze {longest:.0f} ms (limit {FREEZE_LIMIT})"
        )
    print(
        f"scrolling through {JOBS:,} jobs: {len(frames)} frames, median {statistics.median(frames):.1f} ms, "
        f"longest {frames[-1]:.0f} ms (limit {FRAME_LIMIT}), {sum(frame > FRAME_LIMIT for frame in frames)} over it"
    )


if __name__ == "__main__":
    main()
