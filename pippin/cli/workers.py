"""`pippin workers`."""

from pippin.cli import output


def list_workers(json_: output.JsonFlag = False) -> None:
    """List the workers that are alive."""
    from pippin.client import Client

    with Client() as client:
        found = client.workers()
    if json_:
        output.print_json([worker.model_dump(mode="json") for worker in found])
    elif not found:
        output.say("No worker is alive. `pippin up` starts one, and so does `pippin worker`.")
    else:
        output.table(
            ["NAME", "STATE", "ENGINES", "COMPUTES ON", "JOB", "SYSTEM", "HEARTBEAT"],
            [
                (
                    each.name,
                    each.state,
                    ", ".join(each.engines),
                    ", ".join(each.compute_units) or "-",
                    each.current_job or "-",
                    f"{each.os}, {each.chip}",
                    output.ago(each.last_heartbeat),
                )
                for each in found
            ],
        )
