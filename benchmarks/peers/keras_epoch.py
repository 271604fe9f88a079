"""Trains the seed's network in Keras on TensorFlow with the arrays of an NPZ; prints the seconds per epoch as JSON."""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from keras import layers


class Stopwatch(keras.callbacks.Callback):
    """Records the wall time of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seconds.append(time.perf_counter() - self._began)


def main(path: str, epochs: int) -> None:
    with np.load(path) as arrays:
        images = arrays["images"].transpose(0, 2, 3, 1).astype(np.float32) / 255
        labels = arrays["labels"]
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_uniform"),
            layers.MaxPooling2D(2, strides=2),
            layers.Conv2D(32, 2, activation="relu", kernel_initializer="he_uniform"),
            layers.MaxPooling2D(2, strides=2),
            layers.Flatten(),
            layers.Dense(500, activation="relu", kernel_initializer="he_uniform"),
            layers.Dense(10, activation="softmax"),
        ],
    )
    model.compile(keras.optimizers.Adam(1e-4), loss="sparse_categorical_crossentropy")
    stopwatch = Stopwatch()
    history = model.fit(images, labels, epochs=epochs, batch_size=128, verbose=0, callbacks=[stopwatch])
    print(json.dumps({"seconds": stopwatch.seconds, "loss": history.history["loss"][-1]}))


main(sys.argv[1], int(sys.argv[2]))
