"""The attacks. Each sends its load and returns its own figures."""

import io
import json
import socket
import struct
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pippin.api.metrics import BatchLosses
from pippin.settings import Settings
from tests.abuse.target import ATTACKER, Target
from tests.support.claimed_job import claimed_job
from tests.support.records import epoch_metrics

MB = 10**6


@dataclass(frozen=True)
class Size:
    """Sizes of the attacks; the defaults are the full attacks."""

    # Bodies with repeated keys, sent at once; keys in each of them.
    bodies: int = 8
    keys: int = 40_000
    # Large bodies, sent at once; bytes of each.
    large: int = 6
    large_bytes: int = 28 * MB
    # Tables in which every row has its own label; labels of each.
    tables: int = 15
    labels: int = 300_000
    # Jobs with weights of 12 MB in their specs, cancelled as soon as they are accepted.
    rounds: int = 20
    # Epochs that report mini-batches; mini-batches of each.
    epochs: int = 20
    batches: int = 150_000
    # Values of the one example of a small archive.
    values: int = 150_000_000
    # Connections that send nothing, and as many that send half a request; how long they are held.
    connections: int = 550
    idle_seconds: float = 15
    # Bytes of each of two large uploads.
    upload_bytes: int = 150 * MB
    # How long a worker reports while Redis accepts no writes.
    outage_seconds: float = 20
    # Sweeps of blobs that are waited for after records are lost; a blob's deletion takes two.
    sweeps: int = 16


# As many repeated keys as in full: a parser whose time grows with the square of their number would fail.
SHORT = Size(
    bodies=2,
    large=3,
    large_bytes=14 * MB,
    tables=1,
    rounds=2,
    epochs=3,
    values=15_000_000,
    idle_seconds=3,
    upload_bytes=12 * MB,
    outage_seconds=8,
    sweeps=6,
)


@dataclass
class Damage:
    """The result of an attack: its own figures by name, as printed, and violations, in sentences."""

    figures: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


Attack = Callable[[Target, Size], Damage]


def repeated_keys(target: Target, size: Size) -> Damage:
    """Objects whose last key is duplicated, as JSON and as YAML."""
    keys = [f"k{number}" for number in range(size.keys)]
    keys.append(keys[-1])
    as_json = ("{" + ",".join(f'"{key}":0' for key in keys) + "}").encode()
    as_yaml = "\n".join(f"{key}: 0" for key in keys).encode()
    bodies = [(as_json, "application/json"), (as_yaml, "application/yaml")] * size.bodies
    return _together(target, [_validation(*body) for body in bodies])


def large_bodies(target: Target, size: Size) -> Damage:
    """Bodies just below the limit: one list of numbers, one of objects, one of strings with escapes."""
    element = ["0.5,", '{"a":[1]},', '"\\u00e9\\n",']
    bodies = []
    for number in range(size.large):
        each = element[number % len(element)]
        bodies.append(("[" + each * (size.large_bytes // len(each)) + "0]").encode())
    return _together(target, [_validation(body, "application/json") for body in bodies])


def many_labels(target: Target, size: Size) -> Damage:
    """Tables that compress well, in which every row has its own label."""
    before = target.redis_bytes
    statuses = []
    with target.client(target.submitter) as client:
        for number in range(size.tables):
            lines = (f"class-{row:0180d},{row % 7}" for row in range(size.labels))
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("train.csv", "label,x\n" + "\n".join(lines))
            answer = client.post("/datasets", params={"name": f"labels-{number}"}, content=file.getvalue())
            statuses.append(answer.status_code)
        list_bytes = len(client.get("/datasets").content)
    damage = _grown(target, before, statuses)
    damage.figures["the list of datasets"] = f"{list_bytes / MB:.1f} MB"
    return damage


def explicit_weights(target: Target, size: Size) -> Damage:
    """Jobs with weights in the spec, cancelled at once."""
    before = target.redis_bytes
    statuses = []
    with target.client(target.submitter) as client:
        for number in range(size.rounds):
            body = json.dumps({"model": {"spec": _wide_spec(number)}, "dataset": "mnist-sample"}).encode()
            answer = client.post("/jobs", content=body, headers={"content-type": "application/json"})
            statuses.append(answer.status_code)
            if answer.is_success:
                client.post(f"/jobs/{answer.json()['id']}/cancel")
    return _grown(target, before, statuses)


def batch_reports(target: Target, size: Size) -> Damage:
    """A job whose every epoch reports all of its mini-batches."""
    max_losses = Settings().max_batch_losses
    with target.client(target.submitter) as client:
        claim = claimed_job(target.store, client, size.epochs, tenant="attackers")
        target.store.attempts.running(claim)
        before = target.redis_bytes
        for number in range(1, size.epochs + 1):
            metrics = epoch_metrics(number, epochs=size.epochs, time=datetime.now(UTC))
            target.store.attempts.epoch(claim, metrics, BatchLosses.of([0.123456789] * size.batches, max_losses))
        per_epoch = (target.redis_bytes - before) / size.epochs
        answer = client.get(f"/jobs/{claim.job_id}/metrics", params={"batches": "true"})
        client.post(f"/jobs/{claim.job_id}/cancel")
    damage = Damage({"Redis holds of each epoch": f"{per_epoch / 1000:.0f} kB"})
    damage.figures["the metrics with mini-batches"] = f"{answer.status_code}, {len(answer.content) / MB:.1f} MB"
    if per_epoch > 0.5 * MB:
        damage.wrong.append(f"an epoch takes {per_epoch / MB:.1f} MB of Redis")
    return damage


def one_vast_example(target: Target, size: Size) -> Damage:
    """A small archive that holds one example of many values, and its preview."""
    statuses = []
    with target.client(target.submitter) as client:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.writestr("train/x.npy", _npy((1, size.values), bytes(size.values)))
            archive.writestr("train/label.npy", _npy((1, 1), bytes(1)))
        content = file.getvalue()
        uploaded = client.post("/datasets", params={"name": "vast"}, content=content)
        statuses.append(uploaded.status_code)
        answered = 0
        if uploaded.is_success:
            for path in ("/datasets/vast/preview", "/datasets/vast", "/datasets"):
                answer = client.get(path)
                statuses.append(answer.status_code)
                answered = max(answered, len(answer.content))
    damage = _answered(statuses)
    damage.figures["bytes sent, and the largest answer"] = f"{len(content) / 1000:.0f} kB, {answered / MB:.1f} MB"
    if answered > 16 * MB:
        damage.wrong.append(f"an answer has {answered / MB:.0f} MB")
    return damage


def idle_connections(target: Target, size: Size) -> Damage:
    """Connections without a token: some send nothing, some half a request, some a body a byte at a time."""
    parts = urlsplit(target.service.url)
    address = (str(parts.hostname), int(parts.port or 0))
    logged = len(target.service.log)
    half = f"POST /specs/validate HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n".encode()
    sockets: list[socket.socket] = []
    refused = 0
    for number in range(2 * size.connections):
        try:
            opened = socket.create_connection(address, timeout=2, source_address=(ATTACKER, 0))
            sockets.append(opened)
            if number % 2:
                opened.sendall(half + (b"Content-Length: 1000\r\n\r\n{" if number % 4 == 1 else b""))
        except OSError:
            refused += 1
    until = time.monotonic() + size.idle_seconds
    while time.monotonic() < until:
        for opened in sockets[1::4]:
            with suppress(OSError):
                opened.sendall(b" ")
        time.sleep(0.5)
    held = target.service.open_files
    for opened in sockets:
        opened.close()
    lines = sum(map(len, target.service.log[logged:]))
    damage = Damage({"opened, refused": f"{len(sockets)}, {refused}", "descriptors held": str(held)})
    damage.figures["log"] = f"{lines / 1000:.0f} kB"
    if lines > MB:
        damage.wrong.append(f"{lines / MB:.1f} MB of log")
    return damage


def large_uploads(target: Target, size: Size) -> Damage:
    """Two large tables, and another tenant's small one beside them."""
    rows = size.upload_bytes // 40
    large = b"label,a,b,c\n" + b"3,0.123456789,0.987654321,0.5555555\n" * rows
    took: list[float] = []

    def upload(number: int) -> int:
        with target.client(target.submitter) as client:
            return client.post("/datasets", params={"name": f"large-{number}"}, content=large).status_code

    def upload_small() -> int:
        time.sleep(1)
        began = time.monotonic()
        with target.client(target.bystander) as client:
            answer = client.post("/datasets", params={"name": "small"}, content=b"label,a\n1,0.5\n2,0.25\n1,0.5\n")
        took.append(time.monotonic() - began)
        return answer.status_code

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(upload, number) for number in range(2)]
        small = pool.submit(upload_small).result()
        damage = _answered([each.result() for each in running])
    damage.figures["the small upload"] = f"{small} after {took[0]:.1f} s"
    if small >= 400:
        damage.wrong.append(f"the small upload was answered {small}")
    return damage


ATTACKS: dict[str, Attack] = {
    "repeated keys": repeated_keys,
    "large bodies": large_bodies,
    "a label for every row": many_labels,
    "weights in specs, cancelled": explicit_weights,
    "mini-batch reports": batch_reports,
    "one vast example": one_vast_example,
    "idle connections": idle_connections,
    "two large uploads": large_uploads,
}


def _validation(body: bytes, media_type: str) -> Callable[[httpx2.Client], int]:
    def send(client: httpx2.Client) -> int:
        return client.post("/specs/validate", content=body, headers={"content-type": media_type}).status_code

    return send


def _together(target: Target, calls: list[Callable[[httpx2.Client], int]]) -> Damage:
    began = time.monotonic()

    def send(call: Callable[[httpx2.Client], int]) -> int:
        with target.client(target.reader) as client:
            return call(client)

    with ThreadPoolExecutor(len(calls)) as pool:
        statuses = list(pool.map(send, calls))
    damage = _answered(statuses)
    damage.figures["all answered after"] = f"{time.monotonic() - began:.1f} s"
    return damage


def _answered(statuses: list[int]) -> Damage:
    counts = {status: statuses.count(status) for status in sorted(set(statuses))}
    damage = Damage({"answers": ", ".join(f"{count} x {status}" for status, count in counts.items())})
    damage.wrong += [f"an answer was {status}" for status in counts if status >= 500 and status not in {503, 507}]
    return damage


def _grown(target: Target, before: int, statuses: list[int]) -> Damage:
    grown = target.redis_bytes - before
    damage = _answered(statuses)
    damage.figures["Redis grew by"] = f"{grown / MB:.1f} MB"
    if grown > 50 * MB:
        damage.wrong.append(f"Redis grew by {grown / MB:.0f} MB")
    return damage


def _npy(shape: tuple[int, ...], data: bytes) -> bytes:
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _wide_spec(number: int) -> dict[str, Any]:
    """A classifier of the digits with two million weights of its own: about 12 MB of JSON."""
    channels = 2_500
    return {
        "inputs": [{"name": "image", "shape": [1, 28, 28]}],
        "outputs": [{"name": "digit", "shape": [10]}],
        "layers": [
            {"type": "flatten", "name": "flat"},
            {
                "type": "inner_product",
                "name": "wide",
                "output_channels": channels,
                "weights": [[(number + channel % 1000) / 1000] * 784 for channel in range(channels)],
                "bias": [0.5] * channels,
            },
            {"type": "inner_product", "name": "dense", "output_channels": 10, "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "loss": {"type": "categorical_cross_entropy", "target": "output_true"},
        "optimizer": {"type": "sgd", "learning_rate": 0.01, "mini_batch_size": 32},
        "epochs": {"default": 1, "min": 1, "max": 10},
    }
