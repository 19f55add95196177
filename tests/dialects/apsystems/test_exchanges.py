"""Every printed example is read by the structures and comes out as it was, and the hub answers the same call."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.dialects.apsystems import DIALECT
from heliograph.dialects.apsystems.codes import decode_request
from heliograph.dialects.apsystems.operations import OPERATIONS
from heliograph.model.devices import DeviceKind
from heliograph.protocol.calling import locate
from heliograph.protocol.operations import Request
from tests.dialects.apsystems.client import BY_NAME, Client
from tests.dialects.apsystems.fake_hub import FakeHub

EXCHANGES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "exchanges").glob("*.json"))
}


@pytest.fixture(params=EXCHANGES)
def exchange(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One exchange."""
    found: dict[str, Any] = EXCHANGES[request.param]
    return found


def test_every_call_of_the_document_has_its_examples() -> None:
    assert len(EXCHANGES) == 14
    assert {each["operation"] for each in EXCHANGES.values()} == {operation.name for operation in OPERATIONS}


def test_an_exchange_says_where_it_comes_from(exchange: dict[str, Any]) -> None:
    assert set(exchange) - {"note"} == {"name", "source", "cite", "operation", "request", "reply"}
    assert exchange["source"] == "printed"
    assert exchange["cite"] == BY_NAME[exchange["operation"]].cite


def test_a_request_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    operation, sent = BY_NAME[exchange["operation"]], exchange["request"]
    names = operation.path.split("/")
    params = {name[1:-1]: value for name, value in zip(names, sent["path"].split("/"), strict=True) if name[:1] == "{"}
    text = "&".join(f"{name}={value}" for name, value in sent["query"].items())
    query = decode_request(operation, Request(sent["method"], sent["path"], text, {}, b"", b"", params))
    assert locate(operation, query) == (sent["path"], text, b"")


def test_a_reply_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    operation = BY_NAME[exchange["operation"]]
    opened = DIALECT.envelope.open(operation, 200, json.dumps(exchange["reply"]).encode())
    assert isinstance(opened, msgspec.Struct)
    assert json.loads(msgspec.json.encode(opened)) == exchange["reply"]


def shape(value: object) -> object:
    """A value without what it says: names in an object, the kind of the entries in a list."""
    if isinstance(value, dict):
        return {("*" if name[:1].isdigit() else name): shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


async def test_the_hub_answers_in_the_same_form(exchange: dict[str, Any], hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant("Asia/Shanghai", connected_on=date(2022, 9, 1))
    hub.aliases["plant", "", "AZ12649A3DFF"] = plant.id
    ecu = hub.add_device(plant, DeviceKind.GATEWAY, serial="203000001234")
    inverter = hub.add_device(plant, serial="902000001234", model="QT2D", gateway_id=ecu.id)
    if exchange["name"] != "system_inverters":
        hub.add_device(plant, DeviceKind.METER, gateway_id=ecu.id)
    count = {"inverter_energy": 2, "inverter_summary": 4}.get(exchange["name"], 1)
    hub.read(inverter, {f"pv.{number}.power": 1.0 for number in range(1, count + 1)})
    at_ms = 1_706_666_400_000  # on the last of January 2024
    hub.measure(inverter, [at_ms], pv__1__power=[45.0], ac__power=[44.0])
    sent = exchange["request"]
    answer = (await client.send(sent["path"], sent["query"])).json()
    assert shape(answer) == shape(exchange["reply"])
