"""Loads: what a household or a business draws, by the clock on its wall and the weather outside."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.simulate.specs import Load, LoadProfile, Site
from heliograph.simulate.steps import (
    BLOCK_STEPS,
    STEPS_PER_DAY,
    STEPS_PER_HOUR,
    Counts,
    WallTimes,
    block_days,
    block_stamps,
    generator,
    noise,
    spell,
    wall_times,
)
from heliograph.simulate.weather import weather

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.model.samples import Floats

MWH_PER_W = 1000 / 12
SATURDAY = 5
COOLING_FROM_C = 23.0
HEATING_BELOW_C = 12.0
# By local hour: how busy people are, in shares of the busiest hour.
HOUSEHOLD_HOURS = (
    0.12, 0.08, 0.06, 0.06, 0.06, 0.10, 0.30, 0.60, 0.55, 0.35, 0.30, 0.32,
    0.38, 0.35, 0.30, 0.32, 0.45, 0.75, 1.00, 0.98, 0.90, 0.75, 0.50, 0.25,
)  # fmt: skip
COMMERCIAL_HOURS = (
    0.05, 0.05, 0.05, 0.05, 0.05, 0.08, 0.20, 0.50, 0.88, 0.97, 1.00, 0.98,
    0.80, 0.92, 1.00, 0.98, 0.95, 0.82, 0.50, 0.30, 0.20, 0.12, 0.08, 0.05,
)  # fmt: skip
APPLIANCES = ((2000.0, 1), (1500.0, 6), (2200.0, 12), (900.0, 4), (2600.0, 8))
"""What a household switches on now and then. [W, five-minute steps]"""
APPLIANCES_PER_DAY = 9.0


class Demand(msgspec.Struct, frozen=True):
    """What is drawn over a block of days, one value a stamp."""

    mwh: Counts
    """Energy in the interval before the stamp. [mWh]"""
    mvarh: Counts
    """Reactive energy, positive when inductive. [mvarh]"""


def _curve(hours: tuple[float, ...], wall: WallTimes) -> Floats:
    return np.interp(wall.minute / 60, np.arange(25) + 0.5, (*hours, hours[0]), period=24)


def _busy(load: Load, wall: WallTimes) -> Floats:
    """How busy it is. [0..1]"""
    weekend = wall.weekday >= SATURDAY
    if load.profile is LoadProfile.HOUSEHOLD:
        curve = _curve(HOUSEHOLD_HOURS, wall)
        return np.where(weekend, np.minimum(1.2 * curve + 0.05, 1.0), curve)
    return _curve(COMMERCIAL_HOURS, wall) * np.where(weekend, 0.3, 1.0)


def _events(site: Site, block: int) -> Iterator[tuple[int, int, float]]:
    """First step in the block (negative when the day before), length in steps, and power of each switching on. [W]"""
    weights = np.array(HOUSEHOLD_HOURS) / sum(HOUSEHOLD_HOURS)
    days = block_days(block)
    for day in range(days.start - 1, days.stop):
        draw = generator(site.seed, f"{site.key}/load/events", day)
        count = int(draw.poisson(APPLIANCES_PER_DAY))
        hours = draw.choice(24, size=count, p=weights) - site.longitude / 15
        steps = (hours * STEPS_PER_HOUR + draw.uniform(0, STEPS_PER_HOUR, count)).astype(np.int64) % STEPS_PER_DAY
        for step, kind in zip(steps.tolist(), draw.integers(len(APPLIANCES), size=count).tolist(), strict=True):
            power_w, length = APPLIANCES[kind]
            yield (day - days.start) * STEPS_PER_DAY + step, length, power_w


def _appliances(site: Site, block: int) -> Floats:
    power_w = np.zeros(BLOCK_STEPS)
    for first, length, watts in _events(site, block):
        power_w[max(first, 0) : max(first + length, 0)] += watts
    return power_w


@lru_cache(maxsize=32)
def demand(site: Site, load: Load, block: int) -> Demand:
    """What the site draws over a block of days."""
    wall = wall_times(block_stamps(block), site.tz)
    temp_air = weather(site, block).temp_air
    busy = _busy(load, wall)
    mood = np.clip(1 + 0.12 * spell(site.seed, f"{site.key}/load/day", block), 0.4, 1.6)
    power_w = load.base_w + load.peak_w * busy * mood
    power_w = power_w + load.cooling_w_per_k * np.maximum(temp_air - COOLING_FROM_C, 0) * (0.15 + 0.85 * busy)
    power_w = power_w + load.heating_w_per_k * np.maximum(HEATING_BELOW_C - temp_air, 0)
    power_w = power_w * np.clip(1 + 0.05 * noise(site.seed, f"{site.key}/load/step", block), 0.7, 1.3)
    if load.profile is LoadProfile.HOUSEHOLD:
        power_w = power_w + _appliances(site, block)
    lag = np.clip(0.28 + 0.03 * noise(site.seed, f"{site.key}/load/lag", block), 0.1, 0.5)
    return Demand(
        np.rint(power_w * MWH_PER_W).astype(np.int64),
        np.rint(power_w * lag * MWH_PER_W).astype(np.int64),
    )
