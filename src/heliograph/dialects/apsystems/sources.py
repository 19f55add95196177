"""Whose totals an answer is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.dialects.apsystems.lookup import Ecu, System
from heliograph.model.devices import METERS, Device, MeterRole
from heliograph.protocol.hub import Subject

if TYPE_CHECKING:
    from heliograph.clock import Level
    from heliograph.model.buckets import BucketSeries
    from heliograph.protocol.operations import Call


class Source(msgspec.Struct, frozen=True):
    """Whose totals are added up, the inverters whose counters tell of their lives, and who measures for them."""

    system: System
    subject: Subject
    ids: tuple[int, ...]
    devices: tuple[Device, ...]
    meters: tuple[Device, ...] = ()
    """The production meters, which count where no inverter tells."""

    async def buckets(self, call: Call[Any], level: Level, since_ms: int, until_ms: int) -> list[BucketSeries]:
        """The totals of each."""
        until_ms = min(until_ms, call.now_ms + 1)
        return await call.hub.buckets(call.caller, self.subject, self.ids, level, since_ms, until_ms)


def of_system(system: System) -> Source:
    """The plant."""
    meters = tuple(one for one in system.devices if one.kind in METERS and one.role is MeterRole.PRODUCTION)
    return Source(system, "plant", (system.plant.id,), tuple(unit.device for unit in system.units), meters)


def of_ecu(system: System, ecu: Ecu) -> Source:
    """The plant where the ECU is its only one, else the inverters below it."""
    if ecu.alone:
        return of_system(system)
    devices = tuple(unit.device for unit in ecu.units)
    return Source(system, "device", tuple(device.id for device in devices), devices)
