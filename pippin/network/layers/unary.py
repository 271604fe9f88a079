"""Functions of one number."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pippin.models.spec.layers.unary import Unary
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step


def unary(step: Step[Unary], x: Array) -> Array:
    """Compute y = f(z) with z = scale * x + shift for each number, any shape (`UnaryFunctionLayerParams`, version 1).

    sqrt: the root of z. rsqrt: 1 / the root of (z + epsilon). inverse: 1 / (z + epsilon). power: z^alpha. exp: e^z.
    log: log(z). abs: |z|. threshold: max(alpha, z).

    Outside a function's domain, as for the root of a negative number, it gives what is not a number.
    """
    return _FUNCTIONS[step.layer.function](step.layer.scale * x + step.layer.shift, step.layer, step.xp)


def _root(z: Array, xp: Namespace) -> Array:
    """With the gradient 0 at 0, where the root's own is infinite."""
    return xp.where(z == 0, 0, xp.sqrt(xp.where(z == 0, 1, z)))


_FUNCTIONS: Mapping[str, Callable[[Array, Unary, Namespace], Array]] = MappingProxyType(
    {
        "sqrt": lambda z, _layer, xp: _root(z, xp),
        "rsqrt": lambda z, layer, xp: 1 / xp.sqrt(z + layer.epsilon),
        "inverse": lambda z, layer, _xp: 1 / (z + layer.epsilon),
        "power": lambda z, layer, _xp: z**layer.alpha,
        "exp": lambda z, _layer, xp: xp.exp(z),
        "log": lambda z, _layer, xp: xp.log(z),
        "abs": lambda z, _layer, xp: xp.abs(z),
        "threshold": lambda z, layer, xp: xp.where(z < layer.alpha, layer.alpha, z),
    }
)
