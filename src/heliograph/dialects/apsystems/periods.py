"""The periods of a request: levels, the day, month or year asked for, and the spans of its list."""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import Level, day_of, day_start, wall_hours
from heliograph.dialects.apsystems.codes import PARAMETER, refuse

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from heliograph.model.buckets import BucketSeries
    from heliograph.model.samples import Floats, Instants

MINUTELY, HOURLY, DAILY, MONTHLY, YEARLY = "minutely", "hourly", "daily", "monthly", "yearly"
POWER, ENERGY = "power", "energy"
OF_SYSTEMS = (HOURLY, DAILY, MONTHLY, YEARLY)
OF_DEVICES = (MINUTELY, *OF_SYSTEMS)
OF_BATCHES = (POWER, ENERGY)
LEVELS = {HOURLY: Level.HOUR, DAILY: Level.DAY, MONTHLY: Level.MONTH, YEARLY: Level.YEAR}
FIRST_YEAR, LAST_YEAR = 1970, 9998
_FORMS = {
    DAILY: ("yyyy-MM", re.compile(r"([0-9]{4})-([0-9]{2})")),
    MONTHLY: ("yyyy", re.compile(r"([0-9]{4})")),
}
_DAY = ("yyyy-MM-dd", re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"))


class Asked(msgspec.Struct, frozen=True):
    """A level, and the first day of what it is asked for; None where the level has no range."""

    level: str
    on: date | None

    @property
    def day(self) -> date:
        """The first day of a level that has a range."""
        return self.on or date.min


def asked(level: str | None, span: str | None, allowed: tuple[str, ...]) -> Asked:
    """The level and range of a request. Raises VendorError for a level that is not offered, or a range not in its form.

    Years need no range: what is given is not read.
    """
    if not level:
        raise refuse(PARAMETER, "energy_level is missing")
    if level not in allowed:
        raise refuse(PARAMETER, f"energy_level must be one of {', '.join(allowed)}")
    if level == YEARLY:
        return Asked(level, None)
    form, pattern = _FORMS.get(level, _DAY)
    if not span:
        raise refuse(PARAMETER, f"date_range is missing; it reads {form}")
    match = pattern.fullmatch(span)
    if match is None:
        raise refuse(PARAMETER, f"date_range must read {form}")
    year, month, day = (*map(int, match.groups()), 1, 1)[:3]
    try:
        on = date(year, month, day)
    except ValueError as error:
        wrong = refuse(PARAMETER, "date_range is in no calendar")
        raise wrong from error
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise refuse(PARAMETER, f"date_range begins with {FIRST_YEAR}")
    return Asked(level, on)


def refuse_later(asked: Asked, tz: ZoneInfo, now_ms: int) -> None:
    """Refuse a range that begins later than now in the zone of the ECU. Raises VendorError."""
    if asked.on is not None and asked.on.toordinal() > day_of(now_ms, tz):
        raise refuse(PARAMETER, "date_range is later than now")


@lru_cache(maxsize=1024)
def edges(level: str, on: date, tz: ZoneInfo, until: int = 0) -> Instants:
    """Where the periods of a list start, and where the last one ends. [ms since 1970, UTC]

    24 hours by the wall clock, the days of a month, 12 months, or the years from that of `on` through `until`. An hour
    that the clock change skips starts with the next and is empty; one that it repeats is two hours long.
    """
    if level == HOURLY:
        found = [*wall_hours(on.toordinal(), tz)]
    elif level == DAILY:
        days = calendar.monthrange(on.year, on.month)[1]
        found = [day_start(on.toordinal() + place, tz) for place in range(days + 1)]
    elif level == MONTHLY:
        firsts = [*(date(on.year, month, 1) for month in range(1, 13)), date(on.year + 1, 1, 1)]
        found = [day_start(first.toordinal(), tz) for first in firsts]
    else:
        found = [day_start(date(year, 1, 1).toordinal(), tz) for year in range(on.year, until + 2)]
    made = np.array(found, np.int64)
    made.setflags(write=False)
    return made


def sums(series: BucketSeries, quantity: str, edges: Instants) -> Floats:
    """The total of each period; 0 where nothing was measured, for which the document has no word. [Wh]"""
    return np.nan_to_num(totals(series, quantity, edges))


def totals(series: BucketSeries, quantity: str, edges: Instants) -> Floats:
    """The total of each period, NaN where nothing was measured. [Wh]"""
    out = np.full(len(edges) - 1, np.nan)
    values = series.columns.get(quantity)
    if values is None:
        return out
    known = np.isfinite(values)
    places = np.searchsorted(edges, series.since_ms[known], "right") - 1
    inside = (places >= 0) & (places < len(out))
    added = np.bincount(places[inside], values[known][inside], len(out))
    seen = np.bincount(places[inside], minlength=len(out)) > 0
    out[seen] = added[seen]
    return out


def labels(level: str, on: date, count: int) -> list[str]:
    """What the entries of a list are called: `00` to `23`, `01` on, or the years."""
    if level == YEARLY:
        return [f"{on.year + place:04d}" for place in range(count)]
    return [f"{place + (level != HOURLY):02d}" for place in range(count)]


def day_edges(on: date, tz: ZoneInfo) -> tuple[int, int]:
    """The half-open span of a day. [ms, ms)"""
    return day_start(on.toordinal(), tz), day_start(on.toordinal() + 1, tz)
