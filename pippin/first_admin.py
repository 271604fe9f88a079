"""Whether there is anybody who may let others in."""

from pippin.settings import Settings, SettingsError
from pippin.store import Store, StoreUnavailable

SETTING = "PIPPIN_ADMIN_TOKEN_FILE"


def require_admin(settings: Settings, store: Store) -> None:
    """Refuse to serve others before there is anybody who may let them in.

    Raises:
        SettingsError: Others reach the service, no token of the role admin is live, and no file brings one.
    """
    if not settings.serves_others or settings.admin_token_file is not None:
        return
    try:
        admins = [token for token in store.tokens.all() if token.role == "admin"]
    except StoreUnavailable:
        # It starts and waits for Redis, as it always does; until then, and then too, it lets in nobody without a token.
        return
    if not admins:
        raise SettingsError(
            f"the service would be reached by others (PIPPIN_HOST is {settings.host}, PIPPIN_ALLOWED_HOSTS is "
            f"{', '.join(settings.allowed_hosts) or 'empty'}), and there is no token of the role admin: make one with "
            f"`pippin tokens create --role admin`, or name a file for it in {SETTING}, which is made if it is not there"
        )
