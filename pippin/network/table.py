"""Which function computes which layer type: the one of the type's own name, in the file of that name."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from pippin.models.spec.table import TYPES
from pippin.network.step import Operation

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {name: getattr(import_module(f"pippin.network.layers.{name}"), name) for name in TYPES}
)
