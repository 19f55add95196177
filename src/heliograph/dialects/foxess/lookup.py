"""From the ids of a request to plants and devices, and back.

A device is named by the alias it was given, else by its serial number, else by 15 made-up characters; whichever it is
becomes its alias when it is first told.
"""

from __future__ import annotations

import hashlib
import math
import string
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from heliograph.clock import zone
from heliograph.dialects.foxess.codes import UNKNOWN, refuse
from heliograph.model.devices import INVERTERS, METERS, Device, DeviceKind, MeterRole
from heliograph.model.plants import Plant
from heliograph.protocol.hub import AliasScheme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from heliograph.protocol.operations import Call

_ALPHABET = string.ascii_uppercase + string.digits
KEPT_SIGHTS = 64
"""How many callers' rigs are remembered; when there are more, all are worked out anew."""
CAPACITY = "capacity_wh"
"""The attribute of a battery that says what it holds. [Wh]"""
RATING = "rated_w"
"""The attribute of an inverter that says how much it puts out; its capacity is that of its array. [W]"""


def mint_plant(plant_id: int, attempt: int) -> str:
    """36 characters in the form of a UUID."""
    digits = hashlib.blake2b(f"plant/{plant_id}/{attempt}".encode(), digest_size=16).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def mint_device(device_id: int, attempt: int) -> str:
    """15 capital letters and digits, as serial numbers have."""
    left = int.from_bytes(hashlib.blake2b(f"device/{device_id}/{attempt}".encode(), digest_size=16).digest())
    made = ""
    for _ in range(15):
        left, place = divmod(left, len(_ALPHABET))
        made += _ALPHABET[place]
    return made


def _serials_first(serials: dict[int, str]) -> Callable[[int, int], str]:
    def mint(device_id: int, attempt: int) -> str:
        own = serials.get(device_id, "")
        if own and attempt == 0:
            return own
        return mint_device(device_id, attempt - bool(own))

    return mint


PLANTS = AliasScheme("foxess", "plant", mint_plant)
DEVICES = AliasScheme("foxess", "device", mint_device)


class Sight(msgspec.Struct, frozen=True):
    """What a caller sees that is not disabled: plants by id, and devices."""

    plants: dict[int, Plant]
    devices: list[Device]

    def kinds(self, kinds: Iterable[DeviceKind]) -> list[Device]:
        """The devices of some kinds."""
        wanted = frozenset(kinds)
        return [device for device in self.devices if device.kind in wanted]


class Rig(msgspec.Struct, frozen=True):
    """An inverter under its serial number, with its plant and what is wired to it.

    The batteries are those that send through it, and on the first hybrid inverter of a plant those that name none. The
    plant's meters belong to that inverter too, or to the first one where none is hybrid: it is the plant's `master`.
    """

    serial: str
    device: Device
    plant: Plant
    tz: ZoneInfo
    master: bool = False
    alone: bool = False
    """Whether the plant has no other inverter."""
    batteries: tuple[Device, ...] = ()
    meters: tuple[Device, ...] = ()
    """At the grid connection."""
    loads: tuple[Device, ...] = ()
    """Meters of consumption."""

    @property
    def devices(self) -> tuple[Device, ...]:
        """The inverter and all that is wired to it."""
        return (self.device, *self.batteries, *self.meters, *self.loads)

    @property
    def stores(self) -> bool:
        """Whether it can have a battery."""
        return self.device.kind is DeviceKind.HYBRID_INVERTER or bool(self.batteries)


def capacity_wh(batteries: Sequence[Device]) -> float | None:
    """What batteries hold together; None when it is not known of one of them. [Wh]"""
    total = 0.0
    for battery in batteries:
        try:
            total += float(battery.attributes.get(CAPACITY, ""))
        except ValueError:
            return None
    return total or None


def rated_w(inverter: Device) -> float | None:
    """How much an inverter puts out; where that is not known, what its array is rated for. [W]"""
    try:
        told = float(inverter.attributes.get(RATING, ""))
    except ValueError:
        return inverter.capacity_w
    return told if 0 < told < math.inf else inverter.capacity_w


async def sight(call: Call[Any], plant_ids: Sequence[int] | None = None) -> Sight:
    """What the caller sees, all of it or of some plants: an administrator's view holds what is disabled too."""
    plants = {plant.id: plant for plant in await call.hub.plants(call.caller, plant_ids) if not plant.disabled}
    devices = await call.hub.devices(call.caller, plant_ids)
    return Sight(plants, [device for device in devices if not device.disabled and device.plant_id in plants])


async def serials(call: Call[Any], devices: Sequence[Device]) -> list[str]:
    """What devices are called."""
    mint = _serials_first({device.id: device.serial.strip() for device in devices})
    return await call.hub.wire_ids(AliasScheme("foxess", "device", mint), [device.id for device in devices])


async def find_devices(call: Call[Any], wires: Sequence[str]) -> list[Device | None]:
    """The device behind each serial number, by alias first; disabled ones too, where the caller sees them.

    One that no device has as it is written is looked for in any case: some clients write it in small letters.
    """
    found = await call.hub.resolve_devices(call.caller, DEVICES, wires)
    if None not in found:
        return found
    named = {device.serial.strip(): device for device in reversed(await call.hub.devices(call.caller))}
    folded = {serial.casefold(): device for serial, device in named.items()}
    capitals = await call.hub.resolve_devices(call.caller, DEVICES, [wire.upper() for wire in wires])
    return [
        device or named.get(wire) or folded.get(wire.casefold()) or capital
        for wire, device, capital in zip(wires, found, capitals, strict=True)
    ]


async def find_plant(call: Call[Any], wire: str) -> Plant:
    """A plant that the caller sees and that is not disabled. Raises VendorError."""
    (plant,) = await call.hub.resolve_plants(call.caller, PLANTS, [wire])
    if plant is None or plant.disabled:
        raise refuse(UNKNOWN)
    return plant


def _rigs(seen: Sight) -> dict[int, Rig]:
    """Every inverter of some plants with what is wired to it, by id; without their serial numbers."""
    by_plant: dict[int, list[Device]] = {}
    for device in seen.devices:
        by_plant.setdefault(device.plant_id, []).append(device)
    made: dict[int, Rig] = {}
    for plant_id, devices in by_plant.items():
        inverters = [device for device in devices if device.kind in INVERTERS]
        hybrids = [device for device in inverters if device.kind is DeviceKind.HYBRID_INVERTER]
        first = next(iter(hybrids or inverters), None)
        places = {device.id for device in inverters}
        meters = [device for device in devices if device.kind in METERS]
        for inverter in inverters:
            master = inverter is first
            batteries = [
                device
                for device in devices
                if device.kind is DeviceKind.BATTERY
                and (device.gateway_id == inverter.id or (master and bool(hybrids) and device.gateway_id not in places))
            ]
            made[inverter.id] = Rig(
                "",
                inverter,
                seen.plants[plant_id],
                zone(seen.plants[plant_id].zone),
                master=master,
                alone=len(inverters) == 1,
                batteries=tuple(batteries),
                meters=tuple(m for m in meters if master and m.role is MeterRole.GRID),
                loads=tuple(m for m in meters if master and m.role is MeterRole.LOAD),
            )
    return made


class Wiring:
    """What is wired to what, worked out once until plants or devices change."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, ...], tuple[Sight, dict[int, Rig]]] = {}

    def rigs(self, seen: Sight) -> dict[int, Rig]:
        """Every inverter of what is seen, by id; without their serial numbers."""
        key = tuple(seen.plants)
        held = self._held.get(key)
        if held is not None and held[0] == seen:
            return held[1]
        if len(self._held) >= KEPT_SIGHTS:
            self._held.clear()
        made = _rigs(seen)
        self._held[key] = seen, made
        return made


async def rigs(call: Call[Any], devices: Sequence[Device], wiring: Wiring | None = None) -> list[Rig]:
    """Inverters with what is wired to them, in the order given."""
    seen = await sight(call, sorted({device.plant_id for device in devices}))
    made = (wiring or Wiring()).rigs(seen)
    found = [made[device.id] for device in devices if device.id in made]
    names = await serials(call, [rig.device for rig in found])
    return [msgspec.structs.replace(rig, serial=name) for rig, name in zip(found, names, strict=True)]


async def asked_rigs(call: Call[Any], wires: Sequence[str], wiring: Wiring | None = None) -> list[Rig]:
    """The inverters behind serial numbers, those that the caller sees. Raises VendorError when there is none."""
    found = [device for device in await find_devices(call, wires) if device is not None and not device.disabled]
    made = await rigs(call, list({device.id: device for device in found}.values()), wiring)
    if not made:
        raise refuse(UNKNOWN)
    return made


async def asked_rig(call: Call[Any], wire: str) -> Rig:
    """The inverter behind a serial number. Raises VendorError for anything else."""
    return (await asked_rigs(call, [wire]))[0]
