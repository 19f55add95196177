"""Fox ESS clients that nobody named: each written by hand, with the habits of one that exists."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx
import msgspec
import pytest

from tests.clients import fox_house as h
from tests.clients.fox_house import House

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(60)
SERIAL = "60BH5021A7QK031"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house, served without limits."""
    with h.opened(tmp_path_factory.mktemp("unknown-fox") / "data") as opened:
        yield opened


def headers(token: str, path: str, **more: str) -> dict[str, str]:
    """What signs a call."""
    now = str(round(time.time() * 1000))
    signature = hashlib.md5(rf"{path}\r\n{token}\r\n{now}".encode()).hexdigest()  # noqa: S324  the document's choice
    return {"token": token, "timestamp": now, "signature": signature, "lang": "en", **more}


class Plain:
    """Sends what it is told; every answer is HTTP 200 with errno, msg and result."""

    def __init__(self, house: House) -> None:
        self.house = house

    def ask(self, path: str, body: Any = None, query: Any = None, **more: str) -> dict[str, Any]:  # any: JSON
        """A call's answer; GET without a body."""
        method = "GET" if body is None else "POST"
        sent = headers(self.house.token, path, **more)
        answer = httpx.request(method, self.house.hub.url + path, json=body, params=query, headers=sent)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        told: dict[str, Any] = answer.json()
        return told

    def result(self, path: str, body: Any = None, query: Any = None) -> Any:  # any: JSON
        """The result of a call that must succeed; a popular client takes no other `msg` for a success."""
        told = self.ask(path, body, query)
        assert (told["errno"], told["msg"]) == (0, "success"), told
        return told["result"]


@pytest.fixture
def client(house: House) -> Plain:
    """A client of the house."""
    return Plain(house)


def test_one_of_the_standard_library_that_closes_the_connection_after_each_call(house: House) -> None:
    for body in (None, {"currentPage": 1, "pageSize": 10}):
        path = "/op/v0/device/list" if body else "/op/v0/device/detail"
        url = house.hub.url + path + ("" if body else f"?sn={SERIAL}")
        data = json.dumps(body).encode() if body else None
        sent = headers(house.token, path, Connection="close") | {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, data, sent), timeout=30) as answer:  # noqa: S310  loopback
            assert answer.headers["connection"] == "close"
            assert len(raw := answer.read()) == int(answer.headers["content-length"])
        assert json.loads(raw)["errno"] == 0


def test_one_that_keeps_the_connection_and_asks_for_it_to_be_closed_at_last(house: House) -> None:
    host = urllib.parse.urlsplit(house.hub.url).netloc
    link = http.client.HTTPConnection(host, timeout=30)
    path = "/op/v0/device/generation"
    for last in (False, False, True):
        sent = headers(house.token, path, **({"Connection": "close"} if last else {}))
        link.request("GET", f"{path}?sn={SERIAL}", headers=sent)
        answer = link.getresponse()
        assert json.loads(answer.read())["errno"] == 0
        assert answer.will_close is last
    link.close()


@dataclass
class Row:
    """A device as a client of dataclasses knows it; another key is a TypeError, a missing one too."""

    deviceSN: str  # noqa: N815  the vendor's names, by keyword
    moduleSN: str  # noqa: N815
    stationID: str  # noqa: N815
    stationName: str  # noqa: N815
    status: int
    hasPV: bool  # noqa: N815
    hasBattery: bool  # noqa: N815
    deviceType: str  # noqa: N815
    productType: str  # noqa: N815


class Battery(msgspec.Struct, rename="camel"):
    """A battery of the detail, strictly typed."""

    battery_sn: str = msgspec.field(name="batterySN")
    type: str
    version: str
    model: str
    capacity: float


class Detail(msgspec.Struct, rename="camel"):
    """A device's detail, strictly typed: none may be missing or null."""

    device_sn: str = msgspec.field(name="deviceSN")
    device_type: str
    product_type: str
    station_name: str
    manager_version: str
    master_version: str
    slave_version: str
    hardware_version: str
    status: int
    capacity: float
    function: dict[str, bool]
    battery_list: list[Battery]
    has_pv: bool = msgspec.field(name="hasPV")
    has_battery: bool


class Total(msgspec.Struct):
    """A variable of a report without any null."""

    variable: str
    unit: str
    values: list[float]


class Produced(msgspec.Struct):
    """What was produced, as numbers."""

    today: float
    month: float
    cumulative: float


def test_typed_ones_find_every_key_and_no_null(client: Plain) -> None:
    page = client.result("/op/v0/device/list", {"currentPage": 1, "pageSize": 500})
    [row] = [Row(**each) for each in page["data"]]
    assert (row.deviceSN, row.deviceType, row.hasBattery) == (SERIAL, "H1-5.0-E-G2", True)
    for query in ({"sn": SERIAL}, {"deviceSN": SERIAL}):
        detail = msgspec.convert(client.result("/op/v0/device/detail", query=query), Detail)
        assert (detail.device_type, detail.battery_list[0].capacity) == ("H1-5.0-E-G2", 10_000)
    msgspec.convert(client.result("/op/v0/device/generation", query={"sn": SERIAL}), Produced)
    asked = {"sn": SERIAL, "year": 2024, "variables": ["generation", "feedin", "loads"]}
    for dimension, more, count in (("year", {}, 12), ("month", {"month": 6}, 30), ("day", {"month": 6, "day": 19}, 24)):
        found = client.result("/op/v0/device/report/query", {**asked, **more, "dimension": dimension})
        totals = msgspec.convert(found, list[Total])
        assert [len(each.values) for each in totals] == [count] * 3
        # What lies ahead is nothing yet.
        assert all(each.values[-1] == 0 for each in totals)


def test_one_that_asks_for_the_month_with_a_day(client: Plain) -> None:
    asked = {"sn": SERIAL, "year": 2024, "month": 6, "dimension": "month", "variables": ["generation"]}
    path = "/op/v0/device/report/query"
    assert client.result(path, {**asked, "day": 19}) == client.result(path, asked)


def test_one_that_reads_the_real_time_of_everything_and_parses_its_time(client: Plain) -> None:
    [device] = client.result("/op/v0/device/real/query", {})
    named = client.result("/op/v0/device/real/query", {"sn": SERIAL, "variables": []})
    assert device["deviceSN"] == named[0]["deviceSN"] == SERIAL
    stamp, _, zone = device["time"].rpartition(" ")
    assert time.strptime(stamp, "%Y-%m-%d %H:%M:%S").tm_hour == 15
    assert zone == "BST+0100"
    # Home automations make a number of whatever has a unit, and a text of the rest.
    assert {type(each["value"]) for each in device["datas"] if "unit" in each} <= {int, float}
    assert {each["variable"]: type(each["value"]) for each in device["datas"] if "unit" not in each} == dict.fromkeys(
        ("runningState", "batStatus", "batStatusV2", "currentFault", "currentFaultCount"), str
    )


def test_one_that_walks_the_pages_until_it_has_them_all(client: Plain) -> None:
    for path in ("device/list", "module/list", "plant/list", "gw/list"):
        rows: list[Any] = []
        page, total = 1, 1
        while len(rows) < total:
            told = client.result(f"/op/v0/{path}", {"currentPage": page, "pageSize": 10})
            assert told["data"], path
            rows += told["data"]
            total, page = told["total"], page + 1
        assert len(rows) == total


@pytest.mark.parametrize("value", [25, "25", 25.0])
def test_one_that_sets_numbers_as_numbers_and_one_as_texts(client: Plain, value: object) -> None:
    setting = {"sn": SERIAL, "key": "MinSocOnGrid"}
    client.result("/op/v0/device/setting/set", {**setting, "value": value})
    assert float(client.result("/op/v0/device/setting/get", setting)["value"]) == 25
    client.result("/op/v0/device/battery/soc/set", {"sn": SERIAL, "minSoc": 10, "minSocOnGrid": 10})


def test_one_that_knows_the_detail_in_its_second_version_only(client: Plain) -> None:
    told = client.result("/op/v1/device/detail", query={"sn": SERIAL})
    assert msgspec.convert(told, Detail).has_battery is True
    assert told == client.result("/op/v0/device/detail", query={"sn": SERIAL})


def test_one_that_reads_serial_numbers_as_they_are_and_writes_them_in_small_letters(client: Plain) -> None:
    for mode in ("Feedin", "SelfUse"):
        client.result("/op/v0/device/setting/set", {"sn": SERIAL.lower(), "key": "WorkMode", "value": mode})
        assert client.result("/op/v0/device/setting/get", {"sn": SERIAL, "key": "WorkMode"})["value"] == mode
    [device] = client.result("/op/v1/device/real/query", {"sns": [SERIAL.lower()], "variables": ["SoC"]})
    assert device["deviceSN"] == SERIAL


def test_one_that_asks_for_a_twentieth_more_than_the_rating_and_keeps_what_was_scheduled(client: Plain) -> None:
    watts = client.result("/op/v0/device/detail", query={"sn": SERIAL})["capacity"] * 1050
    path = "/op/v0/device/scheduler"
    whole_day = {
        "enable": 1, "startHour": 0, "startMinute": 0, "endHour": 23, "endMinute": 59, "workMode": "ForceCharge",
        "minSocOnGrid": 11, "fdSoc": 100, "fdPwr": watts,
    }  # fmt: skip
    body = {"deviceSN": SERIAL, "groups": [{**whole_day, "maxSoc": 90}]}
    client.result("/op/v1/device/scheduler/enable", body)
    # What was set in v1 is read in v0, and sent back as it is.
    held = client.result(f"{path}/get", {"deviceSN": SERIAL})["groups"]
    assert held[0] == {**whole_day, "fdPwr": round(watts)}
    client.result(f"{path}/enable", {"deviceSN": SERIAL, "groups": held})
    client.result(f"{path}/set/flag", {"deviceSN": SERIAL, "enable": 0})


class Slot(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A segment of a schedule as one knows it that has no switch for each."""

    start_hour: int
    start_minute: int
    end_hour: int
    end_minute: int
    work_mode: Literal["SelfUse", "Feedin", "Backup", "ForceCharge", "ForceDischarge"]
    extra_param: dict[str, float]


class Span(msgspec.Struct):
    """The bounds of a number."""

    min: float
    max: float


class Bounds(msgspec.Struct, rename="camel"):
    """What a field of a segment may be."""

    unit: str
    precision: float
    range: Span | None = None
    enum_list: list[str] | None = None


class Plan(msgspec.Struct, rename="camel"):
    """A schedule of the third version, strictly typed."""

    enable: int
    max_group_count: int
    groups: list[Slot]
    properties: dict[str, Bounds]


def test_one_that_plans_the_whole_day_in_the_third_version_by_power_alone(client: Plain) -> None:
    path = "/op/v3/device/scheduler"
    hours = (
        ("SelfUse", 0, 2),
        ("ForceCharge", 2, 5),
        ("Backup", 5, 16),
        ("ForceDischarge", 16, 20),
        ("Feedin", 20, 24),
    )
    groups = [
        {
            "startHour": since, "startMinute": 0, "endHour": until % 24 or 23, "endMinute": 0 if until < 24 else 59,
            "workMode": mode, "extraParam": {"fdPwr": 2500.0},
        }
        for mode, since, until in hours
    ]  # fmt: skip
    client.result(f"{path}/enable", {"deviceSN": SERIAL, "enable": 1, "isDefault": True, "groups": groups})
    plan = msgspec.convert(client.result(f"{path}/get", {"deviceSN": SERIAL}), Plan)
    assert (plan.enable, plan.max_group_count, len(plan.groups)) == (1, 8, 5)
    assert [slot.work_mode for slot in plan.groups] == [mode for mode, *_ in hours]
    assert {slot.extra_param["fdPwr"] for slot in plan.groups} == {2500.0}
    # A segment may end where the next begins, and is told as it was sent.
    assert [(slot.start_hour, slot.end_hour, slot.end_minute) for slot in plan.groups] == [
        (each["startHour"], each["endHour"], each["endMinute"]) for each in groups
    ]
    rating = client.result("/op/v1/device/detail", query={"sn": SERIAL})["capacity"]
    assert plan.properties["fdpwr"].range == Span(0, rating * 1000)
    assert set(plan.properties["workmode"].enum_list or ()) > {mode for mode, *_ in hours}
    client.result("/op/v1/device/scheduler/set/flag", {"deviceSN": SERIAL, "enable": 0})


def test_one_that_writes_header_names_as_it_likes_and_tells_seconds(house: House) -> None:
    path = "/op/v0/device/list"
    now = str(round(time.time()))
    signature = hashlib.md5(rf"{path}\r\n{house.token}\r\n{now}".encode()).hexdigest()  # noqa: S324  see above
    sent = {"Token": house.token, "TIMESTAMP": now, "Signature": signature, "Lang": "zh_CN", "user-agent": "x"}
    answer = httpx.post(house.hub.url + path, json={"currentPage": 1, "pageSize": 10}, headers=sent)
    assert answer.json()["errno"] == 0


def test_one_that_signs_over_line_breaks_or_sends_both_kinds_of_token_is_told_so(house: House, client: Plain) -> None:
    path = "/op/v0/device/list"
    now = str(round(time.time() * 1000))
    wrong = hashlib.md5(f"{path}\r\n{house.token}\r\n{now}".encode()).hexdigest()  # noqa: S324  see above
    body = {"currentPage": 1, "pageSize": 10}
    told = client.ask(path, body, timestamp=now, signature=wrong)
    assert (told["errno"], "signature" in told["msg"]) == (40256, True)
    told = client.ask(path, body, Authorization=f"Bearer {house.token}")
    assert told["errno"] == 40256


def test_many_at_once_are_all_answered(house: House) -> None:
    def ask(number: int) -> int:
        path = "/op/v1/device/real/query" if number % 2 else "/op/v0/device/history/query"
        body = {"sns": [SERIAL]} if number % 2 else {"sn": SERIAL, "begin": h.NOW_MS - 3_600_000, "end": h.NOW_MS}
        answer = httpx.post(house.hub.url + path, json=body, headers=headers(house.token, path))
        return int(answer.json()["errno"])

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, range(64))) == {0}
