"""Upgrades and switches: what is delivered, what is refused device by device, and how upgrades are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from heliograph.dialects.huawei.commands import RESULTS
from heliograph.errors import DeviceFileError, StoreError, UnknownDeviceError
from heliograph.model.commands import SWITCH, TIMEOUT, UPGRADE, CommandState
from heliograph.model.devices import DeviceKind
from heliograph.model.firmware import Firmware
from tests.dialects.huawei.client import Client, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from heliograph.model.devices import Device
    from tests.dialects.huawei.fake_hub import FakeHub

OLD, NEW = "V100R002C00B030", "V100R002C00B040"
PACKAGE = Firmware(
    id=1, model="SUN2000", version=NEW, file="sun.zip", sha256="ab" * 32, size=9, added_at_ms=5
)  # fmt: skip
Json = dict[str, Any]  # any: JSON


def inverter(hub: FakeHub, kind: DeviceKind = DeviceKind.INVERTER, **more: object) -> Device:
    """A device with a package that is newer than what it runs."""
    plant = next(iter(hub.all_plants.values()), None) or hub.add_plant()
    device = hub.add_device(plant, kind, firmware=OLD, **more)
    hub.fake_commands.packages[device.id] = PACKAGE
    return device


async def upgrade(client: Client, *devices: Device, type_id: int = 1) -> list[tuple[bool, int]]:
    answer = await client.call("devUpgrade", {"devIds": numbers(*devices), "devTypeId": type_id})
    assert answer["success"], answer
    assert [row["devId"] for row in answer["data"]] == [number(device) for device in devices]
    return [(row["result"], row["failCode"]) for row in answer["data"]]


async def records(client: Client, *devices: Device, type_id: int = 1) -> Json:
    return await client.call("getDevUpgradeInfo", {"devIds": numbers(*devices), "devTypeId": type_id})


async def test_each_device_is_told_whether_its_upgrade_was_delivered(hub: FakeHub, client: Client) -> None:
    good, newest, lost, cut_off, gone = [inverter(hub) for _ in range(5)]
    del hub.fake_commands.packages[newest.id]
    hub.fake_commands.packages[lost.id] = DeviceFileError("the file is missing")
    hub.fake_commands.unreachable.add(cut_off.id)
    hub.fake_commands.packages[gone.id] = UnknownDeviceError("it was deleted just now")
    assert await upgrade(client, good, newest, lost, cut_off, gone) == [
        (True, 0), (False, 20020), (False, 20021), (False, 20013), (False, 20008),
    ]  # fmt: skip
    [command] = hub.fake_commands.journal
    assert (command.device_id, command.name) == (good.id, UPGRADE)
    assert command.arguments == {"version": NEW, "sha256": "ab" * 32, "from": OLD}
    assert hub.fake_commands.lifetimes == [600]


async def test_a_device_that_is_being_upgraded_gets_no_second_command(hub: FakeHub, client: Client) -> None:
    device = inverter(hub)
    for state in (CommandState.ACCEPTED, CommandState.SENT, CommandState.UNKNOWN):
        assert await upgrade(client, device) == [(True, 0)]
        assert len(hub.fake_commands.journal) == 1
        hub.fake_commands.settle(hub.fake_commands.journal[0], state=state)
        assert await upgrade(client, device) == [(True, 0)]
    hub.fake_commands.settle(hub.fake_commands.journal[0], state=CommandState.FAILED)
    assert await upgrade(client, device) == [(True, 0)]
    assert [command.state for command in hub.fake_commands.journal] == [CommandState.FAILED, CommandState.ACCEPTED]


@pytest.mark.parametrize("version", [NEW, "V100R002C00B050"])
async def test_of_two_upgrades_at_the_same_time_one_is_delivered(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    device = inverter(hub)
    await upgrade(client, device)

    async def nothing_yet(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(hub.fake_commands, "list", nothing_yet)
    hub.fake_commands.packages[device.id] = msgspec.structs.replace(PACKAGE, version=version)
    assert await upgrade(client, device) == [(True, 0)]
    assert len(hub.fake_commands.journal) == 1


async def test_an_upgrade_is_told_with_versions_progress_and_time(hub: FakeHub, client: Client) -> None:
    upgraded, other = inverter(hub), inverter(hub)
    await upgrade(client, upgraded)
    hub.fake_commands.settle(hub.fake_commands.journal[0], state=CommandState.SENT, progress=60.0)
    hub.fake_commands.journal.append(
        msgspec.structs.replace(hub.fake_commands.journal[0], id=2, name=SWITCH, device_id=other.id)
    )
    answer = await records(client, other, upgraded)
    assert answer["data"] == [
        {
            "devId": number(upgraded),
            "lastUpgradeTime": NOW_MS,
            "sourceVersion": OLD,
            "targetVersion": NEW,
            "process": 60.0,
            "upgradeResult": 4,
        }
    ]
    assert isinstance(answer["data"][0]["process"], float)
    assert answer["params"] == {"devIds": numbers(other, upgraded), "devTypeId": 1, "currentTime": NOW_MS}


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        (CommandState.ACCEPTED, "", 0),
        (CommandState.CONFIRMED, "", 1),
        (CommandState.REFUSED, "checksum", 2),
        (CommandState.FAILED, "", 2),
        (CommandState.CANCELLED, "", 3),
        (CommandState.SENT, "", 4),
        (CommandState.UNKNOWN, "", 4),
        (CommandState.EXPIRED, "", 5),
        (CommandState.FAILED, TIMEOUT, 5),
    ],
)
async def test_an_upgrade_has_six_results(
    hub: FakeHub, client: Client, state: CommandState, code: str, expected: int
) -> None:
    device = inverter(hub, DeviceKind.HYBRID_INVERTER)
    await upgrade(client, device, type_id=38)
    hub.fake_commands.settle(hub.fake_commands.journal[0], state=state, code=code)
    [row] = (await records(client, device, type_id=38))["data"]
    assert row["upgradeResult"] == expected


def test_every_state_has_a_result() -> None:
    assert set(RESULTS) == set(CommandState)


async def test_the_newest_upgrade_counts(hub: FakeHub, client: Client) -> None:
    device = inverter(hub)
    await upgrade(client, device)
    hub.fake_commands.settle(hub.fake_commands.journal[0], state=CommandState.FAILED)
    hub.wall_clock.at_ms += 1000
    await upgrade(client, device)
    [row] = (await records(client, device))["data"]
    assert (row["lastUpgradeTime"], row["upgradeResult"]) == (NOW_MS + 1000, 0)


async def test_without_any_upgrade_the_answer_is_20022(hub: FakeHub, client: Client) -> None:
    answer = await records(client, inverter(hub), inverter(hub))
    assert (answer["success"], answer["failCode"], answer["data"]) == (False, 20022, None)


@pytest.mark.parametrize("name", ["devUpgrade", "getDevUpgradeInfo", "devOnOff"])
async def test_commands_refuse_with_the_codes_of_the_document(hub: FakeHub, client: Client, name: str) -> None:
    known, energy_center = inverter(hub), inverter(hub, DeviceKind.HYBRID_INVERTER)
    foreign = hub.add_device(hub.add_plant(account=2))

    async def refusal(devices: object, type_id: object = 1) -> int:
        answer = await client.call(name, {"devIds": devices, "devTypeId": type_id, "controlType": 1})
        fail_code: int = answer["failCode"]
        return fail_code

    assert await refusal(None) == await refusal("") == 20011
    assert await refusal(",") == 20005
    assert await refusal(",".join(map(str, range(11)))) == 20018
    assert await refusal(numbers(known), 17) == await refusal(numbers(known), None) == 20013
    assert await refusal(numbers(known), 14) == (20006 if name == "devOnOff" else 20013)
    assert await refusal(numbers(foreign)) == await refusal("5") == 20008
    assert await refusal(numbers(known, energy_center)) == await refusal(numbers(known), 38) == 20006
    assert hub.fake_commands.journal == []


@pytest.mark.parametrize(("control", "on"), [(1, True), ("1", True), (1.0, True), (2, False), (" 2 ", False)])
async def test_inverters_are_switched_through_the_journal(
    hub: FakeHub, client: Client, control: object, on: bool
) -> None:
    first, cut_off = inverter(hub), inverter(hub)
    hub.fake_commands.unreachable.add(cut_off.id)
    asked = {"devIds": numbers(first, cut_off), "devTypeId": "1", "controlType": control}
    answer = await client.call("devOnOff", asked)
    assert answer == {
        "success": True,
        "data": [
            {"devId": number(first), "result": True, "failCode": 0},
            {"devId": number(cut_off), "result": False, "failCode": 20013},
        ],
        "failCode": 0,
        "params": {**asked, "currentTime": NOW_MS},
        "message": None,
    }
    [command] = hub.fake_commands.journal
    assert (command.device_id, command.name, command.arguments) == (first.id, SWITCH, {"on": on})


async def test_each_switch_is_a_command_of_its_own(hub: FakeHub, client: Client) -> None:
    device = inverter(hub, DeviceKind.CENTRAL_INVERTER)
    for control in (1, 2, 1):
        await client.call("devOnOff", {"devIds": number(device), "devTypeId": 14, "controlType": control})
    assert [command.arguments["on"] for command in hub.fake_commands.journal] == [True, False, True]


@pytest.mark.parametrize("control", [None, "", 0, 3, -1, 1.5, "on", True, [1], {"on": 1}, "nan", "1e999"])
async def test_any_other_switch_is_20019(hub: FakeHub, client: Client, control: object) -> None:
    device = inverter(hub)
    asked = {"devIds": number(device), "devTypeId": 1, "controlType": control}
    assert (await client.call("devOnOff", asked))["failCode"] == 20019
    assert hub.fake_commands.journal == []


async def test_a_store_that_takes_nothing_is_an_error_of_the_whole_call(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = inverter(hub), inverter(hub)
    asked = {"devIds": numbers(first, second), "devTypeId": 1, "controlType": 2}
    taken = hub.fake_commands.submit

    async def only_the_first(caller: Any, device_id: int, *rest: Any, **more: Any) -> object:
        if device_id != first.id:
            raise StoreError("the disk is full")
        return await taken(caller, device_id, *rest, **more)

    monkeypatch.setattr(hub.fake_commands, "submit", only_the_first)
    answer = await client.call("devOnOff", asked)
    assert [(row["result"], row["failCode"]) for row in answer["data"]] == [(True, 0), (False, 20004)]
    hub.broken = True
    answer = await client.call("devOnOff", asked)
    assert (answer["success"], answer["failCode"], answer["data"]) == (False, 20004, None)
