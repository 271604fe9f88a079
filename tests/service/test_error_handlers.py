from typing import get_args

import pytest

from service.error_handlers import fault_of, problem_of
from service.sandbox import SandboxError
from service.sandbox.messages import Why


@pytest.mark.parametrize("why", sorted(set(get_args(Why)) - {"unavailable", "insufficient_storage", "cancelled"}))
def test_task_failure_is_a_422_at_the_root(why: Why) -> None:
    error = SandboxError(why, "inspect_model came to no answer")
    problem = problem_of(error)
    assert problem.status_code == 422
    assert [item.pointer for item in problem.errors] == [""]
    fault = fault_of(error)
    assert fault is not None
    assert fault.detail == problem.errors[0].detail
    assert "inspect_model" not in fault.detail


def test_full_disk_is_a_507() -> None:
    error = SandboxError("insufficient_storage", "prepare_dataset found no room on the disk")
    assert fault_of(error) is None
    assert problem_of(error).status_code == 507


def test_unavailable_sandbox_is_a_503_with_retry_after() -> None:
    error = SandboxError("unavailable", "inspect_model was not begun: others were busy for 30 s")
    assert fault_of(error) is None
    problem = problem_of(error)
    assert (problem.status_code, problem.errors) == (503, ())
    assert "busy" in problem.detail
    assert problem.headers == {"retry-after": "5"}
