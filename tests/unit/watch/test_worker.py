"""Looking at the fleet as it is: raised, cleared, remembered, and never claimed before it is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS, FixedClock
from heliograph.errors import StoreError
from heliograph.model.alarm_texts import kinds
from heliograph.model.alarms import AlarmStatus, Severity
from heliograph.model.devices import DeviceKind
from heliograph.watch import worker
from heliograph.watch.worker import Watch
from tests.unit.store.world import at
from tests.unit.watch.conftest import NOW, STEP, WAIT, Watched

ACTIVE, CLEARED, BY_USER = AlarmStatus.ACTIVE, AlarmStatus.CLEARED, AlarmStatus.CLEARED_BY_USER


async def test_a_silent_device_raises_an_alarm_once_and_its_first_sample_clears_it(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW - STEP, NOW])
        assert await watched.look(NOW + WAIT) == 0
        assert await watched.look(NOW + WAIT + 1) == 1
        assert await watched.look(NOW + 2 * HOUR_MS) == 0
        assert watched.spans() == [("65534", NOW + WAIT, None, ACTIVE)]
        back_ms = NOW + 3 * HOUR_MS
        watched.world.clock.at_ms = back_ms
        await watched.send([back_ms, back_ms + STEP])
        assert await watched.look(back_ms + STEP) == 1
        assert await watched.look(back_ms + STEP) == 0
    assert watched.spans() == [("65534", NOW + WAIT, back_ms, CLEARED)]


async def test_an_alarm_is_told_in_english_and_known_as_the_hub_s_own(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW])
        await watched.look(NOW + HOUR_MS)
    (alarm,) = watched.alarms()
    kind = kinds()["65534"]
    assert alarm.watched
    assert (alarm.severity, alarm.type) == (kind.severity, kind.type)
    assert (alarm.name, alarm.cause, alarm.advice) == msgspec.structs.astuple(kind.texts["en"])


async def test_what_never_sent_is_not_missed(watched: Watched) -> None:
    async with watched.writing():
        assert await watched.look(NOW + 40 * DAY_MS) == 0
        assert await watched.review() == 0


async def test_what_is_disabled_is_not_watched(watched: Watched) -> None:
    other = watched.world.add_plant()
    theirs = watched.add(plant=other)
    async with watched.writing():
        await watched.send([NOW])
        await watched.send([NOW], theirs)
    watched.disable(watched.device)
    watched.disable(other)
    async with watched.writing():
        assert await watched.look(NOW + HOUR_MS) == 0
        assert await watched.review() == 0


async def test_a_gateway_is_watched_like_any_device(watched: Watched) -> None:
    gateway = watched.add(DeviceKind.GATEWAY)
    async with watched.writing():
        await watched.send([NOW - 4 * HOUR_MS, NOW], gateway)
        assert await watched.review(until_ms=NOW + 1) == 2
        assert await watched.look(NOW + HOUR_MS) == 1


async def test_an_inverter_sleeps_at_night_and_is_missed_in_the_morning(watched: Watched) -> None:
    inverter = watched.add(DeviceKind.INVERTER)
    dusk = at("2024-06-10T19:20:00")
    async with watched.writing():
        watched.world.clock.at_ms = dusk
        await watched.send(range(NOW, dusk + 1, STEP), inverter)
        await watched.send([dusk])
        for hours in (1, 3, 6, 8):
            await watched.look(dusk + hours * HOUR_MS)
            assert watched.spans(device=inverter) == []
        assert watched.spans()[0][1] == dusk + WAIT
        await watched.look(at("2024-06-11T06:00:00"))
        ((_, raised_ms, _, _),) = watched.spans(device=inverter)
        assert at("2024-06-11T03:30:00") < raised_ms < at("2024-06-11T04:30:00")


async def test_an_inverter_that_sends_in_the_dark_is_missed_at_night(watched: Watched) -> None:
    inverter, dusk = watched.add(DeviceKind.INVERTER), at("2024-06-10T19:20:00")
    async with watched.writing():
        watched.world.clock.at_ms = dusk
        await watched.send(range(dusk - DAY_MS + STEP, dusk + 1, STEP), inverter)
        await watched.look(dusk + HOUR_MS)
    assert watched.spans() == [("65534", dusk + WAIT, None, ACTIVE)]


async def test_a_silence_is_not_called_over_while_a_device_may_sleep(watched: Watched) -> None:
    inverter, dusk = watched.add(DeviceKind.INVERTER), at("2024-06-10T19:20:00")
    async with watched.writing():
        watched.world.clock.at_ms = dusk
        await watched.send(range(NOW, dusk, STEP), inverter, inverter_state=512.0)
        await watched.send([dusk], inverter, inverter_state=768.0)
        await watched.look()
        assert await watched.look(dusk + 5 * HOUR_MS) == 0
    assert watched.spans() == [("65533", dusk, None, ACTIVE)]


# States


async def test_a_fault_number_raises_its_alarm_and_another_number_another(watched: Watched) -> None:
    async with watched.writing():
        for index, fault in enumerate((0.0, 2032.0, 2032.0, 77.0, 0.0)):
            watched.world.clock.at_ms = NOW + index * STEP
            await watched.send([watched.now_ms], device_fault=fault)
            await watched.look()
    assert watched.spans() == [
        ("2032", NOW + STEP, NOW + 3 * STEP, CLEARED),
        ("77", NOW + 3 * STEP, NOW + 4 * STEP, CLEARED),
    ]
    known, unknown = watched.alarms()
    assert (known.name, known.severity) == ("Grid loss", Severity.MAJOR)
    assert unknown.name == "Device fault 77"


async def test_states_of_inverter_battery_and_meter_raise_and_clear_alarms(watched: Watched) -> None:
    wrong = {
        DeviceKind.INVERTER: ("inverter_state", 512.0, 768.0, "65533"),
        DeviceKind.BATTERY: ("battery_status", 2.0, 3.0, "65532"),
        DeviceKind.POWER_SENSOR: ("meter_status", 1.0, 0.0, "65531"),
        DeviceKind.WEATHER_STATION: ("device_online", 1.0, 0.0, "65534"),
    }
    async with watched.writing():
        for kind, (key, fine, bad, code) in wrong.items():
            device, start_ms = watched.add(kind), watched.now_ms
            for index, value in enumerate((fine, bad, bad, fine)):
                watched.world.clock.at_ms = start_ms + index * STEP
                await watched.send([watched.now_ms], device, **{key: value})
                await watched.look()
            assert watched.spans(device=device) == [(code, start_ms + STEP, start_ms + 3 * STEP, CLEARED)]


async def test_a_state_that_is_seen_late_is_dated_from_its_first_sample(watched: Watched) -> None:
    async with watched.writing():
        for index, value in enumerate((0.0, 5.0, 5.0, 5.0)):
            await watched.send([NOW - 4 * STEP + index * STEP], device_fault=value)
        await watched.look()
        assert watched.spans() == [("5", NOW - 3 * STEP, None, ACTIVE)]
        watched.world.clock.at_ms = NOW + 2 * STEP
        await watched.send([NOW + STEP], device_fault=0.0)
        await watched.send([NOW + 2 * STEP], device_fault=0.0)
        await watched.look()
    assert watched.spans() == [("5", NOW - 3 * STEP, NOW + STEP, CLEARED)]


async def test_a_state_that_held_from_the_first_sample_on_is_dated_when_it_was_seen(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW - STEP, NOW], device_fault=5.0)
        await watched.look()
        assert watched.spans() == [("5", NOW, None, ACTIVE)]
        watched.world.clock.at_ms = NOW + 2 * STEP
        await watched.send([NOW + 2 * STEP], device_fault=0.0)
        await watched.look()
    assert watched.spans() == [("5", NOW, NOW + 2 * STEP, CLEARED)]


async def test_while_it_is_silent_nothing_else_is_said_to_be_over(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW - STEP], device_fault=0.0)
        await watched.send([NOW], device_fault=5.0)
        await watched.look()
        await watched.look(NOW + HOUR_MS)
        assert [(code, status) for code, _, _, status in watched.spans()] == [("5", ACTIVE), ("65534", ACTIVE)]
        watched.world.clock.at_ms = NOW + 2 * HOUR_MS
        await watched.send([NOW + 2 * HOUR_MS], device_fault=5.0)
        await watched.look()
        assert [(code, status) for code, _, _, status in watched.spans()] == [("5", ACTIVE), ("65534", CLEARED)]


async def test_a_device_that_uploads_what_it_kept_ends_its_silence_when_it_is_heard_again(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW])
        await watched.look(NOW + 3 * HOUR_MS)
        await watched.send(range(NOW + STEP, NOW + 2 * HOUR_MS, STEP))
        assert await watched.look() == 0
        await watched.send(range(NOW + 2 * HOUR_MS, NOW + 3 * HOUR_MS + 1, STEP))
        assert await watched.look() == 1
        assert await watched.review() == 0
    assert watched.spans() == [("65534", NOW + WAIT, NOW + 3 * HOUR_MS, CLEARED)]


async def test_a_device_that_was_cut_off_and_then_fell_silent_has_one_alarm(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW - STEP])
        await watched.send([NOW], device_online=0.0)
        await watched.look()
        assert await watched.look(NOW + 2 * HOUR_MS) == 0
        watched.world.clock.at_ms = NOW + 3 * HOUR_MS
        await watched.send([NOW + 2 * HOUR_MS, *range(NOW + 2 * HOUR_MS, NOW + 3 * HOUR_MS + 1, STEP)])
        assert await watched.look() == 1
        await watched.review()
    assert watched.spans("65534") == [("65534", NOW, NOW + 2 * HOUR_MS, CLEARED)]


# What people do, restarts, failures


async def test_what_a_person_cleared_is_not_raised_again_while_it_lasts(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW])
        await watched.look(NOW + HOUR_MS)
        await watched.handle(watched.alarms()[0], BY_USER)
        assert await watched.look(NOW + 2 * HOUR_MS) == 0
    watched.restart()
    async with watched.writing():
        assert await watched.look(NOW + 3 * HOUR_MS) == 0
        assert watched.spans() == [("65534", NOW + WAIT, NOW + HOUR_MS, BY_USER)]
        watched.world.clock.at_ms = NOW + 4 * HOUR_MS
        await watched.send([NOW + 4 * HOUR_MS])
        await watched.look()
        assert watched.spans() == [("65534", NOW + WAIT, NOW + HOUR_MS, BY_USER)]
        assert watched.alarms()[0].until_ms == NOW + 4 * HOUR_MS
    watched.restart()
    async with watched.writing():
        assert await watched.look(NOW + 5 * HOUR_MS) == 1
    assert watched.spans()[1] == ("65534", NOW + 4 * HOUR_MS + WAIT, None, ACTIVE)


async def test_an_alarm_outlives_a_kill_and_is_cleared_by_who_comes_after(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW])
        await watched.look(NOW + HOUR_MS)
        await watched.handle(watched.alarms()[0], AlarmStatus.ACKNOWLEDGED)
    watched.restart()
    async with watched.writing():
        assert await watched.look(NOW + 2 * HOUR_MS) == 0
        watched.world.clock.at_ms = NOW + 3 * HOUR_MS
        await watched.send([NOW + 3 * HOUR_MS])
        assert await watched.look() == 1
    assert watched.spans() == [("65534", NOW + WAIT, NOW + 3 * HOUR_MS, CLEARED)]


async def test_a_silence_that_ended_while_the_hub_was_down_is_one_alarm(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW])
        await watched.look(NOW + HOUR_MS)
        watched.world.clock.at_ms = NOW + 3 * HOUR_MS
        await watched.send([NOW + 2 * HOUR_MS])
        await watched.send(range(NOW + 2 * HOUR_MS + STEP, NOW + 3 * HOUR_MS + 1, STEP))
    watched.restart()
    async with watched.writing():
        assert await watched.review() == 2
        await watched.look()
    assert watched.spans("65534") == [("65534", NOW + WAIT, NOW + 2 * HOUR_MS, CLEARED)]


async def test_what_nobody_listened_to_is_not_called_silence_before_it_was_listened_for(watched: Watched) -> None:
    before, outage = watched.add(), 6 * HOUR_MS
    async with watched.writing():
        await watched.send([NOW - HOUR_MS], before)
        await watched.send([NOW])
        await watched.look(NOW)
        await watched.world.hub.watch.catch_up(thorough=False)
    watched.restart()
    watched.world.clock.at_ms = NOW + outage
    watched.world.hub.watch.begin()
    async with watched.writing():
        await watched.look(NOW + outage + WAIT - 1)
        assert watched.spans(device=watched.device) == []
        assert len(watched.spans(device=before)) == 1, "it was silent while the hub was there"
        await watched.look(NOW + outage + WAIT)
        assert watched.spans(device=watched.device) == [("65534", NOW + WAIT, None, ACTIVE)]


async def test_a_short_absence_delays_an_alarm_no_longer_than_it_lasted(watched: Watched) -> None:
    async with watched.writing():
        await watched.send([NOW])
        await watched.look(NOW)
        await watched.world.hub.watch.catch_up(thorough=False)
    watched.restart()
    watched.world.clock.at_ms = back_ms = NOW + WAIT - STEP
    watched.world.hub.watch.begin()
    async with watched.writing():
        assert await watched.look(NOW + WAIT + 1) == 0
        assert await watched.look(2 * back_ms - NOW) == 1


async def test_what_could_not_be_kept_is_raised_and_cleared_later(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched.writing():
        await watched.send([NOW])
        with monkeypatch.context() as full:
            watched.fill_disk(full)
            with pytest.raises(StoreError):
                await watched.look(NOW + HOUR_MS)
        assert watched.spans() == []
        assert await watched.look(NOW + HOUR_MS) == 1
        watched.world.clock.at_ms = NOW + 2 * HOUR_MS
        await watched.send([NOW + 2 * HOUR_MS])
        with monkeypatch.context() as full:
            watched.fill_disk(full)
            with pytest.raises(StoreError):
                await watched.look()
        assert watched.spans() == [("65534", NOW + WAIT, None, ACTIVE)]
        assert await watched.look() == 1
    assert watched.spans() == [("65534", NOW + WAIT, NOW + 2 * HOUR_MS, CLEARED)]


async def test_a_simulation_that_lags_behind_makes_nobody_silent(watched: Watched) -> None:
    heard = watched.world.hub.watch.clock = FixedClock(NOW)
    async with watched.writing():
        await watched.send([NOW])
        assert await watched.look(NOW + 5 * HOUR_MS) == 0
        heard.at_ms = NOW + HOUR_MS
        assert await watched.look() == 1


# The worker


async def test_many_are_written_together_and_others_get_their_turn(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PART", 3)
    monkeypatch.setattr(worker, "TURN_S", -1.0)
    devices = [watched.device, *(watched.add() for _ in range(7))]
    turns = 0

    async def beside() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with watched.writing():
        for device in devices:
            await watched.send([NOW], device)
        other = asyncio.create_task(beside())
        commits = watched.world.hub.database.commits
        assert await watched.look(NOW + HOUR_MS) == 8
        assert watched.world.hub.database.commits - commits == 3
        assert turns >= 8
        watched.world.clock.at_ms = NOW + 2 * HOUR_MS
        for device in devices:
            await watched.send([NOW + 2 * HOUR_MS], device)
        assert await watched.review(until_ms=NOW + 2 * HOUR_MS + 1) == 16
        other.cancel()


async def test_it_goes_on_in_the_past_where_it_stopped(watched: Watched) -> None:
    watch = watched.world.hub.watch
    async with watched.writing():
        await watched.send([NOW - 40 * DAY_MS, NOW - 39 * DAY_MS, NOW - 10 * HOUR_MS, NOW - 8 * HOUR_MS])
        assert await watch.catch_up(thorough=False) == 4
        late = [NOW - 9 * HOUR_MS]
        assert {alarm.raised_at_ms for alarm in watched.alarms("65534")} == {
            NOW - 39 * DAY_MS + WAIT,
            NOW - 10 * HOUR_MS + WAIT,
        }
        watched.world.clock.at_ms = NOW + 40 * DAY_MS
        await watched.send([*late, NOW + 2 * HOUR_MS, NOW + 5 * HOUR_MS])
        assert await watch.catch_up(thorough=False) == 4
        assert {alarm.raised_at_ms for alarm in watched.alarms("65534")} >= {
            NOW - 8 * HOUR_MS + WAIT,
            NOW + 2 * HOUR_MS + WAIT,
        }
        assert await watch.catch_up(thorough=True) == 0


async def test_a_thorough_review_finds_what_late_data_shows(watched: Watched) -> None:
    watch = watched.world.hub.watch
    async with watched.writing():
        await watched.send([NOW - 20 * HOUR_MS])
        await watch.catch_up(thorough=True)
        await watched.send([NOW - 10 * HOUR_MS])
        assert await watch.catch_up(thorough=False) == 0
        assert await watch.catch_up(thorough=True) == 2


async def test_it_works_by_itself_and_rests_as_long_as_it_must(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watched.world.hub.watch
    watch.config = msgspec.structs.replace(watch.config, every_s=0.0)
    monkeypatch.setattr(worker, "REVIEW_LOOKS", 2)
    monkeypatch.setattr(worker, "THOROUGH_REVIEWS", 2)
    reviews: list[bool] = []
    look, catch_up = Watch.look, Watch.catch_up
    looks = asyncio.Event()

    async def looked(self: Watch) -> int:
        if len(reviews) == 3:
            looks.set()
        return await look(self)

    async def caught_up(self: Watch, *, thorough: bool) -> int:
        reviews.append(thorough)
        return await catch_up(self, thorough=thorough)

    monkeypatch.setattr(Watch, "look", looked)
    monkeypatch.setattr(Watch, "catch_up", caught_up)
    async with watched.writing():
        await watched.send([NOW - 2 * HOUR_MS, NOW - HOUR_MS])
        running = asyncio.create_task(watch.run())
        await asyncio.wait_for(looks.wait(), 5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert reviews[:3] == [True, False, True]
    assert [code for code, *_ in watched.spans()] == ["65529", "65534", "65534"]


def test_minutes_are_what_the_settings_say(watched: Watched, tmp_path: Path) -> None:
    assert watched.world.hub.config.watch.silent_after_s * 1000 == WAIT == 30 * MINUTE_MS
