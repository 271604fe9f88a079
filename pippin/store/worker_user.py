"""The user that workers have in Redis: it can do a worker's work, and neither make tokens nor rule the server."""

from hashlib import sha256
from importlib.resources import files

WORKER_USER = "worker"


def worker_user(password: str) -> str:
    """The line of a server's configuration, or of an ACL file, that makes the user; it holds the password's hash."""
    rules = (files("pippin.store") / "worker.acl").read_text().strip()
    return f"{rules} #{sha256(password.encode()).hexdigest()}"
