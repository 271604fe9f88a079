"""The layers' arithmetic, written once against an array namespace `xp`: NumPy for predictions, JAX for training.

Inputs and outputs are batch first and channels first, as the model declares them; weights are in the file's order
(convolution [outC, inC/groups, kH, kW], inner product [out, in], bias [out]). No function fixes a dtype: float64 inputs
are computed in float64. `convolve` is the caller's convolution for devices with a fast one; without it a convolution is
slices and a matrix product, which XLA's CPU compiler compiles best.
"""

from pippin.network.arrays import Array, Convolve, Weights
from pippin.network.model import losses, losses_and_outputs, predict

__all__ = ["Array", "Convolve", "Weights", "losses", "losses_and_outputs", "predict"]
