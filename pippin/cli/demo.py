"""`pippin demo`: starts all of Pippin, trains a model and stops all processes; only the model is kept."""

import contextlib
import json
import select
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pippin.cli import following, output
from pippin.cli.errors import CommandError, Exit

_REQUEST = {
    "model": {"preset": "mnist-cnn"},
    "dataset": "mnist-sample",
    "hyperparameters": {"epochs": 8, "learning_rate": 0.001, "seed": 7},
}
_START_SECONDS = 120
_STOP_SECONDS = 10
_MIN_ACCURACY = 0.97


def demo(json_: output.JsonFlag = False) -> None:
    """Start everything, train a model, and stop everything.

    Trains the MNIST model on the packaged digits, downloads it into the current folder and checks it.
    Without PIPPIN_HOME, all else is in a temporary folder that is removed.
    """
    from pippin.client import Client

    with _home_options() as home, _running_service(home) as url, Client(url) as client:
        if not json_:
            output.print_text(f"Pippin runs at {url} during this demo. Training mnist-cnn on 10,000 digits:")
        job = client.submit(_REQUEST)
        if json_:
            job = client.wait(job.id)
            if job.reason:
                raise CommandError(Exit.JOB_FAILED, f"{job.id} {job.status}.", [job.reason.detail])
        else:
            following.follow(client, job.id)
        path = client.download(job.id, Path.cwd())
        accuracy, count = _accuracy(path)
    if json_:
        output.print_json({"model": str(path), "accuracy": accuracy, "examples": count})
    else:
        output.print_text(f"{path}", style="bold")
        output.print_text(f"Accuracy on the {count:,} digits that were held out from the training: {accuracy:.2%}.")
        for line in _curl_commands():
            output.print_text(line)
    if accuracy < _MIN_ACCURACY:
        raise CommandError(Exit.JOB_FAILED, f"The accuracy is {accuracy:.4f}; {_MIN_ACCURACY} or higher was expected.")


@contextmanager
def _home_options() -> Iterator[list[str]]:
    """The options of `pippin up` for a temporary PIPPIN_HOME; none if PIPPIN_HOME is set."""
    from pippin.settings import Settings

    if "home" in Settings().model_fields_set:
        yield []
        return
    with TemporaryDirectory(prefix="pippin-demo-") as folder:
        yield ["--home", str(Path(folder) / "home")]


@contextmanager
def _running_service(options: list[str]) -> Iterator[str]:
    """Run `pippin up` on a free port for the block; yield the service's address."""
    from pippin.local.parts import python_module
    from pippin.system.processes import dying_with_parent

    command = python_module("pippin", "up", "--port", "0", "--json", *options)
    # In a session of its own: Ctrl-C signals only the demo, which then stops this process.
    process = subprocess.Popen(  # noqa: S603 - our own command
        dying_with_parent(command, signal.SIGTERM),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    log: deque[str] = deque(maxlen=20)
    assert process.stdout is not None
    assert process.stderr is not None
    reader = threading.Thread(target=log.extend, args=(process.stderr,))
    reader.start()
    try:
        readable, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
        first_line = process.stdout.readline() if readable else ""
        if not first_line:
            process.terminate()
            process.wait()
            reader.join()
            raise CommandError(Exit.UNREACHABLE, "`pippin up` did not start. Its last output:", [*map(str.rstrip, log)])
        yield json.loads(first_line)["url"]
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
        process.stderr.close()


def _accuracy(path: Path) -> tuple[float, int]:
    """The accuracy of the model file on the held-out digits, computed with NumPy, and the number of these digits."""
    from pippin.datasets import sample
    from pippin.datasets.arrays import open_arrays
    from pippin.models.mlmodel import read
    from pippin.network import predict

    model = read(path.read_bytes())
    with TemporaryDirectory(prefix="pippin-") as folder:
        arrays = open_arrays(sample.prepare(Path(folder)).arrays_path)
        images, labels = arrays["test/image"] / 255, arrays["test/label"][:, 0]
        digits = predict(model.resolved, model.weights, {"image": images.astype("float32")})["output"].argmax(1)
        return float((digits == labels).mean()), len(labels)


def _curl_commands() -> list[str]:
    return [
        "",
        "The same with curl, while `pippin up` runs in another terminal (JOB is the id in the first response):",
        "  curl -s localhost:8000/jobs -H 'content-type: application/json' \\",
        f"    -d '{json.dumps(_REQUEST)}'",
        "  curl -sN localhost:8000/jobs/JOB/metrics -H 'accept: text/event-stream'",
        "  curl -sOJ localhost:8000/jobs/JOB/model",
    ]
