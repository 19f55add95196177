"""What goes wrong: silences of devices and alarms, drawn for each device and UTC day."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, MINUTE_MS
from heliograph.model.devices import INVERTERS, METERS, DeviceKind
from heliograph.simulate.steps import (
    BLOCK_STEPS,
    STEP_MS,
    STEPS_PER_DAY,
    Flags,
    block_days,
    block_stamps,
    generator,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.simulate.specs import Site

SILENCE_PER_DAY = 0.11
"""How likely a device falls silent on a day: about three times a month."""
SILENCE_STEPS = 12
"""The longest silence, one hour. [steps]"""
ALARM_PER_DAY = 0.012
ALARM_DAYS = 2
"""No alarm lasts longer. [d]"""


class Fault(msgspec.Struct, frozen=True):
    """Something that happens to devices of some kinds. What its code means stands in the table of alarm texts."""

    code: str
    shortest_min: int
    longest_min: int
    stops: bool = False
    """Whether it keeps an inverter off the grid."""


class Occurrence(msgspec.Struct, frozen=True):
    """One time that a fault happened."""

    fault: Fault
    raised_at_ms: int
    cleared_at_ms: int


GRID_OVERVOLTAGE = Fault("2034", 10, 40, stops=True)
GRID_LOSS = Fault("2032", 15, 120, stops=True)
OVERTEMPERATURE = Fault("2063", 30, 180)
WEAK_STRING = Fault("2013", 60, 600)
LOW_INSULATION = Fault("2062", 30, 240, stops=True)
CELLS_APART = Fault("9012", 120, 900)
VOLTAGE_UNBALANCE = Fault("9032", 20, 200)
_INVERTER_FAULTS = (GRID_OVERVOLTAGE, GRID_LOSS, OVERTEMPERATURE, WEAK_STRING, LOW_INSULATION)
_BATTERY_FAULTS = (CELLS_APART,)
_METER_FAULTS = (VOLTAGE_UNBALANCE,)


def faults_of(kind: DeviceKind) -> tuple[Fault, ...]:
    """What can happen to a device of a kind, besides falling silent."""
    if kind in INVERTERS:
        return _INVERTER_FAULTS
    if kind is DeviceKind.BATTERY:
        return _BATTERY_FAULTS
    return _METER_FAULTS if kind in METERS else ()


@lru_cache(maxsize=8192)
def silence_on(site: Site, device: str, day: int) -> tuple[int, int] | None:
    """The silence that begins on a day: first silent stamp and the first one after. [ms]"""
    draw = generator(site.seed, f"{site.key}/{device}/silence", day)
    if draw.random() >= SILENCE_PER_DAY:
        return None
    since_ms = day * DAY_MS + int(draw.integers(STEPS_PER_DAY)) * STEP_MS
    return since_ms, since_ms + int(draw.integers(1, SILENCE_STEPS + 1)) * STEP_MS


@lru_cache(maxsize=8192)
def occurrence_on(site: Site, device: str, kind: DeviceKind, day: int) -> Occurrence | None:
    """The alarm, other than silence, that is raised on a day."""
    choice = faults_of(kind)
    draw = generator(site.seed, f"{site.key}/{device}/alarm", day)
    if not choice or draw.random() >= ALARM_PER_DAY:
        return None
    fault = choice[int(draw.integers(len(choice)))]
    raised_at_ms = day * DAY_MS + int(draw.integers(24 * 60)) * MINUTE_MS
    length_min = int(draw.integers(fault.shortest_min, fault.longest_min + 1))
    return Occurrence(fault, raised_at_ms, raised_at_ms + length_min * MINUTE_MS)


def occurrences(site: Site, device: str, kind: DeviceKind, days: range) -> Iterator[Occurrence]:
    """Every alarm that the device raises on the days; that it is silent, others must notice."""
    for day in days:
        occurrence = occurrence_on(site, device, kind, day)
        if occurrence is not None:
            yield occurrence


class Silence(msgspec.Struct, frozen=True):
    """Whether a device is silent at each stamp of a block."""

    silent: Flags


@lru_cache(maxsize=256)
def silence(site: Site, device: str, block: int) -> Silence:
    """When a device sends nothing in a block of days."""
    silent = np.zeros(BLOCK_STEPS, dtype=np.bool_)
    days = block_days(block)
    origin_ms = days.start * DAY_MS
    for day in range(days.start - 1, days.stop):
        gap = silence_on(site, device, day)
        if gap is not None:
            since, until = ((at_ms - origin_ms) // STEP_MS for at_ms in gap)
            silent[max(since, 0) : max(until, 0)] = True
    return Silence(silent)


def stopped(site: Site, device: str, kind: DeviceKind, block: int) -> Flags:
    """When an alarm keeps an inverter off the grid in a block of days."""
    at_ms = block_stamps(block)
    off = np.zeros(BLOCK_STEPS, dtype=np.bool_)
    days = block_days(block)
    for day in range(days.start - ALARM_DAYS, days.stop):
        occurrence = occurrence_on(site, device, kind, day)
        if occurrence is not None and occurrence.fault.stops:
            off |= (at_ms >= occurrence.raised_at_ms) & (at_ms < occurrence.cleared_at_ms)
    return off
