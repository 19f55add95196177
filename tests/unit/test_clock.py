"""Instants, wall times, and the calendar of a plant across every kind of clock change."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph import clock
from heliograph.clock import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    FixedClock,
    Level,
    VirtualClock,
    WallClock,
    day_of,
    day_start,
    forget_zones,
    from_local,
    hour_starts,
    instant_ms,
    local,
    period,
    wall_hours,
    zone,
)
from heliograph.errors import BadRequestError

ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "America/Havana",
    "America/Caracas",
    "Asia/Beirut",
    "Asia/Tehran",
    "Asia/Gaza",
    "Atlantic/Azores",
    "Africa/Casablanca",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Chatham",
]
FIRST = date(2000, 1, 1).toordinal()
LAST = date(2030, 1, 1).toordinal()
zones = st.sampled_from(ZONES).map(zone)
ordinals = st.integers(FIRST, LAST)
instants = st.integers(946_684_800_000, 1_893_456_000_000)


def wall(text: str, name: str) -> int:
    """The instant of a wall time that comes once."""
    return instant_ms(datetime.fromisoformat(text).replace(tzinfo=zone(name)))


def hours_of(on: str, name: str) -> list[float]:
    """The lengths of the hours of a local day. [h]"""
    starts = hour_starts(date.fromisoformat(on).toordinal(), zone(name))
    return [(b - a) / HOUR_MS for a, b in pairwise(starts)]


# Clocks


def test_the_wall_clock_tells_the_machines_time() -> None:
    before = time.time() * 1000
    now = WallClock().now_ms()
    assert before - 1 <= now <= time.time() * 1000 + 1


def test_a_virtual_clock_runs_faster_from_its_start() -> None:
    made = VirtualClock(1_000_000, speed=10_000.0)
    first = made.now_ms()
    time.sleep(0.01)
    assert 1_000_000 <= first < 1_000_000 + 60_000
    assert made.now_ms() - first >= 90_000


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    made = FixedClock(5)
    assert made.now_ms() == made.now_ms() == 5
    made.at_ms = 6
    assert made.now_ms() == 6


# Zones and instants


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b", "é" * 300]
)
def test_a_name_that_is_no_zone_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        zone(name)
    assert caught.value.field == "zone"


@given(instants)
def test_an_instant_survives_the_way_through_a_datetime(at_ms: int) -> None:
    assert instant_ms(local(at_ms, zone("Asia/Kolkata"))) == at_ms


def test_an_instant_before_1970_is_negative() -> None:
    assert instant_ms(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1000


# Wall times to instants


@given(zones, instants)
def test_a_wall_time_comes_back_as_the_instant_it_was_made_from(tz: ZoneInfo, at_ms: int) -> None:
    at = local(at_ms, tz)
    naive = at.replace(tzinfo=None, fold=0)
    earlier = from_local(naive, tz)
    if at.fold:
        assert earlier < at_ms
        assert from_local(naive, tz, at_ms) == at_ms
    else:
        assert earlier == at_ms


@given(zones, instants, st.integers(-3 * HOUR_MS, 3 * HOUR_MS))
def test_a_wall_time_is_read_as_the_future_only_when_there_is_no_other_way(tz: ZoneInfo, at_ms: int, ago: int) -> None:
    naive = local(at_ms, tz).replace(tzinfo=None, fold=0)
    chosen, plain = from_local(naive, tz, at_ms + ago), from_local(naive, tz)
    assert chosen >= plain
    assert chosen == plain or chosen <= at_ms + ago


def test_a_repeated_time_is_the_later_one_once_that_has_passed() -> None:
    london, half_past_one = zone("Europe/London"), datetime.fromisoformat("2024-10-27T01:30")
    first = wall("2024-10-27T00:30:00", "UTC")
    assert from_local(half_past_one, london) == first
    assert from_local(half_past_one, london, first + HOUR_MS - 1) == first
    assert from_local(half_past_one, london, first + HOUR_MS) == first + HOUR_MS


def test_a_skipped_time_is_read_with_the_offset_before_the_change() -> None:
    skipped = datetime.fromisoformat("2024-03-10T02:30")
    expected = wall("2024-03-10T07:30:00", "UTC")
    assert from_local(skipped, zone("America/New_York")) == expected
    assert from_local(skipped, zone("America/New_York"), expected + DAY_MS) == expected


# Days


@pytest.mark.parametrize(
    ("name", "on", "hours"),
    [
        ("Europe/London", "2024-03-31", 23),
        ("Europe/London", "2024-10-27", 25),
        ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 25),
        ("Australia/Adelaide", "2024-10-06", 23),
        ("Australia/Adelaide", "2024-04-07", 25),
        ("Australia/Lord_Howe", "2024-10-06", 23.5),
        ("Australia/Lord_Howe", "2024-04-07", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("America/Sao_Paulo", "2018-02-17", 25),
        ("Asia/Beirut", "2024-03-31", 23),
        ("America/Havana", "2024-11-03", 25),
        ("Atlantic/Azores", "2024-10-27", 25),
        ("America/St_Johns", "2010-11-06", 25),
        ("Antarctica/Casey", "2010-03-04", 27),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Asia/Kolkata", "2024-03-31", 24),
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(name: str, on: str, hours: float) -> None:
    ordinal, tz = date.fromisoformat(on).toordinal(), zone(name)
    assert (day_start(ordinal + 1, tz) - day_start(ordinal, tz)) / HOUR_MS == hours
    assert sum(hours_of(on, name)) == hours


def test_a_day_whose_midnight_is_skipped_starts_at_one() -> None:
    tz = zone("America/Sao_Paulo")
    assert local(day_start(date(2018, 11, 4).toordinal(), tz), tz).isoformat() == "2018-11-04T01:00:00-02:00"
    assert local(day_start(date(2024, 3, 31).toordinal(), zone("Asia/Beirut")), zone("Asia/Beirut")).hour == 1


def test_a_repeated_midnight_starts_the_day_the_first_time() -> None:
    tz = zone("America/Havana")
    assert local(day_start(date(2024, 11, 3).toordinal(), tz), tz).isoformat() == "2024-11-03T00:00:00-04:00"


def test_a_skipped_day_is_in_no_one_s_calendar() -> None:
    tz = zone("Pacific/Apia")
    last = wall("2011-12-29T23:59:59", "Pacific/Apia")
    assert day_of(last, tz) == date(2011, 12, 29).toordinal()
    assert day_of(last + 1000, tz) == date(2011, 12, 31).toordinal()
    assert period(Level.MONTH, last, tz) == period(Level.MONTH, last + 1000, tz)
    since, until = period(Level.MONTH, last, tz)
    assert (until - since) / DAY_MS == 30


def test_a_minute_of_tomorrow_that_comes_twice_belongs_to_one_day_whatever_was_asked_before() -> None:
    tz, first = zone("America/St_Johns"), wall("2010-11-07T02:30:00", "UTC")
    asked = [first - 1, first, first + 30_000, first + MINUTE_MS, first + 30 * MINUTE_MS, first + HOUR_MS]
    expected = [date(2010, 11, 6).toordinal()] * 5 + [date(2010, 11, 7).toordinal()]
    assert [day_of(at_ms, tz) for at_ms in asked] == expected
    forget_zones()
    assert [day_of(at_ms, tz) for at_ms in reversed(asked)] == expected[::-1]
    for at_ms in asked:
        forget_zones()
        since, until = period(Level.DAY, at_ms, tz)
        assert since <= at_ms < until


@given(zones, ordinals)
def test_days_follow_each_other_without_gap_or_overlap(tz: ZoneInfo, ordinal: int) -> None:
    since, until = day_start(ordinal, tz), day_start(ordinal + 1, tz)
    assert 0 <= until - since <= 27 * HOUR_MS
    if since < until:
        assert day_of(since, tz) == day_of((since + until) // 2, tz) == day_of(until - 1, tz) == ordinal


@given(zones, instants)
def test_a_day_holds_nearly_all_instants_of_its_date(tz: ZoneInfo, at_ms: int) -> None:
    on = date.fromordinal(day_of(at_ms, tz))
    shown = local(at_ms, tz)
    assert shown.date() == on or (shown.date() == on + timedelta(days=1) and shown.hour == 0 and shown.minute < 2)


# Hours


def test_the_hours_around_a_clock_change() -> None:
    assert hours_of("2024-03-31", "Europe/London") == [1.0] * 23
    assert hours_of("2024-10-27", "Europe/London") == [1.0] * 25
    assert hours_of("2024-10-06", "Australia/Lord_Howe") == [1.0, 1.5, *[1.0] * 21]
    assert hours_of("2024-04-07", "Australia/Lord_Howe") == [1.0, 1.5, *[1.0] * 22]
    assert hours_of("2024-06-01", "Asia/Kathmandu") == [1.0] * 24


@given(zones, ordinals)
@example(zone("Australia/Lord_Howe"), date(2024, 4, 7).toordinal())
@example(zone("America/Caracas"), date(2016, 5, 1).toordinal())
@example(zone("America/St_Johns"), date(2010, 11, 6).toordinal())
def test_hours_tile_the_day_and_start_where_the_clock_shows_a_full_hour(tz: ZoneInfo, ordinal: int) -> None:
    starts = hour_starts(ordinal, tz)
    assert (starts[0], starts[-1]) == (day_start(ordinal, tz), day_start(ordinal + 1, tz))
    if starts[0] == starts[-1]:
        return
    assert all(HOUR_MS // 2 <= b - a <= HOUR_MS * 3 // 2 for a, b in pairwise(starts))
    assert all(local(at_ms, tz).minute == 0 for at_ms in starts[1:-1])


def test_the_clock_on_the_wall_skips_an_hour_and_shows_one_twice() -> None:
    def hours(on: str, name: str) -> list[float]:
        starts = wall_hours(date.fromisoformat(on).toordinal(), zone(name))
        return [(b - a) / HOUR_MS for a, b in pairwise(starts)]

    assert hours("2024-03-31", "Europe/London") == [1.0, 0.0, *[1.0] * 22]
    assert hours("2024-10-27", "Europe/London") == [1.0, 2.0, *[1.0] * 22]
    assert hours("2024-10-06", "Australia/Lord_Howe") == [1.0, 1.0, 0.5, *[1.0] * 21]
    assert hours("2024-04-07", "Australia/Lord_Howe") == [1.0, 1.5, *[1.0] * 22]
    assert hours("2024-06-01", "Asia/Kathmandu") == [1.0] * 24


@given(zones, ordinals)
def test_the_hours_on_the_wall_are_24_and_tile_the_day(tz: ZoneInfo, ordinal: int) -> None:
    starts = wall_hours(ordinal, tz)
    assert (len(starts), starts[0], starts[-1]) == (25, day_start(ordinal, tz), day_start(ordinal + 1, tz))
    assert all(a <= b for a, b in pairwise(starts))


@given(zones, instants)
def test_the_periods_of_an_instant_hold_it_and_lie_within_each_other(tz: ZoneInfo, at_ms: int) -> None:
    spans = [period(level, at_ms, tz) for level in Level]
    assert all(since <= at_ms < until for since, until in spans)
    assert all(outer[0] <= inner[0] and inner[1] <= outer[1] for inner, outer in pairwise(spans))


@given(zones, instants, st.sampled_from(list(Level)))
def test_periods_tile_time(tz: ZoneInfo, at_ms: int, level: Level) -> None:
    since, until = period(level, at_ms, tz)
    assert period(level, since, tz) == (since, until) == period(level, until - 1, tz)
    assert period(level, until, tz)[0] == until
    assert period(level, since - 1, tz)[1] == since


@given(zones, st.integers(2000, 2029))
def test_days_tile_months_and_months_tile_the_year(tz: ZoneInfo, year: int) -> None:
    middle = instant_ms(datetime(year, 6, 15, tzinfo=UTC))
    since, end = period(Level.YEAR, middle, tz)
    months, days, at_ms = 0, 0, since
    while at_ms < end:
        month_since, month_until = period(Level.MONTH, at_ms, tz)
        assert month_since == at_ms
        while at_ms < month_until:
            day_since, day_until = period(Level.DAY, at_ms, tz)
            assert day_since == at_ms
            days, at_ms = days + 1, day_until
        assert at_ms == month_until
        months += 1
    assert (months, at_ms) == (12, end)
    assert days in (365, 366) or (tz.key == "Pacific/Apia" and year == 2011 and days == 364)
    assert local(since, tz).date() == date(year, 1, 1)


def test_a_full_cache_of_days_is_emptied_and_right_again(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_zones()
    monkeypatch.setattr(clock, "_DAY_CACHE", {(number, "x"): (0, 0, 0) for number in range(200_001)})
    tz = zone("UTC")
    assert day_of(DAY_MS, tz) == date(1970, 1, 2).toordinal()
    assert len(clock._DAY_CACHE) == 1
    assert day_of(DAY_MS + 1, tz) == date(1970, 1, 2).toordinal()
