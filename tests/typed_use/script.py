"""What a user may write: checked by mypy and pyright, and never run."""
# pyright: strict
# ruff: noqa: T201

import asyncio
from pathlib import Path
from typing import Any, assert_type

import pippin
from pippin import AsyncClient, Client
from pippin.client import (
    AsyncLiveJob,
    DamagedDownloadError,
    Event,
    JobMetrics,
    LiveJob,
    ServiceError,
    ServiceUnreachable,
)
from pippin.models.builder import (
    SGD,
    CategoricalCrossEntropy,
    InnerProduct,
    Input,
    Model,
    NeuralNetwork,
    Output,
    Softmax,
)


def train(client: Client) -> Path:
    job = client.train("mnist-cnn", "mnist-sample", epochs=2, learning_rate=0.001, options={"labels": {"a": "b"}})
    assert_type(job, LiveJob)
    for epoch in job.follow():
        assert_type(epoch.loss, float | None)
        print(f"{epoch.epoch}/{epoch.epochs} {epoch.engine}")
    if job.record.reason is not None:
        print(job.record.reason.detail)
    assert_type(job.download(), Path)
    for listed in client.jobs(status="succeeded", limit=3):
        assert_type(listed.id, str)
        print(listed.request.hyperparameters.epochs, listed.progress.epoch)
    return client.download(job.id, "model.mlmodel", variant="inference")


def stored(client: Client) -> None:
    dataset = client.add_dataset("digits", [Path("digits.zip")])
    for dataset in client.datasets():
        print(dataset.id, dataset.name, [split.examples for split in dataset.splits], dataset.features[0].shape)
    model = client.add_model({"inputs": []}, name="m")
    for model in client.models():
        print(model.id, model.name)
    assert_type(client.model_spec(model.id), dict[str, Any])
    print(client.validate({}).layers[0].name)
    print([worker.engines for worker in client.workers()])


def measured(client: Client, job: str) -> None:
    prediction = client.predict(job, {"image": [[0.0]]})
    print(prediction.outputs, prediction.top)
    report = client.evaluate(job, "digits", split="test")
    assert_type(report.accuracy, float | None)
    metrics = client.metrics(job)
    assert_type(metrics, JobMetrics)
    for event in client.events(job):
        assert_type(event, Event)
        print(event.type, event.data)
    for kept in client.checkpoints(job):
        print(kept.epoch)


async def train_async() -> None:
    async with AsyncClient("http://127.0.0.1:8000") as client:
        job = await client.train("mnist-cnn", "mnist-sample", epochs=1)
        assert_type(job, AsyncLiveJob)
        async for epoch in job.follow():
            print(epoch.epoch)
        async for listed in client.jobs():
            print(listed.status)
        async for dataset in client.datasets():
            print(dataset.digest)
        print(await job.download("."))


def written(client: Client) -> LiveJob:
    model = Model(short_description="written in Python")[
        Input("x", [4]),
        Output("y", [2]),
        NeuralNetwork(
            loss=CategoricalCrossEntropy(), optimizer=SGD(learning_rate=0.1, mini_batch_size=8), epochs={"default": 2}
        )[
            InnerProduct("dense", output_channels=2, updatable=True),
            Softmax("softmax", output="y"),
        ],
    ]
    assert_type(model, Model)
    assert_type(model.mlmodel, bytes)
    return client.train(model.spec, "points")


try:
    with pippin.Client() as made:
        train(made)
except ServiceUnreachable as error:
    print(error)
except ServiceError as error:
    print(error.status, [fault.pointer for fault in error.faults])
except DamagedDownloadError as error:
    print(error)
asyncio.run(train_async())
