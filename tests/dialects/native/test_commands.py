"""Commands: giving them, following them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.dialects.native.commanding import NAMES, STATES
from heliograph.errors import DeviceFileError, HubError, NotFoundError
from heliograph.model.commands import Command, CommandState
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import FakeHub
from tests.dialects.native.fake_services import PACKAGE

SWITCH_OFF: dict[str, Any] = {"name": "device.switch", "arguments": {"on": False}}
UPGRADE: dict[str, Any] = {"name": "firmware.upgrade"}
COMMANDS = "/devices/7/commands"


async def test_a_command_is_accepted_and_says_where_it_stands(api: Api, hub: FakeHub) -> None:
    sent = await api.post(COMMANDS, SWITCH_OFF)
    assert (sent.status, sent.headers["Location"]) == (201, "/api/v1/commands/1")
    assert sent.json == {
        "id": 1,
        "device": 7,
        "name": "device.switch",
        "arguments": {"on": False},
        "state": "accepted",
        "settled": False,
        "progress": 0.0,
        "code": "",
        "key": "made-1",
        "credential": 2,
        "accepted_at": "2026-06-21T12:00:00.000Z",
        "changed_at": "2026-06-21T12:00:00.000Z",
        "expires_at": "2026-06-21T12:10:00.000Z",
    }
    assert (await api.get("/commands/1")).json == sent.json
    assert hub.kept_commands.waits == []


async def test_who_wants_to_wait_is_told_the_end(api: Api, hub: FakeHub) -> None:
    sent = (await api.post(COMMANDS, {**SWITCH_OFF, "wait_s": 30})).json
    assert (sent["state"], sent["settled"], sent["progress"]) == ("confirmed", True, 100.0)
    await api.post(COMMANDS, SWITCH_OFF)
    assert (await api.get("/commands/2", "wait_s=0.5")).json["state"] == "confirmed"
    assert hub.kept_commands.waits == [30.0, 0.5]


async def test_the_word_of_a_device_that_refused_is_told(api: Api, hub: FakeHub) -> None:
    await api.post(COMMANDS, SWITCH_OFF)
    hub.kept_commands.settle(1, CommandState.REFUSED, "E17")
    found = (await api.get("/commands/1")).json
    assert (found["state"], found["settled"], found["code"]) == ("refused", True, "E17")


def test_every_state_has_the_word_of_the_journal() -> None:
    assert {state: str(word) for state, word in STATES.items()} == {state: state.value for state in CommandState}


async def test_commands_come_newest_first_by_name_and_in_pages_that_join(api: Api, hub: FakeHub) -> None:
    for on in (True, False, True):
        await api.post(COMMANDS, {"name": "device.switch", "arguments": {"on": on}})
    await api.post(COMMANDS, UPGRADE)
    await api.post("/devices/8/commands", SWITCH_OFF)
    whole = (await api.get(COMMANDS)).json
    assert ([command["id"] for command in whole["commands"]], whole["next"]) == ([4, 3, 2, 1], None)
    named = (await api.get(COMMANDS, "name=firmware.upgrade")).json["commands"]
    assert [command["id"] for command in named] == [4]
    first = (await api.get(COMMANDS, "limit=3")).json
    rest = (await api.get(COMMANDS, f"limit=3&after={first['next']}")).json
    assert (first["next"], rest["next"]) == (2, None)
    assert first["commands"] + rest["commands"] == whole["commands"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"key": "monday"}, {}),
        ({}, {"idempotency_key": "monday"}),
        ({}, {"Idempotency_Key": '"monday"'}),
        ({"key": "monday"}, {"idempotency_key": "monday"}),
    ],
)
async def test_the_same_key_is_the_same_command_wherever_it_stands(
    api: Api, hub: FakeHub, body: dict[str, Any], headers: dict[str, str]
) -> None:
    for _ in range(2):
        sent = (await api.post(COMMANDS, {**SWITCH_OFF, **body}, **headers)).json
        assert (sent["id"], sent["key"]) == (1, "monday")
    other = await api.post(COMMANDS, {"name": "device.switch", "arguments": {"on": True}, **body}, **headers)
    assert (other.status, other.json["type"]) == (409, "urn:heliograph:problem:conflict")
    assert len(hub.kept_commands.held) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "device.explode"}, "name"),
        ({"name": ""}, "name"),
        ({"arguments": {}}, "name"),
        ({"name": "device.switch"}, "arguments"),
        ({"name": "device.switch", "arguments": {"on": 1}}, "arguments"),
        ({"name": "device.switch", "arguments": {"on": "true"}}, "arguments"),
        ({"name": "device.switch", "arguments": {"on": True, "off": False}}, "arguments"),
        ({"name": "device.switch", "arguments": {"on": None}}, "arguments[...]"),
        ({**SWITCH_OFF, "wait_s": 31}, "wait_s"),
        ({**SWITCH_OFF, "wait_s": -1}, "wait_s"),
        ({**SWITCH_OFF, "key": ""}, "key"),
        ({"name": "firmware.upgrade", "arguments": {"file": "x"}}, "arguments.file"),
        ([], ""),
        (b"", "body"),
    ],
)
async def test_what_no_device_can_be_told_is_refused_naming_the_place(
    api: Api, hub: FakeHub, body: object, field: str
) -> None:
    refused = await api.post(COMMANDS, body)
    assert (refused.status, refused.json.get("field", "")) == (400, field), refused.json
    assert hub.kept_commands.held == {}


async def test_an_unknown_name_is_told_the_names_there_are(api: Api) -> None:
    detail = (await api.post(COMMANDS, {"name": "device.explode"})).json["detail"]
    assert all(name in detail for name in NAMES)


@pytest.mark.parametrize("key", ["", '""', "x" * 201, "m\u00e4rz"])
async def test_a_key_in_the_header_that_cannot_be_is_refused(api: Api, hub: FakeHub, key: str) -> None:
    refused = await api.post(COMMANDS, SWITCH_OFF, idempotency_key=key)
    assert (refused.status, refused.json["field"]) == (400, "Idempotency-Key")
    assert hub.kept_commands.held == {}


async def test_two_keys_that_differ_are_refused(api: Api, hub: FakeHub) -> None:
    refused = await api.post(COMMANDS, {**SWITCH_OFF, "key": "monday"}, idempotency_key="tuesday")
    assert (refused.status, refused.json["field"]) == (400, "key")
    assert hub.kept_commands.held == {}


async def test_a_device_that_nothing_reaches_takes_no_command(api: Api) -> None:
    refused = await api.post("/devices/9/commands", SWITCH_OFF)
    assert (refused.status, refused.json["type"]) == (422, "urn:heliograph:problem:unsupported")


async def test_commands_need_the_scope_control_and_can_be_read_without(hub: FakeHub) -> None:
    await Api(hub).post(COMMANDS, SWITCH_OFF)
    hub.grant("writer", scopes=("read", "write", "admin"))
    writer = Api(hub, "writer")
    for path in (COMMANDS, "/commands/1/cancel"):
        assert (await writer.post(path, SWITCH_OFF)).status == 403
    assert (await writer.get("/commands/1")).json["state"] == "accepted"
    assert len((await writer.get(COMMANDS)).json["commands"]) == 1


async def test_a_command_is_taken_back_only_before_it_is_sent(api: Api, hub: FakeHub) -> None:
    await api.post(COMMANDS, SWITCH_OFF)
    assert (await api.post("/commands/1/cancel", b"")).json["state"] == "cancelled"
    assert (await api.post("/commands/1/cancel", b"")).status == 409
    assert (await api.post("/commands/2/cancel", b"")).status == 404


@pytest.mark.parametrize("path", ["/commands/9", "/devices/30/commands", "/devices/31/commands"])
async def test_what_is_not_there_is_not_found(api: Api, path: str) -> None:
    assert (await api.get(path)).status == 404


@pytest.mark.parametrize("query", ["wait_s=31", "wait_s=x", "after=1"])
async def test_a_query_for_a_command_that_is_none_is_refused(api: Api, query: str) -> None:
    await api.post(COMMANDS, SWITCH_OFF)
    assert (await api.get("/commands/1", query)).status == 400


async def test_a_foreign_device_takes_no_command_and_looks_like_none(api: Api, hub: FakeHub) -> None:
    foreign, none = [await api.post(f"/devices/{number}/commands", SWITCH_OFF) for number in (30, 31)]
    assert foreign.status == none.status == 404
    assert foreign.json["type"] == none.json["type"] == "urn:heliograph:problem:unknown-device"
    assert hub.kept_commands.held == {}


async def test_an_upgrade_takes_the_newest_package_of_the_catalogue(api: Api) -> None:
    package = {"version": "V2", "sha256": PACKAGE.sha256, "from": ""}
    assert (await api.post(COMMANDS, UPGRADE)).json["arguments"] == package


async def test_an_upgrade_that_names_its_package_must_name_that_of_the_catalogue(api: Api, hub: FakeHub) -> None:
    refused = await api.post(COMMANDS, {**UPGRADE, "arguments": {"version": "V3"}})
    assert (refused.status, refused.json["detail"]) == (409, "version would be 'V2', not 'V3'")
    assert hub.kept_commands.held == {}
    assert (await api.post(COMMANDS, {**UPGRADE, "arguments": {"version": "V2", "from": ""}})).status == 201


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (NotFoundError("the catalogue has nothing newer"), 404, "not-found"),
        (DeviceFileError("the file is gone"), 409, "firmware-file"),
    ],
)
async def test_without_a_package_there_is_no_upgrade(
    api: Api, hub: FakeHub, error: HubError, status: int, slug: str
) -> None:
    hub.kept_commands.package = error
    refused = await api.post(COMMANDS, UPGRADE)
    assert (refused.status, refused.json["type"]) == (status, f"urn:heliograph:problem:{slug}")
    assert hub.kept_commands.held == {}


async def test_the_key_of_an_upgrade_stands_for_it_also_when_nothing_newer_is_left(api: Api, hub: FakeHub) -> None:
    first = (await api.post(COMMANDS, {**UPGRADE, "key": "k"})).json
    hub.kept_commands.settle(1, CommandState.CONFIRMED)
    hub.kept_commands.package = NotFoundError("the catalogue has nothing newer")
    again = (await api.post(COMMANDS, {**UPGRADE, "key": "k", "arguments": {"version": "V2"}})).json
    assert (first["id"], first["state"], again["id"], again["state"]) == (1, "accepted", 1, "confirmed")
    other = await api.post(COMMANDS, {**UPGRADE, "key": "k", "arguments": {"version": "V9"}})
    assert other.status == 409


async def test_a_device_is_not_upgraded_twice_at_once(api: Api, hub: FakeHub) -> None:
    await api.post(COMMANDS, UPGRADE)
    refused = await api.post(COMMANDS, {**UPGRADE, "key": "another"})
    assert (refused.status, refused.json["detail"]) == (409, "command 1 is upgrading device 7")
    hub.kept_commands.settle(1, CommandState.FAILED)
    assert (await api.post(COMMANDS, {**UPGRADE, "key": "another"})).json["id"] == 2


async def test_the_key_of_another_account_is_not_ours(api: Api, hub: FakeHub) -> None:
    foreign = Command(
        id=1, account_id=20, device_id=7, key="k", name="firmware.upgrade", arguments={}, code="",
        state=CommandState.FAILED, accepted_at_ms=0, expires_at_ms=0, changed_at_ms=0,
    )  # fmt: skip
    hub.kept_commands.held[1] = foreign
    hub.kept_commands.package = NotFoundError("the catalogue has nothing newer")
    assert (await api.post(COMMANDS, {**UPGRADE, "key": "k"})).status == 404
