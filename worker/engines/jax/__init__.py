"""The portable engine: trains an updatable `.mlmodel` with JAX, on a CPU or a GPU, as Core ML would."""
