"""The calendar of a zone as the tests reckon it, from the tz database alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER_MS = 900_000


class Calendar:
    """Days and hours of a zone. An hour starts where the wall clock shows a full one."""

    def __init__(self, name: str) -> None:
        self.name, self.tz = name, ZoneInfo(name)
        self.hour = lru_cache(maxsize=None)(self._hour)

    def wall(self, at_ms: int) -> datetime:
        """The wall time of an instant."""
        return datetime.fromtimestamp(at_ms / 1000, self.tz)

    def start(self, on: date) -> int:
        """The first instant of a day. [ms]"""
        return round(datetime(on.year, on.month, on.day, tzinfo=self.tz).timestamp() * 1000)

    def end(self, on: date) -> int:
        """The first instant of the day after. [ms]"""
        return self.start(on + timedelta(days=1))

    def _hour(self, quarter: int) -> int:
        at_ms = quarter * QUARTER_MS
        while self.wall(at_ms).minute:
            at_ms -= QUARTER_MS
        return at_ms

    def hour_of(self, at_ms: int) -> int:
        """The start of the hour that holds an instant. [ms]"""
        return self.hour(at_ms // QUARTER_MS)

    def hours(self, on: date) -> list[int]:
        """The starts of the hours of a day. [ms]"""
        return sorted({self.hour_of(at_ms) for at_ms in range(self.start(on), self.end(on), QUARTER_MS)})

    def periods(self, at_ms: int) -> list[tuple[str, str | int]]:
        """The hour, day, month and year that hold an instant."""
        on = self.wall(at_ms).date().isoformat()
        return [("hour", self.hour_of(at_ms)), ("day", on), ("month", on[:7]), ("year", on[:4])]

    def hours_of(self, day: str) -> list[int]:
        """The starts of the hours of a day, named as text. [ms]"""
        return self.hours(date.fromisoformat(day))

    def doubled(self, day: str) -> list[int]:
        """The starts of those hours of a day whose number comes twice. [ms]"""
        starts = self.hours_of(day)
        shown = [self.wall(start).hour for start in starts]
        return [start for start, hour in zip(starts, shown, strict=True) if shown.count(hour) == 2]

    def instants_of(self, day: str, clock: str) -> list[int]:
        """When the wall clock shows `HH:mm` on a day, named as text. [ms]"""
        return self.instants(date.fromisoformat(day), clock)

    def wall_hour(self, on: date, hour: int) -> tuple[str, str | int]:
        """What an entry of a list of 24 hours stands for: an hour, none because it is skipped, or two of them."""
        found = [start for start in self.hours(on) if self.wall(start).hour == hour]
        if len(found) == 1:
            return "hour", found[0]
        return ("twice" if found else "skipped"), f"{on.isoformat()} {hour:02d}"

    def instants(self, on: date, clock: str) -> list[int]:
        """When the wall clock shows `HH:mm` on a day: once, twice or never. [ms]"""
        hour, minute = map(int, clock.split(":"))
        found = []
        for fold in (0, 1):
            wall = datetime(on.year, on.month, on.day, hour, minute, tzinfo=self.tz, fold=fold)
            at_ms = round(wall.timestamp() * 1000)
            shown = self.wall(at_ms)
            if (shown.hour, shown.minute, shown.date()) == (hour, minute, on):
                found.append(at_ms)
        return sorted(set(found))
