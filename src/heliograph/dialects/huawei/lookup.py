"""From the ids of a request to plants and devices: aliases, lists of ids, types, instants."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from heliograph.clock import zone
from heliograph.dialects.huawei.codes import (
    NO_DEVICES,
    NO_PLANTS,
    NO_TIME,
    TOO_MANY_DEVICES,
    TOO_MANY_PLANTS,
    UNKNOWN_DEVICE,
    UNKNOWN_PLANT,
    UNSUPPORTED_TYPE,
    WRONG_TYPE,
    refuse,
)
from heliograph.dialects.huawei.fields import TYPE_IDS
from heliograph.dialects.huawei.operations import MOST_IDS
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.protocol.hub import AliasScheme
from heliograph.protocol.times import parse_epoch_ms

if TYPE_CHECKING:
    from collections.abc import Container

    from heliograph.dialects.huawei.wire import DeviceQuery, Ids, Loose, PlantQuery
    from heliograph.protocol.operations import Call

_FIRST_ID, _IDS = 10**14, 9 * 10**14
_LATEST_MS = 4_102_444_800_000
"""The year 2100: no report is asked for later than that. [ms since 1970]"""


def mint_plant(plant_id: int, attempt: int) -> str:
    """32 hexadecimal capitals, as in the examples of 2.2."""
    return hashlib.blake2b(f"plant/{plant_id}/{attempt}".encode(), digest_size=16).hexdigest().upper()


def mint_device(device_id: int, attempt: int) -> str:
    """A positive integer of 15 digits, as in the examples of 2.9: a double holds it exactly."""
    digest = hashlib.blake2b(f"device/{device_id}/{attempt}".encode(), digest_size=8).digest()
    return str(_FIRST_ID + int.from_bytes(digest) % _IDS)


PLANTS = AliasScheme("huawei", "plant", mint_plant)
DEVICES = AliasScheme("huawei", "device", mint_device)


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


def split_ids(ids: Ids) -> list[str]:
    """The ids of a parameter, each once, in the order given."""
    if ids is None:
        return []
    parts = ids if isinstance(ids, list) else ids.split(",") if isinstance(ids, str) else [ids]
    texts = (str(int(part)) if isinstance(part, float) and part.is_integer() else str(part).strip() for part in parts)
    return list(dict.fromkeys(text for text in texts if text))


def type_id(device: Device) -> int:
    """The `devTypeId` of a device."""
    own = device.attributes.get("huawei.devTypeId", "")
    return int(own) if own.isdecimal() else TYPE_IDS[device.kind]


def asked_type(value: Loose, served: Container[int]) -> int:
    """The `devTypeId` of a request. Raises VendorError unless the call serves it."""
    try:
        number = float(str(value))
    except ValueError:
        number = 0.0
    if number not in served:
        raise refuse(UNSUPPORTED_TYPE)
    return int(number)


def asked_instant(value: Loose) -> int:
    """The `collectTime` of a request, held to the years 1970 to 2100. [ms since 1970]

    Raises VendorError when it is missing, BadRequestError when it is no number.
    """
    if value is None or value == "":
        raise refuse(NO_TIME)
    return min(max(parse_epoch_ms(value, field="collectTime"), 0), _LATEST_MS)


async def asked_plants(call: Call[PlantQuery]) -> list[NamedPlant]:
    """The plants of a request that the caller sees, in the order asked. Raises VendorError when there is none."""
    codes = split_ids(call.request.plants)
    if not codes:
        raise refuse(NO_PLANTS)
    if len(codes) > MOST_IDS:
        raise refuse(TOO_MANY_PLANTS)
    found = await call.hub.resolve_plants(call.caller, PLANTS, codes)
    known = [NamedPlant(code, plant, zone(plant.zone)) for code, plant in zip(codes, found, strict=True) if plant]
    if not known:
        raise refuse(UNKNOWN_PLANT)
    return known


async def asked_devices(call: Call[DeviceQuery], wanted_type: int) -> list[NamedDevice]:
    """The devices of a request that the caller sees, in the order asked.

    Raises VendorError when there is none, or when one is of another type than `wanted_type`.
    """
    numbers = split_ids(call.request.devices)
    if not numbers:
        raise refuse(NO_DEVICES)
    if len(numbers) > MOST_IDS:
        raise refuse(TOO_MANY_DEVICES)
    found = await call.hub.resolve_devices(call.caller, DEVICES, numbers)
    known = [(int(number), device) for number, device in zip(numbers, found, strict=True) if device]
    if not known:
        raise refuse(UNKNOWN_DEVICE)
    if any(type_id(device) != wanted_type for _, device in known):
        raise refuse(WRONG_TYPE)
    owners = {device.plant_id for _, device in known}
    plants = {plant.id: plant for plant in await call.hub.plants(call.caller, list(owners))}
    owned = [(number, device, plants[device.plant_id]) for number, device in known]
    return [NamedDevice(number, device, plant, zone(plant.zone)) for number, device, plant in owned]
