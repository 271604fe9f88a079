"""The order of computation: the required layers, some of them moved or fused for speed.

No rewrite changes a value or the path of a gradient, beyond rounding.
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

# A fused convolution is repeated for each cell of the pooling's kernel, which slows compilation: with 4x4 cells a
# training step took 0.66 of the time, and its compilation five times as long.
MAX_CELLS = 16


@dataclass(frozen=True)
class Task:
    """One call of a function.

    Attributes:
        compute: The function; its arguments are one step for each of `layers`, then the input blobs.
        layers: The layers that the function computes.
        inputs: Names of the input blobs.
        outputs: Names of the output blobs.
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
        join: Whether to fuse a convolution with the pooling of its output.
    """
    tasks = rectified_after_pooling(needed(resolved, outputs), outputs)
    return pooled_while_convolving(tasks, outputs) if join else tasks


def needed(resolved: ResolvedNetwork, outputs: Collection[str]) -> Sequence[Task]:
    """One task per layer, only for layers on which `outputs` depend."""
    missing = set(outputs)
    tasks = []
    for entry in reversed(resolved.layers):
        if missing.intersection(entry.outputs):
            missing.update(entry.inputs)
            tasks.append(Task(OPERATIONS[entry.layer.type], (entry,), entry.inputs, entry.outputs))
    return tasks[::-1]


def inputs_needed(resolved: ResolvedNetwork, outputs: Collection[str]) -> set[str]:
    """The names of the model's inputs on which the blobs named in `outputs` depend."""
    read = {name for task in needed(resolved, outputs) for name in task.inputs} | set(outputs)
    return {feature.name for feature in resolved.inputs if feature.name in read}


def rectified_after_pooling(tasks: Sequence[Task], outputs: Collection[str]) -> Sequence[Task]:
    """Move ReLU behind max-pooling: max(relu(x)) = relu(max(x)), and the pooled blob has fewer numbers."""
    followers = _followers(tasks, outputs)
    moved = []
    pending: dict[tuple[str, ...], Task] = {}
    for task in tasks:
        if isinstance(_layer(task), ReLU) and _is_max_pooling(followers.get(task.outputs)):
            pending[task.outputs] = task
        elif task.inputs in pending:
            rectifier = pending[task.inputs]
            # The blob between the two tasks keeps its name; no other task reads it.
            moved.append(replace(task, inputs=rectifier.inputs, outputs=rectifier.outputs))
            moved.append(replace(rectifier, inputs=rectifier.outputs, outputs=task.outputs))
        else:
            moved.append(task)
    return moved


def pooled_while_convolving(tasks: Sequence[Task], outputs: Collection[str]) -> Sequence[Task]:
    """Replace a convolution and the pooling of its output by `pooled_convolution`."""
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
    """The only reader of each blob that exactly one task reads and that is not an output."""
    readings = Counter(name for task in tasks for name in task.inputs)
    readings.update(outputs)
    return {task.inputs: task for task in tasks if len(task.inputs) == 1 and readings[task.inputs[0]] == 1}


def _layer(task: Task | None) -> Layer | None:
    return task.layers[0].layer if task is not None and len(task.layers) == 1 else None


def _is_max_pooling(task: Task | None) -> bool:
    layer = _layer(task)
    return isinstance(layer, Pooling) and layer.pooling_type == "max"


def _divides_its_input(task: Task | None) -> bool:
    """Whether the task is a max-pooling of few cells whose windows do not overlap and stay inside the image."""
    layer = _layer(task)
    if task is None or not isinstance(layer, Pooling) or layer.pooling_type != "max":
        return False
    shape = task.layers[0].input_shapes[0]
    (k_h, k_w), (s_h, s_w), borders = layer.kernel(shape), layer.strides(), layer.pads(shape)
    return borders == ((0, 0), (0, 0)) and k_h <= s_h and k_w <= s_w and k_h * k_w <= MAX_CELLS


@over_images
def pooled_convolution(convolution: Step[Convolution], pooling: Step[Pooling], x: Array) -> Array:
    """pooling(convolution(x)): [N, H, W, inC] -> [N, H', W', outC], for a max-pooling that adds no borders.

    The bias is added after the maximum, since max(y + b) = max(y) + b.
    """
    layer, kernel, xp = convolution.layer, convolution.weights["weights"], convolution.xp
    bordered = with_borders(x, borders_of(layer, x), 0, xp)
    positions = window_of(layer, bordered)
    kernel_of_pooling = pooling.layer.kernel((kernel.shape[0], *positions.count))
    windows = positions.phases(Window.within(positions.count, kernel_of_pooling, pooling.layer.strides()))
    y = first_maximum([product(bordered, window, layer.groups, kernel, xp) for window in windows], xp)
    return y + convolution.weights["bias"] if layer.has_bias else y
