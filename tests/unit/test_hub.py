"""The hub as its contract says: who sees what, what is taken, and totals that are true however data came."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS, Level
from heliograph.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    HubError,
    ReplayError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    UnknownDeviceError,
    UnknownPlantError,
)  # fmt: skip
from heliograph.hub import LocalHub
from heliograph.model import buckets as b
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.alarms import Alarm
from heliograph.model.devices import Device, DeviceKind, MeterRole
from heliograph.model.people import Person
from heliograph.model.plants import Plant
from heliograph.model.samples import Block, Series
from heliograph.protocol.hub import AliasScheme, Gap, Hub, Once
from tests.unit.store.world import NaN, World, at, block, columns

NOW = at("2024-06-10T12:00:00")
DAY = at("2024-06-03T00:00:00")
STEP = 5 * MINUTE_MS
SCHEME = AliasScheme("fox", "device", lambda number, attempt: f"SN{number:04}{attempt or ''}")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub at noon of 10 June 2024, UTC."""
    made = World(tmp_path)
    yield made
    made.close()


async def send(world: World, device: Device | int, readings: dict[int, dict[str, float | str]], **more: Any) -> Any:
    """Send readings of one device."""
    number = device if isinstance(device, int) else device.id
    return await world.hub.ingest(world.caller, [block(number, readings)], source="test", **more)


async def history(world: World, device: Device, *keys: str) -> Series:
    """All samples of a device."""
    return await anext(world.hub.history(world.caller, [device.id], 0, 1 << 45, keys or None))


async def totals(world: World, level: Level, number: int, subject: Any = "plant") -> dict[int, dict[str, float]]:
    """Buckets by start."""
    (found,) = await world.hub.buckets(world.caller, subject, [number], level, 0, NOW + 30 * DAY_MS)
    return columns(found)


def test_the_hub_keeps_the_contract(world: World) -> None:
    contract: Hub = world.hub
    assert contract.clock.now_ms() == contract.wall.now_ms() == NOW


# Who sees what


async def test_another_account_s_things_do_not_exist(world: World) -> None:
    plant = world.add_plant()
    device = world.add_device(plant)
    stranger = Caller(world.add_account("others").id, 2, scopes=frozenset({"read", "write", "admin"}))
    hub, number = world.hub, device.id
    async with hub.database.writing():
        await send(world, device, {DAY: {"ac.power": 1.0}})
        await hub.wire_ids(SCHEME, [number])
        assert await hub.plants(stranger) == []
        assert await hub.devices(stranger) == await hub.devices(stranger, [plant.id]) == []
        assert await hub.resolve_devices(stranger, SCHEME, [f"SN{number:04}"]) == [None]
        refused = [
            hub.ingest(stranger, [block(number, {DAY: {"ac.power": 9.0}})], source="x"),
            hub.latest(stranger, [number]),
            anext(hub.history(stranger, [number], 0, NOW)),
            hub.buckets(stranger, "device", [number], Level.DAY, 0, NOW),
            hub.gaps(stranger, [number], 0, NOW),
            hub.alarms(stranger, [number], 0, NOW),
            hub.report_alarms(stranger, [Alarm(device_id=number, code="1", raised_at_ms=0)]),
            hub.save_device(stranger, msgspec.structs.replace(device, name="mine")),
            hub.save_plant(stranger, msgspec.structs.replace(plant, name="mine")),
            hub.buckets(stranger, "plant", [plant.id], Level.DAY, 0, NOW),
        ]
        for call in refused:
            with pytest.raises((UnknownDeviceError, UnknownPlantError)):
                await call
        series = await history(world, device)
    assert series.columns["ac.power"].tolist() == [1.0]
    assert hub.registry.plants[plant.id].name == plant.name


async def test_unknown_and_forbidden_look_the_same(world: World) -> None:
    device = world.add_device(world.add_plant())
    stranger = Caller(world.add_account("others").id, 2)
    texts = []
    for number in (device.id, 999):
        with pytest.raises(UnknownDeviceError) as caught:
            await world.hub.latest(stranger, [number])
        texts.append(str(caught.value).replace(str(number), "N"))
    assert texts[0] == texts[1]


async def test_a_credential_of_some_plants_opens_only_those(world: World) -> None:
    one, two = world.add_plant(), world.add_plant()
    seen, hidden = world.add_device(one), world.add_device(two)
    caller = Caller(world.account.id, 1, plants=frozenset({one.id}))
    assert await world.hub.plants(caller) == [one]
    assert await world.hub.devices(caller, [two.id, one.id]) == [seen]
    with pytest.raises(UnknownDeviceError):
        await world.hub.ingest(caller, [block(hidden.id, {DAY: {"ac.power": 1.0}})], source="x")


async def test_a_disabled_plant_or_device_is_gone_for_all_but_administrators(world: World) -> None:
    plant = world.add_plant()
    off, beside = world.add_device(plant, disabled=True), world.add_device(world.add_plant(disabled=True))
    for device in (off, beside):
        with pytest.raises(UnknownDeviceError):
            await world.hub.latest(world.caller, [device.id])
        with pytest.raises(UnknownDeviceError):
            await world.hub.ingest(world.admin, [block(device.id, {DAY: {"ac.power": 1.0}})], source="x")
    assert await world.hub.plants(world.caller) == [plant]
    assert len(await world.hub.plants(world.admin)) == 2
    async with world.hub.database.writing():
        await world.hub.save_device(world.admin, msgspec.structs.replace(off, disabled=False))
    assert await world.hub.devices(world.caller) == [msgspec.structs.replace(off, disabled=False)]


async def test_a_credential_of_a_disabled_account_is_disabled(world: World) -> None:
    made = Credential(id=0, account_id=world.account.id, dialect="fox", name="u", secret=Secret("s"))
    orphan = msgspec.structs.replace(made, name="o", account_id=99)
    for one in (made, orphan):
        world.hub.database.write_now(partial(world.hub.registry.put_credential, credential=one))

    async def disabled(name: str) -> bool:
        found = await world.hub.credential("fox", name)
        assert found is not None
        return found.disabled

    assert await disabled("u") is False
    assert await disabled("o") is True
    account = msgspec.structs.replace(world.account, disabled=True)
    world.hub.database.write_now(lambda rows: world.hub.registry.put_account(rows, account))
    assert await disabled("u") is True
    assert await world.hub.credential("fox", "nobody") is None
    assert await world.hub.credential("huawei", "u") is None


async def test_what_is_seen_follows_every_change(world: World) -> None:
    assert await world.hub.plants(world.caller) == []
    plant = world.add_plant()
    assert await world.hub.plants(world.caller) == [plant]
    device = world.add_device(plant)
    assert await world.hub.devices(world.caller, [plant.id]) == [device]


async def test_only_administrators_change_plants_and_devices(world: World) -> None:
    plant = world.add_plant()
    with pytest.raises(ForbiddenError):
        await world.hub.save_plant(world.caller, plant)
    with pytest.raises(ForbiddenError):
        await world.hub.save_device(world.caller, world.add_device(plant))


async def test_a_plant_stays_with_its_account_whatever_the_request_says(world: World) -> None:
    other = world.add_account("others")
    async with world.hub.database.writing():
        made = await world.hub.save_plant(world.admin, Plant(id=0, account_id=other.id, name="new", zone="UTC"))
        kept = await world.hub.save_plant(world.admin, msgspec.structs.replace(made, account_id=other.id, name="x"))
        with pytest.raises(BadRequestError):
            await world.hub.save_plant(world.admin, msgspec.structs.replace(made, zone="Mars/Olympus"))
        with pytest.raises(UnknownPlantError):
            await world.hub.save_device(world.admin, Device(id=0, plant_id=77, kind=DeviceKind.OTHER, name="d"))
    assert made.account_id == kept.account_id == world.account.id
    actions = world.hub.database.query("SELECT action, account FROM audit")
    assert actions == [("plant.saved", world.account.id)] * 2


async def test_what_cannot_be_written_into_the_trail_is_not_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StoreError("no room")

    plant, device = world.add_plant(), world.add_device(world.add_plant())
    monkeypatch.setattr(world.hub.registry, "audit", failing)
    async with world.hub.database.writing():
        with pytest.raises(StoreError):
            await world.hub.save_plant(world.admin, msgspec.structs.replace(plant, name="x"))
        with pytest.raises(StoreError):
            await world.hub.save_device(world.admin, msgspec.structs.replace(device, name="x"))
    assert world.hub.registry.plants[plant.id].name == plant.name
    assert world.hub.registry.devices[device.id].name == device.name


async def test_wire_ids_are_minted_once_and_lead_back(world: World) -> None:
    plant = world.add_plant()
    devices = [world.add_device(plant).id for _ in range(3)]
    async with world.hub.database.writing():
        first, again = await asyncio.gather(world.hub.wire_ids(SCHEME, devices), world.hub.wire_ids(SCHEME, devices))
    assert first == again == [f"SN{number:04}" for number in devices]
    found = await world.hub.resolve_devices(world.caller, SCHEME, [first[2], "nothing", first[0]])
    assert [None if device is None else device.id for device in found] == [devices[2], None, devices[0]]


# What is taken


async def test_a_time_too_far_ahead_or_too_long_ago_is_refused_whole(world: World) -> None:
    device = world.add_device(world.add_plant())
    limits = [at("2000-01-01T00:00:00"), NOW + DAY_MS]
    async with world.hub.database.writing():
        for bad in (limits[0] - 1, limits[1] + 1):
            with pytest.raises(BadRequestError) as caught:
                await send(world, device, {DAY: {"ac.power": 1.0}, bad: {"ac.power": 1.0}})
            assert (caught.value.field, caught.value.device) == ("time", str(device.id))
        assert len((await history(world, device)).at_ms) == 0
        await send(world, device, {limit: {"ac.power": 1.0} for limit in limits})
        assert (await history(world, device)).at_ms.tolist() == limits


@pytest.mark.parametrize("bad", [float("inf"), float("-inf")])
async def test_an_infinity_is_refused_by_name(world: World, bad: float) -> None:
    device = world.add_device(world.add_plant())
    with pytest.raises(BadRequestError) as caught:
        await send(world, device, {DAY: {"a": NaN, "b": 1.0}, DAY + 1: {"a": -bad, "b": bad}})
    assert caught.value.field == "a"
    async with world.hub.database.writing():
        await send(world, device, {DAY: {"a": 1.7e308, "b": 1.7e308}, DAY + 1: {"a": 1.7e308, "b": -1.7e308}})


async def test_one_unknown_device_refuses_the_whole_request(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        with pytest.raises(UnknownDeviceError) as caught:
            await world.hub.ingest(
                world.caller, [block(device.id, {DAY: {"a": 1.0}}), block(999, {DAY: {"a": 1.0}})], source="x"
            )
        assert caught.value.device == "999"
        assert len((await history(world, device)).at_ms) == 0


async def test_a_null_is_no_sample_and_never_zero(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, {DAY + HOUR_MS: {"ac.energy": NaN, "ac.power": NaN}})
        assert await totals(world, Level.DAY, device.id, "device") == {DAY: {b.RECEIVED: 1.0}}
        (latest,) = await world.hub.latest(world.caller, [device.id])
        assert latest.readings == {}


async def test_a_request_without_records_is_no_mistake(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        done = await world.hub.ingest(world.caller, [], source="x")
        empty = Block(("a",), [], [], np.empty((0, 1)))
        again = await world.hub.ingest(world.caller, [empty, block(device.id, {DAY: {"a": 1.0}})], source="x")
    assert (done.accepted, again.accepted) == (0, 1)


async def test_a_mark_is_taken_once_and_with_its_records_or_not_at_all(world: World) -> None:
    device = world.add_device(world.add_plant())
    once = Once("n", NOW + HOUR_MS)
    async with world.hub.database.writing():
        with pytest.raises(UnknownDeviceError):
            await send(world, 999, {DAY: {"a": 1.0}}, once=once)
        await send(world, device, {DAY: {"a": 1.0}}, once=once)
        with pytest.raises(ReplayError):
            await send(world, device, {DAY + 1: {"a": 1.0}}, once=once)
        assert len((await history(world, device)).at_ms) == 1


async def test_a_block_of_many_devices_in_several_zones_is_totalled_for_each(world: World) -> None:
    plants = [world.add_plant(name) for name in ("UTC", "Asia/Tokyo", "America/New_York")]
    devices = [world.add_device(plant) for plant in plants]
    rows = [(device.id, DAY + n * HOUR_MS) for device in devices for n in range(49)]
    values = np.array([[100.0 + n] for _ in devices for n in range(49)])
    made = Block(("ac.energy",), [number for number, _ in rows], [instant for _, instant in rows], values)
    async with world.hub.database.writing():
        await world.hub.ingest(world.caller, [made], source="x")
        days = [await totals(world, Level.DAY, plant.id) for plant in plants]
    assert [[bag.get(b.PRODUCTION) for bag in found.values()] for found in days] == [
        [24.0, 24.0, None],
        [15.0, 24.0, 9.0],
        [4.0, 24.0, 20.0],
    ]


# Totals are true however data came

offsets = st.integers(0, 4 * 8 - 1)
levels_of = (Level.HOUR, Level.DAY, Level.MONTH, Level.YEAR)
arrivals = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.dictionaries(
            offsets,
            st.fixed_dictionaries(
                {}, optional={"energy": st.integers(0, 60).map(float), "power": st.integers(-9, 9).map(float)}
            ),
            min_size=1,
            max_size=6,
        ),
        st.sampled_from(["", "read", "fold", "seal"]),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One event loop for all examples, which share a hub."""
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub for all examples; each takes plants of its own."""
    made = World(tmp_path_factory.mktemp("hub"))
    yield made
    made.close()


class Trio:
    """A plant with an inverter, a meter and a battery, around a clock change."""

    since = at("2024-03-30T00:00:00")
    keys = (
        {"energy": "ac.energy", "power": "pv.power"},
        {"energy": "meter.energy_forward", "power": "meter.power"},
        {"energy": "battery.energy_charged", "power": "battery.power"},
    )

    def __init__(self, world: World) -> None:
        self.world = world
        self.plant = world.add_plant("Europe/London", tariff=(1.0, 2.0))
        kinds = (DeviceKind.INVERTER, DeviceKind.METER, DeviceKind.BATTERY)
        self.devices = [world.add_device(self.plant, kind) for kind in kinds]

    async def send(self, which: int, readings: dict[int, dict[str, float]]) -> None:
        """Send readings by offset."""
        bags: dict[int, dict[str, float | str]] = {
            self.since + offset * 3 * HOUR_MS: {self.keys[which][key]: value for key, value in bag.items()}
            for offset, bag in readings.items()
        }
        await send(self.world, self.devices[which], bags)

    async def everything(self) -> dict[Any, dict[int, dict[str, float]]]:
        """Every bucket of the plant and its devices."""
        found: dict[Any, dict[int, dict[str, float]]] = {}
        for level in levels_of:
            found["plant", level] = await totals(self.world, level, self.plant.id)
            for index, device in enumerate(self.devices):
                found[index, level] = await totals(self.world, level, device.id, "device")
        return found


@given(arrivals)
@settings(max_examples=50)
def test_totals_do_not_depend_on_how_the_data_came(
    shared: World, loop: asyncio.Runner, listed: list[tuple[int, Any, str]]
) -> None:
    async def compare() -> tuple[Any, Any]:
        untidy, tidy = Trio(shared), Trio(shared)
        final: dict[int, dict[int, dict[str, float]]] = {0: {}, 1: {}, 2: {}}
        async with shared.hub.database.writing():
            for which, readings, then in listed:
                for _ in range(2):
                    await untidy.send(which, readings)
                for offset, bag in readings.items():
                    final[which].setdefault(offset, {}).update(bag)
                if then == "read":
                    await totals(shared, Level.MONTH, untidy.plant.id)
                elif then == "fold":
                    await shared.hub.folding.fold_some()
                elif then == "seal":
                    await shared.hub.sealing.seal_until(NOW)
            for which, merged in final.items():
                if merged:
                    await tidy.send(which, dict(sorted(merged.items())))
            return await untidy.everything(), await tidy.everything()

    untidy, tidy = loop.run(compare())
    assert untidy == tidy


@given(arrivals, st.sampled_from(["Asia/Tokyo", "America/St_Johns", "Australia/Lord_Howe"]))
@settings(max_examples=25)
def test_folding_anew_after_a_change_of_zone_is_folding_in_that_zone(
    shared: World, loop: asyncio.Runner, listed: list[tuple[int, Any, str]], name: str
) -> None:
    async def compare() -> tuple[Any, Any]:
        moved, native = Trio(shared), Trio(shared)
        async with shared.hub.database.writing():
            await shared.hub.save_plant(shared.admin, msgspec.structs.replace(native.plant, zone=name))
            for which, readings, then in listed:
                await moved.send(which, readings)
                await native.send(which, readings)
                if then == "seal":
                    await shared.hub.sealing.seal_until(NOW)
            await moved.everything()
            await shared.hub.save_plant(shared.admin, msgspec.structs.replace(moved.plant, zone=name))
            return await moved.everything(), await native.everything()

    moved, native = loop.run(compare())
    assert moved == native


async def test_plant_totals_tell_each_energy_from_who_measures_it(world: World) -> None:
    plant = world.add_plant(tariff=(0.5,))
    inverter = world.add_device(plant)
    grid = world.add_device(plant, DeviceKind.METER)
    output = world.add_device(plant, DeviceKind.METER, MeterRole.PRODUCTION)
    load = world.add_device(plant, DeviceKind.POWER_SENSOR, MeterRole.LOAD)
    battery = world.add_device(plant, DeviceKind.BATTERY)
    amounts: list[tuple[Device, dict[str, float]]] = [
        (inverter, {"ac.energy": 10_000.0, "grid.energy_import": 1.0}),
        (grid, {"meter.energy_forward": 2_000.0, "meter.energy_reverse": 3_000.0}),
        (output, {"meter.energy_forward": 9_999.0}),
        (load, {"meter.energy_forward": 4_000.0}),
        (battery, {"battery.energy_charged": 500.0, "battery.energy_discharged": 400.0}),
    ]
    async with world.hub.database.writing():
        for device, rise in amounts:
            readings: dict[int, dict[str, float | str]] = {
                DAY + hour * HOUR_MS: {key: 7.0 + hour * amount for key, amount in rise.items()} for hour in (1, 2)
            }
            await send(world, device, readings)
        found = await totals(world, Level.DAY, plant.id)
    wanted = {
        b.PRODUCTION: 10_000.0, b.PURCHASE: 2_000.0, b.FEED_IN: 3_000.0, b.CONSUMPTION: 4_000.0, b.CHARGED: 500.0,
        b.DISCHARGED: 400.0, b.REVENUE: 5.0, b.RECEIVED: 10.0,
    }  # fmt: skip
    assert found == {DAY: wanted}


async def test_twenty_four_prices_of_the_local_clock_make_the_revenue(world: World) -> None:
    prices = tuple(float(hour) for hour in range(24))
    plant = world.add_plant("Asia/Tokyo", tariff=prices)
    device = world.add_device(plant)
    async with world.hub.database.writing():
        midnight = at("2024-06-03T00:00:00", "Asia/Tokyo")
        await send(world, device, {midnight + n * HOUR_MS: {"ac.energy": 1e6 + 1000.0 * n} for n in range(25)})
        (hours,) = await world.hub.buckets(world.caller, "plant", [plant.id], Level.HOUR, midnight, midnight + DAY_MS)
        found = await totals(world, Level.DAY, plant.id)
    assert hours.columns[b.REVENUE].tolist() == list(prices)
    assert found[midnight][b.REVENUE] == sum(prices)


async def test_buckets_come_in_the_order_asked_and_for_the_span_asked(world: World) -> None:
    plant = world.add_plant()
    devices = [world.add_device(plant).id for _ in range(2)]
    async with world.hub.database.writing():
        for number in devices:
            await send(world, number, {DAY + n * DAY_MS // 2: {"ac.energy": 1.0 + n} for n in range(6)})
        found = await world.hub.buckets(
            world.caller, "device", [devices[1], devices[0]], Level.DAY, DAY + DAY_MS, DAY + 2 * DAY_MS
        )
        far = await world.hub.buckets(world.caller, "plant", [plant.id], Level.YEAR, 0, at("9999-01-01T00:00:00"))
    assert [(one.subject_id, one.level, one.since_ms.tolist()) for one in found] == [
        (number, Level.DAY, [DAY + DAY_MS]) for number in reversed(devices)
    ]
    assert far[0].since_ms.tolist() == [at("2024-01-01T00:00:00")]


# Gaps


async def gaps(world: World, device: Device, since: int, until: int) -> list[tuple[int, int, int]]:
    """Gaps by steps since DAY, and how many samples are missing."""
    found = await world.hub.gaps(world.caller, [device.id], since, until)
    assert found == [Gap(device.id, gap.since_ms, gap.until_ms, gap.missing) for gap in found]
    return [((gap.since_ms - DAY) // STEP, (gap.until_ms - DAY) // STEP, gap.missing) for gap in found]


async def test_a_gap_is_where_samples_are_missing(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, {DAY + n * STEP: {"a": 1.0} for n in (0, 1, 2, 5, 6, 9)})
        assert await gaps(world, device, DAY, DAY + 10 * STEP) == [(3, 5, 2), (7, 9, 2)]
        assert await gaps(world, device, DAY, DAY + 13 * STEP) == [(3, 5, 2), (7, 9, 2), (10, 13, 3)]
        assert await gaps(world, device, DAY - 2 * STEP, DAY + 3 * STEP) == [(-2, 0, 2)]
        assert await gaps(world, device, DAY, DAY + 3 * STEP) == []


async def test_the_future_is_no_gap_and_the_past_without_samples_is_one(world: World) -> None:
    device = world.add_device(world.add_plant())
    assert await gaps(world, device, NOW - 10 * STEP, NOW + 99 * STEP) == [
        ((NOW - DAY) // STEP - 10, (NOW - DAY) // STEP, 10)
    ]
    assert await gaps(world, device, NOW + STEP, NOW + 99 * STEP) == []
    assert await gaps(world, device, DAY, DAY) == []


async def test_sealed_samples_fill_gaps_too_and_small_delays_are_none(world: World) -> None:
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, {DAY + n * STEP + (n % 3) * 60_000: {"a": 1.0} for n in range(288)})
        await world.hub.sealing.seal_until(NOW)
    assert await gaps(world, device, DAY, DAY + DAY_MS) == []


@given(st.sets(st.integers(0, 40), max_size=20), st.integers(0, 20), st.integers(1, 20))
def test_samples_and_missing_samples_add_up_to_the_span(
    shared: World, loop: asyncio.Runner, held: set[int], start: int, size: int
) -> None:
    device = shared.add_device(shared.add_plant())

    async def look() -> list[tuple[int, int, int]]:
        async with shared.hub.database.writing():
            if held:
                await send(shared, device, {DAY + n * STEP: {"a": 1.0} for n in sorted(held)})
        return await gaps(shared, device, DAY + start * STEP, DAY + (start + size) * STEP)

    found = loop.run(look())
    missing = {n for since, until, _ in found for n in range(since, until)}
    assert missing == set(range(start, start + size)) - held
    assert sum(count for _, _, count in found) == len(missing)


# Alarms and the trail


async def test_alarms_are_kept_once_and_shown_to_their_own(world: World) -> None:
    device = world.add_device(world.add_plant())
    alarm = Alarm(device_id=device.id, code="31", raised_at_ms=DAY)
    async with world.hub.database.writing():
        assert await world.hub.report_alarms(world.caller, [alarm]) == 1
        assert await world.hub.report_alarms(world.caller, [alarm]) == 0
        await world.hub.audit(world.caller, "login", "from here")
    assert await world.hub.alarms(world.caller, [device.id], DAY, DAY + 1, active_only=True) == [alarm]
    assert await world.hub.alarms(world.caller, [device.id], DAY + 1, DAY + 2) == []
    assert world.hub.database.query("SELECT action, detail, account FROM audit") == [
        ("login", "from here", world.account.id)
    ]


# Trouble


async def test_a_locked_database_acknowledges_nothing_and_the_hub_goes_on(world: World) -> None:
    device = world.add_device(world.add_plant())
    other = sqlite3.connect(world.hub.database.path, isolation_level=None)
    async with world.hub.database.writing():
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError):
            await send(world, device, {DAY: {"a": 1.0}})
        assert (await history(world, device)).at_ms.tolist() == []
        other.execute("ROLLBACK")
        await send(world, device, {DAY: {"a": 2.0}})
        assert (await history(world, device)).columns["a"].tolist() == [2.0]
    other.close()


async def test_a_full_disk_keeps_no_half_of_a_request(world: World) -> None:
    plant = world.add_plant()
    one, two = world.add_device(plant), world.add_device(plant)
    database = world.hub.database
    pages = database.writer.execute("PRAGMA page_count").fetchone()[0]
    database.writer.execute(f"PRAGMA max_page_count={pages + 3}")
    many: dict[int, dict[str, float | str]] = {DAY + n * 1000: {"ac.energy": 1.0 + n} for n in range(2000)}
    blocks = [block(one.id, {DAY: {"new.key": 1.0}}), block(two.id, many)]
    once = Once("n", NOW + HOUR_MS)
    async with database.writing():
        with pytest.raises(StoreFullError):
            await world.hub.ingest(world.caller, blocks, source="x", once=once)
        assert (await history(world, one)).at_ms.tolist() == (await history(world, two)).at_ms.tolist() == []
        assert [latest.readings for latest in await world.hub.latest(world.caller, [one.id, two.id])] == [{}, {}]
        database.writer.execute("PRAGMA max_page_count=1000000")
        done = await world.hub.ingest(world.caller, blocks, source="x", once=once)
        assert done.accepted == 2001
        assert (await totals(world, Level.DAY, two.id, "device"))[DAY][b.PRODUCTION] == 1999.0
    assert database.check() == []


async def test_after_a_kill_everything_acknowledged_is_there_and_its_days_are_folded(world: World) -> None:
    plant = world.add_plant()
    device = world.add_device(plant)
    await world.hub.start()
    await send(world, device, {DAY + n * HOUR_MS: {"ac.energy": 100.0 + n, "model": "X"} for n in range(1, 30)})
    await send(world, device, {DAY + 30 * HOUR_MS: {"ac.energy": 130.0}})
    for task in [*world.hub._tasks, world.hub._writer]:
        assert task is not None
        task.cancel()
    await asyncio.gather(*world.hub._tasks, world.hub._writer, return_exceptions=True)  # type: ignore[arg-type]
    world.reopen()
    await world.hub.start()
    assert len((await history(world, device)).at_ms) == 30
    (latest,) = await world.hub.latest(world.caller, [device.id])
    assert {key: reading.value for key, reading in latest.readings.items()} == {"ac.energy": 130.0, "model": "X"}
    found = await totals(world, Level.DAY, plant.id)
    assert [bag[b.PRODUCTION] for bag in found.values()] == [23.0, 6.0]
    await world.hub.stop()
    world.hub = LocalHub(world.path, world.config, clock=world.clock, wall=world.wall)


async def test_a_stop_in_order_writes_down_what_was_in_memory(world: World) -> None:
    device = world.add_device(world.add_plant())
    await world.hub.start()
    await send(world, device, {DAY: {"a": 1.0}})
    before = await world.hub.latest(world.caller, [device.id])
    await world.hub.stop()
    with pytest.raises(StoreError):
        await send(world, device, {DAY + 1: {"a": 1.0}})
    world.hub = LocalHub(world.path, world.config, clock=world.clock, wall=world.wall)
    assert world.hub.database.query("SELECT value FROM meta WHERE key = 'clean'") == [("1",)]
    assert await world.hub.latest(world.caller, [device.id]) == before
    world.hub.recover()
    assert world.hub.database.query("SELECT value FROM meta WHERE key = 'clean'") == [("0",)]


async def test_a_worker_that_fails_is_logged_and_starts_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("heliograph.hub.RESTART_S", 0.0)
    tries, working = 0, asyncio.Event()

    async def broken() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StoreBusyError("held")
        if tries == 2:
            raise ValueError("a fault")
        working.set()
        await asyncio.sleep(100)

    worker = asyncio.create_task(world.hub._keep("folding", broken))
    await working.wait()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert world.hub.worker_failures == 2
    assert "folding waits: held" in caplog.text
    assert "a fault" in caplog.text


async def test_what_another_process_changes_is_seen_soon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    naps = 0

    async def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps > 61:
            raise asyncio.CancelledError

    other = LocalHub(world.path, world.config)
    made = Plant(id=0, account_id=world.account.id, name="theirs", zone="UTC")
    other.database.write_now(lambda rows: other.registry.put_plant(rows, made))
    other.database.write_now(lambda rows: rows.execute("INSERT INTO once VALUES (0, x'00')"))
    other.database.close()
    device = world.add_device(world.add_plant())
    async with world.hub.database.writing():
        await send(world, device, {DAY: {"a": 1.0}})
        monkeypatch.setattr("heliograph.hub.asyncio.sleep", nap)
        with pytest.raises(asyncio.CancelledError):
            await world.hub._housekeeping()
        monkeypatch.undo()
    assert {plant.name for plant in await world.hub.plants(world.caller)} == {"theirs", "a plant"}
    assert world.hub.hot.pending == 0
    assert world.hub.database.query("SELECT count(*) FROM once") == [(0,)]


async def test_every_refusal_is_an_error_of_the_hub(world: World) -> None:
    device = world.add_device(world.add_plant())
    for call in (
        world.hub.latest(world.caller, [0]),
        world.hub.gaps(world.caller, [device.id, -1], 0, 1),
        world.hub.buckets(world.caller, "plant", [0], Level.DAY, 0, 1),
    ):
        with pytest.raises(HubError):
            await call


async def test_wire_ids_of_plants_lead_back_to_those_the_caller_sees(world: World) -> None:
    scheme = AliasScheme("fox", "plant", lambda number, attempt: f"P{number}{attempt or ''}")
    one, two = world.add_plant(), world.add_plant()
    caller = Caller(world.account.id, 1, plants=frozenset({two.id}))
    async with world.hub.database.writing():
        wires = await world.hub.wire_ids(scheme, [one.id, two.id])
    assert await world.hub.resolve_plants(caller, scheme, [*wires, "P99"]) == [None, two, None]
    assert await world.hub.resolve_plants(world.caller, scheme, wires) == [one, two]


async def test_a_stop_that_cannot_write_leaves_the_repair_to_the_next_start(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    device = world.add_device(world.add_plant())
    await world.hub.start()
    await send(world, device, {DAY: {"a": 1.0}})
    other = sqlite3.connect(world.hub.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await world.hub.stop()
    assert "has to repair" in caplog.text
    other.execute("ROLLBACK")
    other.close()
    world.hub = LocalHub(world.path, world.config, clock=world.clock, wall=world.wall)
    world.hub.recover()
    (latest,) = await world.hub.latest(world.caller, [device.id])
    assert latest.readings["a"].value == 1.0


async def test_a_person_s_devices_are_known_by_serial_to_their_account_alone(world: World) -> None:
    plant, other = world.add_plant(), world.add_plant()
    world.add_device(plant, serial="SN1")
    world.add_device(other, serial="SN2")
    stranger = world.add_account("theirs")
    theirs = world.add_plant(account_id=stranger.id)
    world.add_device(theirs, serial="SN3")
    people = (
        Person(id=0, account_id=world.account.id, name="Ann", email="Ann@Sun.example", plants=(plant.id,)),
        Person(id=0, account_id=world.account.id, name="Bo", phone="+49 (30) 123-45"),
        Person(id=0, account_id=stranger.id, name="Cy", email="cy@sun.example"),
    )
    for person in people:
        world.hub.database.write_now(partial(world.hub.registry.put_person, person=person))
    serials = ["SN1", "SN2", "SN3", "SN4", ""]

    async def known(contact: str) -> list[bool]:
        return await world.hub.registered(world.caller, contact, serials)

    assert await known(" ann@sun.EXAMPLE ") == [True, False, False, False, False]
    assert await known("0049301 2345") == [True, True, False, False, False]
    nobody = [False] * 5
    for contact in ("cy@sun.example", "ann", "", "+4930", "@"):
        assert await known(contact) == nobody
    held = world.hub.registry.people[1]
    disabled = msgspec.structs.replace(held, disabled=True)
    world.hub.database.write_now(partial(world.hub.registry.put_person, person=disabled))
    assert await known("ann@sun.example") == nobody


async def test_two_people_of_an_account_cannot_share_an_address(world: World) -> None:
    for name, conflict in (("Ann", False), ("Bo", True)):
        person = Person(id=0, account_id=world.account.id, name=name, email="ann@sun.example")
        if conflict:
            with pytest.raises(ConflictError, match="Ann has"):
                world.hub.database.write_now(partial(world.hub.registry.put_person, person=person))
        else:
            world.hub.database.write_now(partial(world.hub.registry.put_person, person=person))
