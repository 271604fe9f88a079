"""The environment of processes that tests start."""

import os


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without Pippin's own settings, and with these variables.

    Args:
        variables: By their full names: `PIPPIN_HOME="/tmp/home"`.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PIPPIN_")}
    return inherited | variables
