"""The battery: self-consumption within its powers, its room and its efficiencies, in whole milliwatt-hours.

What the sun gives beyond the load goes in; what the load takes beyond the sun comes out. Each interval is a whole
number of milliwatt-hours, and rounding always goes to the loss, so the store is never more than what went in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.model.settings import WorkMode
from heliograph.simulate.control import Interval, Limits, Order, Store, step
from heliograph.simulate.steps import Counts, Flags, step_mwh

if TYPE_CHECKING:
    from heliograph.simulate.specs import Battery

FORCED = frozenset({WorkMode.FORCE_CHARGE, WorkMode.FORCE_DISCHARGE})


class BatteryRun(msgspec.Struct, frozen=True):
    """What a battery did, one value an interval."""

    charged: Counts
    """Energy into its terminals. [mWh]"""
    discharged: Counts
    """Energy out of its terminals. [mWh]"""
    stored: Counts
    """Energy in the store at the end of the interval. [mWh]"""
    curtailed: Counts
    """What its inverter left in the sun because no more may be fed in. [mWh]"""
    forced: Flags
    """Whether it was told to charge or discharge, and its inverter worked."""


def run(battery: Battery, stored: int, surplus: Counts, room: Counts) -> BatteryRun:
    """Follow the surplus from a store of `stored`, putting out no more than `room` of the inverter. [mWh]"""
    gain, yield_ = battery.charge_permille, battery.discharge_permille
    floor, ceiling = battery.capacity_wh * battery.floor_permille, battery.capacity_wh * battery.ceiling_permille
    most_in, most_out = step_mwh(battery.charge_w), step_mwh(battery.discharge_w)
    least = step_mwh(battery.deadband_w)
    charged, discharged, levels = [], [], []
    for excess, free in zip(surplus.tolist(), room.tolist(), strict=True):
        into = out = 0
        if excess > least:
            into = max(min(excess, most_in, (ceiling - stored) * 1000 // gain), 0)
            stored += into * gain // 1000
        elif excess < -least:
            out = max(min(-excess, most_out, free, (stored - floor) * yield_ // 1000), 0)
            stored -= -(-out * 1000 // yield_)
        charged.append(into)
        discharged.append(out)
        levels.append(stored)
    nothing = np.zeros(len(levels), dtype=np.int64)
    return BatteryRun(_counts(charged), _counts(discharged), _counts(levels), nothing, nothing > 0)


def obey(
    battery: Battery, stored: int, around: Sequence[Interval], orders: Sequence[Order], limits: Sequence[Limits]
) -> BatteryRun:
    """Follow what the inverter was told, interval by interval, from a store of `stored`. [mWh]"""
    charged, discharged, levels, curtailed = [], [], [], []
    for told, place, most in zip(orders, around, limits, strict=True):
        store = Store(battery, stored)
        moved = step(store, told, place, most)
        stored = store.after(moved)
        charged.append(moved.charged)
        discharged.append(moved.discharged)
        levels.append(stored)
        curtailed.append(moved.curtailed)
    forced = np.array(
        [told.mode in FORCED and place.rated > 0 for told, place in zip(orders, around, strict=True)], dtype=np.bool_
    )  # fmt: skip
    return BatteryRun(_counts(charged), _counts(discharged), _counts(levels), _counts(curtailed), forced)


def _counts(values: list[int]) -> Counts:
    return np.array(values, dtype=np.int64)
