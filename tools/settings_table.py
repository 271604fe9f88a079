"""Writes docs/settings.md from the fields of `Settings`; with --check, only compares."""

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pippin.settings import PREFIX, Settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_INTRODUCTION = f"""\
<!-- Written by `make settings` from pippin/settings.py: change it there. -->
# Settings

Environment variables configure every process of Pippin; options on the command line override them. A process does not
start if a variable begins with `{PREFIX}` and is not in this list, or has an invalid value; the error names it. Sizes
are in bytes. `pippin doctor` checks addresses and folders.
"""

_SECTIONS = {
    "Where things are": ("home", "redis_url", "worker_redis_url", "blobs_url", "cache_bytes", "url", "token_file"),
    "The service": (
        "host",
        "port",
        "allowed_hosts",
        "cors_origins",
        "sample",
        "admin_token_file",
        "require_tokens",
        "token_check_seconds",
        "worker_token_file",
        "service_drain_seconds",
        "service_grace_seconds",
    ),
    "What is accepted": (
        "max_body_bytes",
        "max_dataset_bytes",
        "max_dataset_unpacked_bytes",
        "max_dataset_examples",
        "max_model_bytes",
        "max_training_bytes",
        "max_memory_bytes",
        "max_answer_bytes",
        "max_page_bytes",
        "body_memory_bytes",
        "busy_wait_seconds",
    ),
    "Connections": (
        "max_connections",
        "max_connections_by_address",
        "proxy_addresses",
        "head_timeout_seconds",
        "body_timeout_seconds",
        "min_body_bytes_per_second",
        "keep_alive_seconds",
        "send_timeout_seconds",
    ),
    "What Redis holds": (
        "max_tenant_bytes",
        "max_record_bytes",
        "max_job_bytes",
        "max_epochs",
        "max_log_lines",
        "max_batch_losses",
        "max_dataset_classes",
        "max_label_characters",
        "max_labels_bytes",
        "max_sessions",
    ),
    "Workers": (
        "worker_threads",
        "worker_memory_bytes",
        "worker_outbox_bytes",
        "worker_grace_seconds",
        "stop_grace_seconds",
        "jax_order",
        "jax_last_batch",
        "jax_momentum",
        "jax_adam",
    ),
    "Lost attempts": ("lease_seconds", "lease_renew_seconds", "reaper_interval_seconds", "reaper_grace_seconds"),
    "What is kept": (
        "retention_days",
        "sweep_interval_seconds",
        "sweep_grace_seconds",
        "sweep_max_share",
        "sweep_max_blobs",
        "blob_release_seconds",
    ),
    "Logs": ("log_level", "log_format"),
}


def default_of(field: FieldInfo) -> str:
    """The default as in an environment variable; empty where the description contains it."""
    if field.default in {None, PydanticUndefined, ()}:
        return ""
    return f"`{field.default}`"


def page() -> str:
    """The settings as a page of Markdown.

    Raises:
        SystemExit: A setting is in no section.
    """
    if missing := set(Settings.model_fields) - {name for names in _SECTIONS.values() for name in names}:
        sys.exit(f"tools/settings_table.py puts these settings in no section: {', '.join(sorted(missing))}")
    parts = [_INTRODUCTION]
    for title, names in _SECTIONS.items():
        fields = ((name, Settings.model_fields[name]) for name in names)
        rows = (f"| `{PREFIX}{name.upper()}` | {default_of(field)} | {field.description} |" for name, field in fields)
        parts.append("\n".join([f"## {title}", "", "| variable | default | |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Write or compare the page."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/settings.md does not list the settings as they are: run `make settings`")


if __name__ == "__main__":
    main()
