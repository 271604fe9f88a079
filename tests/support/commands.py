"""Pippin's programs as command lines of processes."""

import sys


def module(name: str, *arguments: object) -> list[str]:
    """`python -m name` with the tests' interpreter: `module("worker", "--name", "far")`."""
    return [sys.executable, "-P", "-m", name, *map(str, arguments)]


def pippin(*arguments: object) -> list[str]:
    """`pippin` with these arguments."""
    return module("pippin", *arguments)
