"""`ledger`: prove, show and export what was stated."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Data, DeviceChoice, Json, PlantChoice
from heliograph.cli.output import count, print_json, say, show_all

app = group("The generation ledger: energies that someone answers for, sealed in a chain for each device.")


class LedgerFormat(Enum):
    """The format of an export."""

    CSV = "csv"
    JSON = "json"


@app.command()
def verify(device: DeviceChoice = None, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Prove every seal of the ledger, from its rows and from the calls as they came. Exits with 1 if it is not sound.

    With --device the chains of these devices, and what statements have to do with them.
    """
    import sys

    from heliograph.cli.ledger_views import chosen, found_text, proved
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        proof = proved(hub, chosen(hub, device, None, None))
    if as_json:
        print_json({"sound": not proof.findings, **{name: getattr(proof, name) for name in proof.__struct_fields__}})
    else:
        sys.stdout.writelines(f"{found_text(finding)}\n" for finding in proof.findings)
        verdict = count(len(proof.findings), "finding") if proof.findings else "all sound"
        say(
            f"Looked at {number_of(proof.entries)} of {count(proof.devices, 'device')}"
            f" and {count(proof.statements, 'statement')}: {verdict}."
        )
    raise typer.Exit(1 if proof.findings else 0)


@app.command()
def export(
    device: DeviceChoice = None,
    plant: PlantChoice = None,
    account: Annotated[str | None, typer.Option(help="The devices of an account, by name or id.")] = None,
    form: Annotated[LedgerFormat | None, typer.Option("--format", help="csv if left out and no name tells.")] = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; stdout if left out.", dir_okay=False)
    ] = None,
    statements: Annotated[
        Path | None, typer.Option(help="A folder for the calls as they came, named by SHA-256.", file_okay=False)
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Export every entry with its seal, and how each chain ends. docs/verify_ledger.py verifies it without a hub."""
    from heliograph.cli.ledger_files import chain_of, whole, write_calls, write_chains
    from heliograph.cli.ledger_views import chosen, slow_progress
    from heliograph.cli.opening import opened
    from heliograph.store import chains as stored

    if form is None:
        named = file is not None and file.suffix.lower() == ".json"
        form = LedgerFormat.JSON if named else LedgerFormat.CSV
    calls = 0
    with opened(data) as hub:
        ids = chosen(hub, device, plant, account)
        with hub.database.snapshot() as rows, whole(file) as text:
            wanted = stored.chained(rows) if ids is None else ids
            with slow_progress("Exporting", len(wanted)) as moved:
                chains = (chain_of(rows, number) for number in wanted if moved(1) is None)
                ends, digests = write_chains(chains, text, as_json=form is LedgerFormat.JSON)
            if statements is not None:
                calls = write_calls(rows, digests, statements)
    told = f", and {count(calls, 'call')} into {statements}" if statements else ""
    say(f"Wrote {number_of(sum(end.entries for end in ends))} of {count(len(ends), 'device')}{told}.")
    for end in ends:
        say(f"  device {end.device_id}: {number_of(end.entries)}, last seal {end.seal}")


def number_of(entries: int) -> str:
    """A number of entries."""
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"


@app.command("show")
def show_device(
    device: Annotated[str, typer.Argument(help="Its serial number, id or name.")],
    since: Annotated[str | None, typer.Option(help="From this day or month on.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this day or month, itself left out.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show what is stated of a device at present, and each revision with its author."""
    from heliograph.cli.ledger_views import HISTORY, history
    from heliograph.cli.lookup import find_device
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        periods = history(hub, find_device(hub.registry, device).id, since, until)
    if as_json:
        print_json(periods)
        return
    lines = [
        {"on": period["on"], "present": revision is period["revisions"][-1], **revision}
        for period in periods
        for revision in period["revisions"]
    ]
    show_all(lines, HISTORY, as_json=False, empty="Nothing is stated of this device in that time.")
