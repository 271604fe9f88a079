"""The engine jax: trains an updatable `.mlmodel` with JAX on a CPU or a GPU, with Core ML's semantics."""
