"""The layers' classes, made of the table of the spec language: a new type there is one here."""

from typing import Final

from pippin.models.builder.parts import Layer
from pippin.models.spec.table import LAYERS

LAYER_CLASSES: Final[dict[str, type[Layer]]] = {
    kind.__name__: type(
        kind.__name__, (Layer,), {"kind": kind, "__doc__": kind.__doc__, "__module__": "pippin.models.builder"}
    )
    for kind in LAYERS.values()
}
"""By the name of the spec's class, such as `InnerProduct`."""
