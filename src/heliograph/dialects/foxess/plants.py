"""Plants: lists, one in detail, and the three calls that keep them. They need the scope `admin`.

City, postcode and country have no place of their own in the hub: they end the address, from which they are read again.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec

from heliograph.clock import day_start, local, zone
from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import NO_PERMISSION, UNKNOWN
from heliograph.dialects.foxess.devices import asked_page, cut, kilowatts, module_names
from heliograph.dialects.foxess.lookup import PLANTS, find_devices, find_plant, serials, sight
from heliograph.dialects.foxess.operations import CREATE_PLANT, DELETE_PLANT, LIST_PLANTS, PLANT_DETAIL, UPDATE_PLANT
from heliograph.dialects.foxess.stations import Wanted, asked_plant
from heliograph.dialects.foxess.wire import (
    Contact,
    ModuleOf,
    Nothing,
    Page,
    PageQuery,
    Placed,
    PlantBody,
    PlantDetail,
    PlantDetailResult,
    PlantEntry,
    PlantPage,
    PlantQuery,
    PlantSaved,
    PlantSavedResult,
    Serial,
)
from heliograph.errors import ForbiddenError
from heliograph.model.devices import INVERTERS, Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.protocol.operations import Call, Handler, handle

KEY = "foxess.key"
"""The attribute of a device that says which key must come with its serial number."""
_ADDRESS = re.compile(r"(?P<address>.*), (?P<city>[^,]*), (?P<postcode>[^,]*), (?P<country>[A-Z]{2})")


def address_line(address: str, city: str, postcode: str, country: str) -> str:
    """An address in one line, from which its parts can be read again."""
    parts = [part.replace(",", " ") for part in (city, postcode)]
    return ", ".join((address, *parts, country))


def address_parts(line: str) -> tuple[str, str, str, str]:
    """Address, city, postcode and country; all but the address empty for a line that was not made here."""
    found = _ADDRESS.fullmatch(line)
    return (
        (line, "", "", "") if found is None else (found["address"], found["city"], found["postcode"], found["country"])
    )


async def list_plants(call: Call[PageQuery]) -> PlantPage:
    """The plants that the caller sees, by pages."""
    page, size = asked_page(call.request)
    found = [plant for plant in await call.hub.plants(call.caller) if not plant.disabled]
    shown = cut(found, page, size)
    ids = await call.hub.wire_ids(PLANTS, [plant.id for plant in shown])
    rows = [PlantEntry(wire, plant.name, plant.zone) for wire, plant in zip(ids, shown, strict=True)]
    return PlantPage(Page(page=page, size=size, total=len(found), rows=rows))


def _asked_id(query: PlantQuery, field: str) -> str:
    wire = parameters.text(query.id, field, needed=False) or parameters.text(query.same, field, needed=False)
    return wire or parameters.text(None, field)


def _created(plant: Plant) -> str:
    """When a plant was connected, which is when it was made; clients read a number always. [ms since 1970, as text]"""
    if plant.connected_on is None:
        return "0"
    return str(day_start(plant.connected_on.toordinal(), zone(plant.zone)))


async def plant_detail(call: Call[PlantQuery]) -> PlantDetailResult:
    """One plant, whom to ask about it, and its inverters with the data loggers they send through."""
    plant = await find_plant(call, _asked_id(call.request, "id"))
    seen = await sight(call, [plant.id])
    inverters = seen.kinds(INVERTERS)
    names = await serials(call, inverters)
    modules = await module_names(call, inverters, seen)
    address, city, postcode, country = address_parts(plant.address)
    return PlantDetailResult(
        PlantDetail(
            name=plant.name,
            country=country,
            city=city,
            address=address,
            created_at=_created(plant),
            postcode=postcode,
            capacity=kilowatts(plant.capacity_w),
            timezone=plant.zone,
            user=Contact(name=plant.contact_name, phone=plant.contact_phone),
            installer=Contact(),
            modules=[ModuleOf(module, name) for module, name in zip(modules, names, strict=True)],
        )
    )


def _applied(plant: Plant, wanted: Wanted) -> Plant:
    """A plant with what a request says of it."""
    changes: dict[str, Any] = {
        "name": wanted.name,
        "zone": wanted.zone,
        "address": address_line(wanted.address, wanted.city, wanted.postcode, wanted.country),
    }
    if wanted.capacity_w is not None:
        changes["capacity_w"] = wanted.capacity_w
    if wanted.price is not None:
        changes |= {"tariff": (wanted.price,), "currency": wanted.currency}
    if wanted.latitude is not None:
        changes |= {"latitude": wanted.latitude, "longitude": wanted.longitude}
    return msgspec.structs.replace(plant, **changes)


async def create_plant(call: Call[PlantBody]) -> PlantSavedResult:
    """Make a plant and put devices into it.

    Raises BadRequestError naming what is missing, ForbiddenError for a credential that opens some plants only: it
    could not see the new one.
    """
    wanted = asked_plant(call.request, changed=False)
    if call.caller.plants is not None:
        raise ForbiddenError("this credential opens certain plants only")
    tz = zone(wanted.zone)
    made_on: date = local(call.now_ms, tz).date()
    new = Plant(id=0, account_id=call.caller.account_id, name=wanted.name, zone=wanted.zone, connected_on=made_on)
    return await _saved(call, await call.hub.save_plant(call.caller, _applied(new, wanted)), wanted)


async def update_plant(call: Call[PlantBody]) -> PlantSavedResult:
    """Change a plant and put devices into it; those that it has stay. Raises BadRequestError, VendorError."""
    wanted = asked_plant(call.request, changed=True)
    held = await find_plant(call, wanted.plant)
    return await _saved(call, await call.hub.save_plant(call.caller, _applied(held, wanted)), wanted)


async def _saved(call: Call[Any], plant: Plant, wanted: Wanted) -> PlantSavedResult:
    (wire,) = await call.hub.wire_ids(PLANTS, [plant.id])
    found = await find_devices(call, [serial for serial, _ in wanted.devices])
    placed: list[Placed] = []
    for (serial, key), device in zip(wanted.devices, found, strict=True):
        code = await _place(call, plant, device, key, wanted.layout.get(serial, {}))
        placed.append(Placed(Serial(serial, key or msgspec.UNSET), code))
    return PlantSavedResult(PlantSaved(wire, placed))


async def _place(call: Call[Any], plant: Plant, device: Device | None, key: str, layout: dict[str, str]) -> int:
    """Put a device into a plant, a data logger with all that sends through it. Returns 0, or the code of why not."""
    if device is None or device.disabled:
        return int(UNKNOWN.value)
    if device.attributes.get(KEY, key) != key:
        return int(NO_PERMISSION.value)
    moved = [device]
    if device.kind is DeviceKind.GATEWAY:
        near = await call.hub.devices(call.caller, [device.plant_id])
        moved += [other for other in near if other.gateway_id == device.id]
    for one in moved:
        attributes = {**one.attributes, **layout} if one is device else one.attributes
        changed = msgspec.structs.replace(one, plant_id=plant.id, attributes=attributes)
        if changed != one:
            await call.hub.save_device(call.caller, changed)
    return 0


async def delete_plant(call: Call[PlantQuery]) -> Nothing:
    """Disable a plant: it is not seen any more and takes no samples, and nothing of it is lost."""
    plant = await find_plant(call, _asked_id(call.request, "stationID"))
    await call.hub.save_plant(call.caller, msgspec.structs.replace(plant, disabled=True))
    return Nothing(None)


HANDLERS: tuple[Handler, ...] = (
    handle(CREATE_PLANT, create_plant),
    handle(UPDATE_PLANT, update_plant),
    handle(DELETE_PLANT, delete_plant),
    handle(PLANT_DETAIL, plant_detail),
    handle(LIST_PLANTS, list_plants),
)
