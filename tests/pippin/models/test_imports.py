"""What models import: coremltools takes two seconds and 60 MB, and much of Pippin works without it."""

import subprocess
import sys

PROGRAM = """
import sys

def loaded(*names):
    print([name for name in names if name in sys.modules])

from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
import pippin.jobs.hyperparameters
resolve(preset("mnist-cnn"))
loaded("coremltools", "google.protobuf", "numpy")

import pippin.models.neighbors
loaded("coremltools", "google.protobuf")

from pippin.models.builder import *
network = NeuralNetwork(
    loss=CategoricalCrossEntropy(), optimizer=SGD(learning_rate=1.0, mini_batch_size=1), epochs=1
)[InnerProduct(output_channels=2, updatable=True), Softmax()]
Model()[Input("x", [3]), Output("y"), network].resolved
loaded("coremltools")
"""


def test_specs_classifiers_and_the_builder_work_without_coremltools() -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n[]\n[]\n"
