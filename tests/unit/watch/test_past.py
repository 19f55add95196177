"""Going through the past: the same alarms as a look would have raised, what is missing, and what was filled since."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model.alarms import AlarmStatus, AlarmType, Severity
from heliograph.model.devices import DeviceKind
from heliograph.watch.past import alarm_of
from tests.unit.store.world import at
from tests.unit.watch.conftest import NOW, STEP, WAIT, Watched

ACTIVE, CLEARED, BY_USER = AlarmStatus.ACTIVE, AlarmStatus.CLEARED, AlarmStatus.CLEARED_BY_USER
GONE, BACK = NOW - 5 * HOUR_MS, NOW - 2 * HOUR_MS
SILENT = ("65534", GONE + WAIT, BACK, CLEARED)
MISSING = ("65529", GONE + STEP, None, ACTIVE)


async def broken(watched: Watched) -> None:
    """Samples with three hours missing."""
    await watched.send([*range(GONE - DAY_MS, GONE + 1, STEP), *range(BACK, NOW + 1, STEP)])


async def test_a_silence_that_is_over_and_what_it_lacks_are_told_once(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        assert await watched.review() == 2
        assert await watched.review() == 0
        assert await watched.look() == 0
    assert watched.spans() == [MISSING, SILENT]
    assert watched.alarms("65529")[0].until_ms == BACK


async def test_what_is_missing_is_a_notification_and_a_warning(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.review()
    (alarm,) = watched.alarms("65529")
    assert (alarm.type, alarm.severity, alarm.watched) == (AlarmType.NOTIFICATION, Severity.WARNING, True)


async def test_a_look_and_a_review_tell_of_the_same_silence(watched: Watched) -> None:
    async with watched.writing():
        watched.world.clock.at_ms = GONE
        await watched.send([GONE])
        await watched.look(GONE + HOUR_MS)
        watched.world.clock.at_ms = NOW
        await watched.send([BACK, NOW - STEP, NOW])
        assert await watched.review() == 4  # the last two hours too, which nobody looked at
        assert await watched.look() == 0
    assert watched.spans()[:2] == [MISSING, SILENT]


@given(st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True), st.data())
def test_looks_at_any_time_raise_what_a_review_alone_would(
    tmp_path_factory: pytest.TempPathFactory, minutes: list[int], data: st.DataObject
) -> None:
    sent = sorted(GONE + minute * 60_000 for minute in minutes)
    looks = sorted(data.draw(st.lists(st.integers(0, 400), max_size=8)))

    async def both(looked: Watched, reviewed: Watched) -> None:
        async with looked.writing(), reviewed.writing():
            events = sorted([*((at_ms, True) for at_ms in sent), *((GONE + m * 60_000, False) for m in looks)])
            for at_ms, sample in events:
                looked.world.clock.at_ms = at_ms
                if sample:
                    await looked.send([at_ms])
                else:
                    await looked.look()
            await looked.look()
            await reviewed.send(sent)
            reviewed.world.clock.at_ms = looked.now_ms
            for one in (looked, reviewed):
                await one.review(GONE, sent[-1] + 1)
                await one.look()

    looked, reviewed = (Watched(tmp_path_factory.mktemp("hub")) for _ in range(2))
    try:
        asyncio.run(both(looked, reviewed))
        assert looked.spans() == reviewed.spans()
    finally:
        looked.world.close()
        reviewed.world.close()


async def test_late_data_that_fills_the_gap_clears_its_alarm(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.review()
        watched.world.clock.at_ms = NOW + HOUR_MS
        await watched.send(range(GONE + STEP, BACK, STEP))
        assert await watched.review(NOW, NOW + HOUR_MS) == 1
        assert await watched.review(NOW, NOW + HOUR_MS) == 0
    assert watched.spans("65529") == [("65529", GONE + STEP, NOW + HOUR_MS, CLEARED)]


async def test_a_gap_that_is_filled_in_part_stays_one_alarm(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.review()
        await watched.send(range(GONE + STEP, GONE + HOUR_MS, STEP))
        assert await watched.review() == 0
        await watched.send(range(BACK - HOUR_MS, BACK, STEP))
        assert await watched.review() == 0
        assert watched.spans() == [MISSING, SILENT]
        await watched.send(range(GONE + HOUR_MS, BACK - HOUR_MS, STEP))
        assert await watched.review() == 1
    assert watched.spans("65529")[0][3] is CLEARED


async def test_a_hole_as_short_as_a_device_may_be_silent_counts_as_filled(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.review()
        await watched.send(range(GONE + WAIT, BACK, STEP))
        assert await watched.review() == 1


async def test_a_gap_that_a_person_cleared_is_not_raised_again(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.review()
        await watched.handle(watched.alarms("65529")[0], BY_USER)
        await watched.send([GONE + HOUR_MS])
        assert await watched.review() == 0
    assert [status for *_, status in watched.spans()] == [BY_USER, CLEARED]


async def test_a_night_s_sleep_is_neither_silence_nor_missing_data(watched: Watched) -> None:
    inverter, meter = watched.add(DeviceKind.INVERTER), watched.device
    dawn, dusk = at("2024-06-09T03:00:00"), at("2024-06-09T19:15:00")
    sent = [*range(dawn, dusk, STEP), *range(dawn + DAY_MS, NOW, STEP)]
    async with watched.writing():
        await watched.send(sent, inverter)
        await watched.send(sent, meter)
        await watched.review()
    assert watched.spans(device=inverter) == []
    assert [code for code, *_ in watched.spans(device=meter)] == ["65529", "65534"]


async def test_without_a_place_nothing_sleeps(watched: Watched) -> None:
    inverter = watched.add(DeviceKind.INVERTER, plant=watched.world.add_plant())
    dusk = at("2024-06-09T19:15:00")
    async with watched.writing():
        await watched.send([*range(dusk - HOUR_MS, dusk, STEP), *range(dusk + 8 * HOUR_MS, NOW, STEP)], inverter)
        await watched.review()
    assert [code for code, *_ in watched.spans(device=inverter)] == ["65529", "65534"]


async def test_the_night_of_what_also_sends_in_the_dark_is_missing(watched: Watched) -> None:
    inverter = watched.add(DeviceKind.INVERTER)
    dusk = at("2024-06-09T19:15:00")
    async with watched.writing():
        await watched.send([*range(dusk - DAY_MS, dusk, STEP), *range(dusk + 8 * HOUR_MS, NOW, STEP)], inverter)
        await watched.review()
    assert watched.spans(device=inverter) == [
        ("65529", dusk, None, ACTIVE),
        ("65534", dusk - STEP + WAIT, dusk + 8 * HOUR_MS, CLEARED),
    ]


@pytest.mark.parametrize("days", [2, 40, 400])
async def test_a_silence_that_began_long_before_the_span_is_found(watched: Watched, days: int) -> None:
    async with watched.writing():
        await watched.send([NOW - days * DAY_MS, NOW])
        assert await watched.review(NOW - HOUR_MS, NOW + 1) == 2
    assert {a.raised_at_ms for a in watched.alarms()} == {NOW - days * DAY_MS + STEP, NOW - days * DAY_MS + WAIT}


async def test_sealed_samples_tell_the_same(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.world.hub.sealing.seal_until(NOW + 2 * DAY_MS)
        assert watched.world.hub.database.query("SELECT count(*) FROM sample") == [(0,)]
        await watched.review()
    assert watched.spans() == [MISSING, SILENT]


async def test_states_that_are_over_are_told(watched: Watched) -> None:
    async with watched.writing():
        for index, fault in enumerate((0.0, 5.0, 5.0, 0.0, 6.0)):
            await watched.send([NOW - 5 * STEP + index * STEP], device_fault=fault)
        assert await watched.review() == 1
        assert await watched.review() == 0
        assert await watched.look() == 1
    assert watched.spans() == [("5", NOW - 4 * STEP, NOW - 2 * STEP, CLEARED), ("6", NOW - STEP, None, ACTIVE)]


async def test_a_state_that_came_back_between_two_looks_is_another_alarm(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW - 5 * STEP], device_fault=0.0)
        await watched.send([NOW - 4 * STEP], device_fault=5.0)
        await watched.look(NOW - 4 * STEP)
        for index, fault in enumerate((5.0, 0.0, 5.0, 5.0)):
            await watched.send([NOW - 3 * STEP + index * STEP], device_fault=fault)
        assert await watched.look(NOW) == 0
        assert await watched.review(until_ms=NOW + 1) == 1
        assert await watched.look() == 1
    assert watched.spans() == [("5", NOW - 4 * STEP, NOW - 2 * STEP, CLEARED), ("5", NOW - STEP, None, ACTIVE)]


async def test_a_review_clears_what_no_look_did(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([GONE])
        await watched.look(GONE + HOUR_MS)
        await watched.handle(watched.alarms()[0], BY_USER)
        watched.world.clock.at_ms = NOW
        await watched.send([BACK, *range(BACK, NOW + 1, STEP)])
        assert await watched.review() == 2
    (alarm,) = watched.alarms("65534")
    assert (alarm.status, alarm.cleared_at_ms, alarm.until_ms) == (BY_USER, GONE + HOUR_MS, BACK)


async def test_an_alarm_that_a_device_reported_does_not_stand_for_the_hub_s_own(watched: Watched) -> None:
    reported = msgspec.structs.replace(
        alarm_of(watched.device.id, "65534", GONE + 2 * WAIT, BACK), watched=False, name="Gone"
    )
    async with watched.writing():
        await broken(watched)
        await watched.world.hub.report_alarms(watched.world.caller, [reported])
        assert await watched.review() == 2


async def test_an_alarm_without_a_known_gap_is_never_filled(watched: Watched) -> None:
    alarm = msgspec.structs.replace(alarm_of(watched.device.id, "65529", GONE), watched=False)
    async with watched.writing():
        await watched.world.hub.report_alarms(watched.world.caller, [alarm])
        await watched.send(range(GONE, NOW, STEP))
        assert await watched.review() == 0


async def test_gaps_of_a_disabled_device_are_left_alone(watched: Watched) -> None:
    async with watched.writing():
        await broken(watched)
        await watched.review()
        await watched.send(range(GONE + STEP, BACK, STEP))
    watched.disable(watched.device)
    async with watched.writing():
        assert await watched.review() == 0
    assert watched.spans() == [MISSING, SILENT]
