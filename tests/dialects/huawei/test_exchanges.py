"""Every printed example is read by the structures and comes out of them as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.dialects.huawei import DIALECT
from heliograph.dialects.huawei.codes import decode_request, echo
from heliograph.dialects.huawei.operations import LIST_PLANTS, LOGIN, OPERATIONS
from heliograph.dialects.huawei.wire import Answer
from heliograph.protocol.codes import VendorError
from heliograph.protocol.operations import Request

EXCHANGES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "exchanges").glob("*.json"))
}
PRINTED_CODES = {"devUpgrade": {20009}, "getDevUpgradeInfo": {20022}, "getAlarmList": {20024}, "snIsRegister": {0}}
BY_PATH = {operation.path: operation for operation in OPERATIONS}


@pytest.fixture(params=EXCHANGES)
def exchange(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One exchange."""
    found: dict[str, Any] = EXCHANGES[request.param]
    return found


def test_every_documented_call_has_an_exchange_that_succeeds() -> None:
    answered = {
        exchange["request"]["path"] for exchange in EXCHANGES.values() if exchange["response"]["body"]["success"]
    }
    assert answered == {operation.path for operation in OPERATIONS if "northbound" in operation.cite}


def test_a_request_is_read_and_echoed_as_it_was_sent(exchange: dict[str, Any]) -> None:
    sent = exchange["request"]
    operation = BY_PATH[sent["path"]]
    body = json.dumps(sent["body"]).encode()
    query = decode_request(operation, Request("POST", operation.path, "", {}, body, body))
    assert json.loads(msgspec.json.encode(query)) == sent["body"]
    if operation not in (LOGIN, LIST_PLANTS):
        assert echo(operation, query, 5) == {**sent["body"], "currentTime": 5}


def test_a_response_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    operation, reply = BY_PATH[exchange["request"]["path"]], exchange["response"]
    body = json.dumps(reply["body"]).encode()
    around = json.loads(msgspec.json.encode(msgspec.json.decode(body, type=Answer)))
    if reply["body"]["success"]:
        result = DIALECT.envelope.open(operation, reply["status"], body)
        assert around | json.loads(msgspec.json.encode(result)) == reply["body"]
    else:
        with pytest.raises(VendorError) as caught:
            DIALECT.envelope.open(operation, reply["status"], body)
        assert caught.value.code.value in PRINTED_CODES.get(operation.name, {20006, 20007, 20009})
        assert around | {"data": reply["body"]["data"]} == reply["body"]


def test_an_exchange_says_where_it_comes_from(exchange: dict[str, Any]) -> None:
    operation = BY_PATH[exchange["request"]["path"]]
    assert set(exchange) == {"name", "source", "cite", "request", "response"}
    assert exchange["source"] == "printed"
    assert exchange["cite"] == operation.cite
