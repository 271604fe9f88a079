"""Whether there is anybody who may let others in."""

from pippin.settings import Settings, SettingsError
from pippin.store import Store, StoreUnavailable

SETTING = "PIPPIN_ADMIN_TOKEN_FILE"


def require_admin(settings: Settings, store: Store) -> None:
    """Refuse to start a service that demands tokens before there is one of the role admin.

    Raises:
        SettingsError: The service demands tokens, no token of the role admin is live, and no file brings one.
    """
    if not settings.demands_tokens or settings.admin_token_file is not None:
        return
    try:
        admins = [token for token in store.tokens.all() if token.role == "admin"]
    except StoreUnavailable:
        # It starts and waits for Redis, as it always does; until then, and then too, it lets in nobody without a token.
        return
    if not admins:
        raise SettingsError(
            f"the service would demand tokens (PIPPIN_HOST is {settings.host}, PIPPIN_ALLOWED_HOSTS is "
            f"{', '.join(settings.allowed_hosts) or 'empty'}, PIPPIN_REQUIRE_TOKENS is {settings.require_tokens}), and "
            "there is no token of the role admin: make one with `pippin tokens create --role admin`, or name a file "
            f"for it in {SETTING}, which is made if it is not there"
        )
