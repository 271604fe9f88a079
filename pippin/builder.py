"""The model builder under its public name; `pippin.models.builder` describes it."""

from pippin.models import builder as _builder
from pippin.models.builder import *  # noqa: F403 - all of it, the layer types included

__all__ = _builder.__all__


def __getattr__(name: str) -> object:
    return getattr(_builder, name)
