"""Reported totals beside computed ones: the rule of a device decides, and its plant, month and year follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, Level
from heliograph.model import buckets as b
from heliograph.model.devices import Device, DeviceKind, MeterRole, ReportedRule
from heliograph.model.ledger import Declaration, Declared, Statement
from heliograph.model.plants import Plant
from heliograph.protocol.hub import Subject
from heliograph.rollup.reported import computed_of, plant_month, plant_period, with_declared
from tests.unit.store.world import World, at, block, columns

DAY = at("2024-06-03T00:00:00")
JUNE = at("2024-06-01T00:00:00")
FOREVER = at("2030-01-01T00:00:00")
ENERGY = st.floats(0.0, 1e6)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub some weeks after the days of these tests."""
    made = World(tmp_path, now="2024-07-10T12:00:00")
    yield made
    made.close()


async def declare(world: World, device: Device, **periods: str) -> None:
    """State energies of a device: `d3="5.5"` for the third of June, `m6="100"` for the month."""
    days = {
        f"2024-06-{int(name[1:]):02d}" if name[0] == "d" else f"2024-{int(name[1:]):02d}": energy
        for name, energy in periods.items()
    }
    entries = [Declared(on=on, period_kwh=energy) for on, energy in days.items()]
    body = msgspec.json.encode([msgspec.to_builtins(entry) for entry in entries])
    one = Declaration(device_id=device.id, remote_id=f"remote-{device.id}", entries=entries)
    await world.hub.ledger.declare(
        world.caller, Statement(dialect="test", operation="declare", body=body, declarations=[one])
    )


async def measure(world: World, device: Device, energy_wh: float, *, day: int = 3, hours: int = 24) -> None:
    """A counter that rises evenly to the energy over the first hours of a day, a sample every five minutes."""
    since = at(f"2024-06-{day:02d}T00:00:00")
    steps = hours * 12
    key = "ac.energy" if device.kind is DeviceKind.INVERTER else "meter.energy_forward"
    readings: dict[int, dict[str, float | str]] = {
        since + step * 300_000: {key: 1e6 + energy_wh * step / steps} for step in range(steps + 1)
    }
    await world.hub.ingest(world.caller, [block(device.id, readings)], source="test")


async def bag(
    world: World, number: int, level: Level, subject: Subject = "device", since: int = DAY
) -> dict[str, float]:
    """One bucket of a device or plant."""
    [series] = await world.hub.buckets(world.caller, subject, [number], level, 0, FOREVER)
    return columns(series).get(since, {})


async def test_a_reported_day_stands_in_for_one_without_samples(world: World) -> None:
    plant = world.add_plant(tariff=(0.5,))
    device = world.add_device(plant)
    async with world.hub.database.writing():
        await declare(world, device, d3="12.5")
        owners: tuple[tuple[Subject, int], ...] = (("device", device.id), ("plant", plant.id))
        for subject, number in owners:
            for level, since in ((Level.DAY, DAY), (Level.MONTH, JUNE), (Level.YEAR, at("2024-01-01T00:00:00"))):
                found = await bag(world, number, level, subject, since)
                assert found[b.PRODUCTION] == found[b.REPORTED] == found[b.DECLARED] == 12_500.0
                assert b.COMPUTED not in found
        assert (await bag(world, plant.id, Level.DAY, "plant"))[b.REVENUE] == 6.25
        assert await bag(world, device.id, Level.HOUR) == {}


@pytest.mark.parametrize(
    ("rule", "reported", "hours", "expected"),
    [
        (ReportedRule.REPORTED, "9", 24, 9_000.0),
        (ReportedRule.REPORTED, "11", 24, 11_000.0),
        (ReportedRule.COMPUTED, "11", 12, 10_000.0),
        (ReportedRule.FILLS, "11", 24, 10_000.0),
        (ReportedRule.FILLS, "11", 12, 11_000.0),
        (ReportedRule.FILLS, "10.05", 12, 10_000.0),
        (ReportedRule.FILLS, "9", 12, 10_000.0),
    ],
)
async def test_the_rule_of_a_device_decides(
    world: World, rule: ReportedRule, reported: str, hours: int, expected: float
) -> None:
    plant = world.add_plant()
    device = world.add_device(plant, reported=rule)
    async with world.hub.database.writing():
        await measure(world, device, 10_000.0, hours=hours)
        await declare(world, device, d3=reported)
        owners: tuple[tuple[Subject, int], ...] = (("device", device.id), ("plant", plant.id))
        for subject, number in owners:
            found = await bag(world, number, Level.DAY, subject)
            assert found[b.PRODUCTION] == pytest.approx(expected)
            assert found[b.DECLARED] == float(reported) * 1000
            if expected == 10_000.0:
                assert b.REPORTED not in found
            else:
                assert found[b.COMPUTED] == pytest.approx(10_000.0)
                assert found[b.REPORTED] == expected


async def test_a_new_rule_folds_the_history_again_reported_days_too(world: World) -> None:
    plant = world.add_plant()
    device = world.add_device(plant)
    async with world.hub.database.writing():
        await measure(world, device, 10_000.0)
        await declare(world, device, d3="11", d5="7")
        assert (await bag(world, device.id, Level.DAY))[b.PRODUCTION] == pytest.approx(10_000.0)
        changed = msgspec.structs.replace(device, reported=ReportedRule.REPORTED)
        await world.hub.save_device(world.admin, changed)
        assert (await bag(world, device.id, Level.DAY))[b.PRODUCTION] == 11_000.0
        assert (await bag(world, plant.id, Level.MONTH, "plant", JUNE))[b.PRODUCTION] == 18_000.0


async def test_the_digits_that_were_reported_are_those_that_count(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await declare(world, device, d3="0.1234", d4="0.2345")
        assert (await bag(world, device.id, Level.DAY))[b.PRODUCTION] == 123.4
        assert (await bag(world, device.id, Level.DAY, since=DAY + DAY_MS))[b.PRODUCTION] == 234.5


async def test_a_figure_that_someone_touched_stops_no_folding(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await declare(world, device, d3="5", d4="6")
        await world.hub.database.write(lambda rows: rows.execute("UPDATE declared SET energy = 'x' WHERE sequence = 1"))
        assert await bag(world, device.id, Level.DAY) == {}
        assert (await bag(world, device.id, Level.DAY, since=DAY + DAY_MS))[b.PRODUCTION] == 6_000.0


async def test_a_correction_takes_the_place_of_what_was_reported(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await declare(world, device, d3="5")
        assert (await bag(world, device.id, Level.DAY))[b.PRODUCTION] == 5_000.0
        await declare(world, device, d3="6")
        assert (await bag(world, device.id, Level.DAY))[b.PRODUCTION] == 6_000.0


async def test_a_counter_goes_on_across_a_day_that_was_only_reported(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await measure(world, device, 10_000.0, day=3)
        await declare(world, device, d4="3")
        readings: dict[int, dict[str, float | str]] = {DAY + 2 * DAY_MS + HOUR_MS: {"ac.energy": 1_010_400.0}}
        await world.hub.ingest(world.caller, [block(device.id, readings)], source="test")
        assert (await bag(world, device.id, Level.DAY, since=DAY + DAY_MS))[b.PRODUCTION] == 3_000.0
        assert (await bag(world, device.id, Level.DAY, since=DAY + 2 * DAY_MS))[b.PRODUCTION] == pytest.approx(400.0)


async def test_a_plant_adds_what_was_reported_of_some_and_computed_of_others(world: World) -> None:
    plant = world.add_plant(tariff=(1.0,))
    measured, reported = world.add_device(plant), world.add_device(plant)
    meter = world.add_device(plant, DeviceKind.METER, MeterRole.PRODUCTION)
    async with world.hub.database.writing():
        await measure(world, measured, 10_000.0)
        await measure(world, meter, 99_000.0)
        await declare(world, reported, d3="4")
        found = await bag(world, plant.id, Level.DAY, "plant")
        assert found[b.PRODUCTION] == pytest.approx(14_000.0)
        assert found[b.REPORTED] == 4_000.0
        assert found[b.REVENUE] == pytest.approx(14.0)


async def test_a_reported_month_counts_where_its_days_do_not_add_up(world: World) -> None:
    plant = world.add_plant(tariff=(1.0,))
    measured, monthly = world.add_device(plant), world.add_device(plant)
    async with world.hub.database.writing():
        await measure(world, measured, 10_000.0)
        await declare(world, monthly, m6="300", d3="10")
        month = await bag(world, monthly.id, Level.MONTH, since=JUNE)
        assert month[b.PRODUCTION] == month[b.REPORTED] == month[b.DECLARED] == 300_000.0
        whole = await bag(world, plant.id, Level.MONTH, "plant", JUNE)
        assert whole[b.PRODUCTION] == pytest.approx(310_000.0)
        assert whole[b.REVENUE] == pytest.approx(310.0)
        year = await bag(world, plant.id, Level.YEAR, "plant", at("2024-01-01T00:00:00"))
        assert year[b.PRODUCTION] == pytest.approx(310_000.0)


@given(computed=st.none() | ENERGY, declared=ENERGY, rule=st.sampled_from(ReportedRule), gap=st.booleans())
def test_production_is_one_of_both_and_the_other_is_never_lost(
    computed: float | None, declared: float, rule: ReportedRule, gap: bool
) -> None:
    values = {} if computed is None else {b.PRODUCTION: computed}
    found = with_declared(values, declared, rule, gap=gap)
    assert found[b.DECLARED] == declared
    if b.REPORTED in found:
        assert found[b.PRODUCTION] == found[b.REPORTED] == declared
        assert found.get(b.COMPUTED) == computed
    else:
        assert found[b.PRODUCTION] == computed
    kept = computed_of(found)
    assert kept is None if computed is None else kept == pytest.approx(computed)
    if rule is ReportedRule.COMPUTED and computed is not None:
        assert b.REPORTED not in found
    assert with_declared(found, declared, rule, gap=gap) == pytest.approx(found)


def test_nothing_reported_changes_nothing() -> None:
    values = {b.PRODUCTION: 3.0, b.INTEGRATED: 1.0}
    assert with_declared(values, None, ReportedRule.REPORTED, gap=True) == values


def test_revenue_stays_out_where_no_price_is_known() -> None:
    hourly = Plant(id=1, account_id=1, name="p", zone="UTC", tariff=tuple(float(n) for n in range(24)))
    device = Device(id=2, plant_id=1, kind=DeviceKind.INVERTER, name="d")
    stated = {2: {b.PRODUCTION: 2_000.0, b.REPORTED: 2_000.0, b.DECLARED: 2_000.0}}
    assert b.REVENUE not in plant_period(hourly, [device], stated, {})
    half = {b.PRODUCTION: 1_000.0, b.REVENUE: 7.0, b.INTEGRATED: 1_000.0}
    found = plant_period(hourly, [device], stated, half)
    assert found[b.REVENUE] == 14.0
    assert b.INTEGRATED not in found
    assert b.REVENUE not in plant_month(msgspec.structs.replace(hourly, tariff=()), [device], stated, {}, {})
