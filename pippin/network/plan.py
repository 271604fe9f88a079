"""What to compute and in which order: the layers that are needed, some of them moved or joined because that is faster.

No rewrite changes a value, or where a gradient goes, beyond rounding.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pippin.models.spec import Layer, ResolvedLayer, ResolvedNetwork
from pippin.models.spec.layers.activations import ReLU
from pippin.models.spec.layers.convolution import Convolution
from pippin.models.spec.layers.pooling import Pooling
from pippin.network.arrays import Array
from pippin.network.layers.convolution import borders_of, product, window_of
from pippin.network.layers.pooling import first_maximum
from pippin.network.step import Operation, Step, over_images
from pippin.network.table import OPERATIONS
from pippin.network.window import Window, with_borders

# A joined convolution is laid out once a cell of the pooling's kernel, which takes its time to compile: with 4x4 cells
# a training step took 0.66 of the time, its compilation five times as long.
MAX_CELLS = 16


@dataclass(frozen=True)
class Task:
    """One call of a function.

    Attributes:
        compute: The function; it takes one step for each of `layers`, then the blobs that it reads.
        layers: What it computes.
        inputs: The blobs that it reads.
        outputs: The blobs that it makes.
    """

    compute: Operation
    layers: tuple[ResolvedLayer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def plan(resolved: ResolvedNetwork, outputs: Collection[str], *, join: bool) -> Sequence[Task]:
    """The tasks that compute the blobs named in `outputs`.

    Args:
        resolved: The network.
        outputs: Names of blobs.
        join: Whether a convolution is computed together with the pooling of what it makes.
    """
    tasks = rectified_after_pooling(needed(resolved, outputs), outputs)
    return pooled_while_convolving(tasks, outputs) if join else tasks


def needed(resolved: ResolvedNetwork, outputs: Collection[str]) -> Sequence[Task]:
    """One task a layer, without the layers on which nothing wanted depends."""
    missing = set(outputs)
    tasks = []
    for entry in reversed(resolved.layers):
        if missing.intersection(entry.outputs):
            missing.update(entry.inputs)
            tasks.append(Task(OPERATIONS[entry.layer.type], (entry,), entry.inputs, entry.outputs))
    return tasks[::-1]


def inputs_needed(resolved: ResolvedNetwork, outputs: Collection[str]) -> set[str]:
    """The names of the model's inputs on which the blobs named in `wanted` depend."""
    read = {name for task in needed(resolved, outputs) for name in task.inputs} | set(outputs)
    return {feature.name for feature in resolved.inputs if feature.name in read}


def rectified_after_pooling(tasks: Sequence[Task], outputs: Collection[str]) -> Sequence[Task]:
    """ReLU after max-pooling instead of before it: max(relu(x)) = relu(max(x)), and there are fewer numbers by then."""
    followers = _followers(tasks, outputs)
    moved = []
    pending: dict[tuple[str, ...], Task] = {}
    for task in tasks:
        if isinstance(_layer(task), ReLU) and _is_max_pooling(followers.get(task.outputs)):
            pending[task.outputs] = task
        elif task.inputs in pending:
            rectifier = pending[task.inputs]
            # The blob between the two keeps its name; no other task reads it.
            moved.append(replace(task, inputs=rectifier.inputs, outputs=rectifier.outputs))
            moved.append(replace(rectifier, inputs=rectifier.outputs, outputs=task.outputs))
        else:
            moved.append(task)
    return moved


def pooled_while_convolving(tasks: Sequence[Task], outputs: Collection[str]) -> Sequence[Task]:
    """`pooled_convolution` in place of a convolution and the pooling of what it makes."""
    followers = _followers(tasks, outputs)
    joined = []
    pending: dict[tuple[str, ...], Task] = {}
    for task in tasks:
        if isinstance(_layer(task), Convolution) and _divides_its_input(followers.get(task.outputs)):
            pending[task.outputs] = task
        elif task.inputs in pending:
            convolving = pending[task.inputs]
            layers = (*convolving.layers, *task.layers)
            joined.append(Task(pooled_convolution, layers, convolving.inputs, task.outputs))
        else:
            joined.append(task)
    return joined


def _followers(tasks: Sequence[Task], outputs: Collection[str]) -> Mapping[tuple[str, ...], Task]:
    """For each blob that exactly one task reads and that is no output: that task."""
    readings = Counter(name for task in tasks for name in task.inputs)
    readings.update(outputs)
    return {task.inputs: task for task in tasks if len(task.inputs) == 1 and readings[task.inputs[0]] == 1}


def _layer(task: Task | None) -> Layer | None:
    return task.layers[0].layer if task is not None and len(task.layers) == 1 else None


def _is_max_pooling(task: Task | None) -> bool:
    layer = _layer(task)
    return isinstance(layer, Pooling) and layer.pooling_type == "max"


def _divides_its_input(task: Task | None) -> bool:
    """Whether it is a max-pooling of few cells whose windows neither overlap nor reach beyond the image."""
    layer = _layer(task)
    if task is None or not isinstance(layer, Pooling) or layer.pooling_type != "max":
        return False
    shape = task.layers[0].input_shapes[0]
    (k_h, k_w), (s_h, s_w), borders = layer.kernel(shape), layer.strides(), layer.pads(shape)
    return borders == ((0, 0), (0, 0)) and k_h <= s_h and k_w <= s_w and k_h * k_w <= MAX_CELLS


@over_images
def pooled_convolution(convolution: Step[Convolution], pooling: Step[Pooling], x: Array) -> Array:
    """pooling(convolution(x)): [N, H, W, inC] -> [N, H', W', outC], for a max-pooling that adds no borders.

    The bias comes after the maximum, since max(y + b) = max(y) + b.
    """
    layer, kernel, xp = convolution.layer, convolution.weights["weights"], convolution.xp
    bordered = with_borders(x, borders_of(layer, x), 0, xp)
    positions = window_of(layer, bordered)
    kernel_of_pooling = pooling.layer.kernel((kernel.shape[0], *positions.count))
    seen = positions.phases(Window.within(positions.count, kernel_of_pooling, pooling.layer.strides()))
    y = first_maximum([product(bordered, window, layer.groups, kernel, xp) for window in seen], xp)
    return y + convolution.weights["bias"] if layer.has_bias else y
