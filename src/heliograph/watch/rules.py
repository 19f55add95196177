"""What is wrong with a device, and when it was: from its readings and from when it was heard. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS
from heliograph.model import measurements as m
from heliograph.model.alarm_texts import BATTERY_FAULTY, DEVICE_FAULT, INVERTER_DOWN, METER_OFFLINE, SILENT, WATCHED
from heliograph.model.devices import INVERTERS, Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Floats, Instants, Latest, Series

AWAKE_DEG = 5.0
"""From which height of the sun on a device that sleeps at night is expected to send. [degrees]"""
DARK_DEG = -6.0
"""Below which height of the sun such a device would sleep; twilight still wakes some. [degrees]"""
STEP_MS = 10 * MINUTE_MS
LIGHT_MS = HOUR_MS
"""For how long at most the sun must have been up before a silence counts. [ms]"""
LONGEST_NIGHT_DAYS = 250
FAULT_STATES = frozenset({0x0300, 0x0302, 0x0303, 0x0305, 0x0306})
"""States of an inverter that someone must look at: it stands still and nobody asked it to."""
WRONG = {
    (m.DEVICE_ONLINE.key, 0): SILENT,
    (m.INVERTER_STATE.key, 0xB000): SILENT,
    (m.BATTERY_STATUS.key, 3): BATTERY_FAULTY,
    (m.METER_STATUS.key, 0): METER_OFFLINE,
} | dict.fromkeys(((m.INVERTER_STATE.key, state) for state in FAULT_STATES), INVERTER_DOWN)
BATTERY_OFFLINE = (m.BATTERY_STATUS.key, 0)
"""Only of a battery itself; elsewhere it says that there is none."""
LARGEST_FAULT = 2**31
SLEEPERS = (INVERTERS | {DeviceKind.OPTIMIZER, DeviceKind.COMBINER_BOX}) - {DeviceKind.HYBRID_INVERTER}
"""Kinds that live on sunlight and may send nothing while it is dark."""
STATE_KEYS = tuple(
    one.key for one in (m.DEVICE_ONLINE, m.INVERTER_STATE, m.BATTERY_STATUS, m.METER_STATUS, m.DEVICE_FAULT)
)
Place = tuple[float, float]


class Condition(msgspec.Struct, frozen=True):
    """Something that is wrong now, and since when, as far as can be told. [ms]"""

    code: str
    since_ms: int


class Spell(msgspec.Struct, frozen=True):
    """A stretch in which something was wrong; None as its end when it still was at the last sample. [ms, ms)"""

    code: str
    since_ms: int
    until_ms: int | None


class Silence(msgspec.Struct, frozen=True):
    """A silence that counted: the samples before and after it, and when it began to count. [ms]"""

    last_ms: int
    counted_ms: int
    next_ms: int


def silence_ms(device: Device, after_s: float) -> int:
    """How long a device may be silent before it counts: three of its intervals at least. [ms]"""
    return max(int(after_s * 1000), 3 * device.interval_s * 1000)


def bed(device: Device, plant: Plant) -> Place | None:
    """Where a device that may sleep at night stands, as latitude and longitude; None for one that does not."""
    if device.kind not in SLEEPERS:
        return None
    for one in (device, plant):
        if one.latitude is not None and one.longitude is not None:
            return one.latitude, one.longitude
    return None


def sends_in_dark(place: Place, at_ms: Instants) -> bool:
    """Whether any of these samples came in the dark."""
    return bool((sun_height_deg(at_ms, *place) < DARK_DEG).any())


def counts_from(last_ms: int, wait_ms: int, place: Place | None) -> int:
    """When the silence after a sample begins to count. [ms]

    With a place, for what sleeps there: not before the sun has been up for as long as a silence may last, or an hour.
    """
    at_ms = last_ms + wait_ms
    if place is None:
        return at_ms
    light_ms = min(wait_ms, LIGHT_MS)
    for day in range(LONGEST_NIGHT_DAYS):
        times = at_ms + day * DAY_MS + np.arange(0, DAY_MS, STEP_MS, dtype=np.int64)
        height = np.minimum(sun_height_deg(times, *place), sun_height_deg(times - light_ms, *place))
        if (height > AWAKE_DEG).any():
            return int(times[int((height > AWAKE_DEG).argmax())])
    return at_ms  # there is no such place


def silences(device: Device, plant: Plant, at_ms: Instants, since_ms: int, after_s: float) -> list[Silence]:
    """The silences between samples that ended at an instant or later.

    The samples of the day before each tell whether the device sleeps at night.
    """
    wait_ms, place = silence_ms(device, after_s), bed(device, plant)
    found: list[Silence] = []
    for index in np.flatnonzero(np.diff(at_ms) > wait_ms).tolist():
        last_ms, next_ms = int(at_ms[index]), int(at_ms[index + 1])
        if next_ms < since_ms:
            continue
        first = int(np.searchsorted(at_ms, last_ms - DAY_MS))
        sleeps = place is not None and not sends_in_dark(place, at_ms[first : index + 1])
        counted_ms = counts_from(last_ms, wait_ms, place if sleeps else None)
        if counted_ms < next_ms:
            found.append(Silence(last_ms, counted_ms, next_ms))
    return found


def conditions(device: Device, latest: Latest) -> list[Condition]:
    """What the newest readings of a device say is wrong.

    What says that it cannot be reached holds only while no newer sample came, everything else until it is changed.
    """
    found: dict[str, int] = {}
    for key in STATE_KEYS:
        reading = latest.readings.get(key)
        if reading is None or isinstance(reading.value, str):
            continue
        code = code_of(device.kind, key, reading.value)
        if code is not None and (code != SILENT or reading.at_ms == latest.at_ms):
            found.setdefault(code, reading.at_ms)
    return [Condition(code, since_ms) for code, since_ms in found.items()]


def code_of(kind: DeviceKind, key: str, value: float) -> str | None:
    """The alarm that a reading of a state calls for; None when all is well."""
    if not math.isfinite(value):
        return None
    state = int(value)
    if key == m.DEVICE_FAULT.key:
        return fault_code(state)
    if kind is DeviceKind.BATTERY and (key, state) == BATTERY_OFFLINE:
        return SILENT
    return WRONG.get((key, state))


def fault_code(number: int) -> str | None:
    """The code of the alarm for a fault number; None for 0. The hub's own codes are not a device's to use."""
    if number == 0:
        return None
    code = str(number)
    return DEVICE_FAULT if code in WATCHED or not 0 < number < LARGEST_FAULT else code


def spells(device: Device, series: Series) -> list[Spell]:
    """When readings of states called for an alarm, by start.

    One that holds from the first sample on is left out: nothing tells when it began.
    """
    found: list[Spell] = []
    for key in STATE_KEYS:
        if key in series.columns:
            found.extend(_spells(device.kind, key, series.at_ms, series.columns[key]))
    return sorted(found, key=lambda spell: (spell.since_ms, spell.code))


def _spells(kind: DeviceKind, key: str, at_ms: Instants, column: Floats) -> Iterator[Spell]:
    values, place = np.unique(column, return_inverse=True)
    codes = [code_of(kind, key, value) for value in values.tolist()]
    if not any(codes):
        return
    labels: list[str | None] = [codes[index] for index in place.tolist()]
    told = ~np.isnan(column)
    previous: str | None = None
    begun_ms: int | None = None
    for index, instant in enumerate(at_ms.tolist()):
        if not told[index] and previous != SILENT:
            continue  # not said again, so as before
        label = labels[index]
        if index and label != previous:
            if previous is not None and begun_ms is not None:
                yield Spell(previous, begun_ms, instant)
            begun_ms = instant
        previous = label
    if previous is not None and begun_ms is not None:
        yield Spell(previous, begun_ms, None)


def sun_height_deg(at_ms: Instants, latitude: float, longitude: float) -> Floats:
    """The sun's height above the horizon at each instant, to about a degree. [degrees]

    From Spencer's series for declination and the equation of time (1971).
    """
    days = at_ms / DAY_MS
    year = 2 * np.pi * ((days % 365.2425) / 365.2425)
    declination = (
        0.006918 - 0.399912 * np.cos(year) + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year) + 0.000907 * np.sin(2 * year)
    )  # fmt: skip
    lead_min = 229.18 * (
        0.000075 + 0.001868 * np.cos(year) - 0.032077 * np.sin(year)
        - 0.014615 * np.cos(2 * year) - 0.040849 * np.sin(2 * year)
    )  # fmt: skip
    hour = np.radians(((days % 1) * 1440 + lead_min + 4 * longitude) / 4 - 180)
    height = math.sin(math.radians(latitude)) * np.sin(declination) + (
        math.cos(math.radians(latitude)) * np.cos(declination) * np.cos(hour)
    )
    found: Floats = np.degrees(np.arcsin(np.clip(height, -1.0, 1.0)))
    return found
