"""SmartPVMS clients that nobody named: each written by hand over plain HTTP, with the habits of one that exists."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests import live
from tests.clients import house as h
from tests.clients.house import House

if TYPE_CHECKING:
    from collections.abc import Iterator

NEXT_YEAR_MS = h.NOW_MS + 370 * 24 * h.HOUR_MS
INVERTER = 1
REPORTS = ("getKpiStationHour", "getKpiStationDay", "getKpiStationMonth", "getKpiStationYear")
DEVICE_REPORTS = ("getDevKpiHour", "getDevKpiDay", "getDevKpiMonth", "getDevKpiYear", "getDevFiveMinutes")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The plant, served without limits."""
    with h.opened(tmp_path_factory.mktemp("unknown") / "data") as opened:
        yield opened


class Plain:
    """Sends what it is told, byte for byte, and keeps no cookies of its own accord."""

    def __init__(self, house: House, **headers: str) -> None:
        self.house, self.headers = house, headers

    def post(self, call: str, **how: Any) -> httpx.Response:  # any: arguments of all kinds are passed on
        """A call, answered with HTTP 200 and JSON whatever it is."""
        how["headers"] = {**self.headers, **how.get("headers", {})}
        answer = httpx.post(f"{self.house.url}/{call}", **how)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        return answer

    def login(self) -> httpx.Response:
        """Open a session; the token is taken from the answer's header."""
        answer = self.post("login", json={"userName": live.USER, "systemCode": live.PASSWORD})
        self.headers["xsrf-token"] = answer.headers["xsrf-token"]
        return answer

    def data(self, call: str, **body: object) -> Any:  # any: JSON
        """The data of a call that must succeed."""
        answer = self.post(call, json=body).json()
        assert answer["success"] is True, answer
        return answer["data"]


@pytest.fixture
def client(house: House) -> Plain:
    """A client that is logged in by the header."""
    made = Plain(house)
    made.login()
    return made


def names(client: Plain) -> tuple[str, int]:
    """The plant's code, and the inverter's number."""
    [plant] = client.data("getStationList")
    devices = client.data("getDevList", stationCodes=plant["stationCode"])
    return plant["stationCode"], next(row["id"] for row in devices if row["devTypeId"] == INVERTER)


@pytest.mark.parametrize("cookie", ["XSRF-TOKEN={}", "lang=en; XSRF-TOKEN={}; path=/", 'a=b;XSRF-TOKEN="{}"'])
def test_one_that_reads_the_token_from_the_cookie_and_sends_only_the_cookie(house: House, cookie: str) -> None:
    client = Plain(house)
    told = client.login().headers["set-cookie"]
    name, _, rest = told.partition("=")
    token = rest.partition(";")[0]
    assert name == "XSRF-TOKEN"
    assert token.startswith("x-")
    assert len(token) >= 90
    assert token.replace("-", "").isalnum()
    client.headers = {"cookie": cookie.format(token)}
    assert client.data("getStationList")[0]["stationName"] == "House"


def test_one_that_takes_the_cookie_and_sends_it_as_the_header(house: House) -> None:
    client = Plain(house)
    token = client.login().cookies["XSRF-TOKEN"]
    client.headers = {"XSRF-TOKEN": token}
    assert client.data("getStationList")[0]["stationName"] == "House"


@pytest.mark.parametrize("header", ["XSRF-TOKEN", "xsrf-token", "Xsrf-Token", "XsRf-ToKeN"])
def test_one_that_reads_the_token_from_the_header_and_sends_it_in_its_own_spelling(house: House, header: str) -> None:
    client = Plain(house)
    token = client.login().headers["XSRF-TOKEN"]
    client.headers = {header: token, "cookie": "XSRF-TOKEN=stale"}
    assert client.data("getStationList")[0]["stationName"] == "House"


@pytest.mark.parametrize("spelt", [1, "1", 1.0, "1.0", " 1 "])
def test_one_that_sends_ids_as_numbers_and_the_type_as_it_likes(client: Plain, spelt: object) -> None:
    _, number = names(client)
    for devices in (number, str(number), float(number), [number], [str(number)], f" {number} ,"):
        [row] = client.data("getDevRealKpi", devIds=devices, devTypeId=spelt)
        assert row["devId"] == number
        assert row["dataItemMap"]["total_cap"] == h.COUNTER_KWH
    for at in (h.NOW_MS, str(h.NOW_MS), float(h.NOW_MS), f" {h.NOW_MS} "):
        rows = client.data("getDevKpiMonth", devIds=number, devTypeId=spelt, collectTime=at)
        assert [row["dataItemMap"]["product_power"] for row in rows] == [h.MONTH_KWH]


def test_one_that_asks_with_next_years_time_gets_no_rows_yet_and_no_error(client: Plain) -> None:
    code, number = names(client)
    plant = {call: client.data(call, stationCodes=code, collectTime=NEXT_YEAR_MS) for call in REPORTS}
    device = {
        call: client.data(call, devIds=number, devTypeId=INVERTER, collectTime=NEXT_YEAR_MS) for call in DEVICE_REPORTS
    }
    [this_year] = plant.pop("getKpiStationYear")
    assert this_year["dataItemMap"]["inverter_power"] == h.MONTH_KWH
    [this_year] = device.pop("getDevKpiYear")
    assert this_year["dataItemMap"]["product_power"] == h.MONTH_KWH
    assert [*plant.values(), *device.values()] == [[]] * 7


def test_one_that_asks_with_a_time_later_today_gets_the_day_so_far(client: Plain) -> None:
    code, number = names(client)
    tonight = h.NOW_MS + 11 * h.HOUR_MS
    assert len(client.data("getKpiStationHour", stationCodes=code, collectTime=tonight)) == 5
    rows = client.data("getDevFiveMinutes", devIds=number, devTypeId=INVERTER, collectTime=tonight)
    assert len(rows) == h.STEPS


@pytest.mark.parametrize(
    "language",
    ["en_US", "en_UK", "pl_PL", "po_PO", "zh_CN", "ja_JP", "it_IT", "nl_NL", "pt_BR", "de_DE", "fr_FR", "es_ES"],
)
def test_one_that_asks_for_alarms_in_its_own_language(client: Plain, language: str) -> None:
    code, _ = names(client)
    asked = {"stationCodes": code, "beginTime": h.NOW_MS - 20 * 24 * h.HOUR_MS, "endTime": h.NOW_MS}
    found = client.data("getAlarmList", **asked, language=language)
    [told] = [row for row in found if row["alarmId"] == 7701]
    assert (told["alarmName"], told["raiseTime"], told["status"]) == ("Grid loss", h.RAISED_MS, 1)


def test_one_that_asks_for_alarms_with_all_filters_as_text(client: Plain) -> None:
    code, _ = names(client)
    asked = {
        "stationCodes": code, "beginTime": str(h.NOW_MS - 24 * h.HOUR_MS), "endTime": str(h.NOW_MS + h.HOUR_MS),
        "language": "en_US", "levels": "1, 2", "status": "1,2", "types": "3", "devTypes": "1,38", "devName": "INV",
    }  # fmt: skip
    assert [row["alarmId"] for row in client.data("getAlarmList", **asked)] == [7701]
    for name, other in (("levels", 3), ("status", "5,6"), ("types", [2]), ("devTypes", "39"), ("devName", "battery")):
        assert client.data("getAlarmList", **{**asked, name: other}) == [], name


def test_one_that_makes_a_float_of_every_figure_can(client: Plain) -> None:
    code, number = names(client)
    maps = [client.data("getStationRealKpi", stationCodes=code)[0]["dataItemMap"]]
    maps += [client.data(call, stationCodes=code, collectTime=h.NOW_MS)[-1]["dataItemMap"] for call in REPORTS]
    device = {"devIds": number, "devTypeId": INVERTER, "collectTime": h.NOW_MS}
    maps += [client.data(call, **device)[-1]["dataItemMap"] for call in ("getDevRealKpi", *DEVICE_REPORTS)]
    figures = {name: value for found in maps for name, value in found.items() if value is not None}
    assert len(figures) > 25
    for name, value in figures.items():
        assert type(value) in (int, float), f"{name} is {value!r}"
    assert client.post("getDevRealKpi", json=device).text.count('"inverter_state":512.0') == 1


def test_one_that_looks_into_every_answer_without_asking_first(house: House, client: Plain) -> None:
    wrong = Plain(house, **{"xsrf-token": "x-nobody"})
    ended = wrong.post("getStationList").json()
    assert ended == {
        "success": False, "data": None, "failCode": 305, "params": ended["params"], "message": "USER_MUST_RELOGIN",
        "immediately": True,
    }  # fmt: skip
    unknown = client.post("getNothing", json={}).json()
    assert (unknown["success"], unknown["data"], unknown["failCode"]) == (False, None, 401)
    assert unknown["message"] == "Invalid access to current interface!"


def test_one_that_looks_into_the_answer_to_its_second_call_within_a_minute(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with h.opened(tmp_path_factory.mktemp("often") / "data", limits="documented") as house:
        client = Plain(house)
        client.login()
        assert client.post("getStationList").json()["success"] is True
        refused = client.post("getStationList")
        assert refused.json() == {
            "success": False, "data": "ACCESS_FREQUENCY_IS_TOO_HIGH", "failCode": 407, "params": None, "message": None,
        }  # fmt: skip
        assert 1 <= int(refused.headers["retry-after"]) <= 60


def raw(house: House, head: dict[str, str], body: bytes, call: str) -> tuple[dict[str, str], h.Json]:
    """A request with these very headers on a connection that only the hub closes; headers and JSON of the answer."""
    lines = [f"POST /thirdData/{call} HTTP/1.1", f"Host: {live.HOST}"] + [f"{k}: {v}" for k, v in head.items()]
    received = b""
    with socket.create_connection((live.HOST, house.hub.port), 5.0) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        while piece := connection.recv(65536):
            received += piece
    first, _, answer = received.partition(b"\r\n\r\n")
    status, *told = first.decode().split("\r\n")
    assert status == "HTTP/1.1 200 OK"
    return {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in told)}, json.loads(answer)


@pytest.mark.parametrize("wish", ["close", "Close", "CLOSE"])
def test_one_that_wants_its_connection_closed_is_told_so_and_it_is(client: Plain, wish: str) -> None:
    head = {"XSRF-TOKEN": client.headers["xsrf-token"], "Connection": wish, "Content-Length": "2"}
    told, answer = raw(client.house, head, b"{}", "getStationList")
    assert told["connection"].lower() == "close"
    assert answer["success"] is True


def test_one_that_sends_its_bodies_in_chunks(client: Plain) -> None:
    code, number = names(client)
    body = json.dumps({"devIds": str(number), "devTypeId": "1", "collectTime": h.NOW_MS}).encode()

    def pieces() -> Iterator[bytes]:
        yield from (body[at : at + 7] for at in range(0, len(body), 7))

    answer = client.post("getDevKpiDay", content=pieces())
    assert "content-length" not in answer.request.headers
    assert answer.json()["data"][-1]["dataItemMap"]["product_power"] == h.DAY_KWH
    whole = iter([json.dumps({"stationCodes": code}).encode()])
    assert client.post("getStationRealKpi", content=whole).json()["success"] is True


def test_one_that_sends_neither_body_nor_content_type(client: Plain) -> None:
    head = {"XSRF-TOKEN": client.headers["xsrf-token"], "Connection": "close"}
    for call in ("getStationList", "stations"):
        assert raw(client.house, head, b"", call)[1]["success"] is True
    code = raw(client.house, head, b"", "getStationRealKpi")[1]
    assert (code["success"], code["failCode"]) == (False, 20010)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=UTF-8"])
def test_one_whose_content_type_is_anything(client: Plain, kind: str) -> None:
    code, _ = names(client)
    body = json.dumps({"stationCodes": code, "unheard": {"of": [1]}}).encode()
    answer = client.post("getStationRealKpi", content=body, headers={"content-type": kind}).json()
    assert answer["data"][0]["dataItemMap"]["day_power"] == h.DAY_KWH


def test_one_that_names_plants_it_no_longer_has_gets_the_others(client: Plain) -> None:
    code, number = names(client)
    rows = client.data("getStationRealKpi", stationCodes=f"{'0' * 32},{code},{code}")
    assert [row["stationCode"] for row in rows] == [code]
    rows = client.data("getDevRealKpi", devIds=f"1,{number}", devTypeId=INVERTER)
    assert [row["devId"] for row in rows] == [number]


def test_one_that_pages_through_its_plants_with_numbers_or_text(client: Plain) -> None:
    for page, size in ((1, 100), ("1", "100"), (1.0, 10)):
        found = client.data("stations", pageNo=page, pageSize=size)
        assert (found["total"], found["pageCount"], found["pageNo"]) == (1, 1, 1)
        assert (found["list"][0]["plantName"], found["list"][0]["capacity"]) == ("House", 10.0)
    assert client.data("stations", pageNo=2, pageSize=100)["list"] == []


@pytest.mark.parametrize("place", ["body", "header", "cookie"])
def test_one_that_logs_out_is_out(house: House, place: str) -> None:
    client = Plain(house)
    client.login()
    token = client.headers.pop("xsrf-token")
    by_place = {
        "body": {"json": {"xsrfToken": token}},
        "header": {"headers": {"XSRF-TOKEN": token}},
        "cookie": {"headers": {"cookie": f"XSRF-TOKEN={token}"}},
    }
    assert client.post("logout", **by_place[place]).json()["success"] is True
    client.headers["xsrf-token"] = token
    assert client.post("getStationList").json()["failCode"] == 305
