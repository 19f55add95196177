"""The simulated fleet: a state, and what moves it forward.

At stamp t a power is the mean of the five minutes before t (taken as the power at t itself), and a counter holds all
energy up to t, so that a counter always rises by its power times five minutes. Registers that show a day begin again
at local midnight: the stamp at midnight shows 0. The same plant gives the same bytes however a span is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, day_of, day_start
from heliograph.model.alarm_texts import kinds
from heliograph.model.alarms import AlarmType, Severity
from heliograph.model.devices import DeviceKind
from heliograph.model.samples import Floats, Instants
from heliograph.model.settings import Value
from heliograph.simulate.before import counters_before, stored_before
from heliograph.simulate.faults import ALARM_DAYS, occurrences, silence
from heliograph.simulate.flows import Flow, flow, hybrid
from heliograph.simulate.plants import fleet
from heliograph.simulate.program import program, written
from heliograph.simulate.readings import OF_KIND, Columns, health
from heliograph.simulate.registers import displays, rises
from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant
from heliograph.simulate.steps import STEP_MS, Flags, ceil_step, cut, midnights, since_last, stamps
from heliograph.simulate.switching import Switch, still_off, switched_off

if TYPE_CHECKING:
    from heliograph.simulate.steps import Counts
    from heliograph.simulate.tunable import Write

__all__ = [
    "DeviceRecords",
    "SimulatedAlarm",
    "SimulatedDevice",
    "SimulatedPlant",
    "State",
    "Switch",
    "advance",
    "alarms",
    "fleet",
    "initial",
]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a plant carries from one span to the next; the keys are `<device>/<measurement>`."""

    at_ms: int
    """The next stamp. [ms]"""
    counters: dict[str, int]
    """Up to the last stamp. [mWh, mvarh, mWh/m2]"""
    midnight: dict[str, int]
    """The same as they were at the last local midnight."""
    stored: int = 0
    """Energy in the battery. [mWh]"""
    started: dict[str, int] = {}
    """When each inverter last started. [ms]"""
    halted: dict[str, int] = {}
    """When each inverter last stopped. [ms]"""
    off: tuple[str, ...] = ()
    """The inverters that were switched off and not on again."""
    settings: dict[str, dict[str, Value]] = {}
    """What was written to the settings of each device, by its key."""


class DeviceRecords(msgspec.Struct, frozen=True):
    """What a device sent in a span: a row a stamp, a column a measurement, canonical units."""

    device: str
    """Its key in the plant."""
    keys: tuple[str, ...]
    at_ms: Instants
    values: Floats
    """Shape (rows, keys)."""


class SimulatedAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm of a device, by its key in the plant."""

    device: str
    code: str
    name: str
    severity: Severity
    type: AlarmType
    raised_at_ms: int
    cleared_at_ms: int | None
    cause: str
    advice: str


class _Carry:
    """The state while a span is worked through."""

    def __init__(self, plant: SimulatedPlant, state: State, moved: Flow) -> None:
        self.counters, self.midnight = dict(state.counters), dict(state.midnight)
        self.started, self.halted = dict(state.started), dict(state.halted)
        self.flow = moved
        self.day = since_last(midnights(moved.at_ms, plant.tz))

    def count(self, name: str, gained: Counts) -> tuple[Counts, Counts]:
        """A counter at each stamp, and at the local midnight before it."""
        total = self.counters.get(name, 0) + np.cumsum(gained)
        base = np.where(self.day >= 0, total[self.day], self.midnight.get(name, 0))
        self.counters[name], self.midnight[name] = int(total[-1]), int(base[-1])
        return total, base

    def turns(self, key: str) -> Columns:
        """Start and stop times of an inverter at each stamp. [ms]"""
        runs = self.flow.running(key)
        ran = self.started.get(key, 0) > self.halted.get(key, 0)
        before = np.concatenate([[ran], runs[:-1]])
        columns: Columns = {}
        for measurement, kept, marks in (
            ("inverter.started_at", self.started, runs & ~before),
            ("inverter.stopped_at", self.halted, ~runs & before),
        ):
            place = since_last(marks)
            known = kept.get(key, 0)
            values = np.where(place >= 0, self.flow.at_ms[place], known)
            kept[key] = int(values[-1])
            columns[measurement] = np.where(values > 0, values.astype(np.float64), np.nan)
        return columns


def _columns(plant: SimulatedPlant, device: SimulatedDevice, carry: _Carry) -> Columns:
    columns = dict(OF_KIND[device.kind](plant, device, carry.flow))
    for key, gained in rises(plant, device, carry.flow).items():
        total, base = carry.count(f"{device.key}/{key}", gained)
        columns |= displays(device, key, total, base)
        if key == "battery.energy_discharged":
            columns |= health(device, total)
    if device.inverter is not None:
        turns = carry.turns(device.key)
        if device.kind is not DeviceKind.MICRO_INVERTER:
            columns |= turns
    columns["device.online"] = np.ones(carry.flow.at_ms.size)
    return columns


def _silent(plant: SimulatedPlant, device: SimulatedDevice, since_ms: int, until_ms: int) -> Flags:
    """When nothing comes from a device, because it or its gateway is silent."""
    keys = [device.key] if device.gateway is None else [device.key, device.gateway]
    silent = np.zeros((until_ms - since_ms) // STEP_MS, dtype=np.bool_)
    for key in keys:
        silent |= cut(partial(silence, plant.site, key), since_ms, until_ms).silent
    return silent


def advance(
    plant: SimulatedPlant, state: State, since_ms: int, until_ms: int, switches: Sequence[Switch] = (),
    writes: Sequence[Write] = (),
) -> tuple[State, list[DeviceRecords]]:  # fmt: skip
    """The state at the end of the half-open span, and what the devices sent in it.

    A device that sent nothing is left out. Of the switches and writes those in the span count; the state knows of
    earlier ones.
    Raises ValueError when the span does not begin where the state stands.
    """
    since_ms, until_ms = ceil_step(since_ms), ceil_step(until_ms)
    if since_ms != state.at_ms:
        raise ValueError(f"{plant.key} stands at {state.at_ms}, not at {since_ms}")
    if until_ms <= since_ms:
        return state, []
    keys = [device.key for device in plant.inverters]
    off = switched_off(keys, state.off, switches, stamps(since_ms, until_ms))
    span = stamps(since_ms, until_ms)
    fresh = [write for write in writes if ceil_step(write.at_ms) >= since_ms]
    owner = hybrid(plant)
    told = None if owner is None else program(plant, owner.key, state.settings, fresh, span)
    moved = flow(plant, state.stored, since_ms, until_ms, off, told)
    carry = _Carry(plant, state, moved)
    records = []
    for device in plant.devices:
        columns = _columns(plant, device, carry)
        sent = ~_silent(plant, device, since_ms, until_ms)
        if sent.any():
            values = np.stack([column[sent] for column in columns.values()], axis=1)
            values += 0.0  # what was rounded to -0.0 becomes 0.0
            records.append(DeviceRecords(device.key, tuple(columns), moved.at_ms[sent], values))
    after = State(
        at_ms=until_ms,
        counters=carry.counters,
        midnight=carry.midnight,
        stored=state.stored if moved.battery is None else int(moved.battery.stored[-1]),
        started=carry.started,
        halted=carry.halted,
        off=still_off(off),
        settings=written(state.settings, fresh, until_ms),
    )
    return after, records


def initial(plant: SimulatedPlant, since_ms: int, seed: int = 0) -> State:
    """A plant that has lived since it was connected, as it stands at the instant.

    `seed` varies what its counters show; its weather and all that follows have the plant's own seed.
    """
    since_ms = ceil_step(since_ms)
    first_ms = day_start(day_of(since_ms - DAY_MS, plant.tz), plant.tz)
    counters = counters_before(plant, first_ms, seed)
    state = State(at_ms=first_ms, counters=counters, midnight=dict(counters), stored=stored_before(plant, seed))
    return advance(plant, state, first_ms, since_ms)[0]


def alarms(plant: SimulatedPlant, since_ms: int, until_ms: int) -> list[SimulatedAlarm]:
    """Alarms raised or cleared in the half-open span, as they stand at its end, by the time they were raised.

    One that is cleared later is without an end here, and comes again, with its end, in the span that holds it.
    """
    days = range(since_ms // DAY_MS - ALARM_DAYS, -(-until_ms // DAY_MS))
    found = []
    for device in plant.devices:
        for occurrence in occurrences(plant.site, device.key, device.kind, days):
            raised_at_ms, cleared_at_ms = occurrence.raised_at_ms, occurrence.cleared_at_ms
            if not (since_ms <= raised_at_ms < until_ms or since_ms <= cleared_at_ms < until_ms):
                continue
            code = occurrence.fault.code
            kind = kinds()[code]
            text = kind.texts["en"]
            found.append(
                SimulatedAlarm(
                    device=device.key,
                    code=code,
                    name=text.name,
                    severity=kind.severity,
                    type=kind.type,
                    raised_at_ms=raised_at_ms,
                    cleared_at_ms=cleared_at_ms if cleared_at_ms < until_ms else None,
                    cause=text.cause,
                    advice=text.advice,
                )
            )
    return sorted(found, key=lambda alarm: (alarm.raised_at_ms, alarm.device, alarm.code))
