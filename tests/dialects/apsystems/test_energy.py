"""Production of systems and ECUs by periods: lengths, decimals, ranges, clock changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, Level, day_start, hour_starts, zone
from heliograph.dialects.apsystems import periods
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.protocol.codes import VendorError
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import NOW_MS, FakeHub
from tests.unit.store.world import at

LONDON = "Europe/London"
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Shanghai")
NaN = float("nan")


@pytest.fixture
def plant(hub: FakeHub) -> Plant:
    """A plant with two ECUs; below the first one stand two inverters, below the second one another."""
    plant = hub.add_plant(LONDON, connected_on=date(2023, 9, 1))
    first = hub.add_device(plant, DeviceKind.GATEWAY, serial="203000000001")
    second = hub.add_device(plant, DeviceKind.GATEWAY, serial="203000000002")
    for number, ecu in enumerate((first, first, second), 1):
        hub.add_device(plant, serial=f"90200000000{number}", gateway_id=ecu.id)
    return plant


def inverters(hub: FakeHub) -> list[Device]:
    """All inverters."""
    return [device for device in hub.all_devices.values() if device.kind is DeviceKind.MICRO_INVERTER]


def produce(hub: FakeHub, plant: Plant, level: Level, starts: list[str], values: list[float]) -> None:
    """Set the production of a plant, and a sixth, a third and a half of it for its inverters."""
    since = [at(start, plant.zone) for start in starts]
    hub.total("plant", plant.id, level, since, production=values)
    for device, share in zip(inverters(hub), (1 / 6, 1 / 3, 1 / 2), strict=True):
        hub.total("device", device.id, level, since, production=[value * share for value in values])


async def test_the_summary_of_a_system_and_of_its_ecus(client: Client, hub: FakeHub, plant: Plant) -> None:
    produce(hub, plant, Level.DAY, ["2025-06-30", "2025-07-01"], [7000.0, 12284.0])
    produce(hub, plant, Level.MONTH, ["2025-06-01", "2025-07-01"], [90_000.0, 24_000.0])
    produce(hub, plant, Level.YEAR, ["2024-01-01", "2025-01-01"], [600_000.0, 300_000.0])
    assert await client.data("systems/summary", "1") == {
        "today": "12.28", "month": "24.00", "year": "300.00", "lifetime": "900.00",
    }  # fmt: skip
    assert await client.data("ecu/summary", "1", "203000000001") == {
        "today": "6.14", "month": "12.00", "year": "150.00", "lifetime": "450.00",
    }  # fmt: skip


async def test_a_system_that_never_produced_has_noughts(client: Client, plant: Plant) -> None:
    nought = {"today": "0.00", "month": "0.00", "year": "0.00", "lifetime": "0.00"}
    assert await client.data("systems/summary", "1") == nought
    assert await client.data("ecu/summary", "1", "203000000001") == nought


async def test_a_lifetime_is_what_all_counters_show(client: Client, hub: FakeHub, plant: Plant) -> None:
    since, samples = [at("2025-01-01", plant.zone)], 0.0

    async def lifetime(**more: list[float]) -> str:
        nonlocal samples
        samples += 1.0
        hub.total("plant", plant.id, Level.YEAR, since, production=[3e5], received=[samples], **more)
        return str((await client.data("systems/summary", "1"))["lifetime"])

    first, second, third = inverters(hub)
    hub.read(first, {"ac.energy": 5e6})
    assert await lifetime() == "5000.00"
    hub.read(second, {"ac.power": 5.0})
    assert await lifetime() == "300.00"
    hub.read(second, {"ac.energy": "broken"})
    assert await lifetime() == "300.00"
    hub.read(second, {"ac.energy": 1e6})
    # What was only reported is in no counter.
    hub.total("device", third.id, Level.YEAR, since, production=[1e5], reported=[1e5])
    assert await lifetime(reported=[1e5]) == "6100.00"
    hub.read(third, {"ac.energy": 2e6})
    assert await lifetime(reported=[1e5]) == "8000.00"


async def test_a_lifetime_follows_the_counters_at_once(client: Client, hub: FakeHub, plant: Plant) -> None:
    first, *_ = inverters(hub)
    hub.total("plant", plant.id, Level.YEAR, [at("2025-01-01", plant.zone)], production=[3e5], received=[1.0])
    for counter, expected in ((5e6, "5000.00"), (6e6, "6000.00")):
        hub.read(first, {"ac.energy": counter})
        assert (await client.data("systems/summary", "1"))["lifetime"] == expected


async def test_lists_have_their_lengths_and_noughts_where_nothing_was_measured(
    client: Client, hub: FakeHub, plant: Plant
) -> None:
    produce(hub, plant, Level.HOUR, ["2025-07-01T05:00", "2025-07-01T07:00"], [567_234.0, NaN])
    produce(hub, plant, Level.DAY, ["2024-02-28", "2024-02-29"], [1000.0, 2000.0])
    produce(hub, plant, Level.MONTH, ["2024-12-01", "2025-01-01"], [4000.0, 5000.0])
    produce(hub, plant, Level.YEAR, ["2024-01-01", "2025-01-01"], [8000.0, 9000.0])
    for name, own, share in (("systems/energy", "", 1), ("ecu/energy", "203000000002", 2)):
        hours = await client.data(name, "1", own, energy_level="hourly", date_range="2025-07-01")
        assert hours == ["0.00"] * 5 + [f"{567.234 / share:.2f}"] + ["0.00"] * 18
        days = await client.data(name, "1", own, energy_level="daily", date_range="2024-02")
        assert days == ["0.00"] * 27 + [f"{1 / share:.2f}", f"{2 / share:.2f}"]
        months = await client.data(name, "1", own, energy_level="monthly", date_range="2024")
        assert months == ["0.00"] * 11 + [f"{4 / share:.2f}"]
        years = await client.data(name, "1", own, energy_level="yearly", date_range="whatever")
        assert years == ["0.00", f"{8 / share:.2f}", f"{9 / share:.2f}"]


async def test_years_begin_with_the_installation_or_with_older_data(client: Client, hub: FakeHub) -> None:
    hub.add_plant(connected_on=date(2031, 5, 1))
    assert await client.data("systems/energy", "1", energy_level="yearly") == ["0.00"]
    plant = hub.add_plant(connected_on=date(2024, 5, 1))
    hub.total("plant", plant.id, Level.YEAR, [at("2022-01-01", plant.zone)], production=[1000.0])
    assert await client.data("systems/energy", "2", energy_level="yearly") == ["1.00", "0.00", "0.00", "0.00"]


@pytest.mark.parametrize(
    ("level", "span", "code"),
    [
        ("", "2025-07-01", 4001), ("weekly", "2025-07-01", 4001), ("HOURLY", "2025-07-01", 4001),
        ("hourly", "", 4001), ("hourly", "2025-07", 4001), ("hourly", "2025-7-1", 4001), ("hourly", "2025-02-29", 4001),
        ("hourly", "2025-07-01", 0), ("hourly", "2025-07-02", 4001), ("minutely", "2025-07-01", 0),
        ("minutely", "2025-07-02", 4001), ("minutely", "2025-07", 4001), ("daily", "2025-07-01", 4001),
        ("daily", "2025-07", 0), ("daily", "2025-08", 4001), ("daily", "2025-13", 4001), ("monthly", "2025", 0),
        ("monthly", "2026", 4001), ("monthly", "2025-01", 4001), ("monthly", "1969", 4001), ("monthly", "1970", 0),
        ("monthly", "9999", 4001), ("monthly", "0000", 4001), ("monthly", "٢٠٢٥", 4001), ("yearly", "", 0),
        ("power", "2025-07-01", 4001),
    ],
)  # fmt: skip
async def test_a_range_has_the_form_of_its_level_and_is_not_ahead(
    client: Client, plant: Plant, level: str, span: str, code: int
) -> None:
    query = {"energy_level": level, "date_range": span}
    assert await client.code("ecu/energy", "1", "203000000001", **query) == code
    assert await client.code("systems/energy", "1", **query) == (4001 if level == "minutely" else code)


async def test_today_is_that_of_the_ecu_s_zone(client: Client, hub: FakeHub) -> None:
    for number, (name, today) in enumerate(
        (("Pacific/Kiritimati", "2025-07-02"), ("Pacific/Pago_Pago", "2025-07-01")), 1
    ):
        hub.add_plant(name)
        tomorrow = str(date.fromisoformat(today).replace(day=int(today[-1]) + 1))
        assert await client.code("systems/energy", str(number), energy_level="hourly", date_range=today) == 0
        assert await client.code("systems/energy", str(number), energy_level="hourly", date_range=tomorrow) == 4001


async def test_the_other_spelling_of_the_range_is_taken(client: Client, plant: Plant) -> None:
    assert len(await client.data("systems/energy", "1", energy_level="daily", data_range="2025-06")) == 30


@given(name=st.sampled_from(ZONES), day=st.integers(date(2023, 1, 1).toordinal(), date(2026, 12, 31).toordinal()))
def test_24_hours_add_up_to_every_day_s_energy(name: str, day: int) -> None:
    tz = zone(name)
    starts = hour_starts(day, tz)
    values = np.arange(1.0, len(starts))
    edges = periods.edges(periods.HOURLY, date.fromordinal(day), tz)
    found = periods.sums(
        BucketSeries(1, Level.HOUR, np.array(starts[:-1], np.int64), {"production": values}), "production", edges
    )
    assert len(found) == 24
    assert found.sum() == values.sum()
    if len(starts) == 25:
        assert (found == values).all()


def test_an_hour_that_is_skipped_is_empty_and_one_that_repeats_is_added_up() -> None:
    tz = zone("America/New_York")
    for on, expected in (
        (date(2025, 3, 9), [1, 2, 0, 3, 4]),
        (date(2025, 11, 2), [1, 2 + 3, 4, 5, 6]),
    ):
        starts = hour_starts(on.toordinal(), tz)
        series = BucketSeries(
            1, Level.HOUR, np.array(starts[:-1], np.int64), {"production": np.arange(1.0, len(starts))}
        )
        assert periods.sums(series, "production", periods.edges(periods.HOURLY, on, tz))[:5].tolist() == expected


@given(
    st.sampled_from(ZONES), st.sampled_from([periods.DAILY, periods.MONTHLY, periods.YEARLY]), st.integers(1971, 2040),
    st.integers(1, 12),
)  # fmt: skip
def test_periods_follow_the_calendar_of_the_zone(name: str, level: str, year: int, month: int) -> None:
    tz = zone(name)
    on = date(year, month, 1) if level == periods.DAILY else date(year, 1, 1)
    edges = periods.edges(level, on, tz, 2041)
    assert (np.diff(edges) > 0).all()
    assert edges[0] == day_start(on.toordinal(), tz)
    assert not edges.flags.writeable
    length = {
        periods.DAILY: (edges[-1] - edges[0] + 12 * HOUR_MS) // DAY_MS,
        periods.MONTHLY: 12,
        periods.YEARLY: 2042 - year,
    }
    assert len(edges) - 1 == length[level] == len(periods.labels(level, on, len(edges) - 1))


def test_a_level_without_a_range_has_no_day() -> None:
    asked = periods.asked("yearly", None, periods.OF_SYSTEMS)
    assert asked.on is None
    assert asked.day == date.min
    periods.refuse_later(asked, zone("UTC"), NOW_MS)
    with pytest.raises(VendorError):
        periods.asked("yearly", None, periods.OF_BATCHES)
