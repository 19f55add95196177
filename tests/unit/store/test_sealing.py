"""The worker that seals: whole local days, long enough ago, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.store import sealing as module
from heliograph.store.sealing import Sealing
from tests.unit.store.world import World, at, block


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub at noon of 10 June 2024, UTC."""
    made = World(tmp_path)
    yield made
    made.close()


def rows(world: World, table: str) -> int:
    """How many rows a table has."""
    return int(world.hub.database.query(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608  a name of ours


async def fill(world: World, device_id: int, since: str, hours: int) -> None:
    """A reading an hour."""
    readings = {at(since) + n * HOUR_MS: {"ac.power": float(n)} for n in range(hours)}
    await world.hub.ingest(world.caller, [block(device_id, readings)], source="test")


async def test_only_local_days_that_ended_long_enough_ago_are_sealed(world: World) -> None:
    device = world.add_device(world.add_plant("Asia/Tokyo"))
    async with world.hub.database.writing():
        await fill(world, device.id, "2024-06-07T15:00:00", 60)
        # Six hours after midnight in Tokyo it is 21:00 in London.
        world.clock.at_ms = at("2024-06-09T20:59:59")
        assert list(world.hub.sealing.waiting(world.clock.now_ms() - 6 * HOUR_MS)) == [device.id]
        assert await world.hub.sealing.seal_due() == 24
        world.clock.at_ms += 1000
        told: list[int] = []
        assert await world.hub.sealing.seal_due(told.append) == 24
    assert told == [24]
    assert (rows(world, "sample"), rows(world, "sealed")) == (12, 2)


async def test_every_device_is_sealed_and_reads_the_same(world: World) -> None:
    plant = world.add_plant("America/New_York")
    devices = [world.add_device(plant).id for _ in range(3)]
    async with world.hub.database.writing():
        for number in devices:
            await fill(world, number, "2024-06-01T00:00:00", 24 * 4)
        before = [world.hub.tiers.series(number, 0, 1 << 50).columns["ac.power"].tolist() for number in devices]
        await world.hub.sealing.seal_due()
    assert rows(world, "sample") == 0
    assert [world.hub.tiers.series(n, 0, 1 << 50).columns["ac.power"].tolist() for n in devices] == before


async def test_the_newest_readings_survive_sealing_and_a_kill(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await fill(world, device.id, "2024-06-01T00:00:00", 24)
        await world.hub.sealing.seal_due()
    world.reopen()
    world.hub.recover()
    (latest,) = world.hub.hot.latest([device.id])
    assert latest.readings["ac.power"].value == 23.0


async def test_a_late_record_for_a_sealed_day_is_sealed_into_it(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await fill(world, device.id, "2024-06-01T00:00:00", 24)
        await world.hub.sealing.seal_due()
        await world.hub.ingest(
            world.caller, [block(device.id, {at("2024-06-01T10:30:00"): {"ac.power": 9.5}})], source="test"
        )
        assert await world.hub.sealing.seal_due() == 1
    assert (rows(world, "sample"), rows(world, "sealed")) == (0, 1)
    assert len(world.hub.tiers.series(device.id, 0, 1 << 50).at_ms) == 25


async def test_old_days_are_merged_into_weeks(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await fill(world, device.id, "2024-05-20T00:00:00", 24 * 16)
        await world.hub.sealing.seal_due()
    spans = world.hub.database.query("SELECT (until - since) / 86400000 FROM sealed ORDER BY since")
    assert [days for (days,) in spans] == [7, 7, 1, 1]
    assert len(world.hub.tiers.series(device.id, 0, 1 << 50).at_ms) == 24 * 16


async def test_a_record_whose_plant_is_gone_stays_where_it_is(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await fill(world, device.id, "2024-06-01T00:00:00", 3)
        del world.hub.registry.plants[device.plant_id]
        assert await world.hub.sealing.seal_due() == 0
    assert rows(world, "sample") == 3


async def test_a_file_that_cannot_shrink_does_not_keep_the_worker_busy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLACK_PAGES", -1)
    monkeypatch.setattr(world.hub.database, "empty_share", lambda: (100, 160))
    sealing: Sealing = world.hub.sealing
    async with world.hub.database.writing():
        before = world.hub.database.commits
        await sealing.seal_until(at("2024-06-01T00:00:00") + DAY_MS)
        assert world.hub.database.commits - before == 1
