"""KPIs that are set up for a credential: only they are told, and 20009 where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from heliograph.clock import Level, period, zone
from heliograph.model.devices import DeviceKind
from heliograph.model.samples import Series
from tests.dialects.huawei.client import Client, code, number
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from tests.dialects.huawei.fake_hub import FakeHub

PLANT_CALLS = {
    "getStationRealKpi": ("day_power", "real_health_state"),
    "getKpiStationHour": ("inverter_power", "power_profit"),
    "getKpiStationDay": ("inverter_power", "performance_ratio"),
    "getKpiStationMonth": ("inverter_power", "use_power"),
    "getKpiStationYear": ("inverter_power", "reduction_total_co2"),
}
DEVICE_CALLS = {
    "getDevRealKpi": ("active_power", "run_state"),
    "getDevFiveMinutes": ("active_power", "pv1_u"),
    "getDevKpiHour": ("product_power", "perpower_ratio"),
    "getDevKpiDay": ("product_power", "aoc_ratio"),
    "getDevKpiMonth": ("product_power", "perpower_ratio"),
    "getDevKpiYear": ("product_power", "perpower_ratio"),
}
CALLS = PLANT_CALLS | DEVICE_CALLS
Row = dict[str, Any]  # any: JSON


@pytest.fixture(autouse=True)
def asked(hub: FakeHub) -> dict[str, object]:
    """A plant with an inverter and data of every kind; the parameters that ask for them."""
    plant = hub.add_plant(tariff=(1.0,))
    device = hub.add_device(plant)
    tz = zone(plant.zone)
    for level in (Level.HOUR, Level.DAY, Level.MONTH, Level.YEAR):
        at = [period(level, NOW_MS, tz)[0]]
        hub.total("plant", plant.id, level, at, production=[5e3], revenue=[5.0], irradiation=[100.0])
        hub.total("device", device.id, level, at, production=[5e3], received=[9.0])
    hub.read(device, {"ac.power": 1000.0})
    columns = {"ac.power": np.array([1000.0]), "pv.1.voltage": np.array([575.0])}
    hub.series[device.id] = Series(device.id, np.array([NOW_MS - 300_000]), columns)
    return {"stationCodes": code(plant), "devIds": number(device), "devTypeId": 1, "collectTime": NOW_MS}


async def items_of(client: Client, name: str, asked: dict[str, object]) -> Row:
    answer = await client.call(name, asked)
    assert answer["failCode"] == 0, answer
    [row] = answer["data"]
    items: Row = row["dataItemMap"]
    return items


@pytest.mark.parametrize("name", CALLS)
async def test_only_the_figures_that_are_set_up_are_told(
    hub: FakeHub, client: Client, asked: dict[str, object], name: str
) -> None:
    everything = await items_of(client, name, asked)
    hub.change_credential("admin4", kpis=(*CALLS[name], "unknown"))
    shown = await items_of(client, name, asked)
    assert shown == {figure: everything[figure] for figure in CALLS[name]}
    assert len(everything) > len(shown)
    hub.change_credential("admin4", kpis=tuple(everything))
    assert await items_of(client, name, asked) == everything


@pytest.mark.parametrize("name", CALLS)
async def test_a_figure_may_be_set_up_for_one_call_alone(
    hub: FakeHub, client: Client, asked: dict[str, object], name: str
) -> None:
    figure = CALLS[name][0]
    hub.change_credential("admin4", kpis=(f"{name}:{figure}",))
    assert set(await items_of(client, name, asked)) == {figure}
    for other in CALLS.keys() - {name}:
        assert (await client.call(other, asked))["failCode"] == 20009


@pytest.mark.parametrize("kpis", [(), ("unknown",), ("getDevList:active_power",)])
@pytest.mark.parametrize("name", CALLS)
async def test_without_any_figure_the_answer_is_20009(
    hub: FakeHub, client: Client, asked: dict[str, object], name: str, kpis: tuple[str, ...]
) -> None:
    hub.change_credential("admin4", kpis=kpis)
    answer = await client.call(name, asked)
    assert (answer["success"], answer["failCode"], answer["data"]) == (False, 20009, None)


async def test_figures_are_those_of_the_type_asked_for(hub: FakeHub, client: Client) -> None:
    battery = hub.add_device(hub.add_plant(), DeviceKind.BATTERY)
    at = [period(Level.DAY, NOW_MS, zone("Asia/Shanghai"))[0]]
    hub.total("device", battery.id, Level.DAY, at, charged=[7.5e3])
    asked: dict[str, object] = {"devIds": number(battery), "devTypeId": 39, "collectTime": NOW_MS}
    hub.change_credential("admin4", kpis=("product_power", "aoc_ratio", "active_power"))
    for name in ("getDevKpiDay", "getDevRealKpi", "getDevFiveMinutes"):
        assert (await client.call(name, asked))["failCode"] == 20009
    hub.change_credential("admin4", kpis=("charge_cap",))
    assert await items_of(client, "getDevKpiDay", asked) == {"charge_cap": 7.5}


async def test_what_inverters_have_by_the_day_only_opens_no_month(
    hub: FakeHub, client: Client, asked: dict[str, object]
) -> None:
    hub.change_credential("admin4", kpis=("aoc_ratio",))
    assert set(await items_of(client, "getDevKpiDay", asked)) == {"aoc_ratio"}
    assert (await client.call("getDevKpiMonth", asked))["failCode"] == 20009


async def test_lists_and_alarms_need_no_figures(hub: FakeHub, client: Client, asked: dict[str, object]) -> None:
    hub.change_credential("admin4", kpis=())
    time = {"beginTime": NOW_MS, "endTime": NOW_MS, "language": "en_UK"}
    for name in ("getStationList", "stations", "getDevList", "getAlarmList"):
        assert (await client.call(name, asked | time))["success"]
