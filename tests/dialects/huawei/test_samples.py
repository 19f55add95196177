"""A day in steps of five minutes: slots, gaps, zones, and nothing sent before all is known to be well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from heliograph.clock import DAY_MS, MINUTE_MS
from heliograph.dialects.huawei.samples import since_midnight, slotted
from heliograph.model.devices import DeviceKind
from heliograph.model.samples import Series
from tests.dialects.huawei.client import Client, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.model.devices import Device
    from tests.dialects.huawei.fake_hub import FakeHub

SHANGHAI_DAY_MS = 1_501_862_400_000
"""2017-08-05 00:00 in Shanghai, as in the printed example."""
NAN = float("nan")


def keep(hub: FakeHub, device: Device, minutes: Sequence[float], **columns: Sequence[float]) -> None:
    """Samples at these minutes of the Shanghai day; `ac_power` stands for `ac.power`."""
    at_ms = SHANGHAI_DAY_MS + (np.array(minutes) * MINUTE_MS).astype(np.int64)
    named = {key.replace("_", "."): np.array(values, dtype=np.float64) for key, values in columns.items()}
    hub.series[device.id] = Series(device.id, at_ms, named)


async def ask(
    client: Client, *devices: Device, type_id: int = 1, at_ms: object = SHANGHAI_DAY_MS
) -> list[dict[str, object]]:
    answer = await client.call(
        "getDevFiveMinutes", {"devIds": numbers(*devices), "devTypeId": type_id, "collectTime": at_ms}
    )
    assert answer["failCode"] == 0
    rows: list[dict[str, object]] = answer["data"]
    return rows


async def test_rows_come_device_by_device_in_the_order_asked_each_at_its_own_time(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    first, second, silent = hub.add_device(plant), hub.add_device(plant), hub.add_device(plant)
    keep(hub, first, [0, 5.5], ac_power=[0.0, 21_050.0], pv_1_voltage=[NAN, 575.3])
    keep(hub, second, [10], ac_power=[1000.0])
    rows = await ask(client, silent, second, first, at_ms=str(SHANGHAI_DAY_MS + 3_600_000))
    assert [(row["devId"], row["collectTime"]) for row in rows] == [
        (number(second), SHANGHAI_DAY_MS + 10 * MINUTE_MS),
        (number(first), SHANGHAI_DAY_MS),
        (number(first), SHANGHAI_DAY_MS + 330_000),
    ]
    items = rows[2]["dataItemMap"]
    assert isinstance(items, dict)
    assert (len(items), items["active_power"], items["pv1_u"], items["a_u"]) == (80, 21.05, 575.3, None)
    assert "run_state" not in items


async def test_two_samples_of_one_slot_become_one_row_of_first_readings(hub: FakeHub, client: Client) -> None:
    device = hub.add_device(hub.add_plant())
    keep(hub, device, [1, 2, 4, 5], ac_power=[NAN, 2000.0, 3000.0, 4000.0], ac_frequency=[50.0, NAN, 51.0, NAN])
    rows = await ask(client, device)
    assert [row["collectTime"] for row in rows] == [SHANGHAI_DAY_MS + MINUTE_MS, SHANGHAI_DAY_MS + 5 * MINUTE_MS]
    items = [row["dataItemMap"] for row in rows]
    assert [(item["active_power"], item["elec_freq"]) for item in items if isinstance(item, dict)] == [
        (2.0, 50.0),
        (4.0, None),
    ]


async def test_the_day_is_that_of_the_plant(hub: FakeHub, client: Client) -> None:
    east, west = hub.add_device(hub.add_plant()), hub.add_device(hub.add_plant(zone="America/New_York"))
    for device in (east, west):
        keep(hub, device, range(-1440, 2880, 60), ac_power=[1.0] * 72)
    rows = await ask(client, east, west, east)
    days = [row["collectTime"] for row in rows]
    assert len(days) == 48
    assert (days[0], days[23]) == (SHANGHAI_DAY_MS, SHANGHAI_DAY_MS + 23 * 3_600_000)
    assert days[24] == SHANGHAI_DAY_MS - 12 * 3_600_000


async def test_a_day_without_samples_is_an_empty_list(hub: FakeHub, client: Client) -> None:
    device = hub.add_device(hub.add_plant(), DeviceKind.WEATHER_STATION)
    assert await ask(client, device, type_id=10) == []
    keep(hub, device, [0], weather_ghi=[500.0])
    assert await ask(client, device, type_id=10, at_ms=NOW_MS + DAY_MS) == []


async def test_a_store_that_cannot_read_is_told_as_an_error(hub: FakeHub, client: Client) -> None:
    device = hub.add_device(hub.add_plant())
    hub.broken = True
    answer = await client.call("getDevFiveMinutes", {"devIds": numbers(device), "devTypeId": 1, "collectTime": 5})
    assert (answer["success"], answer["failCode"]) == (False, 20004)


async def test_a_reader_that_goes_away_ends_the_reading(hub: FakeHub, client: Client) -> None:
    device = hub.add_device(hub.add_plant())
    keep(hub, device, [0], ac_power=[1.0])
    reply = await client.reply(
        "getDevFiveMinutes", {"devIds": numbers(device), "devTypeId": 1, "collectTime": SHANGHAI_DAY_MS}
    )
    assert not isinstance(reply.body, bytes)
    first = await anext(reply.body)
    assert first.startswith(b'{"success":true,"data":[{')
    close = getattr(reply.body, "aclose", None)
    assert close is not None
    await close()
    with pytest.raises(StopAsyncIteration):
        await anext(reply.body)


def test_one_sample_a_slot_needs_no_regrouping() -> None:
    series = Series(1, np.arange(288) * 300_000, {"ac.power": np.ones(288)})
    at_ms, columns = slotted(series, 0)
    assert at_ms is series.at_ms
    assert columns is series.columns


@pytest.mark.parametrize(
    ("before", "counter", "expected"),
    [
        (100.0, [100.0, 110.0, 130.0], [0.0, 10.0, 30.0]),
        (90.0, [100.0, NAN, 130.0], [10.0, NAN, 40.0]),
        (NAN, [100.0, 110.0], [NAN, 10.0]),
        (100.0, [0.0, 0.0], [NAN, NAN]),
        (100.0, [120.0, 0.0, 5.0, 8.0], [20.0, NAN, 25.0, 28.0]),
        (100.0, [120.0, 119.0, 120.0, 121.0], [20.0, 20.0, 20.0, 21.0]),
        (100.0, [99.0, 101.0], [0.0, 1.0]),
        (NAN, [100.0], [NAN]),
    ],
)
def test_a_counter_rises_since_midnight_also_where_it_starts_again(
    before: float, counter: list[float], expected: list[float]
) -> None:
    assert since_midnight(np.array(counter), before).tolist() == pytest.approx(expected, nan_ok=True)


async def test_a_battery_tells_its_energy_since_midnight(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    aligned, odd, fresh, registering = (hub.add_device(plant, DeviceKind.BATTERY) for _ in range(4))
    for device, minutes in ((aligned, [-5, 0, 5, 10]), (odd, [-7, -2, 3, 8]), (fresh, [3, 8])):
        life = [9e6 + 10.0 * minute for minute in minutes]
        keep(hub, device, minutes)
        hub.series[device.id].columns["battery.energy_charged"] = np.array(life)
    keep(hub, registering, [5, 10], battery_power=[-1.0, -1.0])
    columns = hub.series[registering.id].columns
    columns["battery.energy_charged"] = np.array([9e6, 9.1e6])
    columns["battery.energy_charged_today"] = np.array([NAN, 240.0])
    rows = await ask(client, aligned, odd, fresh, registering, type_id=39)
    told: dict[object, list[object]] = {}
    for row in rows:
        items = row["dataItemMap"]
        assert isinstance(items, dict)
        assert items["discharge_cap"] is None
        told.setdefault(row["devId"], []).append(items["charge_cap"])
    assert told == {
        number(aligned): [0.0, 0.05, 0.1],
        number(odd): [0.05, 0.1],
        number(fresh): [None, 0.05],
        number(registering): [None, 0.24],
    }


async def test_the_energy_of_the_day_is_made_up_from_the_counter_of_an_inverter_too(
    hub: FakeHub, client: Client
) -> None:
    device = hub.add_device(hub.add_plant())
    keep(hub, device, [-600, 300, 305], ac_energy=[655_370.0, 655_370.0, 656_370.0])
    items = [row["dataItemMap"] for row in await ask(client, device)]
    assert [(each["day_cap"], each["total_cap"]) for each in items if isinstance(each, dict)] == [
        (0.0, 655.37),
        (1.0, 656.37),
    ]
