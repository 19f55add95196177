"""Arrays and inverters: from the irradiance in the plane to energy on both sides of the inverter.

Power follows PVWatts on both sides. The energy of an interval is the power at its end times five minutes, rounded to
the milliwatt-hour once; everything else is computed from these integers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pvlib

from heliograph.model.samples import Floats
from heliograph.simulate.faults import stopped
from heliograph.simulate.steps import Counts, Flags, generator
from heliograph.simulate.weather import plane, weather

if TYPE_CHECKING:
    from heliograph.model.devices import DeviceKind
    from heliograph.simulate.specs import Inverter, SimulatedDevice, Site, Tracker

MWH_PER_W = 1000 / 12
"""Milliwatt-hours that a watt makes in five minutes."""
POWER_PER_K = -0.0035
VOLTAGE_PER_K = -0.0027
MODULE_V = 34.0
"""Of a module at its best point under standard test conditions. [V]"""
START_SHARE = 0.004
"""Of the inverter's rating; below it does not start."""
DEVICE_SPREAD = 0.018
"""How far like arrays differ from their mean. [1]"""


class Generation(msgspec.Struct, frozen=True):
    """What an inverter makes of the sun over a block of days, one column a stamp."""

    tracker_mwh: Counts
    """Energy from each tracker in the interval before the stamp, shape (trackers, stamps). [mWh]"""
    tracker_v: Floats
    """Voltage of each tracker. [V]"""
    ac_mwh: Counts
    """Energy put out in the interval before the stamp. [mWh]"""
    sun_up: Flags
    stopped: Flags
    """Whether an alarm keeps it off the grid."""


def energy_mwh(power_w: Floats) -> Counts:
    """Energy of five minutes at a power. [mWh]"""
    return np.rint(power_w * MWH_PER_W).astype(np.int64)


def shares(seed: int, name: str, count: int, spread: float = 0.01) -> Floats:
    """Fixed small differences between like things; they add up to `count`."""
    raw = 1 + spread * generator(seed, name).standard_normal(count)
    return raw * (count / float(raw.sum()))


def _tracker(site: Site, tracker: Tracker, block: int) -> tuple[Floats, Floats]:
    """Power and voltage of one tracker before the inverter's limit. [W, V]"""
    face = plane(site, tracker.tilt_deg, tracker.azimuth_deg, tracker.mount, block)
    power = np.asarray(
        pvlib.pvsystem.pvwatts_dc(face.effective, face.temp_cell, tracker.capacity_w, POWER_PER_K), dtype=np.float64
    )
    dim = 0.035 * np.log(np.maximum(face.effective, 1.0) / 1000)
    volts = tracker.modules * MODULE_V * (1 + VOLTAGE_PER_K * (face.temp_cell - 25) + dim)
    return np.maximum(power, 0.0), volts


@lru_cache(maxsize=48)
def _generation(site: Site, inverter: Inverter, key: str, kind: DeviceKind, block: int) -> Generation:
    up, halted = weather(site, block).elevation > 0, stopped(site, key, kind, block)
    parts = [_tracker(site, tracker, block) for tracker in inverter.trackers]
    name = f"{site.key}/{key}"
    kept = (1 - inverter.loss) * (1 + DEVICE_SPREAD * generator(site.seed, name).uniform(-1, 1))
    kept_each = shares(site.seed, f"{name}/trackers", len(parts)) * kept
    power = np.stack([watts * share for (watts, _), share in zip(parts, kept_each, strict=True)])
    total = power.sum(axis=0)
    limit = inverter.ac_w / inverter.efficiency
    runs = up & ~halted & (total > START_SHARE * inverter.ac_w)
    power = np.where(runs, power * np.minimum(1.0, limit / np.maximum(total, 1.0)), 0.0)
    ac_w = np.asarray(pvlib.inverter.pvwatts(np.minimum(total, limit), limit, inverter.efficiency), dtype=np.float64)
    tracker_mwh = energy_mwh(power)
    ac_mwh = np.minimum(energy_mwh(np.where(runs, ac_w, 0.0)), tracker_mwh.sum(axis=0))
    volts = np.where(runs, np.stack([volts for _, volts in parts]), 0.0)
    return Generation(tracker_mwh, volts, ac_mwh, up, halted)


def generation(site: Site, device: SimulatedDevice, block: int) -> Generation:
    """What the inverter `device` makes of the sun over a block of days.

    Raises ValueError for a device without an array.
    """
    if device.inverter is None:
        raise ValueError(f"{device.key} has no array")
    return _generation(site, device.inverter, device.key, device.kind, block)
