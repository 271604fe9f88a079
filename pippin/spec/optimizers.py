"""The optimizers that Core ML trains with."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pippin.spec.parameters import DoubleParameter, IntegerParameter
from pippin.spec.values import Value


class SGD(Value):
    """`SGDOptimizer`: v ← momentum·v + learning_rate·g; w ← w - v. Without momentum, w ← w - learning_rate·g."""

    type: Literal["sgd"] = "sgd"
    learning_rate: DoubleParameter
    mini_batch_size: IntegerParameter
    momentum: DoubleParameter | None = Field(default=None, description="Left out: the model declares none.")

    proto_field: ClassVar[str] = "sgdOptimizer"


class Adam(Value):
    """`AdamOptimizer`: moments with bias correction; the file must hold all five parameters."""

    type: Literal["adam"] = "adam"
    learning_rate: DoubleParameter
    mini_batch_size: IntegerParameter
    beta1: DoubleParameter = Field(description="Usually 0.9.")
    beta2: DoubleParameter = Field(description="Usually 0.999.")
    eps: DoubleParameter = Field(description="Usually 1e-8.")

    proto_field: ClassVar[str] = "adamOptimizer"


Optimizer = Annotated[SGD | Adam, Field(discriminator="type")]
