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
    from pathlib import Path

MAX_BODY = 256 << 10
LATER = "2024-06-01 10:05:00"
Json = dict[str, Any]  # any: JSON


class Clients:
    """Every dialect's way to send a body that is wrong, with credentials that are right."""

    def __init__(self, hub: live.Served) -> None:
        self.hub = hub
        self.http = httpx.Client(base_url=hub.url, timeout=10.0)
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
    "half a surrogate pair": lambda dialect: (good(dialect).replace(b"device", b"\\ud800").replace(b"dev", b"\\ud800"), {}),
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
    if dialect == "huawei":  # a body that cannot be read counts against the first parameter, none against its type
        return 200, {20400} if name in TOO_LARGE | PACKED else {20011, 20013}
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
    ("huawei", huawei(devIds=",".join(map(str, range(101)))), 200, 20016, "100"),
    ("huawei", huawei(devTypeId="inverter"), 200, 20013, ""),
    ("huawei", huawei(devTypeId=[17]), 200, 20013, ""),
    ("huawei", huawei(devTypeId="NaN"), 200, 20013, ""),
    ("huawei", huawei(collectTime="@@").replace(b'"@@"', b"NaN"), 200, 20011, ""),
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
