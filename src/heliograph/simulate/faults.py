"""What goes wrong: silences of devices and alarms, drawn for each device and UTC day."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, MINUTE_MS
from heliograph.model.alarms import Severity
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
NOTICE_MS = 40 * MINUTE_MS
"""How long a device must be silent before the plant raises an alarm. [ms]"""


class Fault(msgspec.Struct, frozen=True):
    """Something that happens to devices of some kinds."""

    code: str
    name: str
    severity: Severity
    cause: str
    advice: str
    shortest_min: int
    longest_min: int
    stops: bool = False
    """Whether it keeps an inverter off the grid."""


class Occurrence(msgspec.Struct, frozen=True):
    """One time that a fault happened."""

    fault: Fault
    raised_at_ms: int
    cleared_at_ms: int


SILENCE = Fault(
    "65534", "Device communication interruption", Severity.MAJOR,
    "No answer over the data line.", "Check the data cable, its shield and the address of the device.", 0, 0,
)  # fmt: skip
_INVERTER_FAULTS = (
    Fault(
        "301", "Grid voltage too high", Severity.MINOR, "The grid stood above the permitted voltage for ten minutes.",
        "Ask the grid operator if it happens often.", 10, 40, stops=True,
    ),
    Fault(
        "318", "Loss of grid", Severity.MAJOR, "No voltage at the terminals: an outage or an open breaker.",
        "Check the breaker; otherwise wait for the grid.", 15, 120, stops=True,
    ),
    Fault(
        "321", "Inside too warm", Severity.WARNING, "The ventilation is blocked or the air is hot.",
        "Free the air inlets and clean the fans.", 30, 180,
    ),
    Fault(
        "103", "String current low", Severity.WARNING, "A string is shaded, soiled or disconnected.",
        "Compare the strings and inspect the weakest.", 60, 600,
    ),
    Fault(
        "313", "Low insulation resistance", Severity.MAJOR, "Moisture in a connector or a damaged cable.",
        "Measure each string against earth before touching it.", 30, 240, stops=True,
    ),
)  # fmt: skip
_BATTERY_FAULTS = (
    Fault(
        "3012", "Battery cells apart", Severity.MINOR, "Cell voltages differ more than they should.",
        "Let it charge fully and rest; call service if it stays.", 120, 900,
    ),
)  # fmt: skip
_METER_FAULTS = (
    Fault(
        "2032", "Voltage unbalance", Severity.WARNING, "The phases are loaded unevenly.",
        "Move loads between phases.", 20, 200,
    ),
)  # fmt: skip


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
    """Every alarm raised on the days, silences that were noticed among them."""
    for day in days:
        silence = silence_on(site, device, day)
        if silence is not None and silence[1] - silence[0] > NOTICE_MS:
            yield Occurrence(SILENCE, silence[0] + NOTICE_MS, silence[1])
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
