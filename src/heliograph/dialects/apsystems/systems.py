"""What a system is: its details, its ECUs with their inverters, and which ECU has the meter. (3.1)"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import UNSET

from heliograph.clock import Level, local
from heliograph.dialects.apsystems.fields import ENERGY_DIGITS, kwh_text
from heliograph.dialects.apsystems.operations import SYSTEM_DETAILS, SYSTEM_INVERTERS, SYSTEM_METERS
from heliograph.dialects.apsystems.wire import EcuEntry, Full, InverterEntry, SystemDetails
from heliograph.model.devices import DeviceKind
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.dialects.apsystems.lookup import Ecu, Layouts, System
    from heliograph.dialects.apsystems.wire import SystemQuery
    from heliograph.model.devices import Device

PV, STORAGE, PV_AND_STORAGE = 1, 2, 3
ECU, ECU_WITH_METER, ECU_WITH_STORAGE = 0, 1, 2
CAPACITY = "capacity_wh"
"""The attribute of a battery that says what it holds. [Wh]"""


def system_type(system: System) -> int:
    """Whether a system has photovoltaics, storage or both."""
    kinds = {device.kind for device in system.devices}
    if not kinds & {DeviceKind.BATTERY, DeviceKind.HYBRID_INVERTER}:
        return PV
    return PV_AND_STORAGE if system.units else STORAGE


def capacity_w(system: System) -> float:
    """What is known of a system's size: its own, else that of its inverters. [W]"""
    if system.plant.capacity_w is not None:
        return system.plant.capacity_w
    return sum(unit.device.capacity_w or 0.0 for unit in system.units)


def stored_wh(batteries: Iterable[Device]) -> float:
    """What batteries hold, as far as it is known. [Wh]"""
    total = 0.0
    for battery in batteries:
        try:
            total += float(battery.attributes.get(CAPACITY, "0"))
        except ValueError:
            continue
    return total if np.isfinite(total) else 0.0


async def first_day(call: Call[Any], system: System) -> date:
    """When a system came to be: the day it was connected, else the first day with data, else today."""
    if system.plant.connected_on is not None:
        return system.plant.connected_on
    since_ms = 0
    for level in (Level.YEAR, Level.DAY):
        (found,) = await call.hub.buckets(call.caller, "plant", [system.plant.id], level, since_ms, call.now_ms + 1)
        since_ms = int(found.since_ms[0]) if len(found.since_ms) else call.now_ms
    return local(since_ms, system.tz).date()


def _ecu_entry(ecu: Ecu, zone: str) -> EcuEntry:
    units = [InverterEntry(unit.uid, unit.device.model or unit.device.kind.value) for unit in ecu.units]
    if not ecu.batteries:
        return EcuEntry(ecu.eid, ECU_WITH_METER if ecu.metered else ECU, zone, units)
    capacity = kwh_text(stored_wh(ecu.batteries), ENERGY_DIGITS)
    model = ecu.device.model if ecu.device is not None else ""
    return EcuEntry(ecu.eid, ECU_WITH_STORAGE, zone, units, model or ecu.batteries[0].model or UNSET, capacity)


def handlers(layouts: Layouts) -> tuple[Handler, ...]:
    """The calls, over one facade's view of what sends through what."""

    async def details(call: Call[SystemQuery]) -> Full[SystemDetails]:
        """A system. (3.1.1)"""
        system = await layouts.system(call, call.request.system)
        return Full(
            SystemDetails(
                system.sid,
                (await first_day(call, system)).isoformat(),
                kwh_text(capacity_w(system), ENERGY_DIGITS),
                system_type(system),
                system.plant.zone,
                [ecu.eid for ecu in system.ecus],
            )
        )

    async def inverters(call: Call[SystemQuery]) -> Full[list[EcuEntry]]:
        """The ECUs of a system with their inverters. (3.1.2)"""
        system = await layouts.system(call, call.request.system)
        return Full([_ecu_entry(ecu, system.plant.zone) for ecu in system.ecus])

    async def meters(call: Call[SystemQuery]) -> Full[list[str]]:
        """The ECUs of a system that have a meter. (3.1.3)"""
        system = await layouts.system(call, call.request.system)
        return Full([ecu.eid for ecu in system.ecus if ecu.metered])

    return (handle(SYSTEM_DETAILS, details), handle(SYSTEM_INVERTERS, inverters), handle(SYSTEM_METERS, meters))
