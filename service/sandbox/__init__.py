"""Tasks on hostile input, each in a process of its own, which may crash or be killed without harm to the service."""

from service.sandbox.errors import SandboxError, TaskRefused
from service.sandbox.sandbox import Abandonment, Sandbox
from service.sandbox.wire import Answer
from service.sandbox.workload import Workload

__all__ = ["Abandonment", "Answer", "Sandbox", "SandboxError", "TaskRefused", "Workload"]
