"""The kit runs on the stand-in for Apple's frameworks, too."""

from tests.worker.engines.coreml.conftest import apple, frameworks

__all__ = ["apple", "frameworks"]
