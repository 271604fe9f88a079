"""A folder of compiled JAX programs that the tests of one run share, in every process of pytest-xdist.

Many tests compile the same few programs. The fixture is made autouse by the conftest.py of each folder that compiles.
"""

import os
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def shared_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have JAX keep every program that it compiles in the shared folder, and load it from there."""
    import jax  # noqa: PLC0415 - it takes two seconds, and this module is imported to collect tests
    from jax.experimental.compilation_cache import compilation_cache  # noqa: PLC0415

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    settings = {
        "jax_compilation_cache_dir": str(folder / "compiled-programs"),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    update: Callable[[str, object], None] = jax.config.update
    for name, value in settings.items():
        update(name, value)
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        update(name, value)
    compilation_cache.reset_cache()
