"""`pippin tokens`: what lets people and machines in. Made in Redis itself, not through the service."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import output
from pippin.cli.exits import Exit, ToldError

if TYPE_CHECKING:
    from pippin.store import Store
    from pippin.tokens import Quotas

commands = typer.Typer(
    help="Make, list and revoke what lets people and machines in.", no_args_is_help=True, rich_markup_mode=None
)


class TokenRole(enum.StrEnum):
    """What a token allows, each more than the one before it; worker stands apart."""

    WORKER = "worker"
    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


_NAME_CHARACTERS = 200
_WHERE = {"worker": "on the worker's machine", "admin": "of yours", "submit": "of its user", "read": "of its user"}


@commands.command()
def create(
    *,
    role: Annotated[TokenRole, typer.Option(help="What it allows.")],
    name: Annotated[str | None, typer.Option(help="A name to know it by: the machine's or the person's, say.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose jobs, datasets and models it sees.")] = "default",
    queued_jobs: Annotated[int | None, typer.Option(min=0, help="At most so many of its jobs wait.")] = None,
    active_jobs: Annotated[int | None, typer.Option(min=0, help="At most so many of its jobs wait or run.")] = None,
    stored_bytes: Annotated[
        int | None, typer.Option(min=0, help="At most so many bytes of datasets and models that it added.")
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="At most so many requests a minute.")] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Make a token and print it: this once, since only a hash of it is kept.

    A worker reads and writes blobs; read looks, and asks trained models; submit also trains, uploads and deletes; admin
    may do everything. From the first worker token on, /blobs demands one; from the first of another role on, the whole
    service does.
    """
    from pippin.tokens import Quotas, issue

    if name is not None and len(name) > _NAME_CHARACTERS:
        raise typer.BadParameter(f"give at most {_NAME_CHARACTERS} characters", param_hint="--name")
    quotas = Quotas(
        queued_jobs=queued_jobs,
        active_jobs=active_jobs,
        stored_bytes=stored_bytes,
        requests_per_minute=requests_per_minute,
    )
    token = issue(role.value, name, tenant=tenant, quotas=quotas)
    with _store() as store:
        store.tokens.add(token)
    if json_:
        output.print_json(token.record.model_dump(mode="json") | {"token": token.text})
        return
    # Alone on stdout, so that it can be sent to a file.
    typer.echo(token.text)
    output.stderr().print(
        f"Made {token.record.id}. It is not shown again: keep it in a file of mode 600 {_WHERE[role.value]}, and "
        "name that file in PIPPIN_TOKEN_FILE there.",
        soft_wrap=True,
    )


@commands.command("list")
def list_tokens(json_: output.JsonFlag = False) -> None:
    """List the live tokens; never their secrets."""
    with _store() as store:
        found = store.tokens.all()
    if json_:
        output.print_json([token.model_dump(mode="json") for token in found])
    elif not found:
        output.say("There is no token. `pippin tokens create --role admin` makes one.")
    else:
        rows = [
            (token.id, token.name or "-", token.role, token.tenant, _limits(token.quotas), output.ago(token.created_at))
            for token in found
        ]
        output.table(["ID", "NAME", "ROLE", "TENANT", "LIMITS", "MADE"], rows)


def _limits(quotas: "Quotas") -> str:
    given = quotas.model_dump(exclude_none=True)
    return ", ".join(f"{name} {value:,}" for name, value in given.items()) or "-"


@commands.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID|NAME", help="Its id, or its name if one has it.")],
    json_: output.JsonFlag = False,
) -> None:
    """Revoke a token: the next request that shows it is refused."""
    with _store() as store:
        matches = [each for each in store.tokens.all() if token in {each.id, each.name}]
        if not matches:
            raise ToldError(Exit.REFUSED, f"There is no token {token!r}.", now="`pippin tokens list` shows all.")
        if len(matches) > 1:
            ids = [each.id for each in matches]
            raise ToldError(Exit.REFUSED, f"{len(ids)} tokens are named {token!r}.", ids, "Give the id of one of them.")
        store.tokens.revoke(matches[0].id)
    if json_:
        output.print_json({"revoked": matches[0].id})
    else:
        output.say(f"Revoked {matches[0].id}.")


@contextmanager
def _store() -> Iterator["Store"]:
    """The service's store: Redis as the settings name it, else the embedded server of a `pippin up` on this machine."""
    from pippin.embedded import running_url
    from pippin.settings import Settings
    from pippin.store import Store, StoreUnavailable, connect

    settings = Settings()
    url = settings.redis_url.get_secret_value() if settings.redis_url else running_url(settings.home)
    where = "Set PIPPIN_REDIS_URL as for the service, or start `pippin up` on this machine with the same PIPPIN_HOME."
    if url is None:
        raise ToldError(Exit.UNREACHABLE, "No Redis is known here.", now=where)
    # Who waits at a terminal hears of trouble at once.
    store = Store(connect(url, retries=0))
    try:
        yield store
    except StoreUnavailable as error:
        raise ToldError(Exit.UNREACHABLE, f"{error}.", now=where) from error
    finally:
        store.close()
