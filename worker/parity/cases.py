"""The table of cases: each is a question on undocumented behaviour of Core ML, with candidate answers.

The first candidate is Pippin's choice. A case avoids the subjects of all other cases, so that no answer depends on
another: by default a case has no smaller last mini-batch, no momentum, and cross-entropy as its loss, whose gradient is
known to be the mean over the mini-batch.
"""

from dataclasses import dataclass
from itertools import permutations, product
from typing import Literal

from worker.engines.jax.schedule import CoreMLOrders, Orders, PippinOrders
from worker.engines.jax.shuffle import first_state
from worker.parity.problem import Adam, Order, Problem, Rules, Sgd


@dataclass(frozen=True)
class Candidate:
    """A possible answer.

    Attributes:
        name: A description.
        rules: The rules of the training if this answer is true; None if the answer is that the training gives the same
            result as an earlier run of it.
    """

    name: str
    rules: Rules | None


@dataclass(frozen=True)
class Case:
    """A question, the training that answers it, and the candidates.

    Attributes:
        name: The value of `--case`.
        question: The question's text.
        problem: The training.
        candidates: The candidates, Pippin's choice first.
        judged_by: What distinguishes the candidates: the weights after the training or the losses of the epochs.
        evidence: The evidence for Pippin's choice.
    """

    name: str
    question: str
    problem: Problem
    candidates: tuple[Candidate, ...]
    judged_by: Literal["weights", "losses"] = "weights"
    evidence: str = "to be confirmed"

    @property
    def repeated(self) -> bool:
        """Whether the training runs twice, and the second run is compared."""
        return any(candidate.rules is None for candidate in self.candidates)


_FALLING_RATES = (0.5, 0.5, 0.05, 0.05)
_CONFIRMED = "confirmed by a published run"
_LARGE_BATCH = (
    Candidate("filled up with the first examples of the order, all counted", Rules(last_batch="filled")),
    Candidate("divided by its own size", Rules(last_batch="own_size")),
    Candidate("dropped", Rules(last_batch="dropped")),
    Candidate("divided by the full size", Rules(last_batch="full_divisor")),
)
_LAST_BATCH = (
    *_LARGE_BATCH,
    Candidate("filled up from the mini-batch before it", Rules(last_batch="filled_before")),
)
_SQUARED_ERROR = (
    Candidate("mean over batch and outputs", Rules(squared_error="mean")),
    Candidate("1/2 of the mean over batch and outputs", Rules(squared_error="half_mean")),
    Candidate("mean over the batch, sum over outputs", Rules(squared_error="sum")),
    Candidate("1/2 of mean over the batch, sum over outputs", Rules(squared_error="half_sum")),
    Candidate("sum over the batch, mean over outputs", Rules(squared_error="batch_sum")),
)
# At this rate the results of the 36 orders are farthest apart. With this seed neither Core ML nor Pippin draws the
# order of the data, or the same order twice.
_SHUFFLE_PROBLEM = Problem(optimizer=Sgd(learning_rate=0.25), examples=3, mini_batch_size=1, shuffle=True, seed=21)
_EPOCHS = range(1, _SHUFFLE_PROBLEM.epochs + 1)


def _orders_of(orders: Orders) -> tuple[Order, ...]:
    drawn = []
    for epoch in _EPOCHS:
        drawn.append(tuple(orders.of(epoch).tolist()))
        orders.finish()
    return tuple(drawn)


_LIBCXX_ORDER = _orders_of(CoreMLOrders(first_state(_SHUFFLE_PROBLEM.examples, _SHUFFLE_PROBLEM.seed), _EPOCHS))
_PIPPIN_ORDER = _orders_of(PippinOrders(_SHUFFLE_PROBLEM.examples, _SHUFFLE_PROBLEM.seed))


def _orders_text(orders: tuple[Order, ...]) -> str:
    return ", then ".join(" ".join(map(str, order)) for order in orders)


_OTHER_ORDERS = tuple(
    Candidate(f"order {_orders_text(orders)}", Rules(orders=orders))
    for orders in product(permutations(range(_SHUFFLE_PROBLEM.examples)), repeat=_SHUFFLE_PROBLEM.epochs)
    if orders not in {_LIBCXX_ORDER, _PIPPIN_ORDER}
)
_SHUFFLES = (
    Candidate(f"libc++'s order {_orders_text(_LIBCXX_ORDER)}", Rules(orders=_LIBCXX_ORDER)),
    Candidate(f"Pippin's order {_orders_text(_PIPPIN_ORDER)}", Rules(orders=_PIPPIN_ORDER)),
    *_OTHER_ORDERS,
)

CASES: tuple[Case, ...] = (
    Case(
        "momentum",
        "Which form has SGD's momentum? The learning rate falls to a tenth halfway.",
        Problem(optimizer=Sgd(momentum=0.9), epochs=4, learning_rates=_FALLING_RATES),
        (
            Candidate("v = m v + lr g; w = w - v", Rules(momentum="lr_inside")),
            Candidate("v = m v + g; w = w - lr v", Rules(momentum="lr_outside")),
            Candidate("Nesterov's", Rules(momentum="nesterov")),
            Candidate("v = m v + (1 - m) lr g; w = w - v", Rules(momentum="dampened")),
        ),
    ),
    Case(
        "adam",
        "Where does Adam's eps stand, and are the first steps corrected?",
        Problem(optimizer=Adam(), epochs=3),
        (
            Candidate("eps beside the root of the uncorrected v", Rules(adam="eps_hat")),
            Candidate("eps beside the root of the corrected v", Rules(adam="eps_outside")),
            Candidate("eps under the root", Rules(adam="eps_in_root")),
            Candidate("no correction", Rules(adam="uncorrected")),
        ),
        evidence="documented by Apple for Metal; to be confirmed",
    ),
    Case(
        "mse_gradient",
        "Which factor has the gradient of the mean squared error?",
        Problem(loss="mean_squared_error", optimizer=Sgd(learning_rate=0.05)),
        _SQUARED_ERROR,
        evidence=f"{_CONFIRMED} for one output; for several to be confirmed",
    ),
    Case(
        "mse_loss",
        "Which factor has the mean squared error that is reported? The learning rate is 0.",
        Problem(loss="mean_squared_error", optimizer=Sgd(learning_rate=0), epochs=1),
        _SQUARED_ERROR,
        judged_by="losses",
    ),
    Case(
        "last_batch",
        "What happens to a smaller last mini-batch? 10 examples are trained in mini-batches of 4.",
        Problem(examples=10, mini_batch_size=4),
        _LAST_BATCH,
        evidence=_CONFIRMED,
    ),
    Case(
        "large_batch",
        "What happens to a mini-batch larger than the data? 5 examples are trained in mini-batches of 8.",
        Problem(examples=5, mini_batch_size=8),
        _LARGE_BATCH,
    ),
    Case(
        "epoch_loss",
        "What does the loss of an epoch average? The learning rate is 0, the mini-batches have 4, 4 and 2 examples.",
        Problem(optimizer=Sgd(learning_rate=0), examples=10, mini_batch_size=4, epochs=1),
        (
            Candidate("the examples, each of them once", Rules(epoch_loss="examples")),
            Candidate("the mini-batches, with what fills up the last", Rules(epoch_loss="batches")),
            Candidate("nothing: it is the last mini-batch's", Rules(epoch_loss="last_batch")),
            Candidate("the mini-batches, of their own sizes", Rules(epoch_loss="batches", last_batch="own_size")),
            Candidate(
                "nothing: it is that of the last mini-batch's own examples",
                Rules(epoch_loss="last_batch", last_batch="own_size"),
            ),
            Candidate("the full mini-batches", Rules(epoch_loss="batches", last_batch="dropped")),
            Candidate(
                "nothing: it is the last full mini-batch's", Rules(epoch_loss="last_batch", last_batch="dropped")
            ),
        ),
        judged_by="losses",
    ),
    Case(
        "rate_zero",
        "Do the weights come back unchanged where the learning rate is 0?",
        Problem(optimizer=Sgd(learning_rate=0), epochs=1),
        (
            Candidate("unchanged", Rules()),
            Candidate("rounded to half precision", Rules(storage="float16")),
        ),
    ),
    Case(
        "shuffle_order",
        "In which order does a seed shuffle the examples? There are 3, in mini-batches of 1, for 2 epochs.",
        _SHUFFLE_PROBLEM,
        _SHUFFLES,
        evidence=_CONFIRMED,
    ),
    Case(
        "shuffle_repeats",
        "Does the same seed shuffle in the same order again?",
        _SHUFFLE_PROBLEM,
        (Candidate("the same order", None), *_SHUFFLES),
    ),
    Case(
        "compute_units",
        "How precise is a training that may use all compute units?",
        Problem(epochs=4, compute_units="all"),
        (
            Candidate("single precision", Rules()),
            Candidate("half precision", Rules(arithmetic="float16")),
        ),
    ),
    Case(
        "kernels",
        "In which order are a convolution's weights? Kernels of 3 by 4 lead from 2 channels to 5.",
        Problem(layer="convolution"),
        (
            Candidate("outputs, inputs, height, width", Rules(kernels="oihw")),
            Candidate("outputs, inputs, width, height", Rules(kernels="oiwh")),
            Candidate("inputs, outputs, height, width", Rules(kernels="iohw")),
            Candidate("height, width, inputs, outputs", Rules(kernels="hwio")),
            Candidate("outputs, inputs, height, width, turned by 180 degrees", Rules(kernels="flipped")),
        ),
    ),
)
