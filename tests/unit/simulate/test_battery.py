"""The battery keeps its limits and its energy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.settings import WorkMode
from heliograph.simulate.battery import BatteryRun, obey, run
from heliograph.simulate.control import Controls, Interval, Limits, Order, order
from heliograph.simulate.specs import Battery
from heliograph.simulate.steps import step_mwh
from tests.unit.simulate import told

OWN = Battery(10_000, 3_600, 3_000, charge_permille=960, discharge_permille=950, deadband_w=0)
FLOOR, CEILING = OWN.capacity_wh * OWN.floor_permille, OWN.capacity_wh * OWN.ceiling_permille
SURPLUS = st.lists(st.integers(-600_000, 600_000), min_size=1, max_size=80)
STORED = st.integers(FLOOR, CEILING)
PLENTY = 10**9


def follow(surplus: list[int], stored: int, room: int = PLENTY, own: Battery = OWN) -> BatteryRun:
    return run(own, stored, np.array(surplus, dtype=np.int64), np.full(len(surplus), room, dtype=np.int64))


@given(SURPLUS, STORED)
def test_the_store_changes_by_what_the_efficiencies_leave(surplus: list[int], stored: int) -> None:
    ran = follow(surplus, stored)
    before = np.concatenate([[stored], ran.stored[:-1]])
    gained = ran.charged * OWN.charge_permille // 1000
    lost = -(-ran.discharged * 1000 // OWN.discharge_permille)
    assert np.array_equal(ran.stored, before + gained - lost)


@given(SURPLUS, STORED)
def test_the_store_stays_between_floor_and_ceiling(surplus: list[int], stored: int) -> None:
    ran = follow(surplus, stored)
    assert ran.stored.min() >= FLOOR
    assert ran.stored.max() <= CEILING


@given(SURPLUS, STORED, st.integers(0, 300_000))
def test_it_never_passes_its_powers_nor_the_inverter(surplus: list[int], stored: int, room: int) -> None:
    ran = follow(surplus, stored, room)
    assert 0 <= ran.charged.min() <= ran.charged.max() <= step_mwh(OWN.charge_w)
    assert 0 <= ran.discharged.min() <= ran.discharged.max() <= min(step_mwh(OWN.discharge_w), room)


@given(SURPLUS, STORED)
def test_it_takes_only_what_is_left_and_gives_only_what_is_lacking(surplus: list[int], stored: int) -> None:
    ran, excess = follow(surplus, stored), np.array(surplus)
    assert (ran.charged <= np.maximum(excess, 0)).all()
    assert (ran.discharged <= np.maximum(-excess, 0)).all()


@given(SURPLUS, STORED, st.integers(0, 80))
def test_a_run_can_be_split_anywhere(surplus: list[int], stored: int, at: int) -> None:
    whole, head = follow(surplus, stored), surplus[:at]
    first = follow(head, stored)
    middle = int(first.stored[-1]) if head else stored
    rest = follow(surplus[at:], middle)
    assert np.array_equal(whole.stored, np.concatenate([first.stored, rest.stored]))
    assert np.array_equal(whole.charged, np.concatenate([first.charged, rest.charged]))


def test_more_comes_out_than_went_in_never() -> None:
    ran = follow([200_000] * 60 + [-200_000] * 120, FLOOR)
    assert ran.stored[-1] - FLOOR < 1000
    efficiency = ran.discharged.sum() / ran.charged.sum()
    assert abs(efficiency - 0.96 * 0.95) < 0.001


def test_a_trickle_leaves_it_alone() -> None:
    own = Battery(10_000, 3_600, 3_000, deadband_w=50)
    ran = follow([step_mwh(40), -step_mwh(40), step_mwh(60)], FLOOR * 3, own=own)
    assert ran.charged.tolist() == [0, 0, step_mwh(60)]
    assert ran.discharged.tolist() == [0, 0, 0]


def test_no_intervals_are_no_run() -> None:
    assert follow([], FLOOR).stored.size == 0


AROUND = st.lists(st.tuples(told.ORDERS, told.INTERVALS, told.LIMITS), min_size=1, max_size=60)
Step = tuple[Order, Interval, Limits]


def obeyed(steps: list[Step], stored: int, own: Battery = OWN) -> BatteryRun:
    orders, around, limits = ([step[n] for step in steps] for n in range(3))
    return obey(own, stored, around, orders, limits)  # type: ignore[arg-type]  # columns of a table of three kinds


@given(st.lists(told.INTERVALS, min_size=1, max_size=60), STORED)
def test_a_battery_that_was_told_nothing_does_as_one_that_cannot_be_told(around: list[Interval], stored: int) -> None:
    own = Battery(10_000, 3_600, 3_000)
    free = Limits(step_mwh(30_000), step_mwh(30_000), 500)
    ran = obeyed([(order(Controls(), 0), place, free) for place in around], stored, own)
    sun, mine, load, room, _ = (np.array([getattr(one, name) for one in around]) for name in Interval.__struct_fields__)
    usual = run(own, stored, np.minimum(sun - load, np.where(sun > load, mine, 0)), room)
    for name in BatteryRun.__struct_fields__:
        assert getattr(ran, name).tobytes() == getattr(usual, name).tobytes(), name


@given(AROUND, told.STORED)
def test_what_it_was_told_moves_its_store_by_what_went_in_and_came_out(steps: list[Step], stored: int) -> None:
    ran = obeyed(steps, stored)
    before = np.concatenate([[stored], ran.stored[:-1]])
    gained = ran.charged * OWN.charge_permille // 1000
    lost = -(-ran.discharged * 1000 // OWN.discharge_permille)
    assert np.array_equal(ran.stored, before + gained - lost)
    assert ran.stored[-1] - stored <= ran.charged.sum() - ran.discharged.sum()


@given(AROUND, told.STORED, st.integers(0, 60))
def test_obeying_can_be_split_anywhere(steps: list[Step], stored: int, at: int) -> None:
    whole, head = obeyed(steps, stored), obeyed(steps[:at], stored)
    tail = obeyed(steps[at:], int(head.stored[-1]) if at else stored)
    for name in BatteryRun.__struct_fields__:
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(head, name), getattr(tail, name)])), name


def test_it_is_forced_while_it_is_told_to_move_and_its_inverter_works() -> None:
    free, night, still = Limits(0, 0, 500), Interval(0, 0, 9_000, 400_000, 400_000), Interval(0, 0, 9_000, 0, 0)
    steps = [(Order(mode, 100, 1000), place, free) for mode in WorkMode for place in (night, still)]
    forced = [steps[n][0].mode for n in np.flatnonzero(obeyed(steps, CEILING).forced)]
    assert forced == [WorkMode.FORCE_CHARGE, WorkMode.FORCE_DISCHARGE]
