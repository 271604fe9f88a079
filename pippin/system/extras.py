"""How the optional dependencies (extras) of `pyproject.toml` are installed."""


def install_command(*extras: str) -> str:
    """What to run where Pippin was installed from: it is on no package index."""
    return f"pip install -e '.[{','.join(extras)}]' in the folder of Pippin's source"
