"""The server half: the lists of plants and devices, and all handlers together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from heliograph.clock import day_start, local, zone
from heliograph.dialects.huawei import alarms, commands, realtime, registration, reports, samples
from heliograph.dialects.huawei.auth import Sessions, authenticate, session_handlers
from heliograph.dialects.huawei.codes import UNKNOWN_PLANT, refuse
from heliograph.dialects.huawei.fields import INVERTER_TYPES
from heliograph.dialects.huawei.lookup import DEVICES, PLANTS, known_plants, plant_codes, type_id
from heliograph.dialects.huawei.operations import LIST_DEVICES, LIST_PLANTS, PAGE_PLANTS
from heliograph.dialects.huawei.wire import (
    DeviceEntry,
    DeviceList,
    PlantEntry,
    PlantList,
    PlantPage,
    PlantPageEntry,
    PlantPageResult,
)
from heliograph.errors import BadRequestError
from heliograph.model.plants import BuildState, GridType
from heliograph.model.units import KW, MW
from heliograph.protocol.dialect import Facade
from heliograph.protocol.limits import Guard
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.dialects.huawei.wire import Loose, NoQuery, PageQuery, PlantQuery
    from heliograph.model.devices import Device
    from heliograph.model.plants import Plant
    from heliograph.model.units import Unit
    from heliograph.protocol.hub import Hub

BUILD_STATES = {BuildState.PLANNED: "0", BuildState.UNDER_CONSTRUCTION: "1", BuildState.CONNECTED: "2"}
GRID_TYPES = {GridType.UTILITY: "1", GridType.COMMERCIAL: "2", GridType.RESIDENTIAL: "3"}
MOST_ROWS = 100
"""Plants on a page at most, and unless told."""


def _capacity(plant: Plant, unit: Unit) -> float | None:
    return None if plant.capacity_w is None else round(plant.capacity_w / unit.factor, 9)


def plant_entry(code: str, plant: Plant) -> PlantEntry:
    """A plant in the words of 2.2."""
    return PlantEntry(
        code=code,
        name=plant.name,
        address=plant.address or None,
        capacity_mw=_capacity(plant, MW),
        build_state=BUILD_STATES[plant.build_state],
        grid_type=GRID_TYPES[plant.grid_type],
        aid_type=0 if plant.poverty_alleviation else 1,
        contact=plant.contact_name,
        phone=plant.contact_phone,
    )


async def list_plants(call: Call[NoQuery]) -> PlantList:
    """All plants the caller sees. Raises VendorError when there is none, as the document shows it. (2.2)"""
    plants = await call.hub.plants(call.caller)
    if not plants:
        raise refuse(UNKNOWN_PLANT)
    codes = await call.hub.wire_ids(PLANTS, [plant.id for plant in plants])
    return PlantList([plant_entry(code, plant) for code, plant in zip(codes, plants, strict=True)])


def _connected_at(plant: Plant) -> str | None:
    """The first instant of the day on which the plant was connected, with its zone's offset."""
    if plant.connected_on is None:
        return None
    tz = zone(plant.zone)
    return local(day_start(plant.connected_on.toordinal(), tz), tz).isoformat()


def _count(value: Loose, field: str, default: int) -> int:
    try:
        number = default if value is None or value == "" else int(value)
    except (ValueError, OverflowError) as error:
        raise BadRequestError(f"{field} must be a number", field=field) from error
    if number < 1:
        raise BadRequestError(f"{field} counts from 1", field=field)
    return number


def _degrees(angle: float | None) -> str | None:
    """A coordinate as text, with six decimals as in recorded answers."""
    return None if angle is None else f"{round(angle, 6) + 0.0:.6f}"


async def page_plants(call: Call[PageQuery]) -> PlantPageResult:
    """One page of the plants the caller sees; none beyond the last."""
    page = _count(call.request.page, "pageNo", 1)
    size = min(_count(call.request.size, "pageSize", MOST_ROWS), MOST_ROWS)
    plants = await call.hub.plants(call.caller)
    shown = plants[(page - 1) * size : page * size]
    codes = await call.hub.wire_ids(PLANTS, [plant.id for plant in shown])
    rows = [
        PlantPageEntry(
            code=code,
            name=plant.name,
            address=plant.address or None,
            longitude=_degrees(plant.longitude),
            latitude=_degrees(plant.latitude),
            capacity_kw=_capacity(plant, KW),
            contact=plant.contact_name,
            phone=plant.contact_phone,
            connected_at=_connected_at(plant),
        )
        for code, plant in zip(codes, shown, strict=True)
    ]
    return PlantPageResult(PlantPage(rows, -(-len(plants) // size), page, size, len(plants)))


def device_entry(number: str, code: str, device: Device) -> DeviceEntry:
    """A device in the words of 2.8; a model is told of inverters only."""
    number_of_type = type_id(device)
    return DeviceEntry(
        id=int(number),
        name=device.name,
        plant=code,
        serial=device.serial,
        type_id=number_of_type,
        firmware=device.firmware or None,
        model=(device.model or None) if number_of_type in INVERTER_TYPES else None,
        longitude=device.longitude,
        latitude=device.latitude,
    )


async def list_devices(call: Call[PlantQuery]) -> DeviceList:
    """The devices of plants, plant by plant in the order asked. (2.8)"""
    plants = await known_plants(call, plant_codes(call))
    place = {each.plant.id: index for index, each in enumerate(plants)}
    devices = await call.hub.devices(call.caller, list(place))
    devices = sorted(devices, key=lambda device: place[device.plant_id])
    numbers = await call.hub.wire_ids(DEVICES, [device.id for device in devices])
    return DeviceList(
        [
            device_entry(number, plants[place[device.plant_id]].code, device)
            for number, device in zip(numbers, devices, strict=True)
        ]
    )


LISTS: tuple[Handler, ...] = (
    handle(LIST_PLANTS, list_plants),
    handle(PAGE_PLANTS, page_plants),
    handle(LIST_DEVICES, list_devices),
)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `[dialects.huawei]` of the configuration may hold."""

    feed_in_positive: bool = False
    """Whether meters at the grid connection count feed-in as positive and forward, as live ones do, and not import."""


def serve(hub: Hub) -> Facade:
    """The server half for one hub, with sessions of its own."""
    settings = msgspec.convert(hub.dialect_settings.get(PLANTS.dialect, {}), Settings)
    sessions, turned = Sessions(hub.wall), settings.feed_in_positive
    handlers = (
        *session_handlers(sessions, Guard(hub.wall)), *LISTS, *realtime.handlers(feed_in_positive=turned),
        *reports.HANDLERS, *samples.handlers(feed_in_positive=turned), *commands.HANDLERS, *alarms.HANDLERS,
        *registration.HANDLERS,
    )  # fmt: skip
    return Facade(partial(authenticate, sessions), handlers)
