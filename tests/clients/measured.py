"""Measured data that pvanalytics ships, and what it adds up to, computed without the hub.

Values stay the texts of the files until someone needs numbers, so that nothing is lost on the way to the wire.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import pvanalytics

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats = "NDArray[np.float64]"
ZONE = "America/Denver"
DENVER = ZoneInfo(ZONE)
FOLDER = Path(pvanalytics.__file__).parent / "data"
HOUR_MS = 3_600_000


class Measured(msgspec.Struct, frozen=True):
    """A file: its instants, the local times they have on a wall clock, and its columns as text."""

    at_ms: list[int]
    local: list[str]
    columns: dict[str, list[str]]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as numbers."""
        return np.array([float(text) for text in self.columns[column]])

    def thousandths(self, column: str) -> list[str]:
        """A column of watts as texts of kilowatts, without rounding."""
        return [f"{Decimal(text) / 1000:f}" for text in self.columns[column]]


def _load(name: str, layout: str) -> Measured:
    """A file of pvanalytics; times without an offset are Denver's."""
    table = pd.read_csv(FOLDER / name, dtype=str)
    stamps = [datetime.strptime(text, layout) for text in table.iloc[:, 0]]  # noqa: DTZ007  zone follows
    aware = [stamp if stamp.tzinfo else stamp.replace(tzinfo=DENVER) for stamp in stamps]
    return Measured(
        [round(stamp.timestamp() * 1000) for stamp in aware],
        [f"{stamp.astimezone(DENVER):%Y-%m-%d %H:%M:%S}" for stamp in aware],
        {str(column): table[column].tolist() for column in table.columns[1:]},
    )


def serf_west() -> Measured:
    """Five January days of a 6 kW array in Golden, Colorado, every 15 minutes from 00:01."""
    return _load("serf_west_15min.csv", "%Y-%m-%d %H:%M:%S")


def rsf_ii() -> Measured:
    """The same days of the 408 kW array on the roof next door, every full quarter of an hour."""
    return _load("nrel_RSF_II.csv", "%m/%d/%Y %H:%M")


def serf_east() -> Measured:
    """Two March days of another 6 kW array, every minute; its times have the offset of winter, Denver's do not."""
    return _load("serf_east_1min_ac_power.csv", "%Y-%m-%d %H:%M:%S%z")


def days(measured: Measured) -> list[tuple[int, int]]:
    """The local days of a file, each from midnight to midnight. [ms, ms)"""
    first, last = (date.fromisoformat(measured.local[place][:10]).toordinal() for place in (0, -1))
    return [(_midnight(day), _midnight(day + 1)) for day in range(first, last + 1)]


def hours(measured: Measured) -> list[tuple[int, int]]:
    """The hours of those days; no clock changes in them. [ms, ms)"""
    return [(at, at + HOUR_MS) for since, until in days(measured) for at in range(since, until, HOUR_MS)]


def _midnight(ordinal: int) -> int:
    on = date.fromordinal(ordinal)
    return round(datetime(on.year, on.month, on.day, tzinfo=DENVER).timestamp() * 1000)


def energy_wh(at_ms: list[int], watts: NDArray[np.float64], since_ms: int, until_ms: int) -> float:
    """The area under the straight lines between readings, by the trapezoidal rule. [Wh]"""
    low, high = max(since_ms, at_ms[0]), min(until_ms, at_ms[-1])
    if low >= high:
        return float("nan")
    inner = [at for at in at_ms if low < at < high]
    knots = np.array([low, *inner, high], dtype=np.float64)
    return float(np.trapezoid(np.interp(knots, at_ms, watts), knots)) / HOUR_MS


def irradiation_wh_per_m2(at_ms: list[int], watts: NDArray[np.float64], since_ms: int, until_ms: int) -> float:
    """Each reading times the time since the one before; one on a border belongs to the span it ends. [Wh/m2]"""
    total = 0.0
    for before, at, value in zip(at_ms, at_ms[1:], watts[1:].tolist(), strict=False):
        if since_ms < at <= until_ms:
            total += value * (at - before) / HOUR_MS
    return total


def first_of_slots(measured: Measured) -> list[int]:
    """The places of the first reading in each five minutes of the day."""
    seen: dict[int, int] = {}
    for place, at in enumerate(measured.at_ms):
        seen.setdefault(at // 300_000, place)
    return sorted(seen.values())


def counter_kwh(measured: Measured, column: str, start: Decimal, sign: int) -> list[str]:
    """What a meter's register shows at each reading: it rises by the energy that flows in the direction of `sign`."""
    flow = np.maximum(sign * measured.numbers(column), 0.0)
    steps = np.diff(np.array(measured.at_ms)) / HOUR_MS * (flow[1:] + flow[:-1]) / 2
    risen = np.concatenate(([0.0], np.cumsum(steps))) / 1000.0
    return [f"{start + Decimal(repr(float(kwh))):.6f}" for kwh in risen]
