"""The layers' arithmetic, written once against an array namespace `xp`: NumPy predicts, JAX trains.

Arrays come and go batch first and channels first, as the model declares them; weights are in the file's order
(convolution [outC, inC/groups, kH, kW], inner product [out, in], bias [out]). No function names a dtype: what comes in
float64 is computed in float64. `convolve` is the caller's own convolution, for a device that has a good one; without
it a convolution is slices and a matrix product, which is what XLA's CPU compiler does best.
"""

from pippin.network.arrays import Array, Convolve, Weights
from pippin.network.model import losses, losses_and_outputs, predict

__all__ = ["Array", "Convolve", "Weights", "losses", "losses_and_outputs", "predict"]
