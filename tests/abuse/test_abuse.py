"""What one client can do to the others stays within its bounds; `make abuse` is the full size."""

import pytest

from tests.abuse.attacks import SHORT
from tests.abuse.run import run

# A machine that is busy with other tests answers late too; `make abuse` judges by its own, far lower figure.
_WORST_SECONDS = 20.0


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_one_tenants_attacks_leave_other_tenants_within_bounds() -> None:
    lines: list[str] = []
    wrong = run(SHORT, say=lines.append, worst=_WORST_SECONDS)
    assert not wrong, "\n".join([*lines, *wrong])
