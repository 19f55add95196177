"""From the ids of a request to systems, ECUs and inverters, and back.

Systems have 12 letters and digits; ECUs and inverters 12 digits: the serial number where it has that form, else made-up
ones. Whichever it is becomes the alias of the plant or device when it is first told.
"""

from __future__ import annotations

import hashlib
import re
import string
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from heliograph.clock import zone
from heliograph.dialects.apsystems.codes import NO_PERMISSION, PARAMETER, refuse
from heliograph.errors import BadRequestError
from heliograph.model.devices import INVERTERS, METERS, Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.protocol.hub import AliasScheme, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heliograph.protocol.operations import Call

UNITS = INVERTERS | {DeviceKind.SYSTEM}
"""What appears as an inverter."""
KEPT_SYSTEMS = 4096
_ALPHABET = string.ascii_uppercase + string.digits
_SERIAL = re.compile(r"[0-9]{12}")


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


def mint_system(plant_id: int, attempt: int) -> str:
    """Two letters and ten letters and digits, as the printed ones have."""
    left, made = _digest(f"system/{plant_id}/{attempt}"), ""
    for place in range(12):
        left, digit = divmod(left, 26 if place < 2 else len(_ALPHABET))
        made += _ALPHABET[digit]
    return made


def mint_own_ecu(plant_id: int, attempt: int) -> str:
    """12 digits for a plant that has no gateway."""
    return f"219{_digest(f'plant/{plant_id}/{attempt}') % 10**9:09d}"


def mint_device(device_id: int, attempt: int) -> str:
    """12 digits."""
    return f"9{_digest(f'device/{device_id}/{attempt}') % 10**11:011d}"


SYSTEMS = AliasScheme("apsystems", "plant", mint_system)
"""Plants as systems."""
OWN_ECUS = AliasScheme("apsystems", "plant", mint_own_ecu, "ecu")
"""Plants without a gateway as their own ECUs."""
DEVICES = AliasScheme("apsystems", "device", mint_device)
"""Gateways as ECUs, and inverters."""


def check_alias(subject: Subject, scope: str, wire: str) -> None:
    """An id given by hand. Raises BadRequestError for a scope other than that of a plant that is its own ECU."""
    if scope and (subject, scope) != ("plant", OWN_ECUS.scope):
        raise BadRequestError(f"{wire!r} needs no scope: leave out :{scope}", field="alias")


def _serials_first(devices: Sequence[Device]) -> Callable[[int, int], str]:
    serials = {device.id: device.serial for device in devices if _SERIAL.fullmatch(device.serial)}

    def mint(device_id: int, attempt: int) -> str:
        if device_id not in serials:
            return mint_device(device_id, attempt)
        return serials[device_id] if attempt == 0 else mint_device(device_id, attempt - 1)

    return mint


class Unit(msgspec.Struct, frozen=True):
    """An inverter under its uid."""

    uid: str
    device: Device


class Ecu(msgspec.Struct, frozen=True):
    """An ECU under its eid: a gateway, or the plant itself, with what sends through it.

    `metered` is that ECU of a system, at most one, that tells of the grid; `alone` that there is no other.
    """

    eid: str
    device: Device | None
    units: tuple[Unit, ...]
    batteries: tuple[Device, ...]
    metered: bool
    alone: bool


class System(msgspec.Struct, frozen=True):
    """A plant that the caller sees, with its ECUs in the order of their gateways."""

    sid: str
    plant: Plant
    tz: ZoneInfo
    devices: tuple[Device, ...]
    ecus: tuple[Ecu, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        """All inverters, ECU by ECU."""
        return tuple(unit for ecu in self.ecus for unit in ecu.units)

    def ecu(self, eid: str) -> Ecu:
        """The ECU of an id. Raises VendorError."""
        for ecu in self.ecus:
            if ecu.eid == eid:
                return ecu
        raise refuse(PARAMETER, "eid is no ECU of this system")

    def meter(self, eid: str) -> Ecu:
        """The ECU of an id that has the meter. Raises VendorError."""
        ecu = self.ecu(eid)
        if not ecu.metered:
            raise refuse(PARAMETER, "eid is no meter of this system")
        return ecu

    def unit(self, uid: str) -> Unit:
        """The inverter of an id. Raises VendorError."""
        for ecu in self.ecus:
            for unit in ecu.units:
                if unit.uid == uid:
                    return unit
        raise refuse(PARAMETER, "uid is no inverter of this system")


def _gateway_of(device: Device, by_id: Mapping[int, Device]) -> int | None:
    """The gateway that a device sends through, also by way of others; None when it names none of its plant."""
    passed: set[int] = set()
    at: Device | None = device
    while at is not None and at.id not in passed:
        if at.kind is DeviceKind.GATEWAY:
            return at.id
        passed.add(at.id)
        at = None if at.gateway_id is None else by_id.get(at.gateway_id)
    return None


def _telling(devices: Sequence[Device]) -> Device | None:
    """The device whose ECU tells of the grid: the first meter, else the first inverter that knows the house."""
    kinds = (METERS, {DeviceKind.HYBRID_INVERTER, DeviceKind.SYSTEM})
    return next((device for kind in kinds for device in devices if device.kind in kind), None)


class Layouts:
    """What sends through what, worked out once until plants or devices change."""

    def __init__(self) -> None:
        self._held: dict[int, System] = {}

    def __len__(self) -> int:
        return len(self._held)

    async def system(self, call: Call[Any], sid: str) -> System:
        """The system of an id, or of the hub's own number of the plant. Raises VendorError for what is not seen."""
        (plant,) = await call.hub.resolve_plants(call.caller, SYSTEMS, [sid])
        if plant is None and sid.isascii() and sid.isdigit() and len(sid) < 12:
            plant = next(iter(await call.hub.plants(call.caller, [int(sid)])), None)
        if plant is None or plant.disabled:
            raise refuse(NO_PERMISSION)
        found = await call.hub.devices(call.caller, [plant.id])
        devices = tuple(device for device in found if not device.disabled)
        held = self._held.get(plant.id)
        if held is not None and held.plant == plant and held.devices == devices:
            return held
        if len(self._held) >= KEPT_SYSTEMS:
            self._held.clear()
        made = await self._lay_out(call, plant, devices)
        self._held[plant.id] = made
        return made

    @staticmethod
    async def _lay_out(call: Call[Any], plant: Plant, devices: tuple[Device, ...]) -> System:
        (sid,) = await call.hub.wire_ids(SYSTEMS, [plant.id])
        gateways = [device for device in devices if device.kind is DeviceKind.GATEWAY]
        named = [device for device in devices if device.kind in UNITS or device.kind is DeviceKind.GATEWAY]
        scheme = msgspec.structs.replace(DEVICES, mint=_serials_first(named))
        wires = await call.hub.wire_ids(scheme, [device.id for device in named])
        names = dict(zip((device.id for device in named), wires, strict=True))
        by_id = {device.id: device for device in devices}
        first = gateways[0].id if gateways else 0
        behind = {device.id: _gateway_of(device, by_id) or first for device in devices}
        telling = _telling(devices)
        own = [] if gateways else await call.hub.wire_ids(OWN_ECUS, [plant.id])
        heads: list[tuple[str, int, Device | None]] = [(names[each.id], each.id, each) for each in gateways]
        heads = heads or [(own[0], 0, None)]
        ecus = tuple(
            Ecu(
                eid,
                device,
                tuple(Unit(names[d.id], d) for d in devices if d.kind in UNITS and behind[d.id] == number),
                tuple(d for d in devices if d.kind is DeviceKind.BATTERY and behind[d.id] == number),
                metered=telling is not None and behind[telling.id] == number,
                alone=len(heads) == 1,
            )
            for eid, number, device in heads
        )
        return System(sid, plant, zone(plant.zone), devices, ecus)
