"""Every printed example is read by the structures and comes out of them as it was, and the hub answers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.dialects.foxess.codes import decode_request
from heliograph.dialects.foxess.operations import OPERATIONS
from heliograph.model.devices import DeviceKind
from heliograph.protocol.operations import Request
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

EXCHANGES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "exchanges").glob("*.json"))
}
BY_PATH = {(operation.method, operation.path): operation for operation in OPERATIONS}


@pytest.fixture(params=EXCHANGES)
def exchange(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One exchange."""
    found: dict[str, Any] = EXCHANGES[request.param]
    return found


def test_every_example_of_these_calls_is_there() -> None:
    printed = [exchange["request"]["path"] for exchange in EXCHANGES.values()]
    assert len(printed) == 30
    assert printed.count("/op/v0/device/report/query") == printed.count("/op/v0/device/scheduler/enable") == 3


def test_an_exchange_says_where_it_comes_from(exchange: dict[str, Any]) -> None:
    assert set(exchange) == {"name", "source", "cite", "request"}
    assert exchange["source"] == "printed"
    assert exchange["cite"] == BY_PATH[exchange["request"]["method"], exchange["request"]["path"]].cite


def test_a_request_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    sent = exchange["request"]
    operation = BY_PATH[sent["method"], sent["path"]]
    body = json.dumps(sent["body"]).encode()
    query = decode_request(operation, Request(sent["method"], operation.path, "", {}, body, body))
    assert json.loads(msgspec.json.encode(query)) == sent["body"]


async def test_the_hub_answers_it(exchange: dict[str, Any], hub: FakeHub, client: Client) -> None:
    body = dict(exchange["request"]["body"])
    device = hub.add_device(hub.add_plant(), DeviceKind.HYBRID_INVERTER)
    plant_id = (await client.result("plant/list"))["data"][0]["stationID"]
    # Identifiers are blacked out in the document.
    named = {"sn": device.serial, "deviceSN": device.serial, "sns": [device.serial], "stationID": plant_id}
    for name, value in named.items():
        if name in body:
            body[name] = value
    if "stationID" in body.get("details", {}):
        body["details"] = {**body["details"], "stationID": plant_id}
    operation = BY_PATH[exchange["request"]["method"], exchange["request"]["path"]]
    assert await client.errno(operation.name, body) == 0
