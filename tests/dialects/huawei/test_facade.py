"""The lists of plants and devices, ids, and every refusal of a request."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from heliograph.dialects.huawei.lookup import mint_device, mint_plant, split_ids
from heliograph.model.devices import DeviceKind
from heliograph.model.plants import BuildState, GridType
from tests.dialects.huawei.client import Client, code, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from tests.dialects.huawei.fake_hub import FakeHub

DAY = {"collectTime": NOW_MS}


async def test_the_list_of_plants_has_the_printed_members(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant(
        name="NM C&I plant 1",
        capacity_w=146.5e6,
        build_state=BuildState.UNDER_CONSTRUCTION,
        grid_type=GridType.RESIDENTIAL,
        poverty_alleviation=True,
    )
    hub.add_plant(account=2)
    assert await client.call("getStationList") == {
        "success": True,
        "data": [
            {
                "stationCode": code(plant),
                "stationName": "NM C&I plant 1",
                "stationAddr": None,
                "capacity": 146.5,
                "buildState": "1",
                "combineType": "3",
                "aidType": 0,
                "stationLinkman": "",
                "linkmanPho": "",
            }
        ],
        "failCode": 0,
        "params": {"userId": 11, "currentTime": NOW_MS},
        "message": None,
    }


async def test_a_caller_without_plants_gets_the_printed_refusal(client: Client) -> None:
    assert (await client.call("getStationList"))["failCode"] == 20007
    assert (await client.call("stations"))["data"] == {
        "list": [],
        "pageCount": 0,
        "pageNo": 1,
        "pageSize": 100,
        "total": 0,
    }


async def test_pages_tell_coordinates_as_text_with_six_decimals(hub: FakeHub, client: Client) -> None:
    hub.add_plant(latitude=-34.9212, longitude=138.59951236)
    hub.add_plant(latitude=-0.0000001, longitude=0.0)
    rows = (await client.call("stations"))["data"]["list"]
    assert [(row["latitude"], row["longitude"]) for row in rows] == [
        ("-34.921200", "138.599512"),
        ("0.000000", "0.000000"),
    ]


async def test_plants_come_by_pages_with_kilowatts(hub: FakeHub, client: Client) -> None:
    plants = [hub.add_plant(zone="Europe/Warsaw", connected_on=date(2022, 11, 21)) for _ in range(5)]
    hub.all_plants[5] = hub.add_plant(capacity_w=None)
    page = (await client.call("stations", {"pageNo": "1", "pageSize": 2}))["data"]
    assert (page["pageCount"], page["pageNo"], page["pageSize"], page["total"]) == (3, 1, 2, 6)
    assert page["list"][0] == {
        "plantCode": code(plants[0]),
        "plantName": "plant",
        "plantAddress": None,
        "longitude": None,
        "latitude": None,
        "capacity": 25200.0,
        "contactPerson": "",
        "contactMethod": "",
        "gridConnectionDate": "2022-11-21T00:00:00+01:00",
    }
    last = (await client.call("stations", {"pageNo": 3.0, "pageSize": "2"}))["data"]["list"]
    assert [row["capacity"] for row in last] == [None, None]
    assert last[0]["gridConnectionDate"] is None
    assert (await client.call("stations", {"pageNo": 9, "pageSize": 9000}))["data"]["pageSize"] == 100


async def test_the_list_of_devices_follows_the_plants_asked(hub: FakeHub, client: Client) -> None:
    first, second = hub.add_plant(), hub.add_plant()
    inverter = hub.add_device(first, model="SUN2000-17KTL", firmware="V100R001PC666", longitude=12.5, latitude=50.0)
    dongle = hub.add_device(second, DeviceKind.GATEWAY, model="Dongle-A", attributes={"huawei.devTypeId": "62"})
    odd = hub.add_device(second, DeviceKind.OPTIMIZER, attributes={"huawei.devTypeId": "none"})
    asked = {"stationCodes": code(second, first), "collectTime": 1}
    answer = await client.call("getDevList", asked)
    assert answer["params"] == {**asked, "currentTime": NOW_MS}
    assert [(row["id"], row["devTypeId"], row["invType"]) for row in answer["data"]] == [
        (number(dongle), 62, None),
        (number(odd), 46, None),
        (number(inverter), 1, "SUN2000-17KTL"),
    ]
    assert answer["data"][2] == {
        "id": number(inverter),
        "devName": "inverter",
        "stationCode": code(first),
        "esnCode": "S1",
        "devTypeId": 1,
        "softwareVersion": "V100R001PC666",
        "invType": "SUN2000-17KTL",
        "longitude": 12.5,
        "latitude": 50.0,
    }


def test_ids_look_like_the_printed_ones_and_differ_by_attempt() -> None:
    assert all(re.fullmatch(r"[0-9A-F]{32}", mint_plant(plant_id, 0)) for plant_id in range(200))
    assert all(10**14 <= int(mint_device(device_id, 0)) < 2**53 for device_id in range(200))
    assert len({mint_device(7, attempt) for attempt in range(50)}) == 50
    assert len({mint_plant(7, attempt) for attempt in range(50)}) == 50
    assert mint_plant(7, 0) == mint_plant(7, 0)


def test_ids_come_as_text_number_or_list() -> None:
    assert split_ids(" 12, 13 ,,12") == ["12", "13"]
    assert split_ids(214060404588862) == ["214060404588862"]
    assert split_ids(2.14060404588862e14) == ["214060404588862"]
    assert split_ids([1, "2", 3.0, 4.5]) == ["1", "2", "3", "4.5"]
    assert split_ids(["", None, "1"]) == ["1"]
    assert split_ids(None) == split_ids("") == split_ids(" , ") == split_ids([]) == []
    assert split_ids(["1", [2]]) is split_ids([True]) is split_ids({"1": 2}) is split_ids(False) is None


PLANT_REPORTS = ["getKpiStationHour", "getKpiStationDay", "getKpiStationMonth", "getKpiStationYear"]
DEVICE_REPORTS = ["getDevKpiHour", "getDevKpiDay", "getDevKpiMonth", "getDevKpiYear"]


@pytest.mark.parametrize("name", [*PLANT_REPORTS, "getStationRealKpi", "getDevList"])
async def test_calls_about_plants_refuse_with_the_codes_of_the_document(
    hub: FakeHub, client: Client, name: str
) -> None:
    known, foreign = hub.add_plant(), hub.add_plant(account=2)
    nothing: list[object] = [None, "", " , ", []]
    for codes in nothing:
        assert (await client.call(name, {"stationCodes": codes, **DAY}))["failCode"] == 20010
    many = ",".join(f"P{index}" for index in range(101))
    too_many = 20014 if name in ("getStationRealKpi", "getDevList") else 20015
    assert (await client.call(name, {"stationCodes": many, **DAY}))["failCode"] == too_many
    assert (await client.call(name, {"stationCodes": "A,B,A" * 60, **DAY}))["failCode"] == 20007
    assert (await client.call(name, {"stationCodes": code(foreign), **DAY}))["failCode"] == 20007
    assert (await client.call(name, {"stationCodes": f"nothing,{code(known, foreign)}", **DAY}))["success"]


@pytest.mark.parametrize("name", [*DEVICE_REPORTS, "getDevRealKpi", "getDevFiveMinutes"])
async def test_calls_about_devices_refuse_with_the_codes_of_the_document(
    hub: FakeHub, client: Client, name: str
) -> None:
    plant = hub.add_plant()
    known, battery = hub.add_device(plant), hub.add_device(plant, DeviceKind.BATTERY)
    foreign = hub.add_device(hub.add_plant(account=2))

    async def refusal(devices: object, type_id: object = 1) -> int:
        answer = await client.call(name, {"devIds": devices, "devTypeId": type_id, **DAY})
        fail_code: int = answer["failCode"]
        return fail_code

    assert await refusal(None) == await refusal("") == await refusal(" ") == await refusal([]) == 20011
    assert await refusal(",") == await refusal([""]) == await refusal(["", None, " "]) == 20005
    assert await refusal(numbers(known), None) == await refusal(numbers(known), "x") == 20013
    assert await refusal(numbers(known), 1.5) == await refusal(numbers(known), "nan") == 20013
    assert await refusal(numbers(known), 46) == await refusal(numbers(known), 2) == 20013
    assert await refusal(",".join(str(index) for index in range(101))) == (20016 if name == "getDevRealKpi" else 20017)
    assert await refusal(numbers(foreign)) == await refusal("abc") == 20008
    assert await refusal(numbers(known, battery)) == await refusal(numbers(known), 39) == 20006
    assert await refusal(numbers(foreign, known) + ",5,,") == 0
    assert await refusal(number(known), " 1 ") == await refusal([number(known)], 1.0) == 0


@pytest.mark.parametrize("name", [*PLANT_REPORTS, *DEVICE_REPORTS, "getDevFiveMinutes"])
async def test_reports_need_a_time_and_take_any(hub: FakeHub, client: Client, name: str) -> None:
    plant = hub.add_plant()
    device = hub.add_device(plant)
    asked: dict[str, object] = {"stationCodes": code(plant), "devIds": numbers(device), "devTypeId": 1}
    assert (await client.call(name, asked))["failCode"] == 20012
    assert (await client.call(name, {**asked, "collectTime": ""}))["failCode"] == 20012
    assert (await client.call(name, {**asked, "collectTime": "yesterday"}))["failCode"] == 20012
    assert (await client.call(name, {**asked, "collectTime": 10**18}))["failCode"] == 20012
    whole = (0, -1, "1501862400000", 253_000_000_000_000, NOW_MS + 10**11, -61_000_000_000_000, 1.5e12)
    for at in (*whole, 1501862400000.75, "1501862400000.75", " 1.5018624E12 "):
        answer = await client.call(name, {**asked, "collectTime": at})
        assert (answer["success"], answer["data"]) == (True, [])
        assert answer["params"]["collectTime"] == at
