"""`credential`: the keys that open a dialect to an account."""

from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Data, Json, Undo
from heliograph.cli.output import say, show, show_all, show_once

if TYPE_CHECKING:
    from heliograph.hub import LocalHub
    from heliograph.model.access import Credential

app = group("The credentials of a hub: each opens one dialect to one account.")
Dialect = Annotated[str, typer.Argument(help="The dialect it opens, for example native.")]
Name = Annotated[str, typer.Argument(help="Its public half.")]


@app.command()
def add(
    dialect: Dialect,
    account: Annotated[str | None, typer.Option(help="Whose it is; may be left out if there is but one.")] = None,
    name: Annotated[str | None, typer.Option(help="Its public half: user name or key id; made if left out.")] = None,
    secret: Annotated[str | None, typer.Option(help="Its secret half; made if left out.")] = None,
    plant: Annotated[
        list[str] | None, typer.Option(help="A plant it opens; repeat for several. All of the account if left out.")
    ] = None,
    operation: Annotated[
        list[str] | None, typer.Option(help="An operation it opens; repeat for several. All if left out.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, write, control or admin; repeat for several. read and write if left out."),
    ] = None,
    kpi: Annotated[
        list[str] | None,
        typer.Option(help="A figure it may read, by the vendor's name, or OPERATION:NAME; repeat. All if left out."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="The date or time it ends; without an offset, UTC.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add a credential and print its secret, this once."""
    from heliograph.cli.dialect_names import presented, require_dialect
    from heliograph.cli.figures import checked_figures
    from heliograph.cli.listings import show_credential
    from heliograph.cli.lookup import find_account, moment
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import fresh_name, fresh_secret, plants_of, save_credential
    from heliograph.model.access import Credential, Secret

    require_dialect(dialect)
    with opened(data) as hub:
        owner = find_account(hub.registry, account)
        credential = Credential(
            id=0,
            account_id=owner.id,
            dialect=dialect,
            name=name if name is not None else fresh_name(owner.name),
            secret=Secret(secret) if secret is not None else fresh_secret(),
            plants=plants_of(hub, owner.id, plant) if plant else None,
            operations=_operations(hub, dialect, operation) if operation else None,
            scopes=tuple(dict.fromkeys(scope)) if scope else ("read", "write"),
            kpis=checked_figures(hub, dialect, kpi) if kpi else None,
            expires_at_ms=moment(expires, field="--expires"),
        )
        saved = save_credential(hub, credential)
        shown = {**show_credential(hub, saved), **presented(dialect, saved.name, saved.secret)}
    show_once(shown, as_json=as_json)


def _operations(hub: "LocalHub", dialect: str, words: list[str]) -> tuple[str, ...]:
    from heliograph.app import dialects
    from heliograph.errors import BadRequestError

    known = {handler.operation.name for handler in dialects((dialect,))[0].serve(hub).handlers}
    for word in words:
        if word not in known:
            raise BadRequestError(
                f"{dialect} has no operation {word!r}; it has {', '.join(sorted(known))}", field="operation"
            )
    return tuple(dict.fromkeys(words))


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List credentials, without their secrets."""
    from heliograph.cli import listings
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        rows = [listings.show_credential(hub, credential) for credential in hub.registry.credentials.values()]
        show_all(
            rows, listings.CREDENTIAL, as_json=as_json, empty="No credential yet: heliograph credential add native"
        )


@app.command("show")
def show_one(dialect: Dialect, name: Name, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a credential, without its secret."""
    from heliograph.cli.listings import show_credential
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        show(show_credential(hub, _find(hub, dialect, name)), as_json=as_json)


@app.command()
def disable(dialect: Dialect, name: Name, data: Data = DEFAULT_DATA, undo: Undo = False) -> None:
    """Disable a credential: it opens nothing, and its sessions end."""
    from msgspec.structs import replace

    from heliograph.cli.opening import opened
    from heliograph.cli.registering import save_credential

    with opened(data) as hub:
        save_credential(hub, replace(_find(hub, dialect, name), disabled=not undo))
        say(f"Credential {name} is {'enabled' if undo else 'disabled'}.")


def _find(hub: "LocalHub", dialect: str, name: str) -> "Credential":
    from heliograph.errors import NotFoundError

    found = hub.registry.credentials.get((dialect, name))
    if found is None:
        raise NotFoundError(
            f"there is no {dialect} credential {name!r}; `heliograph credential list` shows what there is"
        )
    return found
