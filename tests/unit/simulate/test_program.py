"""From what was written to what counts at each stamp: by the device's clock, in the order in which it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, instant_ms, local
from heliograph.model import settings as s
from heliograph.model.settings import Segment, Value, Window, WorkMode
from heliograph.simulate.control import Order
from heliograph.simulate.fleet import fleet
from heliograph.simulate.program import Program, program, written
from heliograph.simulate.steps import STEP_MS, stamps, step_mwh
from heliograph.simulate.tunable import CLOCK_OFFSET, Values, Write
from tests.unit.simulate.told import ANY_VALUES, STRICT

if TYPE_CHECKING:
    from collections.abc import Mapping

LONDON = next(plant for plant in fleet(1) if plant.key == "london")
DAY = 1_718_841_600_000  # 2024-06-20 UTC, an hour into the day of London
SPAN = stamps(DAY, DAY + DAY_MS)
W = WorkMode
SELF_USE, BACKUP = Order(W.SELF_USE, 100, 1000), Order(W.BACKUP, 100, 1000)
WRITES = st.lists(
    st.tuples(st.integers(DAY - STEP_MS, DAY + DAY_MS), ANY_VALUES).map(
        lambda one: Write(one[1][0], one[0], one[1][1])
    ),
    max_size=6,
)


def of(set_: Mapping[str, Values], *writes: Write, at_ms: np.ndarray = SPAN) -> Program:
    """The program of London's hybrid."""
    found = program(LONDON, "hybrid", set_, writes, at_ms)
    assert found is not None
    return found


def scheduled(*segments: Segment, **more: Value) -> dict[str, dict[str, Value]]:
    """Settings with a schedule."""
    return {"hybrid": {s.SCHEDULE_ON: True, s.SCHEDULE: s.segments_text(segments), **more}}


def segment(since: str, until: str, mode: WorkMode = W.BACKUP) -> Segment:
    """A segment between two times of the day."""
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (since, until))
    return Segment(window=Window(enabled=True, since_min=first, until_min=last), mode=mode)


def walls(found: Program, mode: WorkMode, at_ms: np.ndarray = SPAN) -> list[str]:
    """When the intervals of a mode begin, by London's clock."""
    begins = (at_ms - STEP_MS).tolist()
    return [
        f"{local(at, LONDON.tz):%H:%M}" for at, told in zip(begins, found.orders, strict=True) if told.mode is mode
    ]  # fmt: skip


def test_without_settings_there_is_no_program() -> None:
    assert program(LONDON, "hybrid", {}, (), SPAN) is None
    assert program(LONDON, "hybrid", {"hybrid": {}}, [Write("hybrid", DAY - 1 - STEP_MS, {})], SPAN) is None
    assert program(LONDON, "hybrid", {"sensor": {s.METER_MODE: "Normal"}}, (), SPAN) is not None


def test_a_write_counts_from_the_first_stamp_not_before_it() -> None:
    found = of({}, Write("hybrid", DAY + 7 * STEP_MS - 1, {s.WORK_MODE: "backup"}))
    assert found.orders == [SELF_USE] * 7 + [BACKUP] * (SPAN.size - 7)
    first = of({}, Write("hybrid", DAY, {s.WORK_MODE: "backup"}))
    last = of({}, Write("hybrid", int(SPAN[-1]), {s.WORK_MODE: "backup"}))
    assert first.orders == [BACKUP] * SPAN.size
    assert last.orders == [SELF_USE] * (SPAN.size - 1) + [BACKUP]


def test_of_two_writes_at_one_stamp_the_later_counts_and_others_stay() -> None:
    both = [
        Write("hybrid", DAY + 2, {s.WORK_MODE: "feed_in", s.MAX_SOC: 50.0}),
        Write("hybrid", DAY + 1, {s.WORK_MODE: "backup", s.MAX_SOC: 60.0, s.MIN_SOC: 20.0}),
        Write("hybrid", DAY + 2, {s.WORK_MODE: "peak_shaving"}),
    ]
    expected = Order(W.PEAK_SHAVING, 200, 500)
    assert of({}, *both).orders[1:] == [expected] * (SPAN.size - 1)
    assert written({}, both, DAY + DAY_MS) == {
        "hybrid": {s.WORK_MODE: "peak_shaving", s.MAX_SOC: 50.0, s.MIN_SOC: 20.0}
    }


def test_what_is_kept_for_the_next_span_is_what_counted_in_this_one() -> None:
    before: dict[str, dict[str, Value]] = {"hybrid": {s.MIN_SOC: 20.0}}
    late = Write("hybrid", DAY + DAY_MS - STEP_MS + 1, {s.MIN_SOC: 30.0})
    assert written(before, [late], DAY + DAY_MS) == before
    assert written(before, [late], DAY + DAY_MS + 1) == {"hybrid": {s.MIN_SOC: 30.0}}
    assert before == {"hybrid": {s.MIN_SOC: 20.0}}


@settings(max_examples=40, deadline=None)
@given(WRITES, st.integers(1, SPAN.size - 1))
def test_a_program_can_be_split_anywhere(writes: list[Write], at: int) -> None:
    middle = int(SPAN[at])
    whole = program(LONDON, "hybrid", {}, writes, SPAN)
    head = program(LONDON, "hybrid", {}, writes, SPAN[:at])
    kept = written({}, [one for one in writes if one.at_ms > DAY - STEP_MS], middle)
    tail = program(LONDON, "hybrid", kept, [one for one in writes if one.at_ms > middle - STEP_MS], SPAN[at:])
    plain = of({"sensor": {s.METER_MODE: "Normal"}})
    parts = head or Program(plain.orders[:at], plain.limits[:at]), tail or Program(plain.orders[at:], plain.limits[at:])
    joined = Program([*parts[0].orders, *parts[1].orders], [*parts[0].limits, *parts[1].limits])
    assert joined == (whole or plain)


def test_limits_are_those_of_an_interval() -> None:
    values: dict[str, dict[str, Value]] = {
        "hybrid": {s.IMPORT_LIMIT: 600.0, s.PEAK_SOC: 44.0, s.EXPORT_LIMIT: 900.0}, "sensor": STRICT,
    }  # fmt: skip
    found = of(values).limits[0]
    assert (found.most_export, found.most_import, found.peak_permille) == (step_mwh(500), step_mwh(600), 440)


def test_a_segment_over_midnight_counts_on_both_sides_of_it() -> None:
    found = of(scheduled(segment("23:00", "01:59")))
    assert (
        walls(found, W.BACKUP)
        == [f"{hour:02d}:{minute:02d}" for hour in (0, 1, 23, 0) for minute in range(0, 60, 5)][11:-1]
    )
    assert set(found.orders) == {SELF_USE, BACKUP}


def test_where_no_segment_lies_the_work_mode_counts_and_charge_windows_do_not() -> None:
    window = Window(enabled=True, since_min=600, until_min=659)
    set_ = scheduled(segment("14:00", "14:59"), **{
        s.WORK_MODE: "feed_in", s.CHARGE_WINDOWS: s.windows_text([window, Window()]),
    })  # fmt: skip
    found = of(set_)
    assert walls(found, W.BACKUP) == [f"14:{minute:02d}" for minute in range(0, 60, 5)]
    assert {told.mode for told in found.orders} == {W.BACKUP, W.FEED_IN}
    set_["hybrid"][s.SCHEDULE_ON] = False
    found = of(set_)
    assert walls(found, W.FORCE_CHARGE) == [f"10:{minute:02d}" for minute in range(0, 60, 5)]
    assert {told.mode for told in found.orders} == {W.FORCE_CHARGE, W.FEED_IN}


@pytest.mark.parametrize(
    ("day", "times"),
    [((2024, 3, 31), 12), ((2024, 10, 27), 36), ((2024, 6, 20), 24)],
    ids=["an hour is left out", "an hour comes twice", "a usual day"],
)
def test_a_segment_lies_by_the_clock_on_the_wall_when_clocks_change(day: tuple[int, int, int], times: int) -> None:
    noon = instant_ms(datetime(*day, 12, tzinfo=UTC))
    at_ms = stamps(noon - 18 * HOUR_MS, noon)
    begins = walls(of(scheduled(segment("00:30", "02:29")), at_ms=at_ms), W.BACKUP, at_ms)
    assert len(begins) == times
    assert begins[0] == "00:30"
    assert begins[-1] == "02:25"


@pytest.mark.parametrize(
    ("ahead_s", "first"),
    [
        (0, "12:00"), (3600, "11:00"), (-3600, "13:00"), (DAY_MS // 1000, "12:00"), (300, "11:55"),
        (30, "12:00"), (-30, "12:05"), (60, "12:00"), (-60, "12:05"),
    ],
)  # fmt: skip
def test_a_schedule_goes_by_the_device_s_own_clock_even_if_it_is_wrong(ahead_s: float, first: str) -> None:
    begins = walls(of(scheduled(segment("12:00", "12:59"), **{CLOCK_OFFSET: ahead_s})), W.BACKUP)
    assert begins[0] == first
    assert len(begins) == 12


def test_setting_the_clock_moves_the_schedule_from_then_on() -> None:
    half_past_noon = DAY + 11 * HOUR_MS + HOUR_MS // 2
    late = of(scheduled(segment("12:00", "12:59")), Write("hybrid", half_past_noon, {CLOCK_OFFSET: 3600.0}))
    assert walls(late, W.BACKUP) == ["12:00", "12:05", "12:10", "12:15", "12:20"]
    back = of(scheduled(segment("12:00", "12:59")), Write("hybrid", half_past_noon, {CLOCK_OFFSET: -3600.0}))
    assert walls(back, W.BACKUP)[4:6] == ["12:20", "13:00"]
    assert len(walls(back, W.BACKUP)) == 5 + 12
