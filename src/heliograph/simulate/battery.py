"""The battery: self-consumption within its powers, its room and its efficiencies, in whole milliwatt-hours.

What the sun gives beyond the load goes in; what the load takes beyond the sun comes out. Each interval is a whole
number of milliwatt-hours, and rounding always goes to the loss, so the store is never more than what went in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.simulate.steps import Counts

if TYPE_CHECKING:
    from heliograph.simulate.specs import Battery


class BatteryRun(msgspec.Struct, frozen=True):
    """What a battery did, one value an interval."""

    charged: Counts
    """Energy into its terminals. [mWh]"""
    discharged: Counts
    """Energy out of its terminals. [mWh]"""
    stored: Counts
    """Energy in the store at the end of the interval. [mWh]"""


def step_mwh(power_w: float) -> int:
    """The most that a power moves in five minutes. [mWh]"""
    return int(power_w * 1000 // 12)


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
    return BatteryRun(
        np.array(charged, dtype=np.int64), np.array(discharged, dtype=np.int64), np.array(levels, dtype=np.int64)
    )
