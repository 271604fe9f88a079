"""`pippin pause`, `resume` and `retry`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import following, naming, output
from pippin.cli.arguments import JobId
from pippin.cli.showing import place

if TYPE_CHECKING:
    from pippin.api.jobs import Job
    from pippin.client import Client

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show each epoch until the job ends.")]


def pause(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Pause a job.

    A running one makes a checkpoint first, and goes on from there after `pippin resume`.
    """
    from pippin.client import Client

    with Client() as client:
        found = client.pause(naming.job_id(client, job_id))
    if json_:
        output.print_json(found.model_dump(mode="json"))
    else:
        output.say(f"{found.id} is {found.status}. It goes on after: pippin resume {found.id}")


def resume(job_id: JobId, follow: Follow = False, json_: output.JsonFlag = False) -> None:
    """Queue a paused job again.

    With --json --follow, stdout has one JSON document a line: the job, each epoch, and the job as it ended.
    """
    from pippin.client import Client

    with Client() as client:
        found = client.resume(naming.job_id(client, job_id))
        where = f", to go on from {place(found.checkpoint)}" if found.checkpoint else ""
        _tell(client, found, f"{found.id} is {found.status}{where}.", follow=follow, json_=json_)


def retry(
    job_id: JobId,
    from_checkpoint: Annotated[
        bool, typer.Option("--from-checkpoint", help="Go on from its newest checkpoint, instead of beginning anew.")
    ] = False,
    follow: Follow = False,
    json_: output.JsonFlag = False,
) -> None:
    """Try a failed or cancelled job again, as a new job.

    The new job's id is printed.

    With --json --follow, stdout has one JSON document a line: the job, each epoch, and the job as it ended.
    """
    from pippin.client import Client

    with Client() as client:
        found = client.retry(naming.job_id(client, job_id), from_checkpoint=from_checkpoint)
        _tell(client, found, found.id, follow=follow, json_=json_)


def _tell(client: "Client", job: "Job", text: str, *, follow: bool, json_: bool) -> None:
    if json_:
        output.print_json(job.model_dump(mode="json"), indent=None if follow else 2)
    else:
        output.say(text)
    if follow:
        following.follow(client, job.id, json_=json_, then=f"Its model: pippin download {job.id}")
    elif not json_ and output.stdout().is_terminal:
        output.say(f"Follow it: pippin metrics {job.id} --follow")
