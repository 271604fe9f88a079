"""The command line: one file for each group of commands."""

from pippin.cli.app import main

__all__ = ["main"]
