"""Settings take what their device takes, and what is wrong with anything else is said by its key."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import BadRequestError
from heliograph.model import settings as s
from heliograph.model.settings import DAY_MIN, Segment, Setting, Value, Window, WorkMode

MINUTES = st.integers(0, DAY_MIN - 1)
WINDOWS = st.builds(Window, enabled=st.booleans(), since_min=MINUTES, until_min=MINUTES)
PERCENT = st.floats(0, 100)
SEGMENTS = st.lists(
    st.builds(
        Segment, window=WINDOWS, mode=st.sampled_from(WorkMode), min_soc_on_grid=PERCENT, discharge_soc=PERCENT,
        power_w=st.floats(0, 1e6), max_soc=st.none() | PERCENT,
    ),
    max_size=8,
)  # fmt: skip
SOC = Setting(key=s.MIN_SOC, value=10.0, unit="%", minimum=10, maximum=100)
MODE = Setting(key=s.WORK_MODE, value="self_use", choices=("self_use", "backup"))
SWITCH = Setting(key=s.SCHEDULE_ON, value=False)
SCHEDULE = Setting(key=s.SCHEDULE, value="[]")
CHARGE = Setting(key=s.CHARGE_WINDOWS, value=s.windows_text((Window(), Window())))
CLOCK = Setting(key=s.CLOCK, value="2024-05-01 12:00:00")
NAME = Setting(key="device.name", value="")
OPEN_TOP = Setting(key="x", value=1.0, minimum=0.0)
OPEN_BOTTOM = Setting(key="x", value=1.0, maximum=5.0)
FREE = Setting(key="x", value=1.0)
FIXED = Setting(key="x", value=1.0, fixed=True)


def window(since: int, until: int, *, enabled: bool = True) -> Window:
    """A window between two minutes."""
    return Window(enabled=enabled, since_min=since, until_min=until)


@given(st.lists(WINDOWS, max_size=3))
def test_windows_come_back_from_their_text(windows: list[Window]) -> None:
    assert s.parse_windows(s.windows_text(windows)) == tuple(windows)


@given(SEGMENTS)
def test_segments_come_back_from_their_text(segments: list[Segment]) -> None:
    assert s.parse_segments(s.segments_text(segments)) == tuple(segments)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(microsecond=0)))  # noqa: DTZ001  without a zone, as devices have it
def test_a_clock_comes_back_from_its_text(at: datetime) -> None:
    assert s.parse_clock(s.clock_text(at)) == at


@given(WINDOWS)
def test_a_window_holds_its_first_and_its_last_minute_and_what_lies_between(own: Window) -> None:
    held = [minute for minute in range(DAY_MIN) if own.holds(minute)]
    if not own.enabled or own.since_min == own.until_min:
        assert held == []
        return
    assert len(held) == (own.until_min - own.since_min) % DAY_MIN + 1
    assert own.holds(own.since_min)
    assert own.holds(own.until_min)
    after = (own.until_min + 1) % DAY_MIN
    assert own.holds(after) == (after == own.since_min)


@given(SEGMENTS)
def test_segments_overlap_where_two_that_are_enabled_share_a_minute(segments: list[Segment]) -> None:
    shared: list[list[int]] = []
    for minute in range(DAY_MIN):
        held = [n for n, one in enumerate(segments) if one.window.holds(minute)]
        begun = [n for n in held if segments[n].window.since_min == minute]
        ended = [n for n in held if segments[n].window.until_min == minute and set(begun) - {n}]
        if len(held) - len(ended) > 1:
            shared.append(held)
    found = s.overlapping(segments)
    assert (found is not None) == bool(shared)
    if found is not None:
        assert found[0] < found[1]
        assert any(set(found) <= set(places) for places in shared)


def test_where_one_ends_as_another_begins_the_one_that_begins_counts() -> None:
    first, second = Segment(window=window(0, 300)), Segment(window=window(300, 0), power_w=7.0)
    for segments in ([first, second], [second, first]):
        assert [s.counting(segments, minute) for minute in (0, 299, 300, 301, 1439)] == [first, first, *[second] * 3]
    assert s.counting([first], 300) == first
    assert s.counting([first], 301) is None
    assert s.counting([Segment(window=window(0, 300, enabled=False))], 5) is None


@pytest.mark.parametrize(
    ("first", "second", "places"),
    [
        (window(0, 299), window(300, 600), None),
        (window(0, 300), window(300, 600), None),
        (window(300, 600), window(0, 300), None),
        (window(0, 301), window(300, 600), (0, 1)),
        (window(300, 301), window(300, 600), (0, 1)),
        (window(0, 600), window(300, 600), (0, 1)),
        (window(0, 300), window(300, 0), None),
        (window(1380, 60), window(61, 1379), None),
        (window(1380, 60), window(30, 40), (0, 1)),
        (window(1380, 60), window(30, 40, enabled=False), None),
    ],
)
def test_a_shared_minute_is_an_overlap_also_over_midnight(
    first: Window, second: Window, places: tuple[int, int] | None
) -> None:
    assert s.overlapping([Segment(window=first), Segment(window=second)]) == places


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (SOC, 10), (SOC, 100.0), (SOC, 55.5), (MODE, "backup"), (SWITCH, True), (NAME, "x"), (FREE, -1e9),
        (OPEN_TOP, 7), (OPEN_BOTTOM, -7), (SCHEDULE, "[]"), (CLOCK, "2099-12-31 23:59:59"),
        (SCHEDULE, s.segments_text([Segment(window=window(0, 5)), Segment(window=window(6, 9))])),
        (CHARGE, s.windows_text([window(0, 5), window(0, 5)])),
    ],
)  # fmt: skip
def test_a_device_takes_what_lies_in_its_range(setting: Setting, value: Value) -> None:
    setting.check(value)
    s.check({setting.key: setting}, {setting.key: value})


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        (SOC, 9, "between 10 and 100 %"), (SOC, 100.1, "between"), (SOC, math.nan, "between"),
        (SOC, math.inf, "between"), (SOC, "50", "a number"), (SOC, True, "a number"),
        (FREE, math.inf, "between"), (FREE, math.nan, "between"),
        (OPEN_TOP, -1, "between 0 and inf"), (OPEN_BOTTOM, 6, "between -inf and 5"), (FIXED, 1.0, "only be read"),
        (MODE, "force_charge", "one of self_use, backup"), (MODE, 1.0, "a text"), (SWITCH, 1.0, "true or false"),
        (SWITCH, "true", "true or false"), (NAME, False, "a text"),
        (SCHEDULE, "x", "cannot be read"), (SCHEDULE, '[{"mode":"self_use"}]', "cannot be read"),
        (SCHEDULE, s.segments_text([Segment(window=window(0, 5))] * 2), "share a minute"),
        (SCHEDULE, s.segments_text([Segment(window=window(0, 5), discharge_soc=101)]), "cannot be read"),
        (SCHEDULE, s.segments_text([Segment(window=window(0, 5), power_w=-1)]), "cannot be read"),
        (CHARGE, s.windows_text([Window()]), "2 windows"), (CHARGE, "[[]]", "cannot be read"),
        (CHARGE, s.windows_text([window(0, DAY_MIN), Window()]), "cannot be read"),
        (CHARGE, s.windows_text([window(-1, 5), Window()]), "cannot be read"), (CHARGE, "\ud800", "cannot be read"),
        (CLOCK, "noon", "a time like"), (CLOCK, "2024-02-30 00:00:00", "a time like"),
        (CLOCK, "1999-12-31 00:00:00", "2000 to 2099"),
    ],
)  # fmt: skip
def test_what_a_device_does_not_take_is_said_by_its_key(setting: Setting, value: Value, said: str) -> None:
    for check in (setting.check, lambda one: s.check({setting.key: setting}, {setting.key: one})):
        with pytest.raises(BadRequestError, match=said) as caught:
            check(value)
        assert caught.value.field == setting.key


def test_a_setting_that_a_device_does_not_have_is_refused() -> None:
    with pytest.raises(BadRequestError, match=r"no setting battery\.soul") as caught:
        s.check({SOC.key: SOC}, {SOC.key: 20.0, "battery.soul": 1.0})
    assert caught.value.field == "battery.soul"
    s.check({}, {})
