"""Every layer type there is: a new one gets its line here."""

from typing import Annotated, get_args

from pydantic import Field

from pippin.spec.convolution import Convolution
from pippin.spec.flatten import Flatten
from pippin.spec.inner_product import InnerProduct
from pippin.spec.layer import Layer
from pippin.spec.pooling import Pooling
from pippin.spec.relu import ReLU
from pippin.spec.sigmoid import Sigmoid
from pippin.spec.softmax import Softmax
from pippin.spec.tanh import Tanh

AnyLayer = Annotated[
    Convolution | Flatten | InnerProduct | Pooling | ReLU | Sigmoid | Softmax | Tanh,
    Field(discriminator="type"),
]

LAYERS: dict[str, type[Layer]] = {
    layer.model_fields["type"].default: layer for layer in get_args(get_args(AnyLayer)[0])
}
"""The layer types by name."""

LAYERS_BY_PROTO_PATH: dict[str, type[Layer]] = {layer.proto_path: layer for layer in LAYERS.values()}
"""The layer types by where their parameters stand in `NeuralNetworkLayer`."""
