"""Every code of the document, reached over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette

from heliograph.clock import DAY_MS
from heliograph.dialects.huawei import DIALECT
from heliograph.dialects.huawei.codes import CODES
from heliograph.errors import DeviceFileError
from heliograph.model.devices import DeviceKind
from heliograph.protocol.limits import Limiter
from heliograph.protocol.serving import routes
from tests.dialects.huawei.client import code, number
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.dialects.huawei.fake_hub import FakeHub

Json = dict[str, Any]  # any: JSON
RIGHT = {"userName": "admin4", "systemCode": "Admin@1234"}
MANY = ",".join(str(index) for index in range(101))
SPAN = {"beginTime": NOW_MS, "endTime": NOW_MS, "language": "en_US"}


class Site:
    """A hub behind its routes, limits on, with a plant, an inverter and a battery."""

    def __init__(self, hub: FakeHub, http: httpx.AsyncClient) -> None:
        self.hub, self.http = hub, http
        plant = hub.add_plant()
        self.code = code(plant)
        self.inverter = hub.add_device(plant)
        self.battery = hub.add_device(plant, DeviceKind.BATTERY)
        self.one: Json = {"devIds": number(self.inverter), "devTypeId": 1, "collectTime": NOW_MS, "controlType": 1}

    async def call(self, name: str, body: object = None) -> Json:
        """A call; HTTP says 200 and JSON whatever happens."""
        answer = await self.http.post(name, content=b"" if body is None else json.dumps(body))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        found: Json = answer.json()
        assert {"success", "data", "failCode", "params", "message"} <= found.keys()
        return found

    async def login(self, **changes: object) -> Json:
        """A login, whose token the next calls carry."""
        answer = await self.http.post("login", json=RIGHT | changes)
        self.http.headers["xsrf-token"] = answer.headers.get("xsrf-token", "")
        found: Json = answer.json()
        return found


@pytest.fixture
async def site(hub: FakeHub) -> AsyncIterator[Site]:
    """The site, before any login."""
    app = Starlette(routes=routes([DIALECT], hub, Limiter(hub.wall), 100_000))
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub/thirdData/") as http:
        yield Site(hub, http)


REQUESTS: dict[int, tuple[str, Json]] = {
    20005: ("getDevRealKpi", {"devIds": ",", "devTypeId": 1}),
    20006: ("getDevRealKpi", {"devTypeId": 39}),
    20007: ("getDevList", {"stationCodes": "nothing"}),
    20008: ("getDevRealKpi", {"devIds": "5"}),
    20010: ("getStationRealKpi", {}),
    20011: ("getDevRealKpi", {"devIds": ""}),
    20012: ("getDevKpiDay", {"collectTime": ""}),
    20013: ("getDevFiveMinutes", {"devTypeId": 46}),
    20014: ("getStationRealKpi", {"stationCodes": MANY}),
    20015: ("getKpiStationYear", {"stationCodes": MANY}),
    20016: ("getDevRealKpi", {"devIds": MANY}),
    20017: ("getDevFiveMinutes", {"devIds": MANY}),
    20018: ("devUpgrade", {"devIds": MANY}),
    20019: ("devOnOff", {"controlType": 3}),
    20022: ("getDevUpgradeInfo", {}),
    20023: ("getAlarmList", {"beginTime": NOW_MS + 1}),
    20024: ("getAlarmList", {"language": ""}),
    20025: ("getAlarmList", {"language": "tlh"}),
    20026: ("getAlarmList", {"beginTime": NOW_MS - 366 * DAY_MS}),
    20027: ("getAlarmList", {"beginTime": NOW_MS - 32 * DAY_MS}),
    20400: ("snIsRegister", {"SN": ""}),
}
"""Calls that are right but for this."""
ELSEWHERE = {305, 401, 407, 20001, 20002, 20003, 20004, 20009, 20020, 20021}
"""What the tests below reach."""


def test_no_code_is_left_out() -> None:
    assert REQUESTS.keys() | ELSEWHERE == set(CODES.by_value)


@pytest.mark.parametrize("expected", REQUESTS)
async def test_a_request_with_one_fault_has_the_code_of_that_fault(site: Site, expected: int) -> None:
    await site.login()
    name, fault = REQUESTS[expected]
    plants = {} if expected == 20010 else {"stationCodes": site.code}
    answer = await site.call(name, {**site.one, **plants, **SPAN, **fault})
    assert (answer["success"], answer["data"], answer["failCode"]) == (False, None, expected)
    assert answer["message"]


async def test_what_a_login_is_refused_with(site: Site) -> None:
    assert (await site.login(userName="nobody"))["failCode"] == 20001
    assert (await site.login(systemCode="guess"))["failCode"] == 20400
    site.hub.change_credential("admin4", disabled=True)
    assert (await site.login())["failCode"] == 20002
    site.hub.change_credential("admin4", disabled=False, expires_at_ms=NOW_MS)
    assert (await site.login())["failCode"] == 20003
    assert (await site.login(systemCode="guess"))["failCode"] == 20400


async def test_a_login_is_held_back_after_too_many_failures(site: Site) -> None:
    for _ in range(5):
        await site.login(systemCode="guess")
    answer = await site.http.post("login", json=RIGHT)
    assert (answer.status_code, answer.json()["failCode"]) == (200, 407)
    assert int(answer.headers["retry-after"]) == 300


async def test_without_a_session_the_code_is_305(site: Site) -> None:
    assert (await site.call("getStationList"))["failCode"] == 305


async def test_without_the_right_the_code_is_401(site: Site) -> None:
    site.hub.change_credential("admin4", scopes=("read",))
    await site.login()
    for name in ("devOnOff", "devUpgrade", "getDevUpgradeInfo"):
        assert (await site.call(name, site.one))["failCode"] == 401
    site.hub.change_credential("admin4", operations=("getStationList",))
    assert (await site.call("getAlarmList"))["failCode"] == 401


@pytest.mark.parametrize(
    "name",
    ["getStationList", "getDevList", "getDevRealKpi", "devUpgrade", "getDevUpgradeInfo", "devOnOff", "getAlarmList",
     "snIsRegister"],
)  # fmt: skip
async def test_a_second_call_within_a_minute_is_407_even_if_it_cannot_be_read(site: Site, name: str) -> None:
    await site.login()
    assert (await site.call(name, {}))["failCode"] != 407
    for sent in (b"{}", b"{"):
        answer = await site.http.post(name, content=sent)
        assert (answer.json()["failCode"], answer.json()["data"]) == (407, "ACCESS_FREQUENCY_IS_TOO_HIGH")
        assert answer.headers["retry-after"] == "60"
    await site.login()
    assert (await site.call(name, {}))["failCode"] == 407
    site.hub.wall_clock.at_ms += 60_000
    assert (await site.call(name, {}))["failCode"] != 407


async def test_figures_that_are_not_set_up_are_20009(site: Site) -> None:
    site.hub.change_credential("admin4", kpis=("day_power",))
    await site.login()
    assert (await site.call("getDevRealKpi", site.one))["failCode"] == 20009


async def test_a_store_that_fails_is_20004(site: Site) -> None:
    await site.login()
    site.hub.broken = True
    assert (await site.call("getDevFiveMinutes", site.one))["failCode"] == 20004
    assert (await site.call("devOnOff", site.one))["failCode"] == 20004
    assert (await site.login())["failCode"] == 20004


async def test_upgrades_that_cannot_be_are_told_device_by_device(site: Site) -> None:
    await site.login()
    lost = site.hub.add_device(next(iter(site.hub.all_plants.values())))
    site.hub.fake_commands.packages[lost.id] = DeviceFileError("the file is missing")
    answer = await site.call("devUpgrade", {"devIds": [number(site.inverter), number(lost)], "devTypeId": 1})
    assert [row["failCode"] for row in answer["data"]] == [20020, 20021]


@pytest.mark.parametrize("body", [b'{"devIds":"1","devIds":"2"}', b"{", b"[]", b'{"devIds":"\xff"}', b" " * 100_001])
async def test_a_body_that_cannot_be_read_is_20400(site: Site, body: bytes) -> None:
    await site.login()
    answer = await site.http.post("getDevRealKpi", content=body)
    assert (answer.status_code, answer.json()["failCode"]) == (200, 20400)


async def test_an_unknown_call_is_401(site: Site) -> None:
    assert (await site.call("getNothing"))["failCode"] == 401
