"""The printed example is read by the structures, written by them as it was, and understood by the facade."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.dialects.energy_expert import DEVICE_SCHEME, DIALECT
from heliograph.dialects.energy_expert.facade import decode
from heliograph.dialects.energy_expert.operations import PUSH
from heliograph.dialects.energy_expert.wire import DeviceRecord, PushRequest
from heliograph.errors import (
    BadRequestError,
    DeviceError,
    ForbiddenError,
    HubError,
    NotFoundError,
    RefusedError,
    TooFrequentError,
    UnauthenticatedError,
)
from heliograph.hub import LocalHub
from heliograph.model.access import Caller
from heliograph.protocol.calling import locate, placed
from heliograph.protocol.codes import VendorError
from heliograph.protocol.operations import Request
from tests.dialects.energy_expert.pusher import Pusher
from tests.live import BEARER

FILES = sorted((Path(__file__).parent / "exchanges").glob("*.json"))
KILO = {"P", "Pa", "Q", "dp_imp", "dp_exp", "Ep_imp", "Ep_exp", "eq_imp", "eq_exp"} | {
    f"Ep_imp_{n}" for n in range(1, 5)
}
KEYS = {
    "Ua": "meter.a.voltage", "Ub": "meter.b.voltage", "Uc": "meter.c.voltage",
    "Ia": "meter.a.current", "Ib": "meter.b.current", "Ic": "meter.c.current",
    "P": "meter.power", "Pa": "meter.a.power", "Q": "meter.reactive_power", "COSQ": "meter.power_factor",
    "F": "meter.frequency", "VdisPer": "meter.voltage_unbalance",
    "dp_imp": "meter.demand_forward", "dp_exp": "meter.demand_reverse",
    "Ep_imp": "meter.energy_forward", "Ep_exp": "meter.energy_reverse",
    "eq_imp": "meter.reactive_energy_forward", "eq_exp": "meter.reactive_energy_reverse",
    "Ep_imp_1": "meter.sharp.energy_forward", "Ep_imp_2": "meter.peak.energy_forward",
    "Ep_imp_3": "meter.flat.energy_forward", "Ep_imp_4": "meter.valley.energy_forward",
}  # fmt: skip


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def exchange(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One exchange."""
    found: dict[str, Any] = json.loads(request.param.read_text(encoding="utf-8"))
    return found


def test_an_exchange_says_where_it_comes_from(exchange: dict[str, Any]) -> None:
    assert set(exchange) == {"name", "source", "cite", "request", "response"}
    assert (exchange["source"], exchange["cite"]) == ("printed", PUSH.cite)
    assert (exchange["request"]["method"], exchange["request"]["path"]) == (PUSH.method, PUSH.path)


def test_a_request_is_read_and_written_with_the_same_values(exchange: dict[str, Any]) -> None:
    sent = exchange["request"]["body"]
    body = json.dumps(sent).encode()
    read = decode(PUSH, Request("POST", PUSH.path, "", {}, body, body))
    written = json.loads(msgspec.json.encode(read))
    for record in sent["devices"]:
        record["data"] = {name: float(text) for name, text in record["data"].items()}
    assert written == sent


def test_a_response_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    body = json.dumps(exchange["response"]["body"]).encode()
    result = DIALECT.envelope.open(PUSH, exchange["response"]["status"], body)
    assert json.loads(msgspec.json.encode(result)) == exchange["response"]["body"]


def test_a_refusal_is_read_as_the_error_that_its_code_stands_for() -> None:
    body = b'{"Code":"SignatureDoesNotMatch","Message":"no","RequestId":"1","HostId":"x"}'
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(PUSH, 403, body)
    assert (caught.value.code.value, str(caught.value)) == ("SignatureDoesNotMatch", "no")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"Message":"no"}'])
def test_a_refusal_without_a_readable_body_tells_its_status(body: bytes) -> None:
    with pytest.raises(DeviceError, match="HTTP 502 and no answer that can be read"):
        DIALECT.envelope.open(PUSH, 502, body)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, TooFrequentError), ("Throttling.Api", 429, TooFrequentError),
        ("Forbidden.NoPermission", 403, ForbiddenError), ("InvalidSecurityToken.Expired", 400, UnauthenticatedError),
        ("InvalidParameter.deviceType", 400, BadRequestError), ("MissingVersion", 400, BadRequestError),
        ("Unheard", 404, NotFoundError), ("Unheard", 500, DeviceError), ("Unheard", 418, VendorError),
    ],
)  # fmt: skip
def test_a_code_that_is_not_listed_is_read_by_its_first_word_else_by_the_status(
    code: str, status: int, kind: type[HubError]
) -> None:
    body = json.dumps({"Code": code, "Message": "no", "RequestId": "1", "Recommend": "x"}).encode()
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(PUSH, status, body)
    assert isinstance(placed(caught.value), kind)
    assert (caught.value.code.value, str(caught.value)) == (code, "no")


def test_an_answer_that_says_anything_but_success_is_no_success() -> None:
    with pytest.raises(RefusedError, match="'partly'"):
        DIALECT.envelope.open(PUSH, 200, b'{"requestId":"1","data":"partly"}')


def test_points_travel_as_texts_without_exponents_and_who_has_no_id_has_no_key() -> None:
    records = [DeviceRecord("2024-06-03 12:00:00", {"P": 0.1 + 0.2, "Q": 1e-7, "R": 5e20, "S": 3}, None)]
    assert json.loads(locate(PUSH, PushRequest(15, records))[2]) == {
        "deviceType": "15",
        "devices": [
            {
                "recordTime": "2024-06-03 12:00:00",
                "data": {"P": "0.30000000000000004", "Q": "0.0000001", "R": "500000000000000000000", "S": "3"},
            }
        ],
    }
    named = locate(PUSH, PushRequest("12", [DeviceRecord("2024-06-03 12:00:00", {"P": 1.5}, "s-1")]))[2]
    assert json.loads(named)["devices"][0]["deviceId"] == "s-1"
    with pytest.raises(ValueError, match="the point P is nan"):
        locate(PUSH, PushRequest("15", [DeviceRecord("2024-06-03 12:00:00", {"P": float("nan")})]))


def test_a_call_too_many_is_told_when_to_come_back() -> None:
    request = Request("POST", PUSH.path, "", {}, b"", b"", request_id="0123456789abcdef" * 2)
    reply = DIALECT.envelope.failure(TooFrequentError("too often", retry_after_s=2.4), PUSH, request, 0)
    assert (reply.status, reply.headers["retry-after"]) == (429, "3")
    assert json.loads(reply.body if isinstance(reply.body, bytes) else b"")["Code"] == "Throttling.User"


async def test_a_device_that_was_never_given_an_id_gets_one_that_stays(hub: LocalHub) -> None:
    caller = Caller(1, 1)
    [wire] = await hub.wire_ids(DEVICE_SCHEME("2"), [1])
    assert re.fullmatch(r"[0-9a-f]{16}", wire)
    [device] = await hub.resolve_devices(caller, DEVICE_SCHEME("2"), [wire])
    assert device is not None
    assert device.id == 1
    assert await hub.resolve_devices(caller, DEVICE_SCHEME("1"), [wire]) == [None]


async def test_the_printed_example_is_kept_in_canonical_units(
    exchange: dict[str, Any], pusher: Pusher, hub: LocalHub
) -> None:
    sent = exchange["request"]["body"]
    [record] = sent["devices"]
    await hub.database.write(
        lambda rows: hub.registry.put_alias(rows, DEVICE_SCHEME(sent["deviceType"]), record["deviceId"], 2)
    )
    body = json.dumps(sent).encode()
    answer = await pusher.send(body, pusher.headers(body))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == exchange["response"]["body"].keys()
    assert answer.json()["data"] == "success"
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", answer.json()["requestId"])
    assert answer.headers["x-acs-request-id"] == answer.json()["requestId"]
    latest = (await pusher.http.get("/api/v1/devices/2/latest", headers=BEARER)).json()
    assert latest["at"] == "2021-09-08T16:40:00.000Z"  # the example's 18:40 is Berlin's here
    assert {key: reading["value"] for key, reading in latest["readings"].items()} == {
        KEYS[name]: float(text) * (1000 if name in KILO else 1) for name, text in record["data"].items()
    }
