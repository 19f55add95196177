"""Folding anew: after a plant's zone changed, or the rules of its zone did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from heliograph.clock import DAY_MS, HOUR_MS, Level
from heliograph.model import buckets as b
from heliograph.model.devices import Device, DeviceKind, MeterRole
from heliograph.rollup import refold
from heliograph.rollup.refold import fingerprint
from tests.unit.store.world import World, at, block, columns

DAY = at("2024-06-03T00:00:00")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub at noon of 10 June 2024, UTC."""
    made = World(tmp_path)
    yield made
    made.close()


async def fill(world: World, device: Device, hours: int = 72, key: str = "ac.energy") -> None:
    """A counter that rises by one an hour."""
    readings = {DAY + n * HOUR_MS: {key: 100.0 + n} for n in range(hours + 1)}
    await world.hub.ingest(world.caller, [block(device.id, readings)], source="test")


async def days(world: World, number: int, quantity: str = b.PRODUCTION) -> dict[int, float]:
    """A plant's quantity by the hours from DAY to the day's start."""
    (found,) = await world.hub.buckets(world.admin, "plant", [number], Level.DAY, 0, DAY + 9 * DAY_MS)
    return {(since - DAY) // HOUR_MS: bag[quantity] for since, bag in columns(found).items() if quantity in bag}


async def test_a_new_zone_makes_other_days_of_the_same_samples_sealed_or_not(world: World) -> None:
    plant = world.add_plant("UTC")
    device = world.add_device(plant)
    async with world.hub.database.writing():
        await fill(world, device)
        assert await days(world, plant.id) == {0: 24.0, 24: 24.0, 48: 24.0}
        world.clock.at_ms = DAY + 2 * DAY_MS
        await world.hub.sealing.seal_until(DAY + 2 * DAY_MS)
        await world.hub.save_plant(world.admin, msgspec.structs.replace(plant, zone="America/New_York"))
        assert await days(world, plant.id) == {-20: 4.0, 4: 24.0, 28: 24.0, 52: 20.0}
        await world.hub.save_plant(world.admin, plant)
        assert await days(world, plant.id) == {0: 24.0, 24: 24.0, 48: 24.0}


async def test_a_half_hour_zone_splits_the_hours_it_should(world: World) -> None:
    plant = world.add_plant("UTC")
    device = world.add_device(plant)
    async with world.hub.database.writing():
        readings = {DAY + n * HOUR_MS // 2: {"ac.energy": 100.0 + n} for n in range(97)}
        await world.hub.ingest(world.caller, [block(device.id, readings)], source="test")
        await world.hub.save_plant(world.admin, msgspec.structs.replace(plant, zone="Asia/Kolkata"))
        (found,) = await world.hub.buckets(world.caller, "plant", [plant.id], Level.DAY, 0, DAY + 9 * DAY_MS)
        assert {since - DAY: bag[b.PRODUCTION] for since, bag in columns(found).items()} == {
            -int(5.5 * HOUR_MS): 37.0,
            int(18.5 * HOUR_MS): 48.0,
            int(42.5 * HOUR_MS): 11.0,
        }


async def test_nothing_of_a_plant_changes_when_only_its_name_does(world: World) -> None:
    plant = world.add_plant("UTC")
    waiting = "SELECT count(*) FROM dirty"
    async with world.hub.database.writing():
        await fill(world, world.add_device(plant))
        await days(world, plant.id)
        await world.hub.save_plant(world.admin, msgspec.structs.replace(plant, name="other"))
        assert world.hub.database.query(waiting) == [(0,)]
        assert len(await days(world, plant.id)) == 3


async def test_a_new_tariff_prices_the_past_too(world: World) -> None:
    plant = world.add_plant("UTC", tariff=(1.0,))
    async with world.hub.database.writing():
        await fill(world, world.add_device(plant))
        assert (await days(world, plant.id, b.REVENUE))[0] == pytest.approx(0.024)
        await world.hub.save_plant(world.admin, msgspec.structs.replace(plant, tariff=(2.0,)))
        assert (await days(world, plant.id, b.REVENUE))[0] == pytest.approx(0.048)


async def test_a_new_role_makes_something_else_of_a_meter_s_past(world: World) -> None:
    plant = world.add_plant("UTC")
    meter = world.add_device(plant, DeviceKind.METER)
    async with world.hub.database.writing():
        await fill(world, meter, key="meter.energy_forward")
        assert (await days(world, plant.id, b.PURCHASE))[0] == 24.0
        await world.hub.save_device(world.admin, msgspec.structs.replace(meter, role=MeterRole.LOAD))
        assert (await days(world, plant.id, b.CONSUMPTION))[0] == 24.0
        assert await days(world, plant.id, b.PURCHASE) == {}


async def test_a_device_takes_its_past_along_to_another_plant(world: World) -> None:
    old, new = world.add_plant("UTC"), world.add_plant("Asia/Tokyo")
    device, stays = world.add_device(old), world.add_device(old)
    async with world.hub.database.writing():
        await fill(world, device)
        await fill(world, stays, 24)
        assert await days(world, old.id) == {0: 48.0, 24: 24.0, 48: 24.0}
        await world.hub.save_device(world.admin, msgspec.structs.replace(device, plant_id=new.id))
        assert await days(world, old.id) == {0: 24.0}
        assert await days(world, new.id) == {-9: 15.0, 15: 24.0, 39: 24.0, 63: 9.0}


async def test_changed_rules_of_a_zone_are_noticed_at_the_next_start_and_only_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, other = world.add_plant("Europe/London"), world.add_plant("Asia/Tokyo")
    async with world.hub.database.writing():
        await fill(world, world.add_device(plant))
        await fill(world, world.add_device(other))
        await world.hub.folding.fold_all()

    def changed() -> list[str]:
        return world.hub.database.write_now(world.hub.refolding.refold_changed_zones)

    marks = "SELECT count(DISTINCT device) FROM dirty"
    assert changed() == []
    assert changed() == []
    assert world.hub.database.query(marks) == [(0,)]
    monkeypatch.setattr(refold, "fingerprint", lambda name: "new" if name == "Europe/London" else fingerprint(name))
    assert changed() == ["Europe/London"]
    assert world.hub.database.query(marks) == [(1,)]
    assert changed() == []
    async with world.hub.database.writing():
        assert sum((await days(world, plant.id)).values()) == 72.0


async def test_new_rules_of_folding_make_every_total_anew_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = world.add_plant("Europe/London")
    async with world.hub.database.writing():
        await fill(world, world.add_device(plant))
        await world.hub.folding.fold_all()

    def changed() -> bool:
        return world.hub.database.write_now(world.hub.refolding.refold_new_rules)

    assert not changed(), "a new database knows its rules"
    world.hub.database.write_now(lambda rows: rows.execute("UPDATE bucket SET body = x''"))
    monkeypatch.setattr(refold, "RULES", "later")
    assert changed()
    assert not changed()
    world.hub.database.write_now(lambda rows: rows.execute("DELETE FROM meta WHERE key = 'rules'"))
    assert changed(), "nobody knows by which rules an old database was made"
    async with world.hub.database.writing():
        assert sum((await days(world, plant.id)).values()) == 72.0


async def test_a_start_after_an_upgrade_of_the_tz_database_folds_the_plant_anew(world: World) -> None:
    plant = world.add_plant("Europe/London")
    async with world.hub.database.writing():
        await fill(world, world.add_device(plant))
        await world.hub.folding.fold_all()
    world.hub.recover()
    assert world.hub.database.query("SELECT count(*) FROM bucket")[0][0] > 0
    world.hub.database.write_now(
        lambda rows: rows.execute("UPDATE meta SET value = 'old' WHERE key = 'zone:Europe/London'")
    )
    world.reopen()
    world.hub.recover()
    assert world.hub.database.query("SELECT count(*) FROM bucket") == [(0,)]
    async with world.hub.database.writing():
        assert sum((await days(world, plant.id)).values()) == 72.0


@pytest.mark.parametrize("name", ["UTC", "Europe/London", "America/Argentina/Buenos_Aires"])
def test_a_zone_has_the_same_digest_every_time_and_another_than_others(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fingerprint(name) == fingerprint(name) != fingerprint("Asia/Kathmandu")
    monkeypatch.setattr("heliograph.rollup.refold.zoneinfo.TZPATH", ())
    assert len(fingerprint(name)) == 32
