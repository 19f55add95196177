"""`device`: what stands in the plants of a hub."""

from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Aliases, Data, Json, Latitude, Longitude, PlantChoice, Undo
from heliograph.cli.output import say, show, show_all
from heliograph.model.devices import DeviceKind, MeterRole, ReportedRule

app = group("The devices of a hub: what stands in a plant and sends samples.")
Reported = Annotated[
    ReportedRule,
    typer.Option(help="Which daily total counts where one was reported; fills: the computed one but for gaps."),
]
Serial = Annotated[str, typer.Argument(help="Its serial number, id or name.", metavar="DEVICE")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    plant: Annotated[str, typer.Option(help="Where it stands, by name or id.")],
    kind: Annotated[DeviceKind, typer.Option(help="What it is.")],
    role: Annotated[MeterRole, typer.Option(help="What a meter measures.")] = MeterRole.GRID,
    serial: Annotated[str, typer.Option(help="Its serial number.")] = "",
    model: Annotated[str, typer.Option(help="Its model.")] = "",
    firmware: Annotated[str, typer.Option(help="Its firmware version.")] = "",
    capacity_kw: Annotated[
        float | None, typer.Option(min=0, help="Rated power, of the array for an inverter. [kW]")
    ] = None,
    gateway: Annotated[
        str | None, typer.Option(help="The gateway it sends through, by serial number, id or name.")
    ] = None,
    interval: Annotated[int, typer.Option(min=1, max=86400, help="How often a sample is expected. [s]")] = 300,
    reported: Reported = ReportedRule.FILLS,
    latitude: Latitude = None,
    longitude: Longitude = None,
    alias: Aliases = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add a device."""
    from heliograph.cli.listings import show_device
    from heliograph.cli.lookup import find_plant
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import find_gateway, save_device
    from heliograph.model.devices import Device

    with opened(data) as hub:
        place = find_plant(hub.registry, plant)
        device = Device(
            id=0,
            plant_id=place.id,
            kind=kind,
            name=name,
            serial=serial,
            model=model,
            firmware=firmware,
            capacity_w=None if capacity_kw is None else capacity_kw * 1000.0,
            role=role,
            gateway_id=find_gateway(hub, place, gateway),
            latitude=latitude,
            longitude=longitude,
            interval_s=interval,
            reported=reported,
        )
        show(show_device(hub, save_device(hub, device, alias)), as_json=as_json)


@app.command("list")
def list_all(plant: PlantChoice = None, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List devices, of some plants or of all."""
    from heliograph.cli import listings
    from heliograph.cli.lookup import chosen_devices
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        rows = [listings.show_device(hub, device) for device in chosen_devices(hub.registry, plant, None)]
        empty = "No device yet: heliograph device add NAME --plant NAME --kind inverter"
        show_all(rows, listings.DEVICE, as_json=as_json, empty=empty)


@app.command("show")
def show_one(device: Serial, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show a device."""
    from heliograph.cli.listings import show_device
    from heliograph.cli.lookup import find_device
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        show(show_device(hub, find_device(hub.registry, device)), as_json=as_json)


@app.command("set")
def set_rule(device: Serial, reported: Reported, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Change which daily total counts; the totals of its plant are made again."""
    from heliograph.cli.listings import show_device
    from heliograph.cli.lookup import find_device
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import set_reported

    with opened(data) as hub:
        saved = set_reported(hub, find_device(hub.registry, device), reported)
        show(show_device(hub, saved), as_json=as_json)


@app.command()
def disable(device: Serial, data: Data = DEFAULT_DATA, undo: Undo = False) -> None:
    """Disable a device: nobody sees it or sends to it. Its samples stay."""
    from msgspec.structs import replace

    from heliograph.cli.lookup import find_device
    from heliograph.cli.opening import opened
    from heliograph.cli.registering import save_device

    with opened(data) as hub:
        held = find_device(hub.registry, device)
        save_device(hub, replace(held, disabled=not undo))
        say(f"Device {held.name} ({held.id}) is {'enabled' if undo else 'disabled'}.")
