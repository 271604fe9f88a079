"""`pippin backup` and `pippin restore`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from pippin.cli import figures, output
from pippin.cli.errors import CommandError, Exit
from pippin.cli.store_access import opened_redis

if TYPE_CHECKING:
    from pippin.store.backup import Progress

_MAX_MISSING = 10  # missing blobs that are listed
_TERMINAL_SECONDS, _LOG_SECONDS = 0.2, 10.0

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")]


def backup(
    folder: Folder,
    verify: Annotated[
        bool, typer.Option("--verify", help="Verify the blobs that the folder already has, and replace damaged ones.")
    ] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Back up all records and blobs into DIR, while jobs run.

    Blobs that an earlier backup left in DIR are not copied again. Interrupted, it leaves that earlier backup as it was.
    The backup holds the hashes of tokens, models and datasets: keep it as safe as PIPPIN_HOME.

    The exit code is 1 if blobs are missing from the store that records name; all others are in the backup then.
    """
    from pippin.blobs import Blobs
    from pippin.settings import Settings
    from pippin.store.backup import save
    from pippin.store.backup.folder import Folder as BackupFolder

    settings = Settings()
    if settings.redis_url is None and not (settings.home / "valkey").is_dir():
        raise CommandError(
            Exit.UNREACHABLE,
            f"There is nothing to back up in {settings.home}.",
            now="Set PIPPIN_HOME to back up another folder.",
        )
    with _ProgressLine() as line, opened_redis(settings) as (url, store):
        saved = save(url, store, Blobs(settings.blobs_url), BackupFolder(folder), line.show, verify=verify)
    if json_:
        output.print_json(
            {
                "folder": str(folder),
                "keys": saved.keys,
                "blobs": saved.blobs,
                "bytes": saved.bytes,
                "copied": saved.copied,
                "missing": list(saved.missing),
            }
        )
    else:
        output.print_text(
            f"{folder}: {figures.counted(saved.keys, 'key')} and {figures.counted(saved.blobs, 'blob')} of "
            f"{figures.size(saved.bytes)}, "
            f"{saved.copied:,} of them copied now."
        )
    if saved.missing:
        output.error(
            f"{len(saved.missing):,} blobs named by records are missing from the blob store or damaged.",
            _shortened(saved.missing),
            "The backup has all other blobs. Jobs, datasets and models that need the missing ones cannot be used, now "
            "or after a restore.",
        )
        raise typer.Exit(Exit.FAULT_FOUND)


def restore(
    folder: Folder,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace the existing records; existing blobs are kept."),
    ] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Restore a backup into an empty Redis and blob store.

    The backup is verified first. Its records take effect in one step at the end: an interrupted restore changes none.
    Jobs that were running are queued again, and continue from their last checkpoint. Tokens are those of the backup:
    one that was revoked since is valid again.
    """
    from pippin.blobs import Blobs
    from pippin.local.home import prepare_home
    from pippin.settings import Settings
    from pippin.store.backup import restore as put_back
    from pippin.store.backup.folder import Folder as BackupFolder

    settings = Settings()
    with _ProgressLine() as line:
        BackupFolder(folder).manifest()  # fails before a server is started for a folder without a backup
        if settings.blobs_url.startswith("file://"):
            # Otherwise the folder of the blobs would be created with a PIPPIN_HOME that is open to other users.
            prepare_home(settings.home)
        with opened_redis(settings) as (url, _):
            restored = put_back(url, Blobs(settings.blobs_url), BackupFolder(folder), line.show, replace=replace)
    if json_:
        output.print_json(
            {
                "created_at": restored.created_at,
                "keys": restored.keys,
                "blobs": restored.blobs,
                "bytes": restored.bytes,
                "queued_again": restored.given_back,
                "sweep_refused": restored.refusal,
                "missing": list(restored.missing),
            }
        )
        return
    output.print_text(
        f"Restored the backup of {restored.created_at}: {figures.counted(restored.keys, 'key')} and "
        f"{figures.counted(restored.blobs, 'blob')} of {figures.size(restored.bytes)}. "
        f"Jobs queued again: {restored.given_back:,}."
    )
    if restored.refusal:
        output.print_text(
            "No blobs will be deleted: the blob store has another owner, or holds blobs that are not in the backup. "
            "List them with `pippin blobs list --unnamed`; allow their deletion with `pippin blobs adopt --yes`."
        )
    if restored.missing:
        output.error(
            f"{len(restored.missing):,} blobs were missing when the backup was made.", _shortened(restored.missing)
        )


def _shortened(digests: tuple[str, ...]) -> list[str]:
    more = [f"and {len(digests) - _MAX_MISSING:,} more"] if len(digests) > _MAX_MISSING else []
    return [*digests[:_MAX_MISSING], *more]


class _ProgressLine:
    """Shows the progress of a block on stderr: one line that is rewritten on a terminal, else a line every ten seconds.

    Errors in the block become a `CommandError` with an exit code.
    """

    def __init__(self) -> None:
        self._console = output.stderr()
        self._every = _TERMINAL_SECONDS if self._console.is_terminal else _LOG_SECONDS
        self._shown = time.monotonic()
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._open:
            self._console.file.write("\r\x1b[K")
            self._console.file.flush()
        from pippin.blobs import BlobError
        from pippin.store.backup import BackupError
        from pippin.store.snapshot import SnapshotError

        if isinstance(error, BackupError):
            raise CommandError(Exit.REFUSED, f"{error}.") from error
        if isinstance(error, (BlobError, SnapshotError)):
            raise CommandError(Exit.UNREACHABLE, f"{error}.") from error

    def show(self, progress: "Progress") -> None:
        """Show the progress, unless it was shown a moment ago."""
        now = time.monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        total = f" of {progress.total:,}" if progress.total is not None else ""
        size = f", {figures.size(progress.bytes)}" if progress.bytes else ""
        text = f"{progress.doing}: {progress.done:,}{total}{size}"
        if self._console.is_terminal:
            self._open = True
            self._console.file.write(f"\r\x1b[K{text}")
            self._console.file.flush()
        else:
            self._console.print(text, soft_wrap=True)
