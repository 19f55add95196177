"""`person`: who owns plants, as an installer knows them."""

from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Data, Json, Undo
from heliograph.cli.output import say, show, show_all

app = group("The people of an account, found by e-mail address or telephone number. They are not credentials.")
Who = Annotated[str, typer.Argument(help="Name, e-mail address, telephone number or id.", metavar="PERSON")]
Account = Annotated[str | None, typer.Option(help="Whose account; may be left out if there is but one.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call them.")],
    email: Annotated[str, typer.Option(help="Their e-mail address.")] = "",
    phone: Annotated[str, typer.Option(help="Their telephone number.")] = "",
    plant: Annotated[
        list[str] | None, typer.Option(help="A plant of theirs; repeat for several. All of the account if left out.")
    ] = None,
    account: Account = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add a person."""
    from heliograph.cli.listings import show_person
    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import plants_of, save_person
    from heliograph.model.people import Person

    with opened(data) as hub:
        owner = find_account(hub.registry, account)
        plants = plants_of(hub, owner.id, plant) if plant else None
        person = Person(
            id=0, account_id=owner.id, name=name.strip(), email=email.strip(), phone=phone.strip(), plants=plants
        )
        show(show_person(hub, save_person(hub, person)), as_json=as_json)


@app.command("list")
def list_all(account: Account = None, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List people, of one account or of all."""
    from heliograph.cli import listings
    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        owner = None if account is None else find_account(hub.registry, account).id
        people = [person for person in hub.registry.people.values() if owner in (None, person.account_id)]
        rows = [listings.show_person(hub, person) for person in people]
    show_all(rows, listings.PERSON, as_json=as_json, empty="Nobody yet: heliograph person add NAME --email ADDRESS")


@app.command("show")
def show_one(person: Who, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a person."""
    from heliograph.cli.listings import show_person
    from heliograph.cli.lookup import find_person
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        show(show_person(hub, find_person(hub.registry, person)), as_json=as_json)


@app.command()
def disable(person: Who, data: Data = DEFAULT_DATA, undo: Undo = False) -> None:
    """Disable a person: nothing is found by their address or number."""
    from msgspec.structs import replace

    from heliograph.cli.lookup import find_person
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import save_person

    with opened(data) as hub:
        held = find_person(hub.registry, person)
        save_person(hub, replace(held, disabled=not undo))
        say(f"Person {held.name} ({held.id}) is {'enabled' if undo else 'disabled'}.")


@app.command()
def password(
    person: Who,
    from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read it from standard input instead of asking twice.")
    ] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Set the password with which a person signs in to let applications act for them. Only a hash of it is kept."""
    import sys

    from msgspec.structs import replace

    from heliograph.cli.lookup import find_person
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import save_person
    from heliograph.store.passwords import Passwords, check_password

    with opened(data) as hub:
        held = find_person(hub.registry, person)
        if from_stdin:
            text = sys.stdin.readline().rstrip("\r\n")
        else:
            text = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
        check_password(text)
        save_person(hub, replace(held, password=Passwords().hash(text)))
        say(f"Person {held.name} ({held.id}) can sign in with it.")
