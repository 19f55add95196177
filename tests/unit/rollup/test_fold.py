"""Folding: from readings to the energy of hours and days, checked against slower arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.clock import HOUR_MS, MINUTE_MS, hour_starts, zone
from heliograph.model import buckets as b
from heliograph.model import measurements as m
from heliograph.model.samples import Floats, Instants, Series
from heliograph.rollup.fold import DayFold, Irradiance, count, fold_day, integrate, irradiation
from heliograph.rollup.levels import Part, Reset, RollupConfig, Rule

NaN = float("nan")
CONFIG = RollupConfig()
DAYS = {
    name: np.array(hour_starts(date.fromisoformat(on).toordinal(), zone(name)), np.int64)
    for name, on in (
        ("UTC", "2024-06-01"),
        ("Europe/London", "2024-03-31"),
        ("America/New_York", "2024-11-03"),
        ("Australia/Lord_Howe", "2024-04-07"),
        ("Asia/Kolkata", "2024-06-01"),
    )
}
START = DAYS["UTC"]
DAY = int(START[0])
AC, TODAY, POWER = m.AC_ENERGY.key, m.AC_ENERGY_TODAY.key, m.AC_POWER.key
PRODUCTION = (Rule(b.PRODUCTION, (AC,), TODAY, POWER),)


def instants(*minutes: float) -> Instants:
    """Instants by minutes of the day."""
    return np.array([DAY + round(minute * MINUTE_MS) for minute in minutes], np.int64)


def series(minutes: Sequence[float], **more: list[float]) -> Series:
    """Readings by minutes of the day; `ac_energy` stands for `ac.energy`."""
    columns = {key.replace("_", ".", 1): np.array(values, np.float64) for key, values in more.items()}
    return Series(1, instants(*minutes), columns)


def fold(
    readings: Series, rules: tuple[Rule, ...] = PRODUCTION, carry: dict[str, float] | None = None, **more: Any
) -> DayFold:
    """Fold the day."""
    return fold_day(readings, START, rules, carry or {}, CONFIG, **more)


def day(found: DayFold, quantity: str = b.PRODUCTION) -> float | None:
    """The total of a quantity, None where there is none."""
    return float(np.nansum(found.hours[quantity])) if quantity in found.hours else None


def hours(found: DayFold, quantity: str = b.PRODUCTION) -> dict[int, float]:
    """The hours that are known."""
    return {index: float(value) for index, value in enumerate(found.hours[quantity]) if value == value}


# Counters

registers = st.lists(
    st.tuples(st.integers(1, 24 * 60), st.integers(1, 1000)), min_size=1, max_size=40, unique_by=lambda pair: pair[0]
).map(sorted)
zones = st.sampled_from(list(DAYS))


def rises(values: list[float], reset: Reset) -> list[float]:
    """What each reading adds to the one before it, told slowly."""
    top, found = values[0], []
    for value in values[1:]:
        if value >= top:
            found.append(value - top)
            top = value
        elif reset is Reset.RESTART and value < top / 2:
            found.append(value)
            top = value
        else:
            found.append(0.0)
    return found


@given(registers, st.one_of(st.none(), st.integers(1, 1000)), st.sampled_from(list(Reset)), zones)
def test_a_counter_s_hours_are_what_slow_arithmetic_makes_of_them(
    readings: list[tuple[int, int]], before: int | None, reset: Reset, name: str
) -> None:
    starts = DAYS[name]
    length = int(starts[-1] - starts[0]) // MINUTE_MS
    kept = [(int(starts[0]) + minute * MINUTE_MS, float(value)) for minute, value in readings if minute <= length]
    found = (np.array([at for at, _ in kept], np.int64), np.array([value for _, value in kept]))
    out, end = count(found, starts, None if before is None else float(before), reset)
    expected: dict[int, float] = {}
    based = [*([] if before is None else [float(before)]), *(value for _, value in kept)]
    stamps = [at for at, _ in kept][0 if before is not None else 1 :]
    for at, rise in zip(stamps, rises(based, reset) if based else [], strict=True):
        hour = next(i for i, (since, until) in enumerate(pairwise(starts.tolist())) if since < at <= until)
        expected[hour] = expected.get(hour, 0.0) + rise
    assert {i: v for i, v in enumerate(out.tolist()) if v == v} == pytest.approx(expected)
    assert (end == end) == bool(based)


@given(
    st.lists(st.integers(1, 10**9), min_size=2, max_size=60).map(sorted),
    st.lists(st.integers(1, 59), max_size=8).map(lambda cuts: sorted(set(cuts))),
    st.sampled_from(list(Reset)),
)
def test_the_rises_of_a_counter_telescope_over_any_split(values: list[int], cuts: list[int], reset: Reset) -> None:
    edges = [0, *(cut for cut in cuts if cut < len(values)), len(values)]
    before: float | None = None
    total = 0.0
    for low, high in pairwise(edges):
        part = (instants(*range(low + 1, high + 1)), np.array(values[low:high], np.float64))
        out, before = count(part, START, before, reset)
        total += float(np.nansum(out))
    assert total == values[-1] - values[0]
    assert before == values[-1]


@given(
    st.lists(st.one_of(st.just(NaN), st.integers(0, 500).map(float)), min_size=1, max_size=48),
    st.lists(st.integers(1, 47), max_size=5).map(lambda cuts: sorted(set(cuts))),
    st.sampled_from(list(Reset)),
)
def test_resets_glitches_and_nulls_fall_the_same_however_the_day_is_split(
    values: list[float], cuts: list[int], reset: Reset
) -> None:
    rules = (Rule(b.PRODUCTION, (AC,), reset=reset),)
    minutes = [30.0 * (n + 1) for n in range(len(values))]
    whole = fold_day(series(minutes, ac_energy=values), START, rules, {}, CONFIG)
    carry: dict[str, float] = {}
    total = 0.0
    edges = [0, *(cut for cut in cuts if cut < len(values)), len(values)]
    for low, high in pairwise(edges):
        starts = instants(*(30 * n for n in range(low, high + 1)))
        part = fold_day(series(minutes, ac_energy=values), starts, rules, carry, CONFIG)
        carry = part.carry
        total += day(part) or 0.0
    assert total == pytest.approx(day(whole) or 0.0)
    assert carry == whole.carry


def test_the_hours_of_a_day_sum_up_to_it() -> None:
    minutes = list(range(5, 1441, 5))
    found = fold(series(minutes, ac_energy=[1000.0 + n for n in minutes]), carry={AC: 1000.0})
    assert len(hours(found)) == 24
    assert day(found) == 1440.0
    assert set(hours(found).values()) == {60.0}
    assert found.carry == {AC: 2440.0}


def test_a_reading_at_the_end_of_a_period_belongs_to_it() -> None:
    found = fold(series([60, 120, 1440, 1445], ac_energy=[10.0, 30.0, 70.0, 999.0]), carry={AC: 4.0})
    assert hours(found) == {0: 6.0, 1: 20.0, 23: 40.0}
    assert found.carry == {AC: 70.0}


def test_a_reading_at_the_start_of_the_day_belongs_to_the_day_before() -> None:
    found = fold(series([0, 60], ac_energy=[999.0, 10.0]), carry={AC: 4.0})
    assert day(found) == 6.0


def test_the_first_reading_ever_is_only_a_base() -> None:
    found = fold(series([60], ac_energy=[5000.0]))
    assert b.PRODUCTION not in found.hours
    assert found.carry == {AC: 5000.0}
    assert hours(fold(series([60, 61], ac_energy=[5000.0, 5003.0]))) == {1: 3.0}


def test_a_zero_is_a_device_that_sleeps_and_no_reset() -> None:
    found = fold(series([60, 120, 180], ac_energy=[500.0, 0.0, 520.0]), carry={AC: 490.0})
    assert day(found) == 30.0
    assert hours(found) == {0: 10.0, 2: 20.0}
    assert fold(series([60], ac_energy=[0.0]), carry={AC: 490.0}).carry == {AC: 490.0}


def test_a_counter_that_starts_again_brings_what_it_shows() -> None:
    found = fold(series([60, 120, 180], ac_energy=[500.0, 3.0, 10.0]), carry={AC: 490.0})
    assert hours(found) == {0: 10.0, 1: 3.0, 2: 7.0}
    assert found.carry == {AC: 10.0}


def test_a_dip_is_held_until_the_counter_passes_its_top() -> None:
    found = fold(series([60, 120, 180, 240], ac_energy=[500.0, 499.0, 499.5, 501.0]), carry={AC: 490.0})
    assert hours(found) == {0: 10.0, 1: 0.0, 2: 0.0, 3: 1.0}


def test_a_meter_that_falls_counts_nothing_until_it_passes_its_old_top() -> None:
    rules = (Rule(b.PURCHASE, (AC,), reset=Reset.HOLD),)
    found = fold(series([60, 120, 180], ac_energy=[500.0, 3.0, 501.0]), rules, {AC: 490.0})
    assert hours(found, b.PURCHASE) == {0: 10.0, 1: 0.0, 2: 1.0}
    assert fold(series([60], ac_energy=[3.0]), rules, {AC: 490.0}).carry == {AC: 490.0}


def test_a_day_without_readings_keeps_the_last_one_and_tells_nothing() -> None:
    assert fold(Series(1, instants(), {}), carry={AC: 7.0}) == DayFold({}, {AC: 7.0})
    found = fold(series([60], ac_energy=[NaN]), carry={AC: 7.0})
    assert found.carry == {AC: 7.0}
    assert set(found.hours) == {b.RECEIVED}


def test_the_first_counter_that_reads_is_the_one_that_counts() -> None:
    rules = (Rule(b.PRODUCTION, ("meter.energy_forward", "meter.energy_reverse"), reset=Reset.HOLD),)
    both = Series(
        1,
        instants(60, 120),
        {"meter.energy_forward": np.array([5.0, 9.0]), "meter.energy_reverse": np.array([100.0, 900.0])},
    )
    assert day(fold(both, rules)) == 4.0
    only = Series(1, instants(60, 120), {"meter.energy_reverse": np.array([100.0, 900.0])})
    assert day(fold(only, rules)) == 800.0
    assert fold(both, rules).carry == {"meter.energy_forward": 9.0, "meter.energy_reverse": 900.0}


# Where there is no counter


def test_a_register_of_the_day_is_used_where_there_is_no_counter() -> None:
    found = fold(series([30, 600, 720, 1439], ac_energy_today=[0.0, 4.0, 10.0, 12.0], ac_power=[1.0, 1.0, 1.0, 1.0]))
    assert hours(found) == {0: 0.0, 9: 4.0, 11: 6.0, 23: 2.0}
    assert b.INTEGRATED not in found.hours
    assert found.carry == {TODAY: 12.0}


def test_a_register_that_still_shows_yesterday_counts_only_from_its_restart() -> None:
    found = fold(series([5, 240, 300, 720], ac_energy_today=[50.0, 50.0, 0.0, 12.0]), carry={TODAY: 50.0})
    assert day(found) == 12.0
    fresh = fold(series([5, 240, 300, 720], ac_energy_today=[0.0, 0.0, 0.0, 12.0]), carry={TODAY: 50.0})
    assert day(fresh) == 12.0


def test_a_counter_that_falls_silent_while_power_comes_is_let_go() -> None:
    minutes = [60.0 * hour for hour in range(1, 24)]
    silent = fold(series(minutes, ac_power=[100.0] * 23), carry={AC: 5000.0})
    assert day(silent) == pytest.approx(2200.0)
    assert b.INTEGRATED in silent.hours
    assert silent.carry == {}
    back = fold(series([60, 120], ac_energy=[7300.0, 7400.0]), carry=silent.carry)
    assert day(back) == 100.0


def test_a_counter_is_kept_through_a_day_in_which_nothing_came() -> None:
    found = fold(series([], ac_power=[]), carry={AC: 5000.0})
    assert (found.hours, found.carry) == ({}, {AC: 5000.0})


def test_a_register_that_tells_only_of_the_neighbouring_day_gives_way_to_power() -> None:
    found = fold(series([-5, 600, 660], ac_energy_today=[50.0, NaN, NaN], ac_power=[NaN, 100.0, 100.0]))
    assert day(found) == 100.0
    assert day(found, b.INTEGRATED) == 100.0


def test_a_register_of_the_day_says_nothing_at_midnight() -> None:
    found = fold(series([0, 600, 1440], ac_energy_today=[44.0, 4.0, 50.0]))
    assert day(found) == 4.0


def test_power_is_integrated_where_nothing_counts_and_marked_so() -> None:
    found = fold(series([600, 630, 660], ac_power=[100.0, 200.0, 100.0]))
    assert hours(found) == {10: 150.0}
    assert day(found, b.INTEGRATED) == 150.0


def test_a_counter_is_trusted_more_than_power() -> None:
    found = fold(series([600, 660], ac_energy=[10.0, 15.0], ac_power=[900.0, 900.0]))
    assert day(found) == 5.0
    assert b.INTEGRATED not in found.hours


# Integration


@st.composite
def powers(draw: st.DrawFn) -> tuple[Instants, Floats]:
    """Power at a sampling step, on the grid or off it, some readings missing."""
    step = draw(st.sampled_from([1, 5, 15])) * MINUTE_MS
    first = draw(st.integers(-90, 20 * 60)) * MINUTE_MS + draw(st.sampled_from([0, 1, 59_999, 12_345]))
    size = draw(st.integers(2, 60))
    jitter = draw(st.lists(st.integers(0, step // 2), min_size=size, max_size=size))
    at_ms = np.array([DAY + first + n * step + jitter[n] for n in range(size)], np.int64)
    watts = draw(st.lists(st.one_of(st.floats(-5000, 5000), st.just(NaN)), min_size=size, max_size=size))
    return at_ms, np.array(watts)


def slowly(at_ms: Instants, watts: Floats, since: int, until: int, part: Part, max_gap_s: int) -> float | None:
    """Energy between two instants, line by line; None when no line reaches in. [Wh]"""
    known = [(int(at), float(w)) for at, w in zip(at_ms, watts, strict=True) if w == w]
    total, reached = 0.0, False
    for (a, wa), (z, wz) in pairwise(known):
        low, high = max(a, since), min(z, until)
        if low >= high or z - a > max_gap_s * 1000:
            continue
        reached = True
        points: list[float] = [low, high]
        if part is not Part.NET and wa * wz < 0:
            zero = a + (z - a) * wa / (wa - wz)
            if low < zero < high:
                points.insert(1, zero)
        lines = np.interp(points, [a, z], [wa, wz])
        if part is Part.POSITIVE:
            lines = np.maximum(lines, 0)
        elif part is Part.NEGATIVE:
            lines = np.maximum(-lines, 0)
        total += float(np.trapezoid(lines, points)) / HOUR_MS
    return total if reached else None


@given(powers(), st.sampled_from(list(Part)), st.sampled_from([240, 900, 3600]))
@example((instants(0, 60), np.array([-100.0, 100.0])), Part.POSITIVE, 3600)
def test_integration_is_the_trapezoid_of_every_hour(
    readings: tuple[Instants, Floats], part: Part, max_gap_s: int
) -> None:
    out = integrate(*readings, START, max_gap_s, part)
    for index, (since, until) in enumerate(pairwise(START.tolist())):
        expected = slowly(*readings, since, until, part, max_gap_s)
        if expected is None:
            assert np.isnan(out[index])
        else:
            assert out[index] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("step", [1, 5, 15])
def test_the_integral_of_a_day_is_numpy_s_trapezoid(step: int) -> None:
    minutes = np.arange(0, 24 * 60 + 1, step)
    watts = np.maximum(0, 4000 * np.sin((minutes / 60 - 6) / 12 * np.pi)) + 3.7
    out = integrate(instants(*minutes), watts, START, 3600)
    assert out.sum() == pytest.approx(np.trapezoid(watts, minutes / 60))


@given(powers(), st.sampled_from([240, 3600]))
def test_what_goes_in_less_what_goes_out_is_the_net(readings: tuple[Instants, Floats], max_gap_s: int) -> None:
    net, plus, minus = (integrate(*readings, START, max_gap_s, part) for part in Part)
    assert np.allclose(net, plus - minus, equal_nan=True, atol=1e-6)
    assert not (plus < 0).any()
    assert not (minus < 0).any()


def test_a_line_through_zero_counts_only_on_its_side() -> None:
    at_ms, watts = instants(0, 60), np.array([-100.0, 300.0])
    assert integrate(at_ms, watts, START, 3600, Part.POSITIVE)[0] == pytest.approx(112.5)
    assert integrate(at_ms, watts, START, 3600, Part.NEGATIVE)[0] == pytest.approx(12.5)


def test_a_stretch_longer_than_the_gap_is_left_out_and_one_as_long_is_not() -> None:
    assert np.nansum(integrate(instants(0, 60), np.array([60.0, 60.0]), START, 3600)) == 60.0
    assert np.isnan(integrate(instants(0, 60.001), np.array([60.0, 60.0]), START, 3600)).all()
    assert np.nansum(integrate(instants(0, 30, 120, 150), np.full(4, 60.0), START, 3600)) == 60.0


def test_readings_beyond_midnight_carry_the_lines_into_the_day() -> None:
    out = integrate(instants(-30, 30, 1410, 1470), np.full(4, 100.0), START, 3600)
    assert (out[0], out[23]) == (50.0, 50.0)
    assert np.isnan(out[1:23]).all()


def test_one_reading_is_no_line() -> None:
    assert np.isnan(integrate(instants(60), np.array([5.0]), START, 3600)).all()
    assert np.isnan(integrate(instants(), np.array([]), START, 3600)).all()


# Irradiation

POA, POA_TODAY = m.POA_GLOBAL.key, m.POA_IRRADIATION.key


def light(minutes: list[float], values: list[float], register: list[float] | None = None) -> Floats:
    """Irradiation by hour. [Wh/m2]"""
    columns = {POA: np.array(values)} if values else {}
    if register is not None:
        columns[POA_TODAY] = np.array(register)
    return irradiation(Series(1, instants(*minutes), columns), START, CONFIG)


def test_of_an_hour_s_thirteen_readings_the_first_is_left_out() -> None:
    values = [float(n) for n in range(100, 113)]
    out = light([600 + 5 * n for n in range(13)], values)
    assert out[10] == pytest.approx(sum(values[1:]) * 5 / 60)
    assert np.isnan(np.delete(out, 10)).all()


@given(st.lists(st.integers(0, 1200), min_size=289, max_size=289))
def test_the_irradiation_of_a_day_is_the_sum_of_five_minute_readings(values: list[int]) -> None:
    out = light([5 * n for n in range(289)], [float(v) for v in values])
    assert out.sum() / 1000 == pytest.approx(sum(values[1:]) * 5 / 60 / 1000)
    for hour in range(24):
        assert out[hour] == pytest.approx(sum(values[12 * hour + 1 : 12 * hour + 13]) / 12)


def test_irradiance_is_not_stretched_over_a_gap() -> None:
    assert np.nansum(light([600, 661, 666], [500.0, 500.0, 600.0])) == pytest.approx(600 * 5 / 60)


def test_the_station_s_own_register_is_used_where_it_tells_no_irradiance() -> None:
    assert np.nansum(light([600, 660], [], [100.0, 250.0])) == 250.0
    assert np.nansum(light([600, 660], [NaN, NaN], [100.0, 250.0])) == 250.0
    assert np.nansum(light([-5, 600, 660], [3.0, NaN, NaN], [900.0, 100.0, 250.0])) == 250.0
    assert np.isnan(light([600], [NaN])).all()


def test_a_night_of_zeros_is_zero_and_no_gap() -> None:
    assert light([0, 5, 10], [0.0, 0.0, 0.0])[0] == 0.0


# Slots, times, reliability


def test_five_minute_slots_are_counted_once_however_many_samples_came() -> None:
    found = fold(series([0, 1, 4.99, 5, 59, 60, 1439.9, 1440], ac_power=[1.0] * 8), ())
    assert hours(found, b.RECEIVED) == {0: 3.0, 1: 1.0, 23: 1.0, **dict.fromkeys(range(2, 23), 0.0)}


@pytest.mark.parametrize("name", list(DAYS))
def test_a_full_day_has_as_many_slots_as_its_zone_gives_it(name: str) -> None:
    starts = DAYS[name]
    at_ms = np.array(range(int(starts[0]) - HOUR_MS, int(starts[-1]) + HOUR_MS, 5 * MINUTE_MS), np.int64)
    found = fold_day(Series(1, at_ms, {}), starts, (), {}, CONFIG)
    assert (found.hours[b.RECEIVED] == np.diff(starts) / (5 * MINUTE_MS)).all()


def test_a_battery_s_times_are_told_by_the_sign_of_its_power() -> None:
    found = fold(series([600, 610, 620, 640, 650], battery_power=[-5.0, -5.0, 7.0, 0.0, 1.0]), ())
    assert hours(found, b.CHARGING_TIME) == {10: 600.0}
    assert hours(found, b.DISCHARGING_TIME) == {10: 1200.0}


def test_nothing_is_said_of_a_battery_in_hours_without_readings() -> None:
    assert b.CHARGING_TIME not in fold(series([600], battery_power=[-5.0]), ()).hours
    assert b.CHARGING_TIME not in fold(series([600, 900], battery_power=[-5.0, -5.0]), ()).hours


def test_intervals_in_daylight_count_with_and_without_production() -> None:
    minutes = [600.0, 605.0, 610.0, 615.0, 620.0, 630.0, 635.0]
    readings = series(minutes, ac_energy=[10.0, 11.0, 11.0, 12.0, 13.0, 14.0, 14.0])
    shining = Irradiance(instants(605, 610, 615, 620, 630, 635), np.array([60.0, 60.0, 50.0, 60.0, 60.0, 60.0]))
    found = fold(readings, irradiance=shining)
    assert day(found, b.PRODUCING) == 2.0
    assert day(found, b.IDLE) == 2.0


def test_without_light_or_counter_there_is_no_reliability() -> None:
    dark = Irradiance(instants(605), np.array([NaN]))
    found = fold(series([600, 605], ac_energy=[10.0, 11.0]), irradiance=dark)
    assert (day(found, b.PRODUCING), day(found, b.IDLE)) == (0.0, 0.0)
    none = Irradiance(instants(), np.array([]))
    assert b.PRODUCING not in fold(series([600, 605], ac_energy=[10.0, 11.0]), irradiance=none).hours
    assert b.PRODUCING not in fold(series([600, 605], ac_power=[10.0, 11.0]), irradiance=dark).hours


def test_a_full_day_has_288_intervals() -> None:
    minutes = [5.0 * n for n in range(289)]
    shining = Irradiance(instants(*minutes), np.full(289, 800.0))
    found = fold(series(minutes, ac_energy=[1000.0 + n for n in range(289)]), irradiance=shining)
    assert day(found, b.PRODUCING) == 288.0
    assert set(hours(found, b.PRODUCING).values()) == {12.0}


@given(
    st.lists(
        st.tuples(
            st.integers(-60, 1500),
            *[st.one_of(st.just(NaN), st.floats(-1e6, 1e6))] * 4,
        ),
        max_size=40,
        unique_by=lambda row: row[0],
    ).map(sorted),
    zones,
)
def test_no_day_breaks_folding_and_no_counted_time_is_negative(rows: list[tuple[float, ...]], name: str) -> None:
    starts = DAYS[name]
    at_ms = np.array([int(starts[0]) + int(row[0]) * MINUTE_MS for row in rows], np.int64)
    columns = {
        key: np.array([row[index] for row in rows], np.float64)
        for index, key in enumerate((AC, POWER, "battery.power", POA), start=1)
    }
    rules = (*PRODUCTION, Rule(b.CHARGED, power="battery.power", part=Part.NEGATIVE))
    shining = Irradiance(at_ms, columns[POA])
    found = fold_day(Series(1, at_ms, columns), starts, rules, {}, CONFIG, shining)
    for quantity, values in found.hours.items():
        assert len(values) == len(starts) - 1
        assert not np.isnan(values).all()
        if quantity not in (b.PRODUCTION, b.INTEGRATED, b.IRRADIATION):
            assert not (values < 0).any()
