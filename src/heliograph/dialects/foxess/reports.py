"""Energies of an inverter by hours, days or months of its plant's calendar, and its production."""

from __future__ import annotations

import calendar
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from heliograph.clock import Level, day_start, period, wall_hours
from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.lookup import Rig, asked_rig
from heliograph.dialects.foxess.operations import GENERATION, QUERY_REPORT
from heliograph.dialects.foxess.wire import Generation, GenerationResult, Report, ReportEntry
from heliograph.errors import BadRequestError, MissingFieldError
from heliograph.model import buckets as b
from heliograph.model.devices import DeviceKind
from heliograph.model.measurements import AC_ENERGY
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from heliograph.dialects.foxess.wire import Point, ReportQuery, SerialQuery
    from heliograph.model.buckets import BucketSeries
    from heliograph.model.samples import Floats

QUANTITIES = {
    "generation": b.PRODUCTION,
    "feedin": b.FEED_IN,
    "gridConsumption": b.PURCHASE,
    "chargeEnergyToTal": b.CHARGED,
    "dischargeEnergyToTal": b.DISCHARGED,
    "loads": b.CONSUMPTION,
    "PVEnergyTotal": b.PV_INPUT,
}
"""What the variables of a report are totals of."""
FIRST_YEAR, LAST_YEAR = 2020, 2100
_STEPS = {"year": Level.MONTH, "month": Level.DAY, "day": Level.HOUR}
_OF_THE_HOUSE = frozenset({b.FEED_IN, b.PURCHASE, b.CONSUMPTION})
_OF_THE_SUN = frozenset({b.PRODUCTION, b.PV_INPUT})
_OF_THE_BATTERY = frozenset({b.CHARGED, b.DISCHARGED})
_KILO = 1000.0

Slots = list[tuple[int, int]]


def _asked_dates(query: ReportQuery) -> tuple[str, date]:
    """The dimension of a request and the first day of its period. Raises BadRequestError, MissingFieldError."""
    dimension = parameters.text(query.dimension, "dimension").lower()
    if dimension not in _STEPS:
        raise BadRequestError("dimension must be year, month or day", field="dimension")
    year = parameters.whole(query.year, "year", FIRST_YEAR, LAST_YEAR)
    # A report of a month may carry a day too, and one of a year both: they do not matter then.
    month = 1 if dimension == "year" else parameters.whole(query.month, "month", 1, 12)
    last = calendar.monthrange(year, month)[1]
    return dimension, date(year, month, parameters.whole(query.day, "day", 1, last) if dimension == "day" else 1)


def slots(dimension: str, on: date, tz: ZoneInfo) -> Slots:
    """The half-open spans of a report: 12 months, the days of a month, or 24 hours by the wall clock. [ms, ms)

    An hour that the clock change skips is empty, one that it repeats is two hours long.
    """
    if dimension == "day":
        return list(pairwise(wall_hours(on.toordinal(), tz)))
    if dimension == "month":
        days = range(on.toordinal(), on.toordinal() + calendar.monthrange(on.year, on.month)[1])
        return [(day_start(day, tz), day_start(day + 1, tz)) for day in days]
    firsts = [date(on.year, month, 1).toordinal() for month in range(1, 13)] + [date(on.year + 1, 1, 1).toordinal()]
    return [(day_start(first, tz), day_start(after, tz)) for first, after in pairwise(firsts)]


def _sums(series: BucketSeries, quantity: str, spans: Slots) -> Floats:
    """The total of each span, NaN where nothing was measured. [Wh]"""
    out = np.full(len(spans), np.nan)
    values = series.columns.get(quantity)
    if values is None:
        return out
    edges = np.searchsorted(series.since_ms, np.array(spans))
    for place, (low, high) in enumerate(edges.tolist()):
        part = values[low:high]
        if np.isfinite(part).any():
            out[place] = np.nansum(part)
    return out


def _lit(values: Floats) -> Floats:
    """The hours of a day of an inverter that lives on sunlight: before its first word and after its last it slept."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return values
    lit = values.copy()
    lit[: known[0]] = lit[known[-1] + 1 :] = 0.0
    return lit


def _told(values: Floats, spans: Slots, now_ms: int, *, begun: bool) -> list[Point]:
    """Kilowatt-hours: null in periods that are over and were never measured.

    0 in those that are not over or do not exist, and before anything was measured at all: strict clients take no null.
    """
    kwh = (np.round(values / _KILO, 3) + 0.0).tolist()
    points: list[Point] = []
    for value, (since, until) in zip(kwh, spans, strict=True):
        known = value == value
        begun = begun or known
        points.append(value if known else None if begun and since < until <= now_ms else 0.0)
    return points


class _Energies:
    """The buckets of an inverter, and of its plant where it stands for it."""

    def __init__(self, rig: Rig, own: BucketSeries, plant: BucketSeries | None) -> None:
        self._rig, self._own, self._plant = rig, own, plant

    def has(self, quantity: str) -> bool:
        """Whether the inverter can tell a quantity at all: what it has not is left out."""
        if quantity in self._own.columns:
            return True
        if quantity in _OF_THE_BATTERY:
            return self._rig.stores
        if quantity in _OF_THE_HOUSE:
            hybrid = self._rig.device.kind is DeviceKind.HYBRID_INVERTER
            return hybrid or (self._plant is not None and bool(self._rig.meters or self._rig.loads))
        return True

    def of(self, quantity: str, spans: Slots) -> Floats:
        """The totals of periods, those of the house from the plant, which knows the inverters' too. [Wh]"""
        found = _sums(self._own, quantity, spans)
        if self._plant is None or quantity in _OF_THE_SUN:
            return found
        whole = _sums(self._plant, quantity, spans)
        first, second = (whole, found) if quantity in _OF_THE_HOUSE else (found, whole)
        return np.where(np.isnan(first), second, first)


async def _energies(call: Call[Any], rig: Rig, level: Level, spans: Slots) -> _Energies:
    since_ms, until_ms = spans[0][0], min(spans[-1][1], call.now_ms + 1)
    (own,) = await call.hub.buckets(call.caller, "device", [rig.device.id], level, since_ms, until_ms)
    if not rig.master:
        return _Energies(rig, own, None)
    (plant,) = await call.hub.buckets(call.caller, "plant", [rig.plant.id], level, since_ms, until_ms)
    return _Energies(rig, own, plant)


async def _earlier(call: Call[Any], rig: Rig, at_ms: int) -> list[tuple[_Energies, Slots]]:
    """What was measured before an instant that begins a day, in as few buckets as there can be."""
    month_ms, year_ms = (period(level, at_ms, rig.tz)[0] for level in (Level.MONTH, Level.YEAR))
    steps = ((Level.YEAR, (0, year_ms)), (Level.MONTH, (year_ms, month_ms)), (Level.DAY, (month_ms, at_ms)))
    return [(await _energies(call, rig, level, [span]), [span]) for level, span in steps if span[0] < span[1]]


async def report(call: Call[ReportQuery]) -> Report:
    """Variables by the periods of a year, a month or a day."""
    query = call.request
    if query.variables is None:
        raise MissingFieldError("variables is missing", field="variables")
    wanted = parameters.names(query.variables, "variables") or tuple(QUANTITIES)
    dimension, on = _asked_dates(query)
    rig = await asked_rig(call, parameters.serial(query.serial, query.same))
    spans = slots(dimension, on, rig.tz)
    energies = await _energies(call, rig, _STEPS[dimension], spans)
    found = {
        name: energies.of(quantity, spans)
        for name in wanted
        if (quantity := QUANTITIES.get(name)) is not None and energies.has(quantity)
    }
    if dimension == "day" and rig.device.kind is not DeviceKind.HYBRID_INVERTER:
        found |= {name: _lit(values) for name, values in found.items() if QUANTITIES[name] in _OF_THE_SUN}
    late = any(np.isnan(values[0]) for values in found.values())
    earlier = await _earlier(call, rig, spans[0][0]) if late else []
    rows: list[ReportEntry] = []
    for name, values in found.items():
        begun = any(np.isfinite(part.of(QUANTITIES[name], span)).any() for part, span in earlier)
        rows.append(ReportEntry(name, "kWh", _told(values, spans, call.now_ms, begun=begun)))
    return Report(rows)


async def generation(call: Call[SerialQuery]) -> GenerationResult:
    """Production of the day, of the month and since ever: of its counter, else of all years. 0 where there is none."""
    rig = await asked_rig(call, parameters.serial(call.request.serial, call.request.same))
    today = await _production(call, rig, Level.DAY)
    month = await _production(call, rig, Level.MONTH)
    (latest,) = await call.hub.latest(call.caller, [rig.device.id])
    counter = latest.readings.get(AC_ENERGY.key)
    ever_wh = counter.value if counter is not None and isinstance(counter.value, float | int) else None
    ever = await _production(call, rig, None) if ever_wh is None else round(ever_wh / _KILO, 3)
    return GenerationResult(Generation(today, month, ever))


async def _production(call: Call[Any], rig: Rig, level: Level | None) -> float:
    """The production of the present day or month, or of all years. [kWh]"""
    since_ms = 0 if level is None else period(level, call.now_ms, rig.tz)[0]
    (series,) = await call.hub.buckets(
        call.caller, "device", [rig.device.id], level or Level.YEAR, since_ms, call.now_ms + 1
    )
    values = series.columns.get(b.PRODUCTION)
    return 0.0 if values is None else round(float(np.nansum(values)) / _KILO, 3)


HANDLERS: tuple[Handler, ...] = (handle(QUERY_REPORT, report), handle(GENERATION, generation))
