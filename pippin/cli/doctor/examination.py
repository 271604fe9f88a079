"""All checks, in the order in which they are read."""

import os
from collections.abc import Iterator

from pippin.cli.doctor.blobs import check_blobs
from pippin.cli.doctor.engines import check_coreml, check_engines, check_pyobjc
from pippin.cli.doctor.finding import Finding, fault
from pippin.cli.doctor.owner import check_owner
from pippin.cli.doctor.redis import check_redis
from pippin.cli.doctor.room import check_room
from pippin.cli.doctor.secrecy import secrets_of, without
from pippin.cli.doctor.service import check_service
from pippin.cli.doctor.system import check_chip, check_python, check_system
from pippin.settings import Settings, SettingsError


def examine() -> Iterator[Finding]:
    """Looks at this machine and at what the environment names, one finding after the other; no secret is in any.

    Settings that cannot be read are a finding too; what rests on them is then left out.
    """
    for check in (check_system, check_chip, check_python, check_pyobjc, check_coreml, check_engines):
        yield check()
    try:
        settings = Settings()
    except SettingsError as error:
        yield fault("settings", str(error), "Correct the variable; docs/settings.md lists the settings.")
        return
    secrets = secrets_of(settings, os.environ)
    for finding in _of(settings):
        yield without(secrets, finding)


def _of(settings: Settings) -> Iterator[Finding]:
    yield from check_redis(settings.redis_url.get_secret_value() if settings.redis_url else None)
    yield check_blobs(settings.blobs_url, settings.token_file)
    yield from check_owner(settings)
    yield check_service(settings.url, named="url" in settings.model_fields_set)
    yield check_room(settings.home, settings.cache_bytes)
