"""Which code wins when several apply: one order for all calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from heliograph.clock import DAY_MS
from heliograph.model.devices import DeviceKind
from tests.dialects.huawei.client import Client, number
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from tests.dialects.huawei.fake_hub import FakeHub

MANY = ",".join(str(index) for index in range(1001))
SPAN = {"beginTime": NOW_MS, "endTime": NOW_MS}
Body = dict[str, Any]  # any: JSON


@pytest.fixture
def known(hub: FakeHub) -> Body:
    """A device that the caller sees, and may read no figures of."""
    hub.change_credential("admin4", kpis=())
    return {"devIds": number(hub.add_device(hub.add_plant(), DeviceKind.BATTERY))}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        (
            "getStationRealKpi",
            [({}, 20010), ({"stationCodes": MANY}, 20014), ({"stationCodes": "X"}, 20007)],
        ),
        (
            "getKpiStationDay",
            [
                ({"collectTime": "x"}, 20010),
                ({"stationCodes": MANY}, 20015),
                ({"stationCodes": "X"}, 20012),
                ({"collectTime": 5}, 20007),
            ],
        ),
        (
            "getDevRealKpi",
            [
                ({"devTypeId": 99}, 20011),
                ({"devIds": ","}, 20005),
                ({"devIds": MANY}, 20016),
                ({"devIds": "5"}, 20013),
                ({"devTypeId": 1}, 20008),
                ({"devIds": None}, 20006),
                ({"devTypeId": 39}, 20009),
            ],
        ),
        (
            "getDevFiveMinutes",
            [
                ({"devTypeId": 99}, 20011),
                ({"devIds": MANY}, 20017),
                ({"devIds": "5"}, 20013),
                ({"devTypeId": 1}, 20012),
                ({"collectTime": 5}, 20008),
                ({"devIds": None}, 20006),
                ({"devTypeId": 39}, 20009),
            ],
        ),
        (
            "getDevKpiDay",
            [
                ({"devTypeId": 99}, 20011),
                ({"devIds": MANY}, 20017),
                ({"devIds": "5"}, 20013),
                ({"devTypeId": 1}, 20012),
                ({"collectTime": 5}, 20008),
                ({"devIds": None}, 20006),
                ({"devTypeId": 39}, 20009),
            ],
        ),
        (
            "devOnOff",
            [
                ({"devTypeId": 99}, 20011),
                ({"devIds": MANY}, 20018),
                ({"devIds": "5"}, 20013),
                ({"devTypeId": 1}, 20019),
                ({"controlType": 1}, 20008),
                ({"devIds": None}, 20006),
            ],
        ),
        (
            "devUpgrade",
            [
                ({"devTypeId": 99}, 20011),
                ({"devIds": MANY}, 20018),
                ({"devIds": "5"}, 20013),
                ({"devTypeId": 1}, 20008),
                ({"devIds": None}, 20006),
            ],
        ),
        (
            "getAlarmList",
            [
                ({"language": "x"}, 20010),
                ({"stationCodes": MANY, "devIds": MANY}, 20014),
                ({"stationCodes": "X"}, 20017),
                ({"devIds": "5"}, 20012),
                ({"beginTime": 5, "endTime": 4}, 20023),
                ({"endTime": NOW_MS}, 20026),
                ({"beginTime": NOW_MS - 40 * DAY_MS, "language": ""}, 20027),
                ({"beginTime": NOW_MS}, 20024),
                ({"language": "x"}, 20025),
                ({"language": "en_UK"}, 20007),
                ({"stationCodes": ""}, 20008),
            ],
        ),
    ],
)
async def test_mending_what_is_told_brings_the_next_code_of_the_order(
    client: Client, known: Body, name: str, steps: list[tuple[Body, int]]
) -> None:
    asked: Body = {}
    for change, code in steps:
        asked |= known if change == {"devIds": None} else change
        assert (await client.call(name, asked))["failCode"] == code, asked


async def test_the_session_comes_before_the_right_and_the_right_before_the_body(hub: FakeHub, client: Client) -> None:
    hub.change_credential("admin4", operations=("getStationList",))
    token = client.headers
    client.headers = {}
    assert (await client.call("getDevList", raw=b"{"))["failCode"] == 305
    client.headers = token
    assert (await client.call("getDevList", raw=b"{"))["failCode"] == 401
    hub.change_credential("admin4", operations=None)
    assert (await client.call("getDevList", raw=b"{"))["failCode"] == 20400
