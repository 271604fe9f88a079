"""`pippin tokens`: create, list and revoke access tokens, in Redis itself and not through the service."""

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import figures, output
from pippin.cli.errors import CommandError, Exit
from pippin.cli.store_access import opened_store
from pippin.cli.tables import Column
from pippin.system.terminal import printable

if TYPE_CHECKING:
    from pippin.api.tokens import Quotas

commands = typer.Typer(help="Create, list and revoke access tokens.", no_args_is_help=True, rich_markup_mode=None)


class TokenRole(enum.StrEnum):
    """The roles of tokens: read, submit and admin each include the previous role; worker is separate."""

    WORKER = "worker"
    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


_MAX_NAME_LENGTH = 200
_WHERE = {"worker": "on the worker's machine", "admin": "of yours", "submit": "of its user", "read": "of its user"}


@commands.command()
def create(
    *,
    role: Annotated[TokenRole, typer.Option(help="The role of the token.")],
    name: Annotated[
        str | None, typer.Option(help="A name for the token, such as the machine's or the person's.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="The tenant of its jobs, datasets and models.")] = "default",
    queued_jobs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The maximum number of its queued jobs.")
    ] = None,
    active_jobs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The maximum number of its queued and running jobs.")
    ] = None,
    stored_bytes: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="The maximum size in bytes of the datasets and models that it added."),
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The maximum number of requests per minute.")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Create a token and print it, once: only a hash of it is kept.

    A worker reads and writes blobs; read reads everything and runs trained models; submit also trains, uploads and
    deletes; admin may do everything. As soon as there is a worker token, /blobs requires one; as soon as there is a
    token of another role, the whole service requires one.
    """
    from pippin.api.tokens import Quotas, issue

    if name is not None and len(name) > _MAX_NAME_LENGTH:
        raise typer.BadParameter(f"give at most {_MAX_NAME_LENGTH} characters", param_hint="--name")
    quotas = Quotas(
        queued_jobs=queued_jobs,
        active_jobs=active_jobs,
        stored_bytes=stored_bytes,
        requests_per_minute=requests_per_minute,
    )
    token = issue(role.value, name, tenant=tenant, quotas=quotas)
    with opened_store() as store:
        store.tokens.add(token)
    if json_:
        output.print_json(token.record.model_dump(mode="json") | {"token": token.text})
        return
    # Stdout contains only the token, so that it can be redirected to a file.
    typer.echo(token.text)
    output.stderr().print(
        f"Created {token.record.id}. The token is not shown again: store it in a file of mode 600 "
        f"{_WHERE[role.value]}, and set PIPPIN_TOKEN_FILE to that file there.",
        soft_wrap=True,
    )


@commands.command("list")
def list_tokens(json_: output.JsonFlag = False) -> None:
    """List the live tokens; never their secrets."""
    with opened_store() as store:
        tokens, unreadable = store.tokens.listing()
    for entry in unreadable:
        sentence = f"{entry.detail} with: pippin tokens revoke {entry.id}"
        output.stderr().print(printable(sentence), soft_wrap=True)
    if json_:
        output.print_json([token.model_dump(mode="json") for token in tokens])
    elif not tokens and not unreadable:
        output.print_text("There is no token. Create one with `pippin tokens create --role admin`.")
    else:
        rows = [
            (
                token.id,
                token.name or "-",
                token.role,
                token.tenant,
                _limits(token.quotas),
                figures.ago(token.created_at),
            )
            for token in tokens
        ]
        columns = [
            Column("ID", "id"),
            Column("NAME", "name"),
            Column("ROLE"),
            Column("TENANT", "name"),
            Column("LIMITS", "name", drop=1),
            Column("CREATED", drop=2),
        ]
        output.table(columns, rows)


def _limits(quotas: "Quotas") -> str:
    limits = quotas.model_dump(exclude_none=True)
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in limits.items()) or "-"


@commands.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID|NAME", help="Its id, or its name if one has it.")],
    json_: output.JsonFlag = False,
) -> None:
    """Revoke a token: the next request with it is refused."""
    with opened_store() as store:
        readable, unreadable = store.tokens.listing()
        matches = [record.id for record in readable if token in {record.id, record.name}]
        matches += [record.id for record in unreadable if token == record.id]
        if not matches:
            raise CommandError(
                Exit.REFUSED, f"There is no token {token!r}.", now="List all tokens with `pippin tokens list`."
            )
        if len(matches) > 1:
            text = f"{len(matches)} tokens are named {token!r}."
            raise CommandError(Exit.REFUSED, text, matches, "Give the id of one of them.")
        store.tokens.revoke(matches[0])
    if json_:
        output.print_json({"revoked": matches[0]})
    else:
        output.print_text(f"Revoked {matches[0]}.")


@commands.command()
def reset(json_: output.JsonFlag = False) -> None:
    """Let the service of this PIPPIN_HOME require no tokens any more, as before the first one was created.

    The requirement is stored in Redis and in PIPPIN_HOME, so that losing one of them opens nothing. Refused while there
    are valid tokens. A service that other machines reach requires tokens all the same.
    """
    from pippin.settings import Settings
    from pippin.store.token_requirement import RequirementError, TokenRequirement

    requirement = TokenRequirement(Settings().home)
    with opened_store() as store:
        if not store.tokens.forget_roles():
            raise CommandError(
                Exit.REFUSED, "There are valid tokens.", now="Revoke them first; list them with `pippin tokens list`."
            )
    # Redis is changed first: a service that read Redis before its change would store the roles in PIPPIN_HOME again.
    try:
        requirement.reset()
    except RequirementError as error:
        raise CommandError(Exit.REFUSED, f"{error}.", now="Set PIPPIN_HOME to the service's value.") from error
    if json_:
        output.print_json({"reset": str(requirement.path)})
    else:
        output.print_text(
            "Tokens are no longer required, unless PIPPIN_REQUIRE_TOKENS or another setting requires them."
        )
