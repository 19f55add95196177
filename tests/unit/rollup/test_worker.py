"""The worker: buckets follow the samples, whatever comes late, twice, or while a day is being folded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS, Level, day_of, zone
from heliograph.errors import StoreBusyError
from heliograph.model import buckets as b
from heliograph.model.devices import Device, DeviceKind
from heliograph.rollup.worker import touched_days
from tests.unit.store.world import World, at, block, columns

NaN = float("nan")
DAY = at("2024-06-03T00:00:00")
REACH = HOUR_MS


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub some weeks after the days of these tests."""
    made = World(tmp_path, now="2024-07-10T12:00:00")
    yield made
    made.close()


async def send(world: World, device: Device | int, readings: dict[int, dict[str, float | str]]) -> None:
    """Send readings of one device."""
    number = device if isinstance(device, int) else device.id
    await world.hub.ingest(world.caller, [block(number, readings)], source="test")


def counter(values: dict[int, float], key: str = "ac.energy") -> dict[int, dict[str, float | str]]:
    """Readings of a counter by hours since the day began."""
    return {DAY + hour * HOUR_MS: {key: value} for hour, value in values.items()}


async def totals(
    world: World, level: Level, number: int, subject: Any = "device", quantity: str = b.PRODUCTION
) -> dict[int, float]:
    """A quantity by the days since DAY."""
    (found,) = await world.hub.buckets(world.caller, subject, [number], level, 0, DAY + 30 * DAY_MS)
    return {(since - DAY) // DAY_MS: bag[quantity] for since, bag in columns(found).items() if quantity in bag}


def marks(world: World) -> int:
    """How many days wait."""
    return int(world.hub.database.query("SELECT count(*) FROM dirty")[0][0])


async def test_reading_a_bucket_folds_what_it_needs(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({1: 100.0, 2: 104.0, 26: 110.0}))
        assert marks(world) > 0
        assert await totals(world, Level.DAY, device.id) == {0: 4.0, 1: 6.0}
        assert await totals(world, Level.DAY, device.plant_id, "plant") == {0: 4.0, 1: 6.0}
        assert marks(world) == 0


async def test_a_late_sample_reopens_its_hour_day_month_and_year_and_the_day_after(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({1: 100.0, 30: 130.0}))
        assert await totals(world, Level.DAY, device.id) == {1: 30.0}
        await send(world, device, counter({23: 120.0}))
        assert await totals(world, Level.DAY, device.id) == {0: 20.0, 1: 10.0}
        for level in (Level.MONTH, Level.YEAR):
            assert list((await totals(world, level, device.id)).values()) == [30.0]
            assert list((await totals(world, level, device.plant_id, "plant")).values()) == [30.0]
        (hours,) = await world.hub.buckets(world.caller, "device", [device.id], Level.HOUR, DAY, DAY + DAY_MS)
        rose = {since: bag[b.PRODUCTION] for since, bag in columns(hours).items() if b.PRODUCTION in bag}
        assert rose == {DAY + 22 * HOUR_MS: 20.0}


async def test_a_correction_of_a_day_s_last_reading_passes_on_along_empty_days(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({1: 100.0, 20: 110.0, 10 * 24 + 5: 150.0}))
        assert await totals(world, Level.DAY, device.id) == {0: 10.0, 10: 40.0}
        await send(world, device, counter({20: 120.0}))
        assert await totals(world, Level.DAY, device.id) == {0: 20.0, 10: 30.0}


async def test_a_counter_read_first_at_midnight_is_the_base_of_that_day(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({0: 100.0, 1: 104.0}))
        assert await totals(world, Level.DAY, device.id) == {0: 4.0}
        (days,) = await world.hub.buckets(world.caller, "device", [device.id], Level.DAY, 0, DAY + DAY_MS)
        assert days.since_ms.tolist() == [DAY]


async def test_a_counter_read_only_at_midnights_tells_every_day(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({24 * n: 100.0 + 10 * n for n in range(5)}))
        expected = {0: 10.0, 1: 10.0, 2: 10.0, 3: 10.0}
        assert await totals(world, Level.DAY, device.id) == expected
        await world.hub.refold(device.plant_id)
        assert await totals(world, Level.DAY, device.id) == expected


async def test_power_is_integrated_across_midnight_from_both_sides(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, {DAY + 30 * MINUTE_MS: {"ac.power": 100.0}})
        assert await totals(world, Level.DAY, device.id) == {}
        await send(world, device, {DAY - 30 * MINUTE_MS: {"ac.power": 100.0}})
        assert await totals(world, Level.DAY, device.id) == {-1: 50.0, 0: 50.0}


async def test_powers_that_nothing_tells_are_derived_from_their_parts(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        for minute in (0, 30, 60):
            await send(world, device, {
                DAY + minute * MINUTE_MS: {"ac.power": NaN, "ac.a.power": 40.0, "ac.b.power": 60.0, "pv.power": 7.0}
            })  # fmt: skip
        assert await totals(world, Level.DAY, device.id) == {0: 100.0}
        assert await totals(world, Level.DAY, device.id, quantity=b.PV_INPUT) == {0: 7.0}


async def test_late_light_reopens_the_inverters_reliability(world: World) -> None:
    plant = world.add_plant()
    device, sky = world.add_device(plant), world.add_device(plant, DeviceKind.WEATHER_STATION)
    minutes = [DAY + (600 + 5 * n) * MINUTE_MS for n in range(4)]
    async with world.hub.database.writing():
        await send(world, device, {at_ms: {"ac.energy": 100.0 + n // 2} for n, at_ms in enumerate(minutes)})
        assert await totals(world, Level.DAY, device.id, quantity=b.PRODUCING) == {}
        await send(world, sky, {at_ms: {"weather.poa_global": 600.0} for at_ms in minutes})
        assert await totals(world, Level.DAY, device.id, quantity=b.PRODUCING) == {0: 1.0}
        assert await totals(world, Level.DAY, device.id, quantity=b.IDLE) == {0: 2.0}
        assert await totals(world, Level.DAY, plant.id, "plant", b.IDLE) == {0: 2.0}
        assert await totals(world, Level.DAY, plant.id, "plant", b.IRRADIATION) == {0: 150.0}


async def test_a_disabled_weather_station_gives_no_light(world: World) -> None:
    plant = world.add_plant()
    device = world.add_device(plant)
    sky = world.add_device(plant, DeviceKind.WEATHER_STATION)
    minutes = [DAY + (600 + 5 * n) * MINUTE_MS for n in range(4)]
    async with world.hub.database.writing():
        await send(world, sky, {at_ms: {"weather.poa_global": 600.0} for at_ms in minutes})
        world.add_device(plant, DeviceKind.WEATHER_STATION, disabled=True)
        await send(world, device, {at_ms: {"ac.energy": 100.0 + n} for n, at_ms in enumerate(minutes)})
        assert await totals(world, Level.DAY, device.id, quantity=b.PRODUCING) == {0: 3.0}


async def test_a_device_that_is_not_totalled_still_counts_what_it_sends(world: World) -> None:
    device = world.add_device(world.add_plant(), DeviceKind.GATEWAY)
    async with world.hub.database.writing():
        await send(world, device, {DAY + n * 5 * MINUTE_MS: {"device.online": 1.0} for n in range(6)})
        assert await totals(world, Level.DAY, device.id, quantity=b.RECEIVED) == {0: 6.0}


async def test_folding_in_the_background_comes_to_the_end(world: World) -> None:
    plant = world.add_plant()
    devices = [world.add_device(plant) for _ in range(4)]
    async with world.hub.database.writing():
        for device in devices:
            await send(world, device, counter({24 * n + 5: 100.0 + n for n in range(30)}))
        assert await world.hub.folding.fold_all() >= 120
        assert (marks(world), await world.hub.folding.fold_some()) == (0, 0)
        assert sum((await totals(world, Level.DAY, plant.id, "plant")).values()) == 4 * 29


async def test_a_record_that_is_being_committed_while_its_day_is_folded_is_not_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = world.add_device(world.add_plant())
    commit = world.hub.database._commit

    def slowly() -> None:
        time.sleep(0.05)
        commit()

    async with world.hub.database.writing():
        await send(world, device, counter({1: 100.0, 2: 104.0}))
        monkeypatch.setattr(world.hub.database, "_commit", slowly)
        sending = asyncio.create_task(send(world, device, counter({3: 109.0})))
        await asyncio.sleep(0.01)  # applied by now, and on its way to the disk
        await world.hub.folding.fold_all()
        await sending
        monkeypatch.undo()
        assert await totals(world, Level.DAY, device.id) == {0: 9.0}


async def test_records_that_come_while_days_are_folded_are_folded_too(world: World) -> None:
    plant = world.add_plant()
    devices = [world.add_device(plant) for _ in range(3)]

    async def report(device: Device) -> None:
        for n in range(40):
            await send(world, device, counter({6 * n + 1: 100.0 + n}))

    async with world.hub.database.writing():
        folding = asyncio.create_task(_for_ever(world))
        await asyncio.gather(*map(report, devices))
        folding.cancel()
        await asyncio.gather(folding, return_exceptions=True)
        for device in devices:
            assert sum((await totals(world, Level.DAY, device.id)).values()) == 39.0
        assert sum((await totals(world, Level.DAY, plant.id, "plant")).values()) == 3 * 39.0


async def _for_ever(world: World) -> None:
    while True:
        await world.hub.folding.fold_some()
        await asyncio.sleep(0)


async def test_a_failed_fold_leaves_its_marks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({1: 100.0, 2: 104.0}))
        before = marks(world)

        def full(*_: Any, **_more: Any) -> None:
            raise StoreBusyError("no")

        monkeypatch.setattr(world.hub.folding, "_keep", full)
        with pytest.raises(StoreBusyError):
            await totals(world, Level.DAY, device.id)
        assert marks(world) == before
        monkeypatch.undo()
        assert await totals(world, Level.DAY, device.id) == {0: 4.0}


async def test_marks_of_a_device_without_a_plant_are_dropped(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, counter({1: 100.0}))
        del world.hub.registry.plants[device.plant_id]
        await world.hub.folding.fold_all()
    assert marks(world) == 0


async def test_a_zone_that_changes_while_a_day_is_folded_leaves_no_day_of_the_old_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = world.add_plant("UTC", name="moving")
    device = world.add_device(plant)
    tokyo = world.hub.registry.plants[plant.id]
    original = world.hub.folding._fold_device

    async with world.hub.database.writing():
        await send(world, device, counter({n: 100.0 + n for n in range(1, 60)}))
        changed: list[asyncio.Task[Any]] = []

        def meanwhile(*arguments: Any) -> Any:
            if not changed:
                moved = msgspec.structs.replace(tokyo, zone="Asia/Tokyo")
                changed.append(asyncio.ensure_future(world.hub.save_plant(world.admin, moved)))
            return original(*arguments)

        monkeypatch.setattr(world.hub.folding, "_fold_device", meanwhile)
        await world.hub.folding.fold_all()
        await changed[0]
        await world.hub.folding.fold_all()
        (days,) = await world.hub.buckets(world.caller, "device", [device.id], Level.DAY, 0, DAY + 9 * DAY_MS)
    tz = zone("Asia/Tokyo")
    assert all((since + 9 * HOUR_MS) % DAY_MS == 0 for since in days.since_ms.tolist())
    assert np.nansum(days.columns[b.PRODUCTION]) == 58.0
    assert len(days.since_ms) == len({day_of(int(since), tz) for since in days.since_ms}) == 3


def test_a_record_touches_its_day_and_a_near_neighbour_s() -> None:
    today = day_of(DAY, zone("UTC"))
    assert touched_days([DAY + 12 * HOUR_MS], "UTC", REACH) == {today}
    assert touched_days([DAY], "UTC", REACH) == {today - 1, today}
    assert touched_days([DAY + 23 * HOUR_MS + 1], "UTC", REACH) == {today, today + 1}
    assert touched_days([DAY + 5 * HOUR_MS, DAY + 3 * DAY_MS + 5 * HOUR_MS], "UTC", REACH) == {today, today + 3}
    assert touched_days([DAY + 12 * HOUR_MS], "Asia/Tokyo", REACH) == {today}
    assert touched_days([DAY + 15 * HOUR_MS], "Asia/Tokyo", REACH) == {today, today + 1}


async def test_a_record_that_comes_between_two_looks_at_a_day_is_folded_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = world.add_device(world.add_plant())
    looks = 0
    original = world.hub.tiers.series

    def cut(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        found = original(*arguments)
        if looks != 2:
            return found
        less = {key: values[:-1] for key, values in found.columns.items()}
        return msgspec.structs.replace(found, at_ms=found.at_ms[:-1], columns=less)

    async with world.hub.database.writing():
        await send(world, device, {DAY + n * 30 * MINUTE_MS: {"ac.a.power": 50.0} for n in range(24, 27)})
        monkeypatch.setattr(world.hub.tiers, "series", cut)
        await world.hub.folding.fold_all()
        monkeypatch.undo()
        assert await totals(world, Level.DAY, device.id) == {}
        await send(world, device, {DAY + 13 * HOUR_MS: {"ac.b.power": 50.0}})
        assert await totals(world, Level.DAY, device.id) == {0: 62.5}
