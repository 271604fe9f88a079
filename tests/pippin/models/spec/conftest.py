"""Ways to ask what is wrong with a spec."""

from collections.abc import Callable

import pytest

from pippin.models.spec import SpecError, resolve


@pytest.fixture(scope="session")
def faults_of() -> Callable[[object], dict[str, str]]:
    """Resolves a document and answers its faults, detail by pointer; empty when it is right."""

    def ask(document: object) -> dict[str, str]:
        try:
            resolve(document)
        except SpecError as error:
            return {fault.pointer: fault.detail for fault in error.faults}
        return {}

    return ask
