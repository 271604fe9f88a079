"""On whose behalf a request is made."""

from dataclasses import dataclass

from pippin.api.tokens import DEFAULT_TENANT, Quotas, Role, Token
from pippin.store import ByteQuota, JobQuota


@dataclass(frozen=True)
class Principal:
    """Who was let in.

    Attributes:
        token: The token that was shown; None where none is demanded and none that counts was shown.
        session_hash: The hash of the secret of the browser's session that stood for it, if one did.
    """

    token: Token | None
    session_hash: str | None = None

    @property
    def by_session(self) -> bool:
        """Whether a browser's session stood for the token."""
        return self.session_hash is not None

    @property
    def role(self) -> Role:
        """What they may do: everything, where no token is demanded."""
        return self.token.role if self.token else "admin"

    @property
    def tenant(self) -> str:
        """Whose jobs, datasets and models they see."""
        return self.token.tenant if self.token else DEFAULT_TENANT

    @property
    def job_quota(self) -> JobQuota | None:
        """How many jobs they may have, if that is limited."""
        quotas = self._quotas
        if self.token is None or (quotas.queued_jobs is None and quotas.active_jobs is None):
            return None
        return JobQuota(self.token.id, queued=quotas.queued_jobs, active=quotas.active_jobs)

    @property
    def byte_quota(self) -> ByteQuota | None:
        """How many bytes they may store, if that is limited."""
        if self.token is None or self._quotas.stored_bytes is None:
            return None
        return ByteQuota(self.token.id, self._quotas.stored_bytes)

    @property
    def requests_per_minute(self) -> int | None:
        """How many requests they may make, if that is limited."""
        return self._quotas.requests_per_minute

    @property
    def _quotas(self) -> Quotas:
        return self.token.quotas if self.token else Quotas()
