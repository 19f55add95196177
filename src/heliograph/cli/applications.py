"""`application`: programs that ask people to let them act for them."""

from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Data, Json, Undo
from heliograph.cli.output import say, show, show_all, show_once

app = group("The applications that people of an account may give access to (OAuth 2).")
Which = Annotated[str, typer.Argument(help="Its client_id, name or id.", metavar="APPLICATION")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people are told that it is called.")],
    redirect: Annotated[
        list[str], typer.Option(help="An address to which people are sent back, exactly as it will ask; repeat.")
    ],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may ask for: read, write, control or admin; repeat. read if left out."),
    ] = None,
    dialect: Annotated[str, typer.Option(help="The dialect that it calls.")] = "foxess",
    account: Annotated[str | None, typer.Option(help="Whose people; may be left out if there is but one.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add an application and print its client_secret, this once."""
    from heliograph.cli.dialect_names import require_dialect
    from heliograph.cli.listings import show_application
    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import fresh_name, fresh_secret, save_application
    from heliograph.model.access import Application

    require_dialect(dialect)
    with opened(data) as hub:
        owner = find_account(hub.registry, account)
        application = Application(
            id=0,
            account_id=owner.id,
            dialect=dialect,
            client_id=fresh_name(name),
            secret=fresh_secret(),
            name=name.strip(),
            redirect_uris=tuple(dict.fromkeys(redirect)),
            scopes=tuple(dict.fromkeys(scope)) if scope else ("read",),
        )
        saved = save_application(hub, application)
        shown = {**show_application(hub, saved), "client_secret": saved.secret.reveal()}
    show_once(shown, as_json=as_json)


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List applications, without their secrets."""
    from heliograph.cli import listings
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        rows = [listings.show_application(hub, one) for one in hub.registry.applications.values()]
    empty = "No application yet: heliograph application add NAME --redirect ADDRESS"
    show_all(rows, listings.APPLICATION, as_json=as_json, empty=empty)


@app.command("show")
def show_one(application: Which, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show an application, without its secret."""
    from heliograph.cli.listings import show_application
    from heliograph.cli.lookup import find_application
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        show(show_application(hub, find_application(hub.registry, application)), as_json=as_json)


@app.command("set")
def change(
    application: Which,
    name: Annotated[str | None, typer.Option(help="What people are told that it is called.")] = None,
    redirect: Annotated[
        list[str] | None, typer.Option(help="An address to which people are sent back, in place of all before; repeat.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may ask for, in place of all before; what was allowed beyond it ends. Repeat."),
    ] = None,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Make a new client_secret and print it, this once.")
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change an application; what is left out stays, and so does what people allowed."""
    from msgspec.structs import replace

    from heliograph.cli.listings import show_application
    from heliograph.cli.lookup import find_application
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import fresh_secret, save_application

    with opened(data) as hub:
        held = find_application(hub.registry, application)
        wanted = replace(
            held,
            name=held.name if name is None else name.strip(),
            redirect_uris=tuple(dict.fromkeys(redirect)) if redirect else held.redirect_uris,
            scopes=tuple(dict.fromkeys(scope)) if scope else held.scopes,
            secret=fresh_secret() if new_secret else held.secret,
        )
        saved = save_application(hub, wanted)
        shown = show_application(hub, saved)
    if new_secret:
        show_once({**shown, "client_secret": saved.secret.reveal()}, as_json=as_json)
    else:
        show(shown, as_json=as_json)


@app.command()
def disable(application: Which, data: Data = DEFAULT_DATA, undo: Undo = False) -> None:
    """Disable an application: nobody can allow it anything, and what was allowed opens nothing."""
    from msgspec.structs import replace

    from heliograph.cli.lookup import find_application
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import save_application

    with opened(data) as hub:
        held = find_application(hub.registry, application)
        save_application(hub, replace(held, disabled=not undo))
        say(f"Application {held.name} ({held.client_id}) is {'enabled' if undo else 'disabled'}.")
