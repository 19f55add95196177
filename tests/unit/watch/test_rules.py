"""What is wrong with a device, and when it was, from samples alone."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS
from heliograph.model import measurements as m
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Instants, Latest, Reading, Series
from heliograph.watch.rules import (
    AWAKE_DEG,
    FAULT_STATES,
    STEP_MS,
    Condition,
    Spell,
    bed,
    code_of,
    conditions,
    counts_from,
    fault_code,
    sends_in_dark,
    silence_ms,
    silences,
    spells,
    sun_height_deg,
)
from tests.unit.store.world import NaN, at

STEP = 5 * MINUTE_MS
WAIT_S = 1800.0
WAIT = 30 * MINUTE_MS
BERLIN, TROMSO, SYDNEY = (52.5, 13.4), (69.6, 18.9), (-33.9, 151.2)
NOON = at("2024-06-10T11:00:00")


def plant(place: tuple[float, float] | None = BERLIN) -> Plant:
    """A plant somewhere."""
    latitude, longitude = place or (None, None)
    return Plant(id=1, account_id=1, name="p", zone="UTC", latitude=latitude, longitude=longitude)


def device(kind: DeviceKind = DeviceKind.INVERTER, interval_s: int = 300, **more: float | None) -> Device:
    """A device of the plant."""
    return Device(id=7, plant_id=1, kind=kind, name="d", interval_s=interval_s, **more)  # type: ignore[arg-type]


def height(text: str, place: tuple[float, float]) -> float:
    """The sun's height at a UTC time."""
    return float(sun_height_deg(np.array([at(text)]), *place)[0])


def stamps(since_ms: int, until_ms: int, step: int = STEP) -> Instants:
    """Samples at every step."""
    return np.arange(since_ms, until_ms, step, dtype=np.int64)


def by_day(since_ms: int, days: int, place: tuple[float, float], from_deg: float = -0.5) -> Instants:
    """The samples of something that sends while the sun is up."""
    every = stamps(since_ms, since_ms + days * DAY_MS)
    return every[sun_height_deg(every, *place) > from_deg]


def latest(at_ms: int = 1000, **readings: tuple[float | str, int]) -> Latest:
    """Newest readings; a key is written with `_` for its dot."""
    return Latest(7, at_ms, {key.replace("_", ".", 1): Reading(*reading) for key, reading in readings.items()})


# The sun


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("2024-06-20T11:08:00", BERLIN, 90 - 52.5 + 23.44),
        ("2024-12-21T11:05:00", BERLIN, 90 - 52.5 - 23.44),
        ("2024-03-20T12:07:00", (0.0, 0.0), 90.0),
        ("2024-12-21T01:53:00", SYDNEY, 90 - 33.9 + 23.44),
        ("2024-06-20T22:47:00", TROMSO, 69.6 + 23.44 - 90),
    ],
)
def test_the_sun_stands_where_almanacs_say(text: str, place: tuple[float, float], expected: float) -> None:
    assert height(text, place) == pytest.approx(expected, abs=1.0)


def test_the_sun_sets_when_it_sets() -> None:
    """Berlin, 10 June 2024: up from 02:45 to 19:26 UTC."""
    assert height("2024-06-10T02:20:00", BERLIN) < 0 < height("2024-06-10T03:10:00", BERLIN)
    assert height("2024-06-10T19:50:00", BERLIN) < 0 < height("2024-06-10T19:00:00", BERLIN)


# Silence


def test_a_silence_is_three_intervals_at_least() -> None:
    assert silence_ms(device(), WAIT_S) == WAIT
    assert silence_ms(device(interval_s=3600), WAIT_S) == 3 * HOUR_MS


def test_who_lives_on_sunlight_may_sleep_where_it_stands() -> None:
    assert bed(device(), plant()) == BERLIN
    assert bed(device(latitude=1.0, longitude=2.0), plant()) == (1.0, 2.0)
    assert bed(device(latitude=1.0), plant()) == BERLIN
    assert bed(device(DeviceKind.MICRO_INVERTER), plant()) == BERLIN
    for kind in (DeviceKind.METER, DeviceKind.HYBRID_INVERTER, DeviceKind.BATTERY, DeviceKind.GATEWAY):
        assert bed(device(kind), plant()) is None
    assert bed(device(), plant(None)) is None


def test_a_silence_by_day_counts_when_it_has_lasted() -> None:
    assert counts_from(NOON, WAIT, BERLIN) == counts_from(NOON, WAIT, None) == NOON + WAIT


def test_a_silence_at_night_counts_in_the_morning_for_what_sleeps() -> None:
    last_ms = at("2024-06-10T19:25:00")
    counted_ms = counts_from(last_ms, WAIT, BERLIN)
    heights = sun_height_deg(np.array([counted_ms - WAIT - STEP_MS, counted_ms - WAIT, counted_ms]), *BERLIN)
    assert heights[0] <= AWAKE_DEG < heights[1] < heights[2]
    assert at("2024-06-11T03:20:00") < counted_ms < at("2024-06-11T04:40:00")


def test_a_device_that_sends_rarely_is_missed_by_day_too() -> None:
    wait_ms = 12 * HOUR_MS
    counted_ms = counts_from(at("2024-12-10T14:00:00"), wait_ms, BERLIN)
    assert at("2024-12-11T08:30:00") < counted_ms < at("2024-12-11T10:30:00")


def test_the_polar_night_is_slept_through() -> None:
    counted_ms = counts_from(at("2024-11-10T11:00:00"), WAIT, TROMSO)
    assert at("2025-01-25T00:00:00") < counted_ms < at("2025-02-20T00:00:00")


def test_a_place_that_is_none_lets_nothing_sleep() -> None:
    assert counts_from(NOON, WAIT, (NaN, NaN)) == NOON + WAIT


@given(st.integers(0, 365 * 288), st.floats(-60, 60), st.floats(-180, 180))
def test_a_silence_never_counts_before_it_has_lasted_nor_in_the_dark(step: int, lat: float, lon: float) -> None:
    last_ms = at("2024-01-01T00:00:00") + step * STEP
    counted_ms = counts_from(last_ms, WAIT, (lat, lon))
    assert last_ms + WAIT <= counted_ms < last_ms + WAIT + 3 * DAY_MS
    assert sun_height_deg(np.array([counted_ms]), lat, lon)[0] > AWAKE_DEG


@pytest.mark.parametrize("place", [BERLIN, SYDNEY])
@pytest.mark.parametrize("start", ["2024-03-01T00:00:00", "2024-06-15T00:00:00", "2024-12-10T00:00:00"])
@pytest.mark.parametrize("from_deg", [-3.0, 0.0, 4.0])
def test_what_sleeps_at_night_is_not_missed(place: tuple[float, float], start: str, from_deg: float) -> None:
    sent = by_day(at(start), 10, place, from_deg)
    assert not sends_in_dark(place, sent)
    assert (np.diff(sent) > WAIT).sum() >= 9
    assert silences(device(), plant(place), sent, 0, WAIT_S) == []
    assert len(silences(device(DeviceKind.METER), plant(place), sent, 0, WAIT_S)) >= 9
    assert len(silences(device(), plant(None), sent, 0, WAIT_S)) >= 9


def test_what_sleeps_is_missed_when_it_does_not_wake_up() -> None:
    sent = by_day(at("2024-06-10T00:00:00"), 4, BERLIN)
    broken = sent[(sent < at("2024-06-11T10:00:00")) | (sent > at("2024-06-13T09:00:00"))]
    (found,) = silences(device(), plant(), broken, 0, WAIT_S)
    assert found.last_ms == at("2024-06-11T09:55:00")
    assert found.counted_ms == found.last_ms + WAIT
    assert found.next_ms == at("2024-06-13T09:05:00")


def test_what_also_sends_in_the_dark_is_missed_in_the_evening_and_at_night() -> None:
    every = stamps(at("2024-06-08T00:00:00"), at("2024-06-12T00:00:00"))
    for gone, back in (("2024-06-10T19:00:00", "2024-06-10T20:00:00"), ("2024-06-10T22:00:00", "2024-06-10T23:00:00")):
        sent = every[(every < at(gone)) | (every >= at(back))]
        (found,) = silences(device(), plant(), sent, 0, WAIT_S)
        assert (found.last_ms, found.next_ms) == (at(gone) - STEP, at(back))
        assert found.counted_ms == found.last_ms + WAIT


def test_a_silence_counts_only_when_it_is_longer_than_it_may_be() -> None:
    meter, place = device(DeviceKind.METER), plant()
    assert silences(meter, place, np.array([0, WAIT]), 0, WAIT_S) == []
    (found,) = silences(meter, place, np.array([0, WAIT + 1]), 0, WAIT_S)
    assert (found.counted_ms, found.next_ms) == (WAIT, WAIT + 1)


def test_silences_that_ended_before_are_left_out() -> None:
    meter, sent = device(DeviceKind.METER), np.array([0, HOUR_MS, 3 * HOUR_MS])
    assert [one.next_ms for one in silences(meter, plant(), sent, HOUR_MS + 1, WAIT_S)] == [3 * HOUR_MS]
    assert [one.next_ms for one in silences(meter, plant(), sent, HOUR_MS, WAIT_S)] == [HOUR_MS, 3 * HOUR_MS]


# States


@pytest.mark.parametrize(
    ("kind", "key", "value", "code"),
    [
        (DeviceKind.INVERTER, m.INVERTER_STATE.key, 0x0200, None),
        (DeviceKind.INVERTER, m.INVERTER_STATE.key, 0x0301, None),
        (DeviceKind.INVERTER, m.INVERTER_STATE.key, 0x0304, None),
        *((DeviceKind.INVERTER, m.INVERTER_STATE.key, state, "65533") for state in sorted(FAULT_STATES)),
        (DeviceKind.INVERTER, m.INVERTER_STATE.key, 0xB000, "65534"),
        (DeviceKind.METER, m.DEVICE_ONLINE.key, 0, "65534"),
        (DeviceKind.METER, m.DEVICE_ONLINE.key, 1, None),
        (DeviceKind.BATTERY, m.BATTERY_STATUS.key, 3, "65532"),
        (DeviceKind.BATTERY, m.BATTERY_STATUS.key, 2, None),
        (DeviceKind.BATTERY, m.BATTERY_STATUS.key, 0, "65534"),
        (DeviceKind.HYBRID_INVERTER, m.BATTERY_STATUS.key, 0, None),
        (DeviceKind.POWER_SENSOR, m.METER_STATUS.key, 0, "65531"),
        (DeviceKind.POWER_SENSOR, m.METER_STATUS.key, 1, None),
        (DeviceKind.INVERTER, m.DEVICE_FAULT.key, 2032, "2032"),
        (DeviceKind.INVERTER, m.DEVICE_FAULT.key, NaN, None),
    ],
)
def test_a_state_calls_for_an_alarm(kind: DeviceKind, key: str, value: float, code: str | None) -> None:
    assert code_of(kind, key, float(value)) == code


def test_a_fault_number_is_its_alarm_s_code_unless_the_hub_has_taken_it() -> None:
    assert fault_code(0) is None
    assert fault_code(123) == "123"
    assert fault_code(65534) == fault_code(-1) == fault_code(2**40) == "65530"


def test_several_things_can_be_wrong_at_once() -> None:
    found = conditions(
        device(), latest(5000, inverter_state=(768.0, 5000), meter_status=(0.0, 4000), device_fault=(2032.0, 3000))
    )
    assert set(found) == {Condition("65533", 5000), Condition("65531", 4000), Condition("2032", 3000)}
    assert conditions(device(), latest(inverter_state=(512.0, 1000), device_online=(1.0, 1000))) == []


def test_words_and_what_is_no_number_say_nothing() -> None:
    assert conditions(device(), latest(device_fault=("none", 1000), inverter_state=(NaN, 1000))) == []


def test_what_sends_again_can_be_reached_whatever_was_said_before() -> None:
    assert conditions(device(), latest(5000, device_online=(0.0, 5000))) == [Condition("65534", 5000)]
    assert conditions(device(), latest(5000, device_online=(0.0, 4000))) == []
    assert conditions(device(), latest(5000, device_online=(0.0, 5000), inverter_state=(float(0xB000), 5000))) == [
        Condition("65534", 5000)
    ]


def told(**columns: list[float]) -> list[Spell]:
    """The spells of readings that came a second apart from second 1 on."""
    count = len(next(iter(columns.values())))
    values = {key.replace("_", ".", 1): np.array(column) for key, column in columns.items()}
    return spells(device(), Series(7, np.arange(1, count + 1) * 1000, values))


def test_a_spell_is_from_the_first_reading_that_says_so_to_the_first_that_does_not() -> None:
    assert told(inverter_state=[512, 768, 768, 774, 512]) == [Spell("65533", 2000, 5000)]
    assert told(inverter_state=[512, 768]) == [Spell("65533", 2000, None)]
    assert told(inverter_state=[512, 0xA000]) == []


def test_when_the_first_reading_says_so_nothing_tells_when_it_began() -> None:
    assert told(inverter_state=[768, 768, 512, 768, 512]) == [Spell("65533", 4000, 5000)]
    assert told(inverter_state=[768, 768]) == []


def test_another_fault_number_is_another_spell() -> None:
    assert told(device_fault=[0, 5, 5, 6, 0]) == [Spell("5", 2000, 4000), Spell("6", 4000, 5000)]


def test_what_is_not_said_again_stays_as_it_was() -> None:
    assert told(device_fault=[0, 5, NaN, 5, NaN, 0, NaN]) == [Spell("5", 2000, 6000)]
    assert told(device_fault=[NaN, 5, NaN, 0]) == [Spell("5", 2000, 4000)]


def test_any_sample_ends_that_a_device_cannot_be_reached() -> None:
    assert told(device_online=[1, 0, 0, NaN, NaN, 0]) == [Spell("65534", 2000, 4000), Spell("65534", 6000, None)]


def test_spells_of_all_states_come_by_start() -> None:
    assert told(meter_status=[1, 1, 0, 1], inverter_state=[512, 768, 512, 512], ac_power=[1, 2, 3, 4]) == [
        Spell("65533", 2000, 3000),
        Spell("65531", 3000, 4000),
    ]


@given(st.lists(st.sampled_from([NaN, 0.0, 5.0, 6.0]), min_size=1, max_size=30))
def test_spells_of_a_fault_are_what_a_look_at_every_sample_would_see(values: list[float]) -> None:
    found = told(device_fault=values)
    seen = NaN
    for index, value in enumerate(values):
        seen = seen if np.isnan(value) else value
        instant = (index + 1) * 1000
        now = {s.code for s in found if s.since_ms <= instant and (s.until_ms is None or instant < s.until_ms)}
        whole = {code_of(DeviceKind.INVERTER, m.DEVICE_FAULT.key, seen)} - {None}
        from_start = all(np.isnan(one) or one == seen for one in values[: index + 1]) and values[0] == seen
        assert now == (set() if from_start else whole)


def test_the_world_s_times_are_utc() -> None:
    assert int(datetime.fromisoformat("2024-06-10T11:00:00+00:00").timestamp() * 1000) == NOON
