"""`pippin doctor`."""

import typer
from rich.text import Text

from pippin.cli import output
from pippin.cli.errors import Exit
from pippin.cli.tables import Column

_COLOURS = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def doctor(json_: output.JsonFlag = False) -> None:
    """Examine this machine, and say what to do about each fault.

    It checks the system, what can train here, Redis, the blobs, the service, the clock and the disk.

    The exit code is 1 if anything is at fault; warnings leave it at 0. No secret is printed.
    """
    from pippin.cli.doctor.examination import examine
    from pippin.cli.doctor.findings import Level

    findings = list(examine())
    if json_:
        output.print_json(
            [
                {"check": each.check, "level": each.level, "found": each.result, "advice": each.advice}
                for each in findings
            ]
        )
    else:
        output.table(
            [Column("CHECK"), Column(""), Column("RESULT", "prose")],
            [
                (finding.check, Text(finding.level, style=_COLOURS[finding.level]), finding.result)
                for finding in findings
            ],
        )
        for finding in findings:
            if finding.advice:
                output.print_text("")
                output.print_text(f"{finding.check}: {finding.result}")
                output.print_text(f"  {finding.advice}", style="bold")
    if any(finding.level is Level.FAULT for finding in findings):
        raise typer.Exit(Exit.FAULT_FOUND)
