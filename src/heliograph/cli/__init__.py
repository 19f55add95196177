"""The program `heliograph`: set up a hub, serve it, move data in and out, look after it."""

import typer

from heliograph.cli import (
    accounts,
    applications,
    backups,
    credentials,
    demo,
    devices,
    doctor,
    exporting,
    firmware,
    importing,
    ledgers,
    people,
    plants,
    sealing,
    serve,
    trail,
)
from heliograph.cli.group import FriendlyGroup

app = typer.Typer(
    name="heliograph",
    cls=FriendlyGroup,
    help="A self-hosted hub for solar fleets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)
app.command()(serve.init)
app.command()(serve.serve)
app.command()(demo.demo)
app.add_typer(accounts.app, name="account")
app.add_typer(plants.app, name="plant")
app.add_typer(devices.app, name="device")
app.add_typer(people.app, name="person")
app.add_typer(credentials.app, name="credential")
app.add_typer(applications.app, name="application")
app.add_typer(ledgers.app, name="ledger")
app.add_typer(firmware.app, name="firmware")
app.command()(trail.audit)
app.command("import")(importing.import_)
app.command()(exporting.export)
app.command()(sealing.seal)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(doctor.doctor)


def main() -> None:
    """Run the program."""
    app()
