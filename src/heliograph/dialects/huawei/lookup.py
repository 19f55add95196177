"""From the ids of a request to plants and devices: aliases, lists of ids, types, instants."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from heliograph.clock import zone
from heliograph.dialects.huawei.codes import (
    NO_DEVICE,
    NO_DEVICES,
    NO_PLANTS,
    NO_TIME,
    TOO_MANY_DEVICES,
    TOO_MANY_DEVICES_2,
    TOO_MANY_PLANTS,
    TOO_MANY_PLANTS_2,
    TOO_MANY_TO_SWITCH,
    UNKNOWN_DEVICE,
    UNKNOWN_PLANT,
    UNSUPPORTED_TYPE,
    WRONG_TYPE,
    refuse,
)
from heliograph.dialects.huawei.fields import TYPE_IDS, TYPE_NAMES
from heliograph.dialects.huawei.operations import (
    DEVICE_NOW,
    LIST_DEVICES,
    LIST_UPGRADES,
    MOST_COMMANDED,
    MOST_IDS,
    PLANT_NOW,
    SWITCH_DEVICES,
    UPGRADE_DEVICES,
)
from heliograph.errors import BadRequestError
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.protocol.hub import AliasScheme, Subject
from heliograph.protocol.times import parse_epoch_ms

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from heliograph.dialects.huawei.wire import DeviceQuery, Param, PlantQuery, SwitchQuery
    from heliograph.protocol.operations import Call

_FIRST_ID, _IDS = 10**14, 9 * 10**14
_LATEST_MS = 4_102_444_800_000
"""The year 2100: no report is asked for later than that. [ms since 1970]"""
_PLANT_LIMITS = {PLANT_NOW.name: TOO_MANY_PLANTS, LIST_DEVICES.name: TOO_MANY_PLANTS}
"""The code for too many plants; the reports have another one."""
_DEVICE_LIMITS = {
    DEVICE_NOW.name: (MOST_IDS, TOO_MANY_DEVICES),
    UPGRADE_DEVICES.name: (MOST_COMMANDED, TOO_MANY_TO_SWITCH),
    LIST_UPGRADES.name: (MOST_COMMANDED, TOO_MANY_TO_SWITCH),
    SWITCH_DEVICES.name: (MOST_COMMANDED, TOO_MANY_TO_SWITCH),
}
"""How many devices a call takes, and the code for more; the reports have another one."""


def mint_plant(plant_id: int, attempt: int) -> str:
    """32 hexadecimal capitals, as in the examples of 2.2."""
    return hashlib.blake2b(f"plant/{plant_id}/{attempt}".encode(), digest_size=16).hexdigest().upper()


def mint_device(device_id: int, attempt: int) -> str:
    """A positive integer of 15 digits, as in the examples of 2.9: a double holds it exactly."""
    digest = hashlib.blake2b(f"device/{device_id}/{attempt}".encode(), digest_size=8).digest()
    return str(_FIRST_ID + int.from_bytes(digest) % _IDS)


_DEVICE_ID = re.compile(r"0|-?[1-9][0-9]{0,17}")
PLANTS = AliasScheme("huawei", "plant", mint_plant)
DEVICES = AliasScheme("huawei", "device", mint_device)


def check_alias(subject: Subject, scope: str, wire: str) -> None:
    """An id given by hand. Raises BadRequestError for a device's that is no number, or has more than 18 digits."""
    if scope:
        raise BadRequestError(f"{wire!r} needs no scope: leave out :{scope}", field="alias")
    if subject == "device" and not _DEVICE_ID.fullmatch(wire):
        raise BadRequestError(f"a device of huawei has a number of 1 to 18 digits, not {wire!r}", field="alias")


class NamedPlant(msgspec.Struct, frozen=True):
    """A plant under its code, with the zone of its calendar."""

    code: str
    plant: Plant
    tz: ZoneInfo


class NamedDevice(msgspec.Struct, frozen=True):
    """A device under its number, with its plant and the zone of that plant's calendar."""

    number: int
    device: Device
    plant: Plant
    tz: ZoneInfo


def split_ids(ids: Param) -> list[str] | None:
    """The ids of a parameter, each once, in the order given; None when it holds anything else than ids."""
    parts = ids if isinstance(ids, list) else ids.split(",") if isinstance(ids, str) else [ids]
    if any(isinstance(part, bool | list | dict) for part in parts):
        return None
    texts = (str(int(part)) if isinstance(part, float) and part.is_integer() else str(part).strip() for part in parts
             if part is not None)  # fmt: skip
    return list(dict.fromkeys(text for text in texts if text))


def blank(ids: Param) -> bool:
    """Whether a parameter is given, but all its entries are empty."""
    given = bool(ids.strip()) if isinstance(ids, str) else isinstance(ids, list) and bool(ids)
    return given and split_ids(ids) == []


def plant_codes(call: Call[PlantQuery]) -> list[str]:
    """The `stationCodes` of a request. Raises VendorError when there are none, or too many."""
    codes = split_ids(call.request.plants)
    if not codes:
        raise refuse(NO_PLANTS)
    if len(codes) > MOST_IDS:
        raise refuse(_PLANT_LIMITS.get(call.operation.name, TOO_MANY_PLANTS_2))
    return codes


def device_numbers(call: Call[DeviceQuery] | Call[SwitchQuery]) -> list[str]:
    """The `devIds` of a request. Raises VendorError when there are none, or too many."""
    numbers = split_ids(call.request.devices)
    if not numbers:
        raise refuse(NO_DEVICE if blank(call.request.devices) else NO_DEVICES)
    most, too_many = _DEVICE_LIMITS.get(call.operation.name, (MOST_IDS, TOO_MANY_DEVICES_2))
    if len(numbers) > most:
        raise refuse(too_many)
    return numbers


def whole(value: Param) -> int | None:
    """A whole number, or the same as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None


def type_id(device: Device) -> int:
    """The `devTypeId` of a device."""
    own = device.attributes.get("huawei.devTypeId", "")
    return int(own) if own.isdecimal() else TYPE_IDS[device.kind]


def asked_type(value: Param, served: Container[int]) -> int:
    """The `devTypeId` of a request. Raises VendorError unless the call serves it."""
    number = whole(value)
    if number is None or number not in served:
        name = TYPE_NAMES.get(number or 0)
        raise refuse(UNSUPPORTED_TYPE, f"this call does not serve devices of type {number}, {name}" if name else "")
    return number


def instant(value: Param, name: str) -> int:
    """A time of a request, decimals dropped. [ms since 1970] Raises VendorError when it is missing, or no number."""
    if value is None or value == "":
        raise refuse(NO_TIME, f"{name} is missing")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(NO_TIME, f"{name} must be milliseconds since 1970")
    try:
        return parse_epoch_ms(float(value) if isinstance(value, str) else value, field=name)
    except BadRequestError as error:
        raise refuse(NO_TIME, str(error)) from error
    except ValueError as error:
        raise refuse(NO_TIME, f"{name} must be milliseconds since 1970") from error


def asked_instant(value: Param) -> int:
    """The `collectTime` of a request, held to the years 1970 to 2100. [ms since 1970] Raises VendorError."""
    return min(max(instant(value, "collectTime"), 0), _LATEST_MS)


async def known_plants(call: Call[Any], codes: Sequence[str]) -> list[NamedPlant]:
    """The plants of these codes that the caller sees, in the order asked. Raises VendorError when there is none."""
    found = await call.hub.resolve_plants(call.caller, PLANTS, codes)
    known = [NamedPlant(code, plant, zone(plant.zone)) for code, plant in zip(codes, found, strict=True) if plant]
    if not known:
        raise refuse(UNKNOWN_PLANT)
    return known


async def seen_devices(call: Call[Any], numbers: Sequence[str]) -> list[tuple[int, Device]]:
    """The devices of these numbers that the caller sees, in the order asked. Raises VendorError when there is none."""
    found = await call.hub.resolve_devices(call.caller, DEVICES, numbers)
    known = [(int(number), device) for number, device in zip(numbers, found, strict=True) if device]
    if not known:
        raise refuse(UNKNOWN_DEVICE)
    return known


async def known_devices(call: Call[Any], numbers: Sequence[str], wanted_type: int) -> list[NamedDevice]:
    """The devices of these numbers that the caller sees, in the order asked, with their plants.

    Raises VendorError when there is none, or when one is of another type than `wanted_type`.
    """
    known = await seen_devices(call, numbers)
    if any(type_id(device) != wanted_type for _, device in known):
        raise refuse(WRONG_TYPE)
    owners = {device.plant_id for _, device in known}
    plants = {plant.id: plant for plant in await call.hub.plants(call.caller, list(owners))}
    owned = [(number, device, plants[device.plant_id]) for number, device in known]
    return [NamedDevice(number, device, plant, zone(plant.zone)) for number, device, plant in owned]
