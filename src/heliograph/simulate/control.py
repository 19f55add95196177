"""What a battery does in an interval because of what its inverter was told.

Whole milliwatt-hours, as in `battery`: rounding always goes to the loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.model.settings import Segment, Window, WorkMode, counting
from heliograph.simulate.steps import step_mwh

if TYPE_CHECKING:
    from heliograph.simulate.specs import Battery

PERCENT_TO_PERMILLE = 10
MOST_W = 30_000.0
"""More than any of these plants feeds in or buys. [W]"""


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """What a hybrid inverter keeps to."""

    mode: WorkMode = WorkMode.SELF_USE
    min_soc: float = 10.0
    """[%]"""
    min_soc_on_grid: float = 10.0
    """[%]"""
    max_soc: float = 100.0
    """[%]"""
    peak_soc: float = 50.0
    """How far peak shaving fills it from the grid. [%]"""
    export_limit_w: float = MOST_W
    """[W]"""
    import_limit_w: float = MOST_W
    """Of peak shaving. [W]"""
    windows: tuple[Window, ...] = ()
    """When it is filled from the grid."""
    schedule_on: bool = False
    segments: tuple[Segment, ...] = ()
    clock_offset_min: int = 0
    """How far its own clock is ahead of the plant's. [min]"""


class Order(msgspec.Struct, frozen=True):
    """What a battery is to do in an interval."""

    mode: WorkMode
    floor_permille: int
    """Where it stops giving."""
    ceiling_permille: int
    """Where it stops taking."""
    power_w: float = 0.0
    """Of a forced charge or discharge; 0 for what it can. [W]"""


def order(controls: Controls, minute: int) -> Order:
    """What counts at a minute of the device's day: a segment of the schedule, or without one a charge window, else the
    work mode.
    """
    floor, ceiling = max(controls.min_soc_on_grid, controls.min_soc), controls.max_soc
    if controls.schedule_on:
        segment = counting(controls.segments, minute)
        if segment is not None:
            floor = max(segment.min_soc_on_grid, controls.min_soc)
            if segment.mode is WorkMode.FORCE_DISCHARGE:
                floor = max(floor, segment.discharge_soc)
            if segment.max_soc is not None:
                ceiling = min(ceiling, segment.max_soc)
            return _order(segment.mode, floor, ceiling, segment.power_w)
    elif any(window.holds(minute) for window in controls.windows):
        return _order(WorkMode.FORCE_CHARGE, floor, ceiling, 0.0)
    return _order(controls.mode, floor, ceiling, 0.0)


def _order(mode: WorkMode, floor: float, ceiling: float, power_w: float) -> Order:
    return Order(mode, round(floor * PERCENT_TO_PERMILLE), round(ceiling * PERCENT_TO_PERMILLE), power_w)


class Interval(msgspec.Struct, frozen=True):
    """What surrounds a battery in an interval. [mWh]"""

    sun: int
    """What all inverters make of the sun."""
    own: int
    """What its own inverter does."""
    load: int
    room: int
    """What its inverter can put out beyond that."""
    rated: int
    """What its inverter can put out, or take from the grid, at most."""


class Limits(msgspec.Struct, frozen=True):
    """What limits energy at the grid. [mWh in an interval]"""

    most_export: int
    most_import: int
    """Of peak shaving."""
    peak_permille: int


class Moved(msgspec.Struct, frozen=True):
    """What a battery did in an interval. [mWh]"""

    charged: int = 0
    discharged: int = 0
    curtailed: int = 0
    """What its inverter left in the sun because no more may be fed in."""


class Store(msgspec.Struct, frozen=True):
    """A battery as it stands. [mWh]"""

    battery: Battery
    stored: int

    def space(self, ceiling_permille: int) -> int:
        """How much its terminals can take up to a state of charge."""
        top = self.battery.capacity_wh * min(ceiling_permille, self.battery.ceiling_permille)
        return max((top - self.stored) * 1000 // self.battery.charge_permille, 0)

    def supply(self, floor_permille: int) -> int:
        """How much its terminals can give down to a state of charge."""
        bottom = self.battery.capacity_wh * max(floor_permille, self.battery.floor_permille)
        return max((self.stored - bottom) * self.battery.discharge_permille // 1000, 0)

    def after(self, moved: Moved) -> int:
        """What it holds after an interval."""
        given = -(-moved.discharged * 1000 // self.battery.discharge_permille)
        return self.stored + moved.charged * self.battery.charge_permille // 1000 - given


def step(store: Store, told: Order, around: Interval, limits: Limits) -> Moved:
    """What a battery does in one interval."""
    charge, discharge = _wanted(store, told, around, limits)
    reach = around.own + around.rated
    into = min(charge, reach, step_mwh(store.battery.charge_w), store.space(told.ceiling_permille))
    out = 0
    if not into:
        out = min(discharge, step_mwh(store.battery.discharge_w), around.room, store.supply(told.floor_permille))
    over = max(around.sun - around.load - into + out - limits.most_export, 0)
    spared = min(over, out)
    return Moved(into, out - spared, min(over - spared, max(around.own - into, 0)))


def _wanted(store: Store, told: Order, around: Interval, limits: Limits) -> tuple[int, int]:
    """What a battery is to take and to give, before its own limits. [mWh]

    For little surplus or lack it does not start; what it is told and what a limit asks it does to the last bit.
    """
    excess, least = around.sun - around.load, step_mwh(store.battery.deadband_w)
    # Only its own array is its to take without being told to.
    surplus, lack = min(excess, around.own), -excess
    surplus, lack = surplus if surplus > least else 0, lack if lack > least else 0
    match told.mode:
        case WorkMode.FORCE_CHARGE:
            return step_mwh(told.power_w) if told.power_w > 0 else around.own + around.rated, 0
        case WorkMode.FORCE_DISCHARGE:
            return 0, step_mwh(told.power_w) if told.power_w > 0 else around.rated
        case WorkMode.BACKUP:
            return surplus, 0
        case WorkMode.FEED_IN:
            return min(max(excess - limits.most_export, 0), around.own), lack
        case WorkMode.PEAK_SHAVING:
            left = limits.most_import + excess
            return max(surplus, min(left, store.space(limits.peak_permille))), max(-left, 0)
    return surplus, lack
