"""Runs all checks, in the order in which they are printed."""

import os
from collections.abc import Iterator

from pippin.cli.doctor.blobs import check_blobs, check_owner
from pippin.cli.doctor.findings import Finding, fault, redacted, secrets_in
from pippin.cli.doctor.machine import (
    check_chip,
    check_coreml,
    check_disk,
    check_engines,
    check_pyobjc,
    check_python,
    check_system,
)
from pippin.cli.doctor.servers import check_redis, check_service
from pippin.settings import Settings, SettingsError


def examine() -> Iterator[Finding]:
    """Yield the findings about this machine and about the servers in the settings, without any secret.

    Invalid settings are a finding too; the checks that need the settings are then skipped.
    """
    for check in (check_system, check_chip, check_python, check_pyobjc, check_coreml, check_engines):
        yield check()
    try:
        settings = Settings()
    except SettingsError as error:
        yield fault("settings", str(error), "Correct the variable; see docs/settings.md for all settings.")
        return
    secrets = secrets_in(settings, os.environ)
    for finding in _settings_findings(settings):
        yield redacted(secrets, finding)


def _settings_findings(settings: Settings) -> Iterator[Finding]:
    yield from check_redis(settings.redis_url.get_secret_value() if settings.redis_url else None)
    yield check_blobs(settings.blobs_url, settings.token_file)
    yield from check_owner(settings)
    yield check_service(settings.url, named="url" in settings.model_fields_set)
    yield check_disk(settings.home, settings.cache_bytes)
