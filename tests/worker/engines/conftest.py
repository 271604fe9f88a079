import pytest

from tests.worker.engines.lab import Notes


@pytest.fixture
def notes() -> Notes:
    return Notes()
