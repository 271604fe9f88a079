"""The tests of layers compile a program for each type and share them between processes."""

from tests.support.compiled_programs import shared_programs

__all__ = ["shared_programs"]
