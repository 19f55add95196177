"""Codes both ways, and what a client gets for a request that cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from heliograph.dialects.huawei import DIALECT
from heliograph.dialects.huawei.codes import CODES, NO_USER, RELOGIN, TOO_FREQUENT, UNKNOWN_PLANT
from heliograph.dialects.huawei.operations import DEVICE_DAYS, FIND_REGISTERED, LIST_PLANTS, OPERATIONS, PLANT_NOW
from heliograph.errors import (
    DeviceError,
    HubError,
    NotFoundError,
    StoreError,
    TooFrequentError,
    TooLargeError,
    UnknownDeviceError,
    UnknownPlantError,
)
from heliograph.protocol.codes import VendorError
from heliograph.protocol.operations import Request
from tests.dialects.huawei.client import Client, whole
from tests.dialects.huawei.client import code as code_of

if TYPE_CHECKING:
    from tests.dialects.huawei.fake_hub import FakeHub

CHAPTER_4 = {*range(20001, 20028), 305, 401, 407}


def ask(body: bytes = b"{}") -> Request:
    return Request("POST", "/thirdData/getStationRealKpi", "", {}, body, body)


def test_every_code_of_the_document_is_known_and_the_live_one_for_bad_logins() -> None:
    assert set(CODES.by_value) == CHAPTER_4 | {20400}


def test_codes_and_errors_agree_both_ways() -> None:
    for value, entry in CODES.by_value.items():
        error = CODES.error(value)
        assert isinstance(error, VendorError)
        assert CODES.code(error) is entry
    assert CODES.code(CODES.error(99999)) is CODES.fallback


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("the disk is full"), 20004),
        (HubError("unforeseen"), 20004),
        (UnknownPlantError("gone"), 20007),
        (UnknownDeviceError("gone"), 20008),
        (NotFoundError("no such call"), 401),
        (TooLargeError("the body is over the limit"), 20400),
    ],
)
async def test_errors_travel_as_their_codes_with_http_200(error: HubError, code: int) -> None:
    for operation in (PLANT_NOW, None):
        reply = DIALECT.envelope.failure(error, operation, ask(b'{"stationCodes":"A"}'), 9)
        answer = json.loads(await whole(reply))
        assert reply.status == 200
        assert (answer["success"], answer["data"], answer["failCode"]) == (False, None, code)
        assert answer["params"] == (None if operation is None else {"stationCodes": "A", "currentTime": 9})
        assert "immediately" not in answer


async def test_too_frequent_calls_get_407_as_the_service_sends_it() -> None:
    reply = DIALECT.envelope.failure(TooFrequentError("slow down", retry_after_s=41.2), PLANT_NOW, ask(), 9)
    assert json.loads(await whole(reply)) == {
        "success": False,
        "data": "ACCESS_FREQUENCY_IS_TOO_HIGH",
        "failCode": 407,
        "params": None,
        "message": None,
    }
    assert reply.headers == {"retry-after": "42"}
    assert DIALECT.envelope.failure(TooFrequentError("slow down"), None, ask(), 9).headers == {}


def test_the_short_305_of_the_live_service_is_understood() -> None:
    body = b'{"failCode":305,"immediately":true,"message":"USER_MUST_RELOGIN"}'
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(LIST_PLANTS, 200, body)
    assert caught.value.code is RELOGIN
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(LIST_PLANTS, 200, b'{"success":false,"failCode":407,"data":"x"}')
    assert caught.value.code is TOO_FREQUENT


def test_the_odd_refusals_of_the_document_are_understood() -> None:
    missing = b'{"buildCode":"2","data":{"SN":"1"},"failCode":0,"message":"user does not exist","success":false}'
    with pytest.raises(VendorError, match="user does not exist") as caught:
        DIALECT.envelope.open(FIND_REGISTERED, 200, missing)
    assert caught.value.code is NO_USER
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(LIST_PLANTS, 200, b'{"success":false,"failCode":0,"data":20007}')
    assert caught.value.code is UNKNOWN_PLANT
    with pytest.raises(DeviceError, match="a refusal without a code: no word"):
        DIALECT.envelope.open(LIST_PLANTS, 200, b'{"success":false,"failCode":0,"data":{}}')


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[]", b'{"success":true,"data":5}'])
def test_what_is_no_answer_is_an_error_of_the_other_side(body: bytes) -> None:
    with pytest.raises(DeviceError, match="getStationList: HTTP 502"):
        DIALECT.envelope.open(LIST_PLANTS, 502, body)


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("getStationRealKpi", b"{", 20400),
        ("getStationRealKpi", b"\xff", 20400),
        ("getStationRealKpi", b"[" * 100_000, 20400),
        ("getStationRealKpi", b'{"stationCodes":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 20400),
        ("getStationRealKpi", b"[1]", 20400),
        ("getStationRealKpi", b'{"stationCodes":NaN}', 20400),
        ("getDevRealKpi", b"nonsense", 20400),
        ("stations", b'{"pageNo":"two"}', 20400),
        ("stations", b'{"pageNo":0}', 20400),
        ("stations", b'{"pageNo":[]}', 20400),
        ("stations", b"{", 20400),
        ("login", b"{", 20400),
        ("login", b'{"userName":{}}', 20400),
        ("getStationRealKpi", b'{"stationCodes":{"a":1}}', 20010),
        ("getStationRealKpi", b'{"stationCodes":true}', 20010),
        ("getStationRealKpi", b'{"stationCodes":["A",["B"]]}', 20010),
        ("getStationRealKpi", b'{"stationCodes":["A",false]}', 20010),
        ("getStationRealKpi", b"", 20010),
        ("getStationRealKpi", b" null ", 20010),
        ("getKpiStationDay", b'{"stationCodes":"A","collectTime":[]}', 20012),
        ("getKpiStationDay", b'{"stationCodes":"A","collectTime":true}', 20012),
        ("getKpiStationDay", b'{"stationCodes":"A","collectTime":1e999}', 20012),
        ("getDevRealKpi", b'{"devIds":1,"devTypeId":{}}', 20013),
        ("getDevRealKpi", b'{"devIds":1,"devTypeId":true}', 20013),
        ("getDevRealKpi", b'{"devIds":1,"devTypeId":' + b"9" * 400 + b"}", 20013),
        ("getDevRealKpi", b'{"devTypeId":1e999}', 20013),
    ],
)
async def test_what_cannot_be_read_is_20400_and_a_parameter_that_makes_no_sense_has_its_own_code(
    hub: FakeHub, client: Client, name: str, raw: bytes, code: int
) -> None:
    hub.add_plant()
    answer = await client.call(name, raw=raw)
    assert answer["failCode"] == code
    assert answer["message"]


async def test_what_lies_deeper_than_a_list_is_not_repeated(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    asked = {"stationCodes": [code_of(plant)], "collectTime": {"deep": [[[]]]}}
    answer = await client.call("getStationRealKpi", asked)
    assert answer["params"] == {"stationCodes": [code_of(plant)], "currentTime": answer["params"]["currentTime"]}
    answer = await client.call("getStationRealKpi", {"stationCodes": ["A", [1]], "collectTime": 5})
    assert answer["params"] == {"collectTime": 5, "currentTime": answer["params"]["currentTime"]}


@pytest.mark.parametrize(("number", "name"), [(46, "optimizer"), (2, "SmartLogger"), (71, "collector"), (999, "")])
async def test_a_refused_type_is_named(client: Client, number: int, name: str) -> None:
    answer = await client.call("getDevRealKpi", {"devIds": 1, "devTypeId": number})
    assert answer["failCode"] == 20013
    assert answer["message"].endswith(name or "devices of this devTypeId")


async def test_a_call_without_parameters_reads_no_body(hub: FakeHub, client: Client) -> None:
    hub.add_plant()
    for raw in (b"", b"{}", b"null", b"[]", b"nonsense"):
        assert (await client.call("getStationList", raw=raw))["success"]


def test_operations_are_limited_chunked_and_cited() -> None:
    for operation in OPERATIONS:
        assert (operation.method, operation.path) == ("POST", f"/thirdData/{operation.name}")
        assert operation.cite
        assert operation.summary
        assert operation.chunk is None or operation.chunk.field in operation.request.__struct_fields__
        assert (operation.limit is None) == operation.public
    assert DEVICE_DAYS.limit is not None
    assert (DEVICE_DAYS.limit.calls, DEVICE_DAYS.limit.per_s) == (1, 60.0)
    sizes = {operation.name: operation.chunk.size for operation in OPERATIONS if operation.chunk}
    assert {name: size for name, size in sizes.items() if size != 100} == {
        "devUpgrade": 10, "getDevUpgradeInfo": 10, "devOnOff": 10, "snIsRegister": 20,
    }  # fmt: skip
    commands = {operation.name for operation in OPERATIONS if operation.scope != "read"}
    assert commands == {"devUpgrade", "getDevUpgradeInfo", "devOnOff"}
