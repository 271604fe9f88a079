"""How the network is put to the compiler of the device at hand."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from pippin.models.spec import ResolvedSpec
from pippin.network import Array, Convolve, Weights, losses
from pippin.network.graph import compute
from pippin.network.losses import LOSSES, loss_blob


@dataclass(frozen=True)
class Network:
    """The model's arithmetic as the programs use it. Arrays are [N, *shape], channels first."""

    resolved: ResolvedSpec
    convolve: Convolve | None
    precision: str | None

    def losses(self, weights: Weights, inputs: Mapping[str, Array]) -> Array:
        """The loss of each example, [N]."""
        with jax.default_matmul_precision(self.precision):
            return losses(self.resolved, weights, inputs, jnp, self.convolve)

    def losses_and_hits(self, weights: Weights, inputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """The loss of each example, [N], and whether its largest output is its label, [N]; False without classes."""
        judged, target = loss_blob(self.resolved), inputs[self.resolved.training_target]
        with jax.default_matmul_precision(self.precision):
            blob = compute(self.resolved, weights, inputs, [judged], xp=jnp, convolve=self.convolve)[judged]
            found = LOSSES[self.resolved.spec.loss.type](blob, target, jnp)
        if not self.has_classes:
            return found, jnp.zeros(found.shape, bool)
        # What goes into the softmax has its largest where that has it, and is there also if the softmax is no output.
        return found, blob.reshape(*found.shape, -1).argmax(axis=-1) == target.reshape(found.shape)

    @property
    def has_classes(self) -> bool:
        """Whether the model tells classes apart, so that a share of right answers has a meaning."""
        return self.resolved.spec.loss.type == "categorical_cross_entropy"


def network_for(resolved: ResolvedSpec, backend: str) -> Network:
    """The network as `backend` (`cpu`, `gpu` …, as JAX calls it) computes it best.

    XLA's CPU compiler likes slices and matrix products; elsewhere its own convolution is right, and a GPU rounds the
    factors of matrix products to fewer bits unless told not to.
    """
    return Network(resolved, *arithmetic_of(backend))


def arithmetic_of(backend: str) -> tuple[Convolve | None, str | None]:
    """The convolution and the precision of matrix products that suit `backend`; None leaves them as they are."""
    return (None, None) if backend == "cpu" else (convolve, "highest")


def convolve(
    x: Array,
    kernel: Array,
    *,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    borders: tuple[tuple[int, int], tuple[int, int]],
    groups: int,
) -> Array:
    """`pippin.network.Convolve` with the device's own convolution."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=borders,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
