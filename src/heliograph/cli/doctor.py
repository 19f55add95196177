"""`doctor`: look over a data directory and this machine."""

from typing import Annotated

import typer

from heliograph.cli.options import DEFAULT_DATA, Data, Json
from heliograph.cli.output import print_json, progress, say


def doctor(
    data: Data = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to look at.")] = None,
    as_json: Json = False,
) -> None:
    """Look over a hub, from its settings to its ledger, and this machine. Exits with 1 if anything fails."""
    from rich.console import Console
    from rich.text import Text

    from heliograph.cli.checks import FAIL, Patient, checks

    patient = Patient(data, port)
    findings = []
    with progress() as bars:
        for name, check in bars.track(checks(), description="Looking"):
            findings.append(check(patient).named(name))
    patient.close()
    failed = sum(finding.status == FAIL for finding in findings)
    if as_json:
        print_json({"ok": not failed, "checks": findings})
    else:
        colours = {"ok": "green", "warn": "yellow", "fail": "bold red"}
        console = Console(soft_wrap=True)
        for finding in findings:
            console.print(
                Text.assemble((f"{finding.status:5}", colours[finding.status]), f"{finding.check}: {finding.detail}")
            )
            if finding.advice:
                console.print(Text(f"      -> {finding.advice}"))
        say(f"{failed} of {len(findings)} checks failed." if failed else "Nothing failed.")
    raise typer.Exit(1 if failed else 0)
