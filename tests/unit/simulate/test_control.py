"""A battery does what its inverter was told, within what it, its inverter, the sun and the grid allow."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.model.settings import Segment, Window, WorkMode
from heliograph.simulate.control import Controls, Interval, Limits, Moved, Order, Store, order, step
from heliograph.simulate.steps import step_mwh
from tests.unit.simulate.told import FULL, INTERVALS, LIMITS, MINUTES, ORDERS, OWN, RATED, STORED, schedules

W = WorkMode
FREE = Limits(step_mwh(30_000), step_mwh(30_000), 500)
NIGHT = Interval(0, 0, 40_000, RATED, RATED)
DAY = Interval(300_000, 300_000, 40_000, RATED - 300_000, RATED)
HALF = FULL // 2
IN, OUT = step_mwh(OWN.charge_w), step_mwh(OWN.discharge_w)


def told(mode: WorkMode, floor: int = 100, ceiling: int = 1000, power_w: float = 0.0) -> Order:
    """An order."""
    return Order(mode, floor, ceiling, power_w)


def done(
    mode: WorkMode, around: Interval, stored: int = HALF, limits: Limits = FREE, power_w: float = 0.0
) -> tuple[int, int, int]:
    """What a battery takes, gives, and what is left in the sun. [mWh]"""
    moved = step(Store(OWN, stored), told(mode, power_w=power_w), around, limits)
    return moved.charged, moved.discharged, moved.curtailed


def taken(around: Interval, moved: Moved) -> int:
    """What comes from the grid, negative into it. [mWh]"""
    return around.load - (around.sun - moved.curtailed + moved.discharged - moved.charged)


# What holds in every mode


@given(STORED, ORDERS, INTERVALS, LIMITS)
def test_it_never_passes_its_powers_its_inverter_or_the_sun(
    stored: int, said: Order, around: Interval, limits: Limits
) -> None:
    moved = step(Store(OWN, stored), said, around, limits)
    assert 0 <= moved.charged <= min(IN, around.own + around.rated)
    assert 0 <= moved.discharged <= min(OUT, around.room)
    assert 0 <= moved.curtailed <= max(around.own - moved.charged, 0)
    assert not moved.charged or not moved.discharged
    assert not moved.curtailed or not moved.discharged
    ac = around.own - moved.curtailed - moved.charged + moved.discharged
    assert -around.rated <= ac <= max(around.rated, around.own)


@given(STORED, ORDERS, INTERVALS, LIMITS)
def test_the_store_stays_in_its_range_and_from_outside_only_moves_towards_it(
    stored: int, said: Order, around: Interval, limits: Limits
) -> None:
    store = Store(OWN, stored)
    after = store.after(step(store, said, around, limits))
    floor = OWN.capacity_wh * max(said.floor_permille, OWN.floor_permille)
    ceiling = OWN.capacity_wh * min(said.ceiling_permille, OWN.ceiling_permille)
    assert min(stored, floor) <= after <= max(stored, ceiling)


@given(STORED, ORDERS, INTERVALS, LIMITS)
def test_what_is_stored_is_never_more_than_what_went_in(
    stored: int, said: Order, around: Interval, limits: Limits
) -> None:
    store = Store(OWN, stored)
    moved = step(store, said, around, limits)
    gained = store.after(moved) - stored
    assert gained <= moved.charged - moved.discharged
    assert gained == moved.charged * 960 // 1000 + -moved.discharged * 1000 // 950


@given(STORED, ORDERS, INTERVALS, LIMITS)
def test_export_passes_its_limit_only_by_what_others_feed_in(
    stored: int, said: Order, around: Interval, limits: Limits
) -> None:
    moved = step(Store(OWN, stored), said, around, limits)
    if -taken(around, moved) > limits.most_export:
        assert moved.discharged == 0
        assert moved.curtailed == max(around.own - moved.charged, 0)
    if moved.curtailed:  # no more than needed is left in the sun
        assert -taken(around, moved) >= limits.most_export


@given(STORED, ORDERS, INTERVALS.filter(lambda around: not around.rated), LIMITS)
def test_nothing_happens_while_the_inverter_stands_still(
    stored: int, said: Order, around: Interval, limits: Limits
) -> None:
    assert step(Store(OWN, stored), said, around, limits) == Moved()


# Each mode


@given(STORED, INTERVALS, LIMITS, st.integers(100, 1000))
def test_peak_shaving_holds_the_import_limit_as_far_as_the_battery_can(
    stored: int, around: Interval, limits: Limits, floor: int
) -> None:
    store = Store(OWN, stored)
    moved = step(store, told(W.PEAK_SHAVING, floor), around, limits)
    if taken(around, moved) > limits.most_import:
        assert moved.charged == 0
        assert moved.discharged == min(OUT, around.room, store.supply(floor))
    if moved.discharged:  # and gives no more than that
        assert taken(around, moved) >= limits.most_import
    if moved.charged > max(min(around.sun - around.load, around.own), 0):  # from the grid, up to what is kept for peaks
        assert store.after(moved) <= OWN.capacity_wh * limits.peak_permille


@given(STORED, INTERVALS, LIMITS, st.integers(100, 1000), st.sampled_from([0.0, 500.0, 9_000.0]))
def test_a_forced_charge_takes_its_power_from_sun_and_grid_until_it_is_full(
    stored: int, around: Interval, limits: Limits, ceiling: int, power_w: float
) -> None:
    store = Store(OWN, stored)
    moved = step(store, told(W.FORCE_CHARGE, 100, ceiling, power_w), around, limits)
    power = step_mwh(power_w) if power_w else IN
    assert moved.charged == min(power, IN, around.own + around.rated, store.space(ceiling))
    assert moved.discharged == 0


@given(STORED, INTERVALS, st.integers(100, 1000), st.sampled_from([0.0, 500.0, 9_000.0]))
def test_a_forced_discharge_gives_its_power_until_its_floor(
    stored: int, around: Interval, floor: int, power_w: float
) -> None:
    store = Store(OWN, stored)
    moved = step(store, told(W.FORCE_DISCHARGE, floor, 1000, power_w), around, FREE)
    power = step_mwh(power_w) if power_w else OUT
    assert moved == Moved(0, min(power, OUT, around.room, store.supply(floor)), 0)


@given(st.integers(100, 1000), STORED)
def test_a_forced_discharge_ends_at_its_floor_to_the_milliwatt_hour(floor: int, stored: int) -> None:
    bottom, store = OWN.capacity_wh * floor, Store(OWN, stored)
    for _ in range(60):
        store = Store(OWN, store.after(step(store, told(W.FORCE_DISCHARGE, floor), NIGHT, FREE)))
    assert store.stored == stored if stored <= bottom else store.stored - bottom in (0, 1)


@given(STORED, INTERVALS, LIMITS)
def test_a_backup_gives_nothing_and_takes_only_surplus(stored: int, around: Interval, limits: Limits) -> None:
    moved = step(Store(OWN, stored), told(W.BACKUP), around, limits)
    assert moved.discharged == 0
    assert moved.charged <= max(min(around.sun - around.load, around.own), 0)


@given(STORED, INTERVALS, LIMITS)
@example(HALF, Interval(300_000, 100_000, 0, RATED - 100_000, RATED), Limits(250_000, 0, 100))
def test_feeding_in_first_takes_only_what_may_not_be_fed_in(stored: int, around: Interval, limits: Limits) -> None:
    store = Store(OWN, stored)
    moved = step(store, told(W.FEED_IN), around, limits)
    beyond = max(around.sun - around.load - limits.most_export, 0)
    assert moved.charged == min(beyond, around.own, IN, store.space(1000))
    assert moved.discharged <= max(around.load - around.sun, 0)


@pytest.mark.parametrize(
    ("mode", "by_night", "by_day"),
    [
        (W.SELF_USE, (0, 40_000, 0), (260_000, 0, 0)),
        (W.FEED_IN, (0, 40_000, 0), (0, 0, 0)),
        (W.BACKUP, (0, 0, 0), (260_000, 0, 0)),
        (W.PEAK_SHAVING, (0, 0, 0), (260_000, 0, 0)),
        (W.FORCE_CHARGE, (300_000, 0, 0), (300_000, 0, 0)),
        (W.FORCE_DISCHARGE, (0, 250_000, 0), (0, RATED - 300_000, 0)),
    ],
)
def test_each_mode_by_night_and_by_day(
    mode: WorkMode, by_night: tuple[int, int, int], by_day: tuple[int, int, int]
) -> None:
    assert done(mode, NIGHT) == by_night
    assert done(mode, DAY) == by_day


def test_what_may_not_be_fed_in_is_stored_or_left_in_the_sun() -> None:
    none = Limits(0, step_mwh(30_000), 500)
    assert done(W.FEED_IN, DAY, limits=none) == (260_000, 0, 0)
    assert done(W.SELF_USE, DAY, FULL, none) == (0, 0, 260_000)
    assert done(W.FORCE_CHARGE, DAY, HALF, none, power_w=1_200) == (100_000, 0, 160_000)
    assert done(W.FORCE_DISCHARGE, NIGHT, limits=none) == (0, 40_000, 0)
    assert done(W.FORCE_DISCHARGE, DAY, limits=none) == (0, 0, 260_000)


def test_peak_shaving_fills_below_the_limit_and_gives_beyond_it() -> None:
    assert done(W.PEAK_SHAVING, NIGHT, HALF // 2, Limits(0, 100_000, 500)) == (60_000, 0, 0)
    assert done(W.PEAK_SHAVING, NIGHT, HALF, Limits(0, 100_000, 500)) == (0, 0, 0)
    assert done(W.PEAK_SHAVING, NIGHT, HALF - 960, Limits(0, 100_000, 500)) == (1_000, 0, 0)
    assert done(W.PEAK_SHAVING, NIGHT, HALF, Limits(0, 39_999, 500)) == (0, 1, 0)
    assert done(W.PEAK_SHAVING, DAY, HALF // 2, Limits(0, 30_000, 500)) == (290_000, 0, 0)


def test_for_little_it_does_not_start_unless_it_is_told_to() -> None:
    least = step_mwh(OWN.deadband_w)
    for load, moved in ((least, (0, 0, 0)), (least + 1, (0, least + 1, 0))):
        assert done(W.SELF_USE, Interval(0, 0, load, RATED, RATED)) == moved
    for sun, moved in ((least, (0, 0, 0)), (least + 1, (least + 1, 0, 0))):
        assert done(W.SELF_USE, Interval(sun, sun, 0, RATED - sun, RATED)) == moved
    assert done(W.FORCE_CHARGE, NIGHT, power_w=12) == (1_000, 0, 0)
    assert done(W.FORCE_CHARGE, NIGHT, power_w=0.001) == (0, 0, 0)


# Which order counts


@given(st.builds(Controls, schedule_on=st.booleans(), segments=schedules().map(tuple)), MINUTES)
def test_a_segment_counts_where_it_lies_and_the_work_mode_elsewhere(controls: Controls, minute: int) -> None:
    own = [segment for segment in controls.segments if controls.schedule_on and segment.window.holds(minute)]
    said = order(controls, minute)
    if not own:
        assert said == Order(W.SELF_USE, 100, 1000)
        return
    (segment,) = [each for each in own if len(own) == 1 or each.window.since_min == minute]
    floor = max(segment.min_soc_on_grid, segment.discharge_soc if segment.mode is W.FORCE_DISCHARGE else 0.0)
    ceiling = 100.0 if segment.max_soc is None else segment.max_soc
    assert said == Order(segment.mode, round(floor * 10), round(ceiling * 10), segment.power_w)


BASE = Controls(
    mode=W.BACKUP,
    min_soc=20,
    min_soc_on_grid=30,
    max_soc=80,
    windows=(Window(enabled=True, since_min=60, until_min=119),),
)
NOON = Segment(
    window=Window(enabled=True, since_min=720, until_min=779), mode=W.FORCE_DISCHARGE, discharge_soc=40, max_soc=90
)


@pytest.mark.parametrize(
    ("changed", "minute", "expected"),
    [
        ({}, 59, Order(W.BACKUP, 300, 800)),
        ({}, 60, Order(W.FORCE_CHARGE, 300, 800)),
        ({}, 119, Order(W.FORCE_CHARGE, 300, 800)),
        ({}, 120, Order(W.BACKUP, 300, 800)),
        ({"min_soc": 35}, 120, Order(W.BACKUP, 350, 800)),
        ({"segments": (NOON,)}, 720, Order(W.BACKUP, 300, 800)),
        ({"segments": (NOON,), "schedule_on": True}, 720, Order(W.FORCE_DISCHARGE, 400, 800)),
        ({"segments": (NOON,), "schedule_on": True, "min_soc": 50}, 779, Order(W.FORCE_DISCHARGE, 500, 800)),
        ({"segments": (NOON,), "schedule_on": True, "max_soc": 100}, 720, Order(W.FORCE_DISCHARGE, 400, 900)),
        ({"segments": (NOON,), "schedule_on": True}, 60, Order(W.BACKUP, 300, 800)),
    ],
)  # fmt: skip
def test_a_segment_comes_before_the_mode_and_windows_count_without_a_schedule(
    changed: dict[str, object], minute: int, expected: Order
) -> None:
    assert order(msgspec.structs.replace(BASE, **changed), minute) == expected
