"""`account`: the tenants of a hub."""

from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Data, Json, Undo
from heliograph.cli.output import say, show, show_all

app = group("The accounts of a hub: each owns plants and credentials and sees no other's.")
Name = Annotated[str, typer.Argument(help="Its name or id.", metavar="ACCOUNT")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it; no other account may.")],
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add an account."""
    from heliograph.cli.listings import show_account
    from heliograph.cli.opening import audit, opened
    from heliograph.errors import BadRequestError
    from heliograph.model.plants import Account
    from heliograph.store.base import Rows

    if not name.strip():
        raise BadRequestError("an account needs a name", field="name")
    with opened(data) as hub:

        def job(rows: Rows) -> Account:
            saved = hub.registry.put_account(rows, Account(id=0, name=name.strip()))
            audit(hub, rows, saved.id, "account.saved", f"account {saved.id}")
            return saved

        show(show_account(hub, hub.database.write_now(job)), as_json=as_json)


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List accounts."""
    from heliograph.cli import listings
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        rows = [listings.show_account(hub, account) for account in hub.registry.accounts.values()]
        show_all(rows, listings.ACCOUNT, as_json=as_json, empty="No account yet: heliograph account add NAME")


@app.command("show")
def show_one(account: Name, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show an account."""
    from heliograph.cli.listings import show_account
    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        show(show_account(hub, find_account(hub.registry, account)), as_json=as_json)


@app.command()
def disable(account: Name, data: Data = DEFAULT_DATA, undo: Undo = False) -> None:
    """Disable an account: none of its credentials opens anything. Its samples stay."""
    from msgspec.structs import replace

    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import audit, opened
    from heliograph.store.base import Rows

    with opened(data) as hub:
        held = find_account(hub.registry, account)

        def job(rows: Rows) -> None:
            hub.registry.put_account(rows, replace(held, disabled=not undo))
            audit(hub, rows, held.id, "account.saved", f"account {held.id} {'enabled' if undo else 'disabled'}")

        hub.database.write_now(job)
        say(f"Account {held.name} is {'enabled' if undo else 'disabled'}.")
