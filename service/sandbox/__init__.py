"""Runs tasks on untrusted input, each in its own process, whose crash does not harm the service."""

from service.sandbox.messages import Answer, SandboxError, TaskRefused
from service.sandbox.sandbox import Cancellation, Sandbox
from service.sandbox.workload import Workload

__all__ = ["Answer", "Cancellation", "Sandbox", "SandboxError", "TaskRefused", "Workload"]
