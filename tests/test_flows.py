"""Whole ways through a served hub: bytes on a socket as all kinds of clients send them, and days in a plant's life."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from heliograph.model.devices import DeviceKind, MeterRole
from tests import live
from tests.dialects.energy_expert.client import PATH, acs3, push, record

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL_DAY = "2024-06-03"
DAY_MS = 1717365600000
"""That day's midnight in Berlin."""
Json = dict[str, Any]  # any: JSON


class Site(httpx.Client):
    """A hub as its clients see it."""

    def __init__(self, hub: live.Served) -> None:
        super().__init__(base_url=hub.url, timeout=30.0)
        self.hub = hub
        self.host = f"{live.HOST}:{hub.port}"
        self.session = {"xsrf-token": ""}
        self.closed = False
        """Whether the hub closed the last connection of `raw`."""
        self.log_in()

    def log_in(self) -> None:
        """Open a SmartPVMS session."""
        login = {"userName": live.USER, "systemCode": live.PASSWORD}
        self.session = {"xsrf-token": self.post("/thirdData/login", json=login).headers["xsrf-token"]}
        self.cookies.clear()

    def huawei(self, call: str, **body: object) -> list[Json]:
        """The data of a SmartPVMS call that must succeed."""
        answer = self.post(f"/thirdData/{call}", json=body, headers=self.session).json()
        assert answer["success"] is True, answer
        found: list[Json] = answer["data"]
        return found

    def push(self, *records: Json) -> None:
        """A push that must be taken."""
        body = push(*records)
        answer = self.post(PATH, content=body, headers=acs3(body, self.host))
        assert answer.json()["data"] == "success", answer.text

    def raw(self, sent: bytes | list[bytes]) -> bytes:
        """What comes back on a fresh connection until the hub closes it, or says nothing for a while; see `closed`."""
        received, self.closed = b"", False
        with socket.create_connection((live.HOST, self.hub.port), 5.0) as connection:
            connection.settimeout(1.0)
            for piece in [sent] if isinstance(sent, bytes) else sent:
                connection.sendall(piece)
                time.sleep(0.01)
            with contextlib.suppress(TimeoutError):
                while piece := connection.recv(65536):
                    received += piece
                self.closed = True
        return received


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hub whose workers hardly ever come round, so that only reading makes totals true."""
    data = tmp_path_factory.mktemp("flows") / "data"
    live.configure(
        data,
        serve={"limits": "off", "max_body_bytes": 1 << 20},
        rollup={"fold_every_s": 3600.0},
        seal={"every_s": 3600.0},
    )
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credentials(account)
        plant = setup.plant(account, "Flows", "Europe/Berlin", tariff=(0.3,))
        setup.device(plant, DeviceKind.METER, "meter", role=MeterRole.PRODUCTION, pushed=("1", "meter-1"))
        setup.device(plant, DeviceKind.METER, "raw", pushed=("1", "raw"))
    with live.served(data) as hub, contextlib.closing(Site(hub)) as made:
        yield made


def head_of(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split(" ")[1]), headers, body


def request(headers: dict[str, str], body: bytes = b"", path: str = PATH, method: str = "POST") -> bytes:
    """A request byte for byte, with nothing added."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def calls(site: Site) -> dict[str, tuple[str, str, dict[str, str], bytes]]:
    """One call of each dialect that succeeds: method, path, headers and body."""
    body = push(record(f"{LOCAL_DAY} 00:00:00", {"P": "1"}, "raw"))
    sample = json.dumps({"device": 2, "at": "2024-06-03T00:00:00", "values": {"meter.power": 1000}}).encode()
    host = {"host": site.host}
    return {
        "energy_expert": ("POST", PATH, acs3(body, site.host), body),
        "huawei": ("POST", "/thirdData/getStationList", {**host, **site.session}, b"{}"),
        "native": ("POST", "/api/v1/samples", {**host, **live.BEARER}, sample),
    }


DIALECTS = ("energy_expert", "huawei", "native")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_client_that_wants_the_connection_closed_is_told_that_it_is(site: Site, dialect: str) -> None:
    method, path, headers, body = calls(site)[dialect]
    sized = {**headers, "Connection": "close", "Content-Length": str(len(body))}
    status, answered, _ = head_of(site.raw(request(sized, body, path, method)))
    assert (status, answered["connection"].lower(), site.closed) == (200, "close", True)
    assert answered["content-type"] == "application/json"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_refusal_too_closes_the_connection_of_a_client_that_wants_it(site: Site, dialect: str) -> None:
    path = calls(site)[dialect][1]
    wrong = {"host": site.host, "connection": "close", "content-length": "2"}
    status, answered, body = head_of(site.raw(request(wrong, b"{}", path)))
    assert answered["connection"].lower() == "close"
    assert status in (200, 400, 401)
    assert json.loads(body)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_may_come_in_chunks_without_a_length(site: Site, dialect: str, size: int) -> None:
    method, path, headers, body = calls(site)[dialect]
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    sent = request({**headers, "transfer-encoding": "chunked", "connection": "close"}, b"", path, method)
    assert head_of(site.raw([sent, coded[:20], coded[20:]]))[0] == 200


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("spelt", [str.upper, str.title, str.swapcase])
def test_header_names_may_have_any_case(site: Site, dialect: str, spelt: Any) -> None:  # any: methods of text
    method, path, headers, body = calls(site)[dialect]
    sized = {**headers, "connection": "close", "content-length": str(len(body))}
    sent = request({spelt(name): value for name, value in sized.items()}, body, path, method)
    status, _, answer = head_of(site.raw(sent))
    assert status == 200, answer


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "APPLICATION/JSON"])
def test_the_content_type_of_a_request_does_not_matter(site: Site, dialect: str, content_type: str | None) -> None:
    method, path, headers, body = calls(site)[dialect]
    if dialect == "energy_expert":
        headers = acs3(body, site.host, leave_out=("content-type",))
    kept = {name: value for name, value in headers.items() if name != "content-type"}
    named = {} if content_type is None else {"content-type": content_type}
    sized = {**kept, **named, "connection": "close", "content-length": str(len(body))}
    assert head_of(site.raw(request(sized, body, path, method)))[0] == 200


def test_a_call_without_parameters_may_have_no_body_at_all(site: Site) -> None:
    bare = {"host": site.host, "connection": "close", **site.session}
    status, _, body = head_of(site.raw(request(bare, path="/thirdData/getStationList")))
    assert (status, json.loads(body)["success"]) == (200, True)


def test_several_requests_share_a_connection(site: Site) -> None:
    both = [calls(site)["huawei"], calls(site)["native"], calls(site)["energy_expert"]]
    sent = [
        request({**headers, "content-length": str(len(body))}, body, path, method)
        for method, path, headers, body in both
    ]
    assert site.raw(sent).count(b"HTTP/1.1 200") == 3
    last = request({"host": site.host, "connection": "close"}, path="/healthz", method="GET")
    assert site.raw(b"".join([*sent[:2], last])).count(b"HTTP/1.1 200") == 3


def test_a_client_that_waits_for_leave_to_send_gets_it(site: Site) -> None:
    method, path, headers, body = calls(site)["native"]
    waiting = {**headers, "expect": "100-continue", "connection": "close", "content-length": str(len(body))}
    answer = site.raw([request(waiting, b"", path, method), body])
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["/api/v1/samples", PATH, "/api/v1/nothing", "/thirdData/nothing", "/healthz"])
def test_a_refusal_before_the_body_was_read_closes_the_connection_and_says_so(site: Site, path: str) -> None:
    for _ in range(8):
        refused = site.post(path, content=bytes(3 << 20), headers=live.BEARER)
        assert refused.headers["connection"].lower() == "close"
        assert site.get("/api/v1/whoami", headers=live.BEARER).status_code == 200


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(site: Site) -> None:
    before = live.contents(site.hub.data)
    body = push(record("2024-06-04 00:00:00", {"P": "1"}, "raw"))
    sized = {**acs3(body, site.host), "content-length": str(len(body))}
    with socket.create_connection((live.HOST, site.hub.port), 5.0) as connection:
        connection.sendall(request(sized, body[:-10]))
    assert site.get("/healthz").status_code == 200
    assert live.contents(site.hub.data) == before
    assert "Traceback" not in site.hub.log()


def totals(site: Site, code: str) -> dict[str, float]:
    """The production of an hour, its day, month and year. [kWh]"""
    calls_ = {
        "hour": "getKpiStationHour",
        "day": "getKpiStationDay",
        "month": "getKpiStationMonth",
        "year": "getKpiStationYear",
    }
    found: dict[str, float] = {}
    for name, call in calls_.items():
        rows = site.huawei(call, stationCodes=code, collectTime=DAY_MS + 36_000_000)
        found[name] = sum(row["dataItemMap"]["inverter_power"] or 0.0 for row in rows)
    return found


def test_a_late_sample_reopens_its_hour_day_month_and_year_at_once(site: Site) -> None:
    code = site.huawei("getStationList")[0]["stationCode"]
    hours = [record(f"{LOCAL_DAY} {hour:02}:00:00", {"Ep_imp": str(100 + hour)}) for hour in (6, 7, 9)]
    site.push(*hours)
    assert totals(site, code) == {"hour": 3.0, "day": 3.0, "month": 3.0, "year": 3.0}
    site.push(record(f"{LOCAL_DAY} 20:00:00", {"Ep_imp": "112.5"}), record(f"{LOCAL_DAY} 05:00:00", {"Ep_imp": "104"}))
    assert totals(site, code) == {"hour": 8.5, "day": 8.5, "month": 8.5, "year": 8.5}
    site.push(record("2024-06-02 21:00:00", {"Ep_imp": "90"}))
    assert totals(site, code)["day"] == totals(site, code)["month"] == 22.5


def test_a_plant_made_natively_is_at_once_there_for_every_other_client(site: Site) -> None:
    plant = site.post(
        "/api/v1/plants", headers=live.BEARER, json={"name": "New", "zone": "Asia/Tokyo", "capacity_w": 9900}
    )
    assert plant.status_code == 201
    number = plant.json()["id"]
    listed = {entry["stationName"]: entry for entry in site.huawei("getStationList")}
    assert listed["New"]["capacity"] == pytest.approx(0.0099)
    device = site.post(
        "/api/v1/devices", headers=live.BEARER, json={"plant": number, "kind": "inverter", "name": "New inverter"}
    ).json()["id"]
    rows = [{"at": f"2024-06-03T{hour:02}:00:00", "values": {"ac.power": 3000}} for hour in (10, 11)]
    sent = site.post(f"/api/v1/devices/{device}/samples", headers=live.BEARER, json=rows)
    assert sent.json()["accepted"] == 2
    code = listed["New"]["stationCode"]
    [entry] = site.huawei("getDevList", stationCodes=code)
    assert (entry["devName"], entry["devTypeId"]) == ("New inverter", 1)
    noon_in_tokyo = 1717383600000
    [day] = [
        row["dataItemMap"]["inverter_power"]
        for row in site.huawei("getKpiStationDay", stationCodes=code, collectTime=noon_in_tokyo)
    ]
    assert day == pytest.approx(3.0)
    five = site.huawei("getDevFiveMinutes", devIds=entry["id"], devTypeId=1, collectTime=noon_in_tokyo)
    assert [row["collectTime"] for row in five] == [noon_in_tokyo - 7_200_000, noon_in_tokyo - 3_600_000]


def test_a_hub_that_is_asked_to_stop_finishes_and_comes_back_with_everything(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("stop") / "data"
    live.configure(data, serve={"limits": "off"})
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credentials(account)
        setup.device(setup.plant(account, "P", "UTC"), DeviceKind.METER, "m", pushed=("1", "meter-1"))
    with live.started(data) as hub:
        with contextlib.closing(Site(hub)) as site:
            site.push(record(f"{LOCAL_DAY} 10:00:00", {"P": "2"}))
            latest = site.get("/api/v1/latest", headers=live.BEARER).json()
        assert hub.stop() == 0
        assert not list(data.glob("*-wal"))
    with live.served(data) as again, contextlib.closing(Site(again)) as site:
        assert site.get("/api/v1/latest", headers=live.BEARER).json() == latest
    assert "Traceback" not in hub.log()
