"""The present: plants by their totals so far (2.3), devices by their newest readings (2.9)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from heliograph.clock import MINUTE_MS, Level, period
from heliograph.dialects.huawei.fields import DAY_REGISTERS, DONGLE, REAL_TIME
from heliograph.dialects.huawei.figures import names_of, only, open_figures, open_table
from heliograph.dialects.huawei.lookup import asked_type, device_numbers, known_devices, known_plants, plant_codes
from heliograph.dialects.huawei.operations import DEVICE_NOW, PLANT_NOW
from heliograph.dialects.huawei.reports import used_wh
from heliograph.dialects.huawei.turning import turned, turns
from heliograph.dialects.huawei.wire import DeviceRows, PlantNow, PlantNows, Row
from heliograph.model.alarms import Severity
from heliograph.model.buckets import CHARGED, CONSUMPTION, DISCHARGED, FEED_IN, PRODUCTION, PURCHASE, REPORTED, REVENUE
from heliograph.model.devices import INVERTERS
from heliograph.model.measurements import AC_ENERGY, DEVICE_ONLINE
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from heliograph.dialects.huawei.lookup import NamedDevice, NamedPlant
    from heliograph.dialects.huawei.wire import DeviceQuery, Number, PlantQuery
    from heliograph.model.devices import Device
    from heliograph.model.samples import Floats, Latest
    from heliograph.protocol.fields import FieldTable
    from heliograph.protocol.hub import Subject

DISCONNECTED, FAULTY, HEALTHY = 1, 2, 3
"""`real_health_state`. (3.1)"""
PLANT_SILENCE_MS = 30 * MINUTE_MS
"""A plant none of whose devices was heard for so long is disconnected. [ms]"""
DEVICE_SILENCE_MS = 15 * MINUTE_MS
"""A device that was not heard for so long, and for three of its intervals, is disconnected. [ms]"""

Totals = dict[str, float]
_TOTALLED = frozenset({PRODUCTION, REVENUE, REPORTED, CHARGED, DISCHARGED, FEED_IN, PURCHASE, CONSUMPTION})


def online(device: Device, latest: Latest, now_ms: int, silence_ms: int = DEVICE_SILENCE_MS) -> bool:
    """Whether a device is connected: heard of lately, and its last word on it was not that it is offline."""
    if latest.at_ms is None or now_ms - latest.at_ms > max(silence_ms, 3 * device.interval_s * 1000):
        return False
    reading = latest.readings.get(DEVICE_ONLINE.key)
    return reading is None or reading.value != 0


async def _totals(
    call: Call[Any], subject: Subject, owners: Iterable[tuple[int, ZoneInfo]], level: Level | None
) -> dict[int, Totals]:
    """Energies and revenue of the current period of `level`, or since ever. [Wh], [currency]"""
    starts: dict[int, list[int]] = {}
    for subject_id, tz in owners:
        starts.setdefault(0 if level is None else period(level, call.now_ms, tz)[0], []).append(subject_id)
    totals: dict[int, Totals] = {}
    for since_ms, ids in starts.items():
        for series in await call.hub.buckets(call.caller, subject, ids, level or Level.YEAR, since_ms, call.now_ms + 1):
            totals[series.subject_id] = {
                quantity: float(np.nansum(values))
                for quantity, values in series.columns.items()
                if quantity in _TOTALLED and np.isfinite(values).any()
            }
    return totals


def _lifetime_wh(devices: Sequence[Device], newest: dict[int, Latest]) -> float | None:
    """The counters of all inverters that ever sent anything; None when one of them has no counter. [Wh]"""
    heard = [
        newest[device.id] for device in devices if device.kind in INVERTERS and newest[device.id].at_ms is not None
    ]
    counters = [each.readings.get(AC_ENERGY.key) for each in heard]
    values = [each.value for each in counters if each is not None and isinstance(each.value, float | int)]
    return float(sum(values)) if values and len(values) == len(counters) else None


async def _told_wh(
    call: Call[Any], devices: Sequence[Device], newest: dict[int, Latest], zones: dict[int, ZoneInfo],
    ever: dict[int, Totals],
) -> dict[int, float]:  # fmt: skip
    """What was reported, for each plant, of inverters that never sent a sample: it is in no counter. [Wh]"""
    owners = {
        device.id: device.plant_id
        for device in devices
        if device.kind in INVERTERS and newest[device.id].at_ms is None and REPORTED in ever.get(device.plant_id, {})
    }
    told: dict[int, float] = {}
    if owners:
        named = [(device_id, zones[plant_id]) for device_id, plant_id in owners.items()]
        for device_id, totals in (await _totals(call, "device", named, None)).items():
            told[owners[device_id]] = told.get(owners[device_id], 0.0) + totals.get(PRODUCTION, 0.0)
    return told


def _used_wh(totals: Totals) -> float | None:
    value = float(used_wh(lambda quantity: np.array([totals.get(quantity, np.nan)]))[0])
    return None if np.isnan(value) else value


def _kwh(value_wh: float | None) -> float | None:
    return None if value_wh is None else round(value_wh / 1000.0, 3)


async def _health(call: Call[Any], devices: Sequence[Device], newest: dict[int, Latest]) -> dict[int, int]:
    """The state of each plant that has one of these devices."""
    states: dict[int, int] = {}
    for device in devices:
        alive = online(device, newest[device.id], call.now_ms, PLANT_SILENCE_MS)
        states[device.plant_id] = max(states.get(device.plant_id, DISCONNECTED), HEALTHY if alive else DISCONNECTED)
    plant_of = {device.id: device.plant_id for device in devices if states[device.plant_id] == HEALTHY}
    if plant_of:
        alarms = await call.hub.alarms(call.caller, list(plant_of), 0, call.now_ms + 1, active_only=True)
        for alarm in alarms:
            if alarm.severity <= Severity.MAJOR:
                states[plant_of[alarm.device_id]] = FAULTY
    return states


async def plant_now(call: Call[PlantQuery]) -> PlantNows:
    """Energy and revenue of the day, the month and since ever, and the health of plants. (2.3, 3.1)"""
    plants = await known_plants(call, plant_codes(call))
    figures = open_figures(call, names_of(PlantNow))
    owners = [(each.plant.id, each.tz) for each in plants]
    day = await _totals(call, "plant", owners, Level.DAY)
    month = await _totals(call, "plant", owners, Level.MONTH)
    ever = await _totals(call, "plant", owners, None)
    devices = await call.hub.devices(call.caller, [each.plant.id for each in plants])
    newest = await _newest(call, devices)
    states = await _health(call, devices, newest)
    by_plant: dict[int, list[Device]] = {}
    for device in devices:
        by_plant.setdefault(device.plant_id, []).append(device)

    told = await _told_wh(call, devices, newest, {each.plant.id: each.tz for each in plants}, ever)

    def row(each: NamedPlant) -> Row[PlantNow]:
        plant_id = each.plant.id
        lifetime = ever.get(plant_id, {})
        # A day or month that has begun and not been measured yet has made nothing so far, as in the vendor's cloud.
        blank = dict.fromkeys((PRODUCTION, REVENUE), 0.0) if PRODUCTION in lifetime else {}
        blank |= {quantity: 0.0 for quantity in (FEED_IN, CONSUMPTION) if quantity in lifetime}
        today, this_month = day.get(plant_id) or blank, month.get(plant_id) or blank
        counted = _lifetime_wh(by_plant.get(plant_id, ()), newest)
        if counted is not None:
            counted += told.get(plant_id, 0.0)
        priced = bool(each.plant.tariff)
        items = PlantNow(
            today=_kwh(today.get(PRODUCTION)),
            this_month=_kwh(this_month.get(PRODUCTION)),
            lifetime=_kwh(lifetime.get(PRODUCTION) if counted is None else counted),
            revenue_today=_money(today) if priced else None,
            revenue=_money(lifetime) if priced else None,
            health=states.get(plant_id, DISCONNECTED),
            feed_in_today=_kwh(today.get(FEED_IN)),
            consumed_today=_kwh(_used_wh(today)),
        )
        return Row(items, plant=each.code)

    return PlantNows(only([row(each) for each in plants], figures))


def _money(totals: Totals) -> float | None:
    return round(totals[REVENUE], 3) if REVENUE in totals else None


async def _newest(call: Call[Any], devices: Sequence[Device]) -> dict[int, Latest]:
    found = await call.hub.latest(call.caller, [device.id for device in devices])
    return {latest.device_id: latest for latest in found}


def _columns(table: FieldTable, latest: Sequence[Latest]) -> dict[str, Floats]:
    """The newest readings as one column a measurement, NaN where a device never sent it."""
    columns: dict[str, Floats] = {}
    for key in table.keys:
        readings = [each.readings.get(key) for each in latest]
        values = [np.nan if each is None or isinstance(each.value, str) else each.value for each in readings]
        columns[key] = np.array(values, dtype=np.float64)
    return columns


async def _fill_day(
    call: Call[DeviceQuery], columns: dict[str, Floats], devices: Sequence[NamedDevice], latest: Sequence[Latest]
) -> None:
    """Put the day's totals where a register of the day is silent: since midnight, too, it still shows the day before.

    A day that has begun and not been measured yet has brought nothing so far, as for a plant. [Wh]
    """
    registers = DAY_REGISTERS.keys() & columns.keys()
    starts = [period(Level.DAY, call.now_ms, each.tz)[0] for each in devices]
    silent = {
        (row, key)
        for row, (own, since_ms) in enumerate(zip(latest, starts, strict=True))
        for key in registers
        if key not in own.readings or own.readings[key].at_ms <= since_ms
    }
    asked = [devices[row] for row in sorted({row for row, _ in silent})]
    totals = await _totals(call, "device", [(each.device.id, each.tz) for each in asked], Level.DAY)
    for row, key in silent:
        counter, quantity = DAY_REGISTERS[key]
        heard = [latest[row].readings[each].at_ms for each in (key, counter) if each in latest[row].readings]
        blank = 0.0 if heard and max(heard) <= starts[row] else np.nan
        columns[key][row] = totals.get(devices[row].device.id, {}).get(quantity, blank)


async def device_now(call: Call[DeviceQuery], *, feed_in_positive: bool = False) -> DeviceRows:
    """The newest reading of every point of devices; no points for a device that never sent any. (2.9, 3.6)"""
    numbers = device_numbers(call)
    wanted = asked_type(call.request.type_id, (*REAL_TIME, DONGLE))
    devices = await known_devices(call, numbers, wanted)
    if wanted == DONGLE:
        return DeviceRows([Row({}, device=each.number) for each in devices])
    table = open_table(call, REAL_TIME[wanted])
    newest = await _newest(call, [each.device for each in devices])
    latest = [newest[each.device.id] for each in devices]
    columns = _columns(table, latest)
    columns[DEVICE_ONLINE.key] = np.array(
        [online(each.device, own, call.now_ms) for each, own in zip(devices, latest, strict=True)], dtype=np.float64
    )
    await _fill_day(call, columns, devices, latest)
    if feed_in_positive:
        columns = turned(columns, np.array([turns(each.device) for each in devices], dtype=np.bool_))
    encoded = table.encode(columns, len(devices))
    rows: list[Row[dict[str, Number]]] = []
    for each, own, values in zip(devices, latest, zip(*encoded, strict=True), strict=True):
        items = {} if own.at_ms is None else dict(zip(table.wire_names, values, strict=True))
        rows.append(Row(items, device=each.number))
    return DeviceRows(rows)


def handlers(*, feed_in_positive: bool) -> tuple[Handler, ...]:
    """The calls; see `turning` for the choice."""
    return (
        handle(PLANT_NOW, plant_now),
        handle(DEVICE_NOW, partial(device_now, feed_in_positive=feed_in_positive)),
    )
