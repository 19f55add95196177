"""`plant`: the sites of a hub."""

from datetime import datetime
from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Aliases, Data, Json, Latitude, Longitude, Undo
from heliograph.cli.output import say, show, show_all
from heliograph.model.plants import BuildState, GridType

app = group("The plants of a hub: one site, one time zone each.")
Name = Annotated[str, typer.Argument(help="Its name or id.", metavar="PLANT")]
Account = Annotated[str | None, typer.Option(help="Whose it is, by name or id; may be left out if there is but one.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    zone: Annotated[str, typer.Option(help="Time zone of its calendar, for example Europe/London.")],
    account: Account = None,
    capacity_kw: Annotated[float | None, typer.Option(min=0, help="Rating of all arrays. [kW]")] = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    tariff: Annotated[
        str, typer.Option(help="Price of a kilowatt-hour: one, or 24 by local hour with commas between.")
    ] = "",
    currency: Annotated[str, typer.Option(help="Currency of the tariff.")] = "CNY",
    address: Annotated[str, typer.Option(help="Where it stands.")] = "",
    grid_type: Annotated[GridType, typer.Option(help="Whom it serves.")] = GridType.COMMERCIAL,
    build_state: Annotated[BuildState, typer.Option(help="How far it is built.")] = BuildState.CONNECTED,
    connected_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When it was connected to the grid.")
    ] = None,
    contact_name: Annotated[str, typer.Option(help="Who to ask about it.")] = "",
    contact_phone: Annotated[str, typer.Option(help="Where to call.")] = "",
    kpi_profile: Annotated[str, typer.Option(help="Constants of its performance figures.")] = "huawei-2020",
    alias: Aliases = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add a plant."""
    from heliograph.cli.listings import show_plant
    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import parse_tariff, save_plant
    from heliograph.model.plants import Plant

    prices = parse_tariff(tariff)
    with opened(data) as hub:
        plant = Plant(
            id=0,
            account_id=find_account(hub.registry, account).id,
            name=name,
            zone=zone,
            address=address,
            capacity_w=None if capacity_kw is None else capacity_kw * 1000.0,
            latitude=latitude,
            longitude=longitude,
            grid_type=grid_type,
            build_state=build_state,
            connected_on=connected_on.date() if connected_on else None,
            contact_name=contact_name,
            contact_phone=contact_phone,
            kpi_profile=kpi_profile,
            tariff=prices,
            currency=currency,
        )
        show(show_plant(hub, save_plant(hub, plant, alias)), as_json=as_json)


@app.command("list")
def list_all(account: Account = None, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List plants, of one account or of all."""
    from heliograph.cli import listings
    from heliograph.cli.lookup import find_account
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        owner = None if account is None else find_account(hub.registry, account).id
        plants = [plant for plant in hub.registry.plants.values() if owner in (None, plant.account_id)]
        rows = [listings.show_plant(hub, plant) for plant in plants]
        show_all(
            rows, listings.PLANT, as_json=as_json, empty="No plant yet: heliograph plant add NAME --zone Europe/London"
        )


@app.command("show")
def show_one(plant: Name, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a plant."""
    from heliograph.cli.listings import show_plant
    from heliograph.cli.lookup import find_plant
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        show(show_plant(hub, find_plant(hub.registry, plant)), as_json=as_json)


@app.command()
def disable(plant: Name, data: Data = DEFAULT_DATA, undo: Undo = False) -> None:
    """Disable a plant: nobody sees it or sends to it. Its samples stay."""
    from msgspec.structs import replace

    from heliograph.cli.lookup import find_plant
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import save_plant

    with opened(data) as hub:
        held = find_plant(hub.registry, plant)
        save_plant(hub, replace(held, disabled=not undo))
        say(f"Plant {held.name} is {'enabled' if undo else 'disabled'}.")
