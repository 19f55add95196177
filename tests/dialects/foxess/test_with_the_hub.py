"""The calls over a hub that runs, through HTTP: headers, limits, readings and totals as they are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config
from heliograph.dialects.foxess.auth import sign
from heliograph.hub import LocalHub
from heliograph.model.access import Credential, Secret
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Account, Plant
from tests.unit.store.world import at, block

TOKEN = "home-0123456789abcdef"
NOON = at("2026-06-20T12:00", "Europe/London")
STEP_MS = 300_000


class Service:
    """A hub, its application and a client of it."""

    def __init__(self, hub: LocalHub, http: httpx.AsyncClient, wall: FixedClock) -> None:
        self.hub, self._http, self.wall = hub, http, wall

    async def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # any: what httpx takes
        """An answer; the headers are written as one real client does."""
        self.wall.at_ms += 2000  # no faster than documented
        return await self.at_once(method, path, **more)

    async def at_once(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # any: see call
        """An answer, without a pause before."""
        timestamp = str(self.wall.now_ms())
        headers = {"Token": TOKEN, "Timestamp": timestamp, "Signature": sign(path, TOKEN, timestamp), "Lang": "en"}
        answer = await self._http.request(method, path, headers=headers, **more)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A hub with a hybrid inverter that sent a day, and a credential that may do everything."""
    wall = FixedClock(NOON)
    hub = LocalHub(tmp_path, Config(), clock=FixedClock(NOON), wall=wall)
    registry = hub.registry
    account = hub.database.write_now(lambda rows: registry.put_account(rows, Account(id=0, name="tests")))
    plant = Plant(id=0, account_id=account.id, name="Lakeside", zone="Europe/London")
    plant = hub.database.write_now(lambda rows: registry.put_plant(rows, plant))
    device = Device(id=0, plant_id=plant.id, kind=DeviceKind.HYBRID_INVERTER, name="Inverter", serial="60KE8020479C034")
    device = hub.database.write_now(lambda rows: registry.put_device(rows, device))
    credential = Credential(
        id=0, account_id=account.id, dialect="foxess", name="home", secret=Secret("0123456789abcdef"),
        scopes=("read", "admin"),
    )  # fmt: skip
    hub.database.write_now(lambda rows: registry.put_credential(rows, credential))
    await hub.start()
    midnight = at("2026-06-20T00:00", "Europe/London")
    readings = {
        instant: {
            "ac.energy": 1e6 + place * 100.0, "ac.power": 1200.0, "battery.power": -500.0, "grid.power": -700.0,
            "battery.soc": 40.0 + place / 10,
        }
        for place, instant in enumerate(range(midnight, NOON + 1, STEP_MS))
    }  # fmt: skip
    await hub.ingest(credential.caller(), [block(device.id, readings)], source="test")
    transport = httpx.ASGITransport(make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        yield Service(hub, http, wall)
    await hub.stop()


async def test_a_day_as_a_client_reads_it(service: Service) -> None:
    rows = (await service.call("POST", "/op/v0/device/list", json={"currentPage": 1, "pageSize": 500}))["result"]
    assert rows["total"] == 1
    sn = rows["data"][0]["deviceSN"]
    assert sn == "60KE8020479C034"
    (now,) = (await service.call("POST", "/op/v1/device/real/query", json={"sns": [sn]}))["result"]
    values = {item["variable"]: item["value"] for item in now["datas"]}
    assert now["time"] == "2026-06-20 12:00:00 BST+0100"
    assert (values["generation"], values["feedinPower"], values["batChargePower"]) == (1014.4, 0.7, 0.5)
    assert (values["loadsPower"], values["todayYield"]) == (0.5, 14.4)
    span = {"begin": NOON - 3600_000, "end": NOON}
    (past,) = (await service.call("POST", "/op/v0/device/history/query", json={"sn": sn, **span}))["result"]
    assert {course["variable"]: len(course["data"]) for course in past["datas"]}["SoC"] == 13
    query = {"sn": sn, "year": 2026, "month": 6, "day": 20, "dimension": "day"}
    body = {**query, "variables": ["generation", "feedin", "loads"]}
    report = (await service.call("POST", "/op/v0/device/report/query", json=body))["result"]
    assert {row["variable"]: row["values"] for row in report} == {
        "generation": [1.2] * 12 + [0.0] * 12, "feedin": [0.7] * 12 + [0.0] * 12, "loads": [0.5] * 12 + [0.0] * 12,
    }  # fmt: skip
    told = (await service.call("GET", "/op/v0/device/generation", params={"sn": sn}))["result"]
    assert told == {"today": 14.4, "month": 14.4, "cumulative": 1014.4}


async def test_a_query_comes_once_a_second_for_each_interface(service: Service) -> None:
    assert (await service.call("POST", "/op/v0/plant/list"))["errno"] == 0
    assert (await service.at_once("POST", "/op/v0/plant/list"))["errno"] == 40400
    assert (await service.at_once("POST", "/op/v0/device/list"))["errno"] == 0
    service.wall.at_ms += 1000
    assert (await service.at_once("POST", "/op/v0/plant/list"))["errno"] == 0
    left = (await service.call("GET", "/op/v0/user/getAccessCount"))["result"]
    assert left == {"total": "1440", "remaining": "1436"}


async def test_what_there_is_not_is_told_in_the_vendor_s_form(service: Service) -> None:
    for method, path in (("POST", "/op/v0/device/nothing"), ("GET", "/op/v0/plant/list"), ("GET", "/op/v9")):
        assert (await service.call(method, path))["errno"] == 50404


async def test_a_plant_is_made_changed_and_deleted(service: Service) -> None:
    details = {
        "name": "Hilltop", "type": 2, "countryCode": "GB", "city": "Leeds", "address": "Hill 1", "postcode": "LS1",
        "price": 0.3, "currency": "GBP(£)", "systemCapacity": 5,
    }  # fmt: skip
    body: dict[str, Any] = {"devices": [{"sn": "60KE8020479C034"}], "details": details, "timezone": "Europe/London"}
    made = (await service.call("POST", "/op/v0/plant/create", json=body))["result"]
    assert made["devices"] == [{"device": {"sn": "60KE8020479C034"}, "errno": 0}]
    plant = {"id": made["stationID"]}
    assert (await service.call("GET", "/op/v0/plant/detail", params=plant))["result"]["modules"] == [
        {"moduleSN": "", "deviceSN": "60KE8020479C034"}
    ]
    body["details"] = {**details, "stationID": made["stationID"], "name": "Hillside"}
    assert (await service.call("POST", "/op/v0/plant/update", json=body))["errno"] == 0
    assert (await service.call("GET", "/op/v0/plant/detail", params=plant))["result"]["stationName"] == "Hillside"
    gone = await service.call("POST", "/op/v0/plant/delete", json={"stationID": made["stationID"]})
    assert gone == {"errno": 0, "msg": "success", "result": None}
    assert (await service.call("POST", "/op/v0/plant/list"))["result"]["total"] == 1
    assert (await service.call("POST", "/op/v0/device/list"))["result"]["total"] == 0
