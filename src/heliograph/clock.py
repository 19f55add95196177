"""Time as an argument: the clocks of the hub, and the calendar of a plant.

Two clocks run side by side. The *plant clock* dates samples, days and months; the *wall clock* dates signatures,
tokens, sessions and limits. They differ only where a simulated fleet runs faster than life.
All instants are UTC milliseconds since 1970 (`_ms`).
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heliograph.errors import BadRequestError

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Clock(Protocol):
    """Anything that tells an instant."""

    def now_ms(self) -> int:
        """The present instant. [ms since 1970, UTC]"""
        ...


class WallClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """The present instant. [ms since 1970, UTC]"""
        return time.time_ns() // 1_000_000


class VirtualClock:
    """A clock that starts at `start_ms` and runs `speed` times as fast as the machine's."""

    def __init__(self, start_ms: int, speed: float = 1.0) -> None:
        self._start_ms = start_ms
        self._speed = speed
        self._origin_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """The present instant of the simulated world. [ms since 1970, UTC]"""
        elapsed_ms = (time.monotonic_ns() - self._origin_ns) / 1e6
        return self._start_ms + int(elapsed_ms * self._speed)


class FixedClock:
    """A clock that stands still until it is moved; for tests and for replays."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        """The instant the clock was set to. [ms since 1970, UTC]"""
        return self.at_ms


class Level(IntEnum):
    """The periods energy is totalled over, in the plant's own calendar."""

    HOUR = 1
    DAY = 2
    MONTH = 3
    YEAR = 4


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises BadRequestError for a name the tz database does not hold.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequestError(f"{name!r} is not a time zone of the tz database", field="zone") from error


def instant_ms(at: datetime) -> int:
    """The instant of a timezone-aware datetime. [ms since 1970, UTC]"""
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def local(at_ms: int, tz: ZoneInfo) -> datetime:
    """The plant's wall time of an instant."""
    return datetime.fromtimestamp(at_ms / 1000, tz)


def from_local(wall: datetime, tz: ZoneInfo, now_ms: int | None = None) -> int:
    """The instant of a wall time without a zone. [ms since 1970, UTC]

    A time that the clock change skips is read with the offset before the change. A time that it repeats is, when
    `now_ms` is given, the later of the two that is not in the future, else the earlier.
    """
    first = instant_ms(wall.replace(tzinfo=tz, fold=0))
    if now_ms is None:
        return first
    second = instant_ms(wall.replace(tzinfo=tz, fold=1))
    return second if first < second <= now_ms else first


def _midnight(on: date, tz: ZoneInfo) -> int:
    """The first instant of a local date, also where the clocks change at midnight."""
    start = datetime(on.year, on.month, on.day, tzinfo=tz)
    at_ms = instant_ms(start)
    if local(at_ms, tz).date() != on:  # the zone skips this midnight: the day starts where the gap ends
        while local(at_ms, tz).date() < on:
            at_ms += 15 * MINUTE_MS
    # Where clocks go back from just after midnight into the evening, the day starts at the second midnight.
    again_ms = instant_ms(start.replace(fold=1))
    return again_ms if again_ms > at_ms and local(again_ms - 1, tz).date() < on else at_ms


@lru_cache(maxsize=65536)
def day_start(ordinal: int, tz: ZoneInfo) -> int:
    """The first instant of the local day with this proleptic ordinal. [ms since 1970, UTC]"""
    return _midnight(date.fromordinal(ordinal), tz)


_DAY_CACHE: dict[tuple[int, str], tuple[int, int, int]] = {}


def day_of(at_ms: int, tz: ZoneInfo) -> int:
    """The proleptic ordinal of the local day that holds the instant."""
    slot = (at_ms // (6 * HOUR_MS), tz.key)
    cached = _DAY_CACHE.get(slot)
    if cached is not None and cached[1] <= at_ms < cached[2]:
        return cached[0]
    ordinal = local(at_ms, tz).date().toordinal()
    if at_ms < day_start(ordinal, tz):  # the minute of a day that comes twice, first time
        ordinal -= 1
    if len(_DAY_CACHE) > 200_000:
        _DAY_CACHE.clear()
    _DAY_CACHE[slot] = (ordinal, day_start(ordinal, tz), day_start(ordinal + 1, tz))
    return ordinal


def forget_zones() -> None:
    """Drop what was computed from the tz database, after it changed."""
    _DAY_CACHE.clear()
    day_start.cache_clear()
    hour_starts.cache_clear()


@lru_cache(maxsize=4096)
def hour_starts(ordinal: int, tz: ZoneInfo) -> tuple[int, ...]:
    """The first instants of the hours of a local day, and the day's end as the last entry. [ms]

    23, 24 or 25 hours in most zones; where the clock moves by half an hour, one hour is longer or shorter.
    """
    since, until = day_start(ordinal, tz), day_start(ordinal + 1, tz)
    starts = [since]
    at_ms = since
    while at_ms < until:
        at_ms += 15 * MINUTE_MS
        wall = local(at_ms, tz)
        if at_ms < until and wall.minute == 0 and at_ms - starts[-1] >= HOUR_MS // 2:
            starts.append(at_ms)
    return (*starts, until)


@lru_cache(maxsize=4096)
def wall_hours(ordinal: int, tz: ZoneInfo) -> tuple[int, ...]:
    """Where the 24 hours that a clock on the wall shows on a local day start, and the day's end as the last entry. [ms]

    An hour that the clock change skips starts with the next and is empty; one that it repeats is both its passes.
    """
    since, until = day_start(ordinal, tz), day_start(ordinal + 1, tz)
    first: dict[int, int] = {}
    for at_ms in range(since, until, 15 * MINUTE_MS):
        first.setdefault(local(at_ms, tz).hour, at_ms)
    starts = [until]
    for hour in reversed(range(24)):
        starts.append(first.get(hour, starts[-1]))
    return tuple(reversed(starts))


def period(level: Level, at_ms: int, tz: ZoneInfo) -> tuple[int, int]:
    """The half-open span of the period of `level` that holds the instant. [ms, ms)"""
    ordinal = day_of(at_ms, tz)
    if level is Level.DAY:
        return day_start(ordinal, tz), day_start(ordinal + 1, tz)
    if level is Level.HOUR:
        starts = hour_starts(ordinal, tz)
        index = max(i for i, start in enumerate(starts) if start <= at_ms)
        return starts[index], starts[index + 1]
    on = date.fromordinal(ordinal)
    if level is Level.MONTH:
        first = date(on.year, on.month, 1)
        after = date(on.year + on.month // 12, on.month % 12 + 1, 1)
    else:
        first, after = date(on.year, 1, 1), date(on.year + 1, 1, 1)
    return day_start(first.toordinal(), tz), day_start(after.toordinal(), tz)
