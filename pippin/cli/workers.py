"""`pippin workers`, and its `drain` and `undrain`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import figures, output
from pippin.cli.arguments import complete_workers
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.api.workers import Worker

commands = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The worker's name as `pippin workers` shows it, or a unique prefix of it.",
        autocompletion=complete_workers,
    ),
]


@commands.callback()
def list_workers(context: typer.Context, json_: output.JsonFlag = False) -> None:
    """List the workers that are alive, or drain one."""
    if context.invoked_subcommand is not None:
        return
    from pippin.client import Client

    with Client() as client:
        workers = client.workers()
    if json_:
        output.print_json([worker.model_dump(mode="json") for worker in workers])
    elif not workers:
        output.print_text("No worker is alive. Start one with `pippin up` or `pippin worker`.")
    else:
        output.table(
            [
                Column("NAME", "id"),
                Column("STATE"),
                Column("ENGINES"),
                Column("COMPUTES ON", drop=2),
                Column("JOB", "id"),
                Column("SYSTEM", "name", drop=3),
                Column("HEARTBEAT", drop=1),
            ],
            [
                (
                    worker.name,
                    worker.state,
                    ", ".join(worker.engines),
                    ", ".join(worker.compute_units) or "-",
                    worker.current_job or "-",
                    f"{worker.os}, {worker.chip}",
                    figures.ago(worker.last_heartbeat),
                )
                for worker in workers
            ],
        )


@commands.command()
def drain(
    name: Name,
    hand_back: Annotated[
        bool, typer.Option("--hand-back", help="Hand the current job back at once, with a checkpoint.")
    ] = False,
    json_: output.JsonFlag = False,
) -> None:
    """Have a worker take no more jobs: it finishes its current one and stays up, idle.

    It works again after `pippin workers undrain`, or when it is restarted.
    """
    from pippin.client import Client

    with Client() as client:
        worker = client.drain(name, hand_back=hand_back)
    if json_:
        output.print_json(worker.model_dump(mode="json"))
    else:
        output.print_text(f"{worker.name} takes no more jobs{_current_job_text(worker, hand_back=hand_back)}.")


@commands.command()
def undrain(name: Name, json_: output.JsonFlag = False) -> None:
    """Have a drained worker take jobs again."""
    from pippin.client import Client

    with Client() as client:
        worker = client.undrain(name)
    if json_:
        output.print_json(worker.model_dump(mode="json"))
    else:
        output.print_text(f"{worker.name} takes jobs again.")


def _current_job_text(worker: "Worker", *, hand_back: bool) -> str:
    if worker.current_job is None:
        return ""
    return f", and {'hands back' if hand_back else 'finishes'} {worker.current_job}"
