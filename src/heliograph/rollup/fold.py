"""Folding: pure arithmetic from samples to the totals of a day and its hours.

A reading stamped at the end of a period belongs to that period: its counter holds the energy up to then. So a period
takes counter readings from after its start up to and including its end.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from heliograph.clock import HOUR_MS, MINUTE_MS
from heliograph.model import buckets as b
from heliograph.model.counters import rises
from heliograph.model.samples import Floats, Instants, Series
from heliograph.rollup.levels import (
    BATTERY_POWER,
    IRRADIANCE,
    IRRADIATION_TODAY,
    Part,
    Reset,
    RollupConfig,
    Rule,
)  # fmt: skip

SLOT_MS = 5 * MINUTE_MS


class DayFold(msgspec.Struct, frozen=True):
    """What a day of a device comes to: one value an hour for each quantity, and the counters' last readings."""

    hours: dict[str, Floats]
    carry: dict[str, float]


class Irradiance(msgspec.Struct, frozen=True):
    """In-plane irradiance of a plant over a day. [W/m2]"""

    at_ms: Instants
    values: Floats


def fold_day(
    series: Series,
    starts: NDArray[np.int64],
    rules: tuple[Rule, ...],
    carry: Mapping[str, float],
    config: RollupConfig,
    irradiance: Irradiance | None = None,
) -> DayFold:
    """Fold one local day of a device.

    `series` reaches `max_gap_s` beyond the day on both sides; `starts` holds the starts of its hours and its end;
    `carry` the counters' last readings before it. With `irradiance`, intervals with and without production are counted.
    """
    hours: dict[str, Floats] = {}
    last = dict(carry)
    for rule in rules:
        for index, key in enumerate(rule.counters):
            values = series.columns.get(key)
            found = _readings(series.at_ms, values, starts)
            if not len(found[0]):
                continue
            rise, end = count(found, starts, carry.get(key), rule.reset)
            last[key] = end
            if index == 0 or rule.quantity not in hours:
                hours[rule.quantity] = rise
        if rule.quantity not in hours:
            total = _without_counter(series, starts, rule, config, hours, last)
            if total is not None and not np.isnan(total).all():
                hours[rule.quantity] = total
                # What was totalled without the counters must not be counted again when they return.
                for key in rule.counters:
                    last.pop(key, None)
    _times(series, starts, config, hours)
    hours[b.RECEIVED] = _received(series.at_ms, starts)
    if IRRADIANCE in series.columns or IRRADIATION_TODAY in series.columns:
        hours[b.IRRADIATION] = irradiation(series, starts, config)
    if irradiance is not None and b.PRODUCTION in {rule.quantity for rule in rules}:
        _reliability(series, starts, rules, irradiance, config, hours)
    return DayFold({name: values for name, values in hours.items() if not np.isnan(values).all()}, last)


def _hour_of(at_ms: Instants, starts: Instants) -> NDArray[np.intp]:
    """The hour that ends at or after each instant: (start, end]."""
    return np.searchsorted(starts, at_ms, side="left") - 1


def _inside(at_ms: Instants, register: Floats, starts: Instants) -> NDArray[np.bool_]:
    """Where a register of the day tells of this day: at midnight it may tell of either."""
    inside: NDArray[np.bool_] = (at_ms > starts[0]) & (at_ms < starts[-1]) & ~np.isnan(register)
    return inside


def _readings(at_ms: Instants, values: Floats | None, starts: Instants) -> tuple[Instants, Floats]:
    """Valid readings of a counter within the day: zero is a device that has not woken up."""
    if values is None:
        return np.empty(0, np.int64), np.empty(0)
    good = (at_ms > starts[0]) & (at_ms <= starts[-1]) & ~np.isnan(values) & (values != 0.0)
    return at_ms[good], values[good]


def count(found: tuple[Instants, Floats], starts: Instants, before: float | None, reset: Reset) -> tuple[Floats, float]:
    """The rise of a counter in each hour, across resets, and its last reading.

    NaN in an hour without a reading; the first reading ever only sets the base.
    """
    at_ms, values = found
    out = np.full(len(starts) - 1, np.nan)
    if not len(values):
        return out, before if before is not None else float("nan")
    based = values if before is None else np.concatenate(([before], values))
    rise, end = rises(based, restarts=reset is Reset.RESTART)
    stamps = at_ms if before is not None else at_ms[1:]
    hour = _hour_of(stamps, starts)
    sums = np.bincount(hour, weights=rise, minlength=len(out))
    seen = np.bincount(hour, minlength=len(out)) > 0
    out[seen] = sums[seen]
    return out, end


def _without_counter(
    series: Series, starts: Instants, rule: Rule, config: RollupConfig, hours: dict[str, Floats], last: dict[str, float]
) -> Floats | None:
    """Energy of a quantity no counter tells: from a daily register, else integrated from power and marked so.

    A register that still shows just what it ended yesterday with has not started again yet.
    """
    daily = series.columns.get(rule.daily)
    if daily is not None:
        inside = _inside(series.at_ms, daily, starts)
        if inside.any():
            readings = daily[inside]
            stale = readings[0] == last.get(rule.daily) and readings[0] != 0.0
            base, reset = (float(readings[0]), Reset.RESTART) if stale else (0.0, Reset.HOLD)
            rise, last[rule.daily] = count((series.at_ms[inside], readings), starts, base, reset)
            return rise
    power = series.columns.get(rule.power)
    if power is None:
        return None
    total = integrate(series.at_ms, power, starts, config.max_gap_s, rule.part)
    if rule.quantity == b.PRODUCTION:
        hours[b.INTEGRATED] = total
    return total


def integrate(at_ms: Instants, power: Floats, starts: Instants, max_gap_s: int, part: Part = Part.NET) -> Floats:
    """Energy in each hour under the straight lines between power readings. [Wh]

    Stretches longer than `max_gap_s` are left out; NaN in an hour that no line reaches.
    """
    out = np.full(len(starts) - 1, np.nan)
    good = ~np.isnan(power)
    at, watts = at_ms[good], power[good]
    if len(at) < 2:
        return out
    inner = starts[(starts > at[0]) & (starts < at[-1])]
    knots = np.union1d(at, inner)
    lines = np.interp(knots, at, watts)
    mean = (lines[1:] + lines[:-1]) / 2
    if part is not Part.NET:
        sided = np.maximum(lines if part is Part.POSITIVE else -lines, 0.0)
        mean = (sided[1:] + sided[:-1]) / 2
        crossing = lines[1:] * lines[:-1] < 0  # only the triangle on this side of zero counts
        mean[crossing] *= (sided[1:] + sided[:-1])[crossing] / np.abs(np.diff(lines))[crossing]
    width = np.diff(knots)
    gap = np.diff(at)[np.searchsorted(at, knots[:-1], side="right") - 1]
    hour = np.searchsorted(starts, knots[:-1], side="right") - 1
    use = (gap <= max_gap_s * 1000) & (hour >= 0) & (hour < len(out))
    energy = mean * width / HOUR_MS
    sums = np.bincount(hour[use], weights=energy[use], minlength=len(out))
    seen = np.bincount(hour[use], minlength=len(out)) > 0
    out[seen] = sums[seen]
    return out


def irradiation(series: Series, starts: Instants, config: RollupConfig) -> Floats:
    """In-plane irradiation in each hour. [Wh/m2]

    Each reading stands for the time since the one before it; an hour takes those after its start up to its end.
    Without irradiance the station's own register of the day is used.
    """
    out = np.full(len(starts) - 1, np.nan)
    values = series.columns.get(IRRADIANCE)
    if values is None or not _inside(series.at_ms, values, starts).any():
        register = series.columns.get(IRRADIATION_TODAY)
        if register is None:
            return out
        inside = _inside(series.at_ms, register, starts)
        return count((series.at_ms[inside], register[inside]), starts, 0.0, Reset.HOLD)[0]
    good = ~np.isnan(values)
    at, watts = series.at_ms[good], values[good]
    step = np.diff(at)
    hour = _hour_of(at[1:], starts)
    use = (step <= config.max_gap_s * 1000) & (hour >= 0) & (hour < len(out))
    sums = np.bincount(hour[use], weights=(watts[1:] * step / HOUR_MS)[use], minlength=len(out))
    seen = np.bincount(hour[use], minlength=len(out)) > 0
    out[seen] = sums[seen]
    return out


def _times(series: Series, starts: Instants, config: RollupConfig, hours: dict[str, Floats]) -> None:
    """How long a battery charged and discharged. [s]"""
    power = series.columns.get(BATTERY_POWER)
    if power is None:
        return
    good = ~np.isnan(power)
    at, watts = series.at_ms[good], power[good]
    step = np.diff(at)
    hour = _hour_of(at[1:], starts)
    use = (step <= config.max_gap_s * 1000) & (hour >= 0) & (hour < len(starts) - 1)
    unseen = np.bincount(hour[use], minlength=len(starts) - 1) == 0
    for quantity, active in ((b.CHARGING_TIME, watts[1:] < 0), (b.DISCHARGING_TIME, watts[1:] > 0)):
        seconds = np.where(active, step / 1000.0, 0.0)
        total = np.bincount(hour[use], seconds[use], len(starts) - 1).astype(np.float64)
        total[unseen] = np.nan
        hours[quantity] = total


def _received(at_ms: Instants, starts: Instants) -> Floats:
    """Five-minute slots of each hour in which a sample came."""
    inside = at_ms[(at_ms >= starts[0]) & (at_ms < starts[-1])]
    out = np.full(len(starts) - 1, np.nan)
    if len(inside):
        slots = np.unique(inside // SLOT_MS) * SLOT_MS
        hour = np.clip(np.searchsorted(starts, slots, side="right") - 1, 0, len(out) - 1)
        out = np.bincount(hour, minlength=len(out)).astype(np.float64)
    return out


def _reliability(
    series: Series, starts: Instants, rules: tuple[Rule, ...], light: Irradiance, config: RollupConfig,
    hours: dict[str, Floats],
) -> None:  # fmt: skip
    """Count five-minute intervals in daylight with and without production; both neighbouring readings must exist."""
    key = next(rule.counters[0] for rule in rules if rule.quantity == b.PRODUCTION)
    values = series.columns.get(key)
    if values is None or not len(light.at_ms):
        return
    good = ~np.isnan(values) & (series.at_ms >= starts[0]) & (series.at_ms <= starts[-1])
    slot = series.at_ms[good] // SLOT_MS
    last = np.append(np.diff(slot) > 0, True) if len(slot) else np.empty(0, np.bool_)
    slots, readings = slot[last], values[good][last]
    neighbours = np.diff(slots) == 1
    ends = slots[1:][neighbours]
    rose = np.diff(readings)[neighbours] > 0
    place = np.searchsorted(light.at_ms // SLOT_MS, ends)
    place = np.minimum(place, len(light.at_ms) - 1)
    bright = (light.at_ms[place] // SLOT_MS == ends) & (light.values[place] > config.min_irradiance)
    hour = np.clip(_hour_of(ends * SLOT_MS, starts), 0, len(starts) - 2)
    for quantity, mask in ((b.PRODUCING, bright & rose), (b.IDLE, bright & ~rose)):
        hours[quantity] = np.bincount(hour[mask], minlength=len(starts) - 1).astype(np.float64)
