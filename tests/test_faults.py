"""What is wrong with a request or with the machine is told in the dialect's own form; nothing of it is kept, and no
secret and no traceback shows in an answer or in the log.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from heliograph.hub import DATABASE
from heliograph.model.devices import DeviceKind
from tests import live
from tests.dialects.energy_expert.client import PATH, acs3, push, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_BODY = 256 << 10
LATER = "2024-06-01 10:05:00"
Json = dict[str, Any]  # any: JSON


class Clients:
    """Every dialect's way to send a body that is wrong, with credentials that are right."""

    def __init__(self, hub: live.Served) -> None:
        self.hub = hub
        self.http = httpx.Client(base_url=hub.url, timeout=30.0)
        self.host = f"{live.HOST}:{hub.port}"
        answer = self.http.post("/thirdData/login", json={"userName": live.USER, "systemCode": live.PASSWORD})
        self.session = answer.headers["xsrf-token"]
        self.http.cookies.clear()
        self.signatures: list[str] = []

    def energy_expert(self, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A push."""
        signed = acs3(body, self.host, more=headers)
        self.signatures.append(signed["authorization"].rpartition("=")[2])
        return self.http.post(PATH, content=body, headers=signed)

    def native(self, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Samples of the hub's own interface."""
        return self.http.post("/api/v1/samples", content=body, headers={**live.BEARER, **(headers or {})})

    def huawei(self, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A question for five-minute data."""
        sent = {"XSRF-TOKEN": self.session, "content-type": "application/json", **(headers or {})}
        return self.http.post("/thirdData/getDevFiveMinutes", content=body, headers=sent)

    def send(self, dialect: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A body to a dialect."""
        call: Callable[[bytes, Mapping[str, str] | None], httpx.Response] = getattr(self, dialect)
        return call(body, headers)

    def hidden(self) -> list[str]:
        """What must never show."""
        return [*live.SECRETS, self.session, *self.signatures]


def told(dialect: str, answer: httpx.Response) -> tuple[int, object, str]:
    """Status, code and text of a refusal, which must have the form of its dialect."""
    body: Json = answer.json()
    if dialect == "energy_expert":
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-acs-request-id"] == body["RequestId"]
        return answer.status_code, body["Code"], body["Message"]
    if dialect == "native":
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == answer.status_code
        return answer.status_code, body["type"].rpartition(":")[2], body["detail"]
    assert answer.headers["content-type"] == "application/json"
    assert body["success"] is False
    return answer.status_code, body["failCode"], str(body["message"])


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """A hub with two tenants, each with a meter."""
    data = tmp_path_factory.mktemp("faults") / "data"
    live.configure(
        data, serve={"limits": "off", "max_body_bytes": MAX_BODY}, store={"busy_timeout_s": 0.2},
        rollup={"fold_every_s": 0.05},
    )  # fmt: skip
    with live.provisioning(data) as setup:
        for name in ("ours", "theirs"):
            account = setup.account(name)
            plant = setup.plant(account, name, "Europe/Berlin")
            setup.device(plant, DeviceKind.METER, f"{name} meter", pushed=("1", f"{name}-meter"))
            if name == "ours":
                setup.credentials(account)
    with live.served(data) as hub:
        made = Clients(hub)
        yield made
        made.http.close()


@pytest.fixture
def nothing_kept(clients: Clients) -> Iterator[None]:
    """Whatever the test does, no record and no mark is added, and no secret or traceback is printed."""
    before = live.contents(clients.hub.data)
    yield
    after = live.contents(clients.hub.data)
    assert (after.records, after.marks) == (before.records, before.marks)
    check_log(clients)


def check_answer(clients: Clients, answer: httpx.Response) -> None:
    """An answer holds nothing that it must not, and does not tell of the program's inside."""
    for hidden in (*clients.hidden(), "Traceback", "sqlite", "msgspec", str(clients.hub.data)):
        assert hidden not in answer.text


def check_log(clients: Clients) -> None:
    """The log holds nothing that it must not."""
    log = clients.hub.log()
    assert "Traceback" not in log
    for secret in clients.hidden():
        assert secret not in log


AT = "2024-06-01T10:05:00Z"
GOOD: dict[str, Json] = {
    "energy_expert": {"deviceType": "1", "devices": [record(LATER, {"P": "1.5"}, "ours-meter")]},
    "native": {"device": 1, "at": AT, "values": {"meter.power": 1500}},
    "huawei": {"devIds": "1", "devTypeId": 17, "collectTime": 1717236300000},
}
DEEP, GZIP = b"[" * 100_000, {"content-encoding": "gzip"}
Sent = tuple[bytes, dict[str, str]]


def good(dialect: str) -> bytes:
    """A body that the dialect would take."""
    return json.dumps(GOOD[dialect]).encode()


def nested(dialect: str) -> Sent:
    """A hundred thousand lists where a value belongs."""
    place = {"energy_expert": b'"1.5"', "native": b"1500", "huawei": b'"1"'}[dialect]
    return good(dialect).replace(place, DEEP + b"]" * len(DEEP), 1), {}


BODIES: dict[str, Callable[[str], Sent]] = {
    "over the limit": lambda dialect: (good(dialect) + b" " * MAX_BODY, {}),
    "over the limit unpacked": lambda dialect: (gzip.compress(good(dialect) + b" " * (64 << 20)), GZIP),
    "no gzip at all": lambda dialect: (good(dialect), GZIP),
    "gzip with a wrong checksum": lambda dialect: (gzip.compress(good(dialect))[:-8] + bytes(8), GZIP),
    "gzip cut short": lambda dialect: (gzip.compress(good(dialect))[:-9], GZIP),
    "gzip with something behind it": lambda dialect: (gzip.compress(good(dialect)) + b"x", GZIP),
    "an unknown encoding": lambda dialect: (good(dialect), {"content-encoding": "zstd"}),
    "brackets without end": lambda _: (DEEP, {}),
    "brackets where a value belongs": nested,
    "half a body": lambda dialect: (good(dialect)[:-5], {}),
    "bytes that are no text": lambda dialect: (good(dialect).replace(b"1", b"\xed\xa0\x80", 1), {}),
    "half a surrogate pair": lambda dialect: (good(dialect).replace(b"dev", b"\\ud800"), {}),
    "a list": lambda _: (b"[1]", {}),
    "a text": lambda _: (b'"x"', {}),
    "nothing": lambda _: (b"", {}),
    "blanks": lambda _: (b"  \n", {}),
    "null": lambda _: (b"null", {}),
}  # fmt: skip
TOO_LARGE = {"over the limit", "over the limit unpacked"}
PACKED = {name for name in BODIES if "gzip" in name} | {"an unknown encoding"}
ABSENT = {"nothing", "blanks"}


def codes_for(dialect: str, name: str) -> tuple[int, set[object]]:
    """The status and the codes that fit a body."""
    if dialect == "huawei":  # nothing at all lacks the first parameter
        return 200, {20011} if name in ABSENT | {"null"} else {20400}
    if name in TOO_LARGE:
        return 413, {"InvalidParameter", "too-large"}
    if name in ABSENT:
        return 400, {"MissingParameter", "missing-field"}
    return 400, {"InvalidParameter", "bad-request"}


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("dialect", GOOD)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_read_is_refused_as_the_dialect_does_it(
    clients: Clients, dialect: str, name: str
) -> None:
    body, headers = BODIES[name](dialect)
    answer = clients.send(dialect, body, headers)
    status, code, text = told(dialect, answer)
    wanted_status, wanted_codes = codes_for(dialect, name)
    assert status == wanted_status
    assert code in wanted_codes
    assert text
    check_answer(clients, answer)


def ee(data: object = None, at: object = LATER, device: object = "ours-meter", device_type: object = "1") -> bytes:
    """A push with something odd in it."""
    return json.dumps(
        {"deviceType": device_type, "devices": [{"deviceId": device, "recordTime": at, "data": data or {"P": "1"}}]}
    ).encode()


def native(values: object = None, at: object = AT, device: object = 1) -> bytes:
    """A record with something odd in it."""
    return json.dumps({"device": device, "at": at, "values": values or {"meter.power": 1}}).encode()


def huawei(**odd: object) -> bytes:
    """A question with something odd in it."""
    return json.dumps({**GOOD["huawei"], **odd}).encode()


RAW = b"@@"
WRONG: list[tuple[str, bytes, int, object, str]] = [
    ("energy_expert", ee({"P": "NaN"}), 400, "InvalidParameter", "devices[0].data.P of device 'ours-meter'"),
    ("energy_expert", ee({"P": "-Infinity"}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": "1e999"}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": "@@"}).replace(b'"@@"', b"1e999"), 400, "InvalidParameter", ""),
    ("energy_expert", ee({"P": "@@"}).replace(b'"@@"', b"NaN"), 400, "InvalidParameter", ""),
    ("energy_expert", ee({"P": "@@"}).replace(b'"@@"', b"Infinity"), 400, "InvalidParameter", ""),
    ("energy_expert", ee({"P": "1,5"}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": "1_000"}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": ""}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": True}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": [1]}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee({"P": {"a": 1}}), 400, "InvalidParameter", "data.P"),
    ("energy_expert", ee([1]), 400, "InvalidParameter", "data"),
    ("energy_expert", ee("P"), 400, "InvalidParameter", "data"),
    ("energy_expert", ee(at="2199-01-01 00:00:00"), 400, "InvalidParameter", "future"),
    ("energy_expert", ee(at="1999-12-31 12:00:00"), 400, "InvalidParameter", "2000-01-01"),
    ("energy_expert", ee(at="9999-12-31 23:59:59"), 400, "InvalidParameter", ""),
    ("energy_expert", ee(at="0001-01-01 00:00:00"), 400, "InvalidParameter", ""),
    ("energy_expert", ee(at="2024-02-30 00:00:00"), 400, "InvalidParameter", "recordTime"),
    ("energy_expert", ee(at="2024-06-01T10:05:00Z"), 400, "InvalidParameter", "recordTime"),
    ("energy_expert", ee(at=1717236300), 400, "InvalidParameter", "recordTime"),
    ("energy_expert", ee(at=None), 400, "InvalidParameter", "recordTime"),
    ("energy_expert", ee(device="nobody"), 400, "InvalidParameter", "'nobody'"),
    ("energy_expert", ee(device="theirs-meter"), 400, "InvalidParameter", "'theirs-meter'"),
    ("energy_expert", ee(device=["ours-meter"]), 400, "InvalidParameter", "deviceId"),
    ("energy_expert", ee(device=None), 400, "MissingParameter", "devices[0].deviceId"),
    ("energy_expert", ee(device_type="one"), 400, "InvalidParameter", "deviceType"),
    ("energy_expert", ee(device_type=None), 400, "InvalidParameter", "deviceType"),
    ("energy_expert", ee(device_type="2"), 400, "InvalidParameter", "deviceType 2"),
    ("energy_expert", b'{"deviceType":"1","devices":[]}', 400, "MissingParameter", "devices"),
    ("energy_expert", b'{"deviceType":"1","devices":{}}', 400, "InvalidParameter", "devices"),
    ("energy_expert", b'{"deviceType":"1"}', 400, "MissingParameter", "devices"),
    ("native", native({"meter.power": "@@"}).replace(b'"@@"', b"NaN"), 400, "bad-request", ""),
    ("native", native({"meter.power": "@@"}).replace(b'"@@"', b"-Infinity"), 400, "bad-request", ""),
    ("native", native({"meter.power": "@@"}).replace(b'"@@"', b"1e999"), 400, "bad-request", "meter.power"),
    ("native", native({"meter.power": True}), 400, "bad-request", "meter.power"),
    ("native", native({"meter.power": [1]}), 400, "bad-request", "meter.power"),
    ("native", native({"meter power": 1}), 400, "bad-request", "meter power"),
    ("native", native({"m" * 101: 1}), 400, "bad-request", "no key"),
    ("native", native({f"m{index}": 1 for index in range(2001)}), 400, "bad-request", "2000"),
    ("native", native([1]), 400, "bad-request", "values"),
    ("native", native(at="2199-01-01T00:00:00Z"), 400, "bad-request", "future"),
    ("native", native(at="1999-12-31T12:00:00Z"), 400, "bad-request", "2000-01-01"),
    ("native", native(at=10**30), 400, "bad-request", ""),
    ("native", native(at=-(10**14)), 400, "bad-request", ""),
    ("native", native(at="9999-12-31T23:59:59"), 400, "bad-request", ""),
    ("native", native(at="0001-01-01T00:00:00"), 400, "bad-request", ""),
    ("native", native(at="yesterday"), 400, "bad-request", "yesterday"),
    ("native", native(at=None), 400, "bad-request", "at"),
    ("native", native(device=2), 404, "unknown-device", "2"),
    ("native", native(device=999), 404, "unknown-device", "999"),
    ("native", native(device=0), 400, "bad-request", "device"),
    ("native", native(device=10**30), 400, "bad-request", ""),
    ("native", native(device=[1]), 400, "bad-request", "device"),
    ("native", b"{}", 400, "missing-field", "at"),
    ("huawei", huawei(devIds="999"), 200, 20008, ""),
    ("huawei", huawei(devIds=["1", [2]]), 200, 20011, ""),
    ("huawei", huawei(devIds=""), 200, 20011, ""),
    ("huawei", huawei(devIds={"a": 1}), 200, 20011, ""),
    ("huawei", huawei(devIds=",".join(map(str, range(101)))), 200, 20017, "100"),
    ("huawei", huawei(devTypeId="inverter"), 200, 20013, ""),
    ("huawei", huawei(devTypeId=[17]), 200, 20013, ""),
    ("huawei", huawei(devTypeId="NaN"), 200, 20013, ""),
    ("huawei", huawei(collectTime="@@").replace(b'"@@"', b"NaN"), 200, 20400, ""),
    ("huawei", huawei(collectTime="@@").replace(b'"@@"', b"1e999"), 200, 20012, ""),
]
"""Dialect, body, status, code, and what the text must name."""


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize(("dialect", "body", "status", "code", "named"), WRONG)
def test_a_value_that_makes_no_sense_is_refused_and_named(
    clients: Clients, dialect: str, body: bytes, status: int, code: object, named: str
) -> None:
    answer = clients.send(dialect, body)
    got_status, got_code, text = told(dialect, answer)
    assert (got_status, got_code) == (status, code), text
    assert named in text
    assert len(answer.content) < 2000
    check_answer(clients, answer)


TWICE: list[tuple[str, bytes, int, object]] = [
    ("energy_expert", ee().replace(b'{"P"', b'{"P": "2", "P"'), 400, "InvalidParameter"),
    ("energy_expert", ee().replace(b'"deviceId"', b'"deviceId": "theirs-meter", "deviceId"'), 400, "InvalidParameter"),
    ("native", native().replace(b'{"meter.power"', b'{"meter.power": 2, "meter.power"'), 400, "bad-request"),
    ("native", native().replace(b'"device"', b'"device": 2, "device"'), 400, "bad-request"),
]


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize(("dialect", "body", "status", "code"), TWICE)
def test_a_name_that_stands_twice_in_an_object_is_refused_rather_than_guessed_at(
    clients: Clients, dialect: str, body: bytes, status: int, code: object
) -> None:
    answer = clients.send(dialect, body)
    assert told(dialect, answer)[:2] == (status, code), answer.text
    check_answer(clients, answer)


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("dialect", ["energy_expert", "native"])
def test_one_wrong_record_among_ninety_nine_good_ones_keeps_all_of_them_out(clients: Clients, dialect: str) -> None:
    stamps = [f"2024-06-0{1 + minute // 50}T10:{minute % 50:02}:00" for minute in range(99)]
    if dialect == "native":
        rows: list[Json] = [{"device": 1, "at": at, "values": {"meter.power": 1}} for at in stamps]
        body = json.dumps([*rows, {"device": 2, "at": AT, "values": {"meter.power": 1}}]).encode()
    else:
        good_ones = [record(at.replace("T", " "), {"P": "1"}, "ours-meter") for at in stamps]
        body = push(*good_ones, record(LATER, {"P": "1"}, "theirs-meter"))
    answer = clients.send(dialect, body)
    assert told(dialect, answer)[1] in ("unknown-device", "InvalidParameter")
    assert "[99]" in answer.text


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("path", ["/api/v1/devices/2", "/api/v1/devices/2/history", "/api/v1/plants/2/energy"])
def test_what_belongs_to_another_tenant_looks_like_what_does_not_exist(clients: Clients, path: str) -> None:
    theirs = clients.http.get(path, headers=live.BEARER)
    nobodys = clients.http.get(path.replace("2", "77"), headers=live.BEARER)
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    same: list[Json] = [answer.json() for answer in (theirs, nobodys)]
    for body in same:
        del body["request_id"]
    assert json.dumps(same[0]).replace("2", "77") == json.dumps(same[1])


WRONG_KEYS: list[tuple[dict[str, str], int, str]] = [
    ({"secret": "not-the-secret"}, 403, "SignatureDoesNotMatch"),
    ({"key": "LTAInobody"}, 404, "InvalidAccessKeyId.NotFound"),
]


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize(("odd", "status", "code"), WRONG_KEYS)
def test_a_wrong_key_is_told_without_the_right_one(
    clients: Clients, odd: dict[str, str], status: int, code: str
) -> None:
    body = good("energy_expert")
    headers = acs3(
        body, clients.host, key=odd.get("key", live.ACCESS_KEY), secret=odd.get("secret", live.ACCESS_SECRET)
    )
    answer = clients.http.post(PATH, content=body, headers=headers)
    assert told("energy_expert", answer)[:2] == (status, code)
    check_answer(clients, answer)


@pytest.mark.usefixtures("nothing_kept")
def test_wrong_tokens_and_passwords_are_refused_without_an_echo(clients: Clients) -> None:
    token = clients.http.get("/api/v1/plants", headers={"authorization": "Bearer hg_tests_wrong-secret-here"})
    assert told("native", token)[:2] == (401, "unauthenticated")
    login = clients.http.post("/thirdData/login", json={"userName": live.USER, "systemCode": "wrong-code-here"})
    assert told("huawei", login)[:2] == (200, 20400)
    session = clients.http.post("/thirdData/getStationList", headers={"xsrf-token": "x-wrong-session-here"})
    assert told("huawei", session)[:2] == (200, 305)
    for answer in (token, login, session):
        assert "wrong" not in answer.text
        assert "wrong" not in json.dumps(dict(answer.headers))


def accepted_records(clients: Clients) -> int:
    """Push one record of its own minute, which must be accepted; how many records there are then."""
    minute = live.contents(clients.hub.data).records + 1
    body = push(record(f"2024-05-01 {minute // 60:02}:{minute % 60:02}:00", {"P": "1"}, "ours-meter"))
    assert clients.energy_expert(body).json()["data"] == "success"
    return live.contents(clients.hub.data).records


def test_while_another_process_holds_the_database_writes_are_refused_and_reads_answered(clients: Clients) -> None:
    before = accepted_records(clients)
    listed = clients.http.post("/thirdData/getStationList", headers={"xsrf-token": clients.session}).json()["data"]
    asked = {"stationCodes": listed[0]["stationCode"]}
    answer = clients.http.post("/thirdData/getDevList", json=asked, headers={"xsrf-token": clients.session})
    [device] = answer.json()["data"]
    body = push(record("2024-05-02 00:00:00", {"P": "1"}, "ours-meter"))
    headers = acs3(body, clients.host)
    with closing(sqlite3.connect(clients.hub.data / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        pushed = clients.http.post(PATH, content=body, headers=headers)
        assert time.monotonic() - begun < 4.0
        sent = clients.native(native(at="2024-05-02T00:00:00"))
        login = clients.http.post("/thirdData/login", json={"userName": live.USER, "systemCode": live.PASSWORD})
        read = clients.huawei(huawei(devIds=device["id"], collectTime=1714550400000))
        time.sleep(0.5)  # the workers meet the lock too
        other.execute("ROLLBACK")
    assert told("energy_expert", pushed)[:2] == (503, "ServiceUnavailable")
    assert told("native", sent)[:2] == (503, "store-busy")
    assert told("huawei", login)[:2] == (200, 20004)
    assert read.json()["success"] is True
    assert live.contents(clients.hub.data).records == before
    # The mark of the refused request was not kept either, so the very same request may come again.
    assert clients.http.post(PATH, content=body, headers=headers).json()["data"] == "success"
    assert told("energy_expert", clients.http.post(PATH, content=body, headers=headers))[1] == "SignatureNonceUsed"
    assert live.contents(clients.hub.data).records == before + 1
    for answer in (pushed, sent, login):
        check_answer(clients, answer)
    check_log(clients)


def test_the_workers_go_on_when_the_database_is_free_again(clients: Clients) -> None:
    with closing(sqlite3.connect(clients.hub.data / DATABASE, isolation_level=None)) as other:
        accepted_records(clients)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(0.6)
        other.execute("ROLLBACK")
    accepted_records(clients)
    deadline = time.monotonic() + 15.0
    while live.contents(clients.hub.data).dirty and time.monotonic() < deadline:
        time.sleep(0.1)
    assert live.contents(clients.hub.data).dirty == 0
    check_log(clients)
