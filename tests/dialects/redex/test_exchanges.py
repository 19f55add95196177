"""The printed examples are read by the structures, written by them as they were, and answered by the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from heliograph.dialects.redex import DIALECT
from heliograph.dialects.redex.operations import CONNECT, SEND, SEND_MONTHLY, SEND_PLURAL, STATUS
from heliograph.dialects.redex.reading import decode, pascal
from heliograph.dialects.redex.wire import Answer, Nothing, TokenResult
from heliograph.errors import DeviceError
from heliograph.protocol.calling import locate
from heliograph.protocol.codes import VendorError
from heliograph.protocol.operations import Operation, Request

if TYPE_CHECKING:
    from tests.dialects.redex.sender import Sender

FILES = sorted((Path(__file__).parent / "exchanges").glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def exchange(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One exchange."""
    found: dict[str, Any] = json.loads(request.param.read_text(encoding="utf-8"))
    assert found["name"] == request.param.stem
    return found


def read(operation: Operation[Any, Any], body: bytes, query: str = "") -> Any:  # any: the request of any operation
    """A body as the server half takes it."""
    return decode(operation, Request(operation.method, operation.path, query, {}, body, body))


def printed(sent: Any) -> Any:  # any: JSON
    """JSON with its names as the examples print them."""
    if isinstance(sent, dict):
        return {pascal(name): printed(value) for name, value in sent.items()}
    return [printed(value) for value in sent] if isinstance(sent, list) else sent


def test_an_exchange_says_where_it_comes_from(exchange: dict[str, Any]) -> None:
    assert set(exchange) == {"name", "source", "cite", "request", "response"}
    mended = exchange["response"]["status"] == 400
    assert exchange["source"] == ("printed, mended" if mended else "printed")
    assert exchange["cite"].partition(",")[0] == SEND.cite.partition(",")[0]
    assert (exchange["request"]["method"], exchange["request"]["path"]) == (SEND.method, SEND.path)


def test_a_request_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    sent = exchange["request"]["body"]
    query = read(SEND, json.dumps(sent).encode())
    assert json.loads(msgspec.json.encode(query)) == printed(sent)
    path, no_query, body = locate(SEND, query)
    assert (path, no_query, json.loads(body)) == (SEND.path, "", printed(sent))


def test_a_response_is_read_and_written_as_it_was(exchange: dict[str, Any]) -> None:
    reply = exchange["response"]
    body = json.dumps(reply["body"]).encode()
    assert json.loads(msgspec.json.encode(msgspec.json.decode(body, type=Answer))) == reply["body"]
    if reply["status"] == 200:
        assert DIALECT.envelope.open(SEND, 200, body) == Nothing()
        return
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(SEND, reply["status"], body)
    assert (caught.value.code.value, str(caught.value)) == (reply["status"], reply["body"]["Message"])


async def test_the_hub_answers_as_printed(exchange: dict[str, Any], sender: Sender) -> None:
    sent, reply = exchange["request"]["body"], exchange["response"]
    match reply["status"]:
        case 400:
            sent = sent | {"Data": None}
        case 401:
            sender.access = "gone"
        case 403:
            sent = sent | {"RemoteInvId": "another's"}
        case 422:
            sent = sent | {"FrequencyType": "Hourly"}
    answer = await sender.post(sent)
    assert answer.status_code == reply["status"]
    assert {name: answer.json()[name] for name in reply["body"]} == reply["body"]


def test_the_printed_400_is_no_json_and_is_understood_by_its_status() -> None:
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(SEND, 400, b'{ "Data": null "StatusCode": 400, "Message": "Bad Request" }')
    assert caught.value.code.value == 400


def test_a_refusal_tells_every_place_and_its_status_wins_over_that_of_the_transport() -> None:
    body = b'{"Data":null,"Errors":[{"Key":"a","Message":"b"},{"Key":"c","Message":"d"}],"StatusCode":422,"Message":""}'
    with pytest.raises(VendorError, match=r"a: b; c: d") as caught:
        DIALECT.envelope.open(SEND, 200, body)
    assert caught.value.code.value == 422


def test_a_result_is_read_and_what_is_none_is_an_error() -> None:
    result = {"AccessToken": "a", "RefreshToken": "r", "ExpiresIn": "3600", "TokenType": "Bearer", "Scope": "s"}
    body = json.dumps({"Data": result, "StatusCode": 200, "Message": "Success", "Spare": 1}).encode()
    assert DIALECT.envelope.open(CONNECT, 200, body) == TokenResult("a", "r", "3600", "Bearer", "s")
    with pytest.raises(DeviceError, match="without the result"):
        DIALECT.envelope.open(CONNECT, 200, b'{"Data":{},"StatusCode":200}')
    with pytest.raises(DeviceError, match="no answer that can be read"):
        DIALECT.envelope.open(CONNECT, 200, b"<html>")
    with pytest.raises(DeviceError, match="HTTP 502 and no answer that can be read"):
        DIALECT.envelope.open(CONNECT, 502, b"<html>")


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (SEND_PLURAL, {"Devices": [{"RemoteInvId": "a", "Data": [
            {"Timestamp": "2023-05-01", "PeriodProductionInKWh": "1", "AccumulatedEnergyInKWh": "2"}]}]}),
        (SEND_PLURAL, {"Data": [{"Timestamp": "2023-05-01", "PeriodProductionInKWh": "1"}], "FrequencyType": "Daily",
                       "RemoteInvId": "a"}),
        (SEND_MONTHLY, {"RemoteInvId": "a", "Data": {"Year": 2023, "PeriodProductionPerMonthInKWh": {"Jan": "1.5"}}}),
        (SEND_MONTHLY, {"RemoteInvId": "a", "Data": [
            {"Year": 2023, "PeriodProductionPerMonthInKWh": {"Jan": "1.5", "Dec": "2"}}]}),
    ],
)  # fmt: skip
def test_the_later_forms_are_written_as_they_are_read(operation: Operation[Any, Any], sent: dict[str, Any]) -> None:
    path, query, body = locate(operation, read(operation, json.dumps(sent).encode()))
    assert (path, query, json.loads(body)) == (operation.path, "", sent)


def test_a_status_call_is_written_as_it_is_read() -> None:
    assert locate(STATUS, read(STATUS, b"", "ProcessId=7")) == (STATUS.path, "ProcessId=7", b"")
