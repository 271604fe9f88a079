"""Which tenants were given the packaged sample. What was emptied together with this is to be given again."""

from pippin.store import keys
from pippin.store.client import Client


class Samples:
    """Tells a tenant that deleted the sample from one whose records were lost."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def note(self, tenant: str) -> None:
        """Record that a tenant was given the sample."""
        self._client.sadd(keys.SAMPLES, tenant)

    def given(self, tenants: list[str]) -> set[str]:
        """Which of these tenants were given it."""
        if not tenants:
            return set()
        answers = self._client.smismember(keys.SAMPLES, tenants)
        return {tenant for tenant, given in zip(tenants, answers, strict=True) if given}
