"""The schedule of an inverter, by both versions: its main switch, and its segments with their rules."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.errors import UnreachableError
from heliograph.model import settings as s
from heliograph.model.commands import CommandState
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.settings import Segment, Window, WorkMode
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_devices import HYBRID
from tests.dialects.foxess.fake_hub import FakeHub

PATH = "device/scheduler"
VERSIONS = ("", ".v1")
SWITCHES = [f"{PATH}/set/flag", f"{PATH}/set/flag.v1", f"{PATH}/set"]
EMPTY = {
    "enable": 0, "startHour": 0, "startMinute": 0, "endHour": 0, "endMinute": 0, "workMode": "Invalid",
    "minSocOnGrid": 10, "fdSoc": 10, "fdPwr": 0,
}  # fmt: skip


@pytest.fixture
def inverter(hub: FakeHub) -> Device:
    """A hybrid inverter of 8 kW without segments."""
    return hub.add_device(hub.add_plant())


@pytest.fixture(params=VERSIONS, ids=["v0", "v1"])
def version(request: pytest.FixtureRequest) -> str:
    """What ends the name of a call."""
    ending: str = request.param
    return ending


def named(device: Device, **more: object) -> dict[str, Any]:
    """A body that names a device."""
    return {"deviceSN": device.serial, **more}


def group(since: str = "01:00", until: str = "04:59", mode: str = "ForceCharge", **more: object) -> dict[str, Any]:
    """A segment as a client sends it."""
    (start_hour, start_minute), (end_hour, end_minute) = (map(int, at.split(":")) for at in (since, until))
    return {
        "enable": 1, "startHour": start_hour, "startMinute": start_minute, "endHour": end_hour,
        "endMinute": end_minute, "workMode": mode, "minSocOnGrid": 12, "fdSoc": 50, "fdPwr": 3000, **more,
    }  # fmt: skip


def segments(hub: FakeHub, device: Device) -> tuple[Segment, ...]:
    """The segments that a device holds."""
    return s.parse_segments(str(hub.commands.value(device.id, s.SCHEDULE)))


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize(
    ("word", "on"),
    [(1, True), (0, False), (True, True), (False, False), ("1", True), ("0", False), ("true", True), ("False", False)],
)
async def test_the_main_switch_is_turned_with_any_spelling(
    hub: FakeHub, client: Client, inverter: Device, version: str, name: str, word: object, on: bool
) -> None:
    hub.commands.put(inverter.id, s.SCHEDULE_ON, value=not on)
    assert await client.result(name, named(inverter, enable=word)) == {}
    assert hub.commands.given[0].arguments == {s.SCHEDULE_ON: on}
    told = await client.result(f"{PATH}/get/flag{version}", {"sn": inverter.serial})
    assert (told["support"], told["enable"]) == (True, on)
    assert all(isinstance(each, bool) for each in told.values()), "typed clients read nothing else"


@pytest.mark.parametrize("word", [None, "", 2, "yes", [1], 0.5])
async def test_a_switch_that_is_neither_on_nor_off_is_named(client: Client, inverter: Device, word: object) -> None:
    answer = await client.call(f"{PATH}/set/flag", named(inverter, enable=word))
    assert answer["errno"] == 40257
    assert ": enable " in answer["msg"]


async def test_a_device_without_a_schedule_does_not_support_one(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    plain = hub.add_device(hub.all_plants[inverter.plant_id], DeviceKind.INVERTER)
    less = hub.add_device(hub.all_plants[inverter.plant_id])
    hub.commands.equip(less.id, HYBRID[:4])
    for device in (plain, less):
        told = await client.result(f"{PATH}/get/flag{version}", named(device))
        assert told == {"support": False, "enable": False}
        assert await client.errno(f"{PATH}/get{version}", named(device)) == 42015
        assert await client.errno(f"{PATH}/enable{version}", named(device, groups=[])) == 42015
        assert await client.errno(f"{PATH}/set/flag{version}", named(device, enable=1)) == 42015
    hub.commands.gone = UnreachableError("it is silent")
    assert await client.errno(f"{PATH}/get/flag{version}", named(inverter)) == 41935


async def test_an_empty_schedule_has_eight_slots_without_a_mode(client: Client, inverter: Device) -> None:
    assert await client.result(f"{PATH}/get", named(inverter)) == {"enable": 0, "groups": [EMPTY] * 8}
    told = await client.result(f"{PATH}/get.v1", named(inverter))
    assert told["enable"] == 0
    assert told["groups"] == [{**EMPTY, "maxSoc": 95}] * 8


async def test_v1_tells_what_each_field_may_be(hub: FakeHub, client: Client, inverter: Device) -> None:
    told = (await client.result(f"{PATH}/get.v1", named(inverter)))["properties"]
    assert told["fdPwr"] == {"unit": "W", "precision": 1, "range": {"min": 0, "max": 8000}}
    assert told["fdSoc"] == {"unit": "%", "precision": 1, "range": {"min": 11, "max": 100}}
    assert told["minSocOnGrid"] == told["maxSoc"] == {"unit": "%", "precision": 1, "range": {"min": 10, "max": 100}}
    assert told["startHour"] == told["endHour"] == {"unit": "", "precision": 1, "range": {"min": 0, "max": 23}}
    assert told["startMinute"] == told["endMinute"] == {"unit": "", "precision": 1, "range": {"min": 0, "max": 59}}
    assert told["workMode"]["enumList"] == [
        "Invalid", "SelfUse", "Feedin", "Backup", "ForceCharge", "ForceDischarge", "PeakShaving",
    ]  # fmt: skip
    assert all(told[name.lower()] == told[name] for name in list(told))
    unrated = hub.add_device(hub.all_plants[inverter.plant_id], capacity_w=None)
    told = (await client.result(f"{PATH}/get.v1", named(unrated)))["properties"]
    assert told["fdpwr"]["range"]["max"] == 6000
    rated = hub.add_device(hub.all_plants[inverter.plant_id], capacity_w=9000.0, attributes={"rated_w": "7000"})
    told = (await client.result(f"{PATH}/get.v1", named(rated)))["properties"]
    assert told["fdPwr"]["range"]["max"] == 7000
    for watts, errno in ((7350, 0), (7351, 40257)):
        assert await client.errno(f"{PATH}/enable.v1", named(rated, groups=[group(fdPwr=watts)])) == errno


async def test_segments_come_back_as_they_were_set_and_turn_the_schedule_on(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    sent = [
        group(),
        group("05:00", "06:29", "ForceDischarge", fdSoc="30", fdPwr=2500.4),
        group("22:00", "00:30", "Backup"),
    ]
    assert await client.result(f"{PATH}/enable{version}", named(inverter, groups=sent)) == {}
    (given,) = hub.commands.given
    assert given.arguments.keys() == {s.SCHEDULE, s.SCHEDULE_ON}
    assert given.arguments[s.SCHEDULE_ON] is True
    assert segments(hub, inverter)[1] == Segment(
        window=Window(enabled=True, since_min=300, until_min=389), mode=WorkMode.FORCE_DISCHARGE, min_soc_on_grid=12.0,
        discharge_soc=30.0, power_w=2500.4,
    )  # fmt: skip
    told = await client.result(f"{PATH}/get{version}", named(inverter))
    ceiling = {"maxSoc": 95} if version else {}
    assert told["enable"] == 1
    assert told["groups"][0] == {**sent[0], **ceiling}
    assert told["groups"][1] == {**sent[1], "fdSoc": 30, "fdPwr": 2500, **ceiling}
    assert told["groups"][2] == {**sent[2], **ceiling}
    assert told["groups"][3:] == [{**EMPTY, **ceiling}] * 5
    # What was read can be written: slots without a segment are left out again.
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=told["groups"])) == 0
    assert len(segments(hub, inverter)) == 3


@pytest.mark.parametrize("mode", ["SelfUse", "Feedin", "Backup", "ForceCharge", "ForceDischarge", "PeakShaving"])
async def test_a_segment_takes_every_work_mode(
    hub: FakeHub, client: Client, inverter: Device, version: str, mode: str
) -> None:
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=[group(mode=mode)])) == 0
    assert (await client.result(f"{PATH}/get{version}", named(inverter)))["groups"][0]["workMode"] == mode


async def test_v1_alone_has_a_ceiling(hub: FakeHub, client: Client, inverter: Device) -> None:
    body = named(inverter, groups=[group(maxSoc="80", fdPwr=6000)])
    assert await client.errno(f"{PATH}/enable", body) == 0
    assert segments(hub, inverter)[0].max_soc is None
    assert await client.errno(f"{PATH}/enable.v1", body) == 0
    assert segments(hub, inverter)[0].max_soc == 80.0
    assert (await client.result(f"{PATH}/get.v1", named(inverter)))["groups"][0]["maxSoc"] == 80
    assert "maxSoc" not in (await client.result(f"{PATH}/get", named(inverter)))["groups"][0]
    for ceiling in (9, 101, "much", 50.5):
        body = named(inverter, groups=[group(maxSoc=ceiling)])
        assert await client.errno(f"{PATH}/enable.v1", body) == 40257


@pytest.mark.parametrize(
    ("rated_w", "old", "new"),
    [(8000.0, 8400, 8400), (6480.0, 6804, 6804), (6481.0, 6806, 6806), (3000.0, 6000, 3150), (None, 6000, 6000)],
)
async def test_a_segment_takes_a_twentieth_more_than_the_rating_as_real_inverters_do(
    hub: FakeHub, client: Client, inverter: Device, rated_w: float | None, old: int, new: int
) -> None:
    device = hub.add_device(hub.all_plants[inverter.plant_id], capacity_w=rated_w)
    for version, most in (("", old), (".v1", new)):
        assert await client.errno(f"{PATH}/enable{version}", named(device, groups=[group(fdPwr=most + 1)])) == 40257
        assert await client.errno(f"{PATH}/enable{version}", named(device, groups=[group(fdPwr=float(most))])) == 0
        # What one version takes can be read and sent back by the same.
        told = (await client.result(f"{PATH}/get{version}", named(device)))["groups"]
        assert told[0]["fdPwr"] == most
        assert await client.errno(f"{PATH}/enable{version}", named(device, groups=told)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fdSoc": 10, "minSocOnGrid": 10}, "fdSoc"), ({"fdSoc": 101}, "fdSoc"), ({"fdSoc": None}, "fdSoc"),
        ({"minSocOnGrid": 51}, "minSocOnGrid"), ({"minSocOnGrid": 9}, "minSocOnGrid"),
        ({"minSocOnGrid": 101, "fdSoc": 100}, "minSocOnGrid"), ({"fdPwr": -1}, "fdPwr"), ({"fdPwr": "a"}, "fdPwr"),
        ({"fdPwr": 9000}, "fdPwr"), ({"startHour": 24}, "startHour"), ({"startMinute": 60}, "startMinute"),
        ({"endHour": -1}, "endHour"), ({"endMinute": 60}, "endMinute"), ({"endMinute": None}, "endMinute"),
        ({"endHour": 1, "endMinute": 0}, "endMinute"), ({"workMode": "Invalid"}, "workMode"),
        ({"workMode": "Sleep"}, "workMode"), ({"workMode": None}, "workMode"), ({"enable": None}, "enable"),
        ({"enable": "on"}, "enable"),
    ],
)  # fmt: skip
async def test_a_segment_that_the_device_does_not_take_is_named(
    hub: FakeHub, client: Client, inverter: Device, version: str, changes: dict[str, Any], field: str
) -> None:
    groups = [group("08:00", "09:00"), group(**changes)]
    answer = await client.call(f"{PATH}/enable{version}", named(inverter, groups=groups))
    assert answer["errno"] == 40257
    assert f"groups[1].{field} " in answer["msg"]
    assert hub.commands.given == []


async def test_the_edges_of_a_segment_are_taken(hub: FakeHub, client: Client, inverter: Device, version: str) -> None:
    edges = [
        group("00:00", "00:01", fdSoc=11, minSocOnGrid=11, fdPwr=0),
        group("00:02", "23:59", fdSoc=100, minSocOnGrid=100, fdPwr="6000"),
    ]
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=edges)) == 0
    assert len(segments(hub, inverter)) == 2


async def test_a_segment_that_is_off_may_hold_what_would_not_count(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    off = [group("00:00", "00:00", enable=0, fdSoc=0, minSocOnGrid=10), group("01:00", "02:00", enable="0"), group()]
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=off)) == 0
    assert [segment.window.enabled for segment in segments(hub, inverter)] == [False, False, True]
    body = named(inverter, groups=[group(enable=0, startHour=24)])
    assert await client.errno(f"{PATH}/enable{version}", body) == 40257


@pytest.mark.parametrize("since", ["04:58", "03:00", "23:00"])
async def test_enabled_segments_that_share_a_minute_overlap(
    hub: FakeHub, client: Client, inverter: Device, version: str, since: str
) -> None:
    until = "01:01" if since == "23:00" else "06:00"
    body = named(inverter, groups=[group(), group(since, until)])
    assert await client.errno(f"{PATH}/enable{version}", body) == 42023
    assert hub.commands.given == []


async def test_a_segment_may_end_in_the_minute_in_which_another_begins_and_is_read_as_sent(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    sent = [group("05:00", "06:00"), group("01:00", "05:00", "Backup"), group("06:00", "01:00", "SelfUse")]
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=sent)) == 0
    told = (await client.result(f"{PATH}/get{version}", named(inverter)))["groups"]
    assert [{name: each[name] for name in sent[0]} for each in told[:3]] == sent


@pytest.mark.parametrize("groups", [None, "x", {}, 5, [5], [None], [[]], [group(enable=0)] * 9])
async def test_groups_are_a_list_of_at_most_eight_objects(
    client: Client, inverter: Device, version: str, groups: object
) -> None:
    answer = await client.call(f"{PATH}/enable{version}", named(inverter, groups=groups))
    assert answer["errno"] == 40257
    assert ": groups" in answer["msg"]


async def test_no_segments_empty_the_schedule(hub: FakeHub, client: Client, inverter: Device, version: str) -> None:
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=[group()])) == 0
    assert await client.errno(f"{PATH}/enable{version}", named(inverter, groups=[])) == 0
    assert segments(hub, inverter) == ()


async def test_a_device_that_refuses_a_schedule_is_told(hub: FakeHub, client: Client, inverter: Device) -> None:
    hub.commands.ends = CommandState.REFUSED
    assert await client.errno(f"{PATH}/enable.v1", named(inverter, groups=[group()])) == 44098


@pytest.mark.parametrize("name", [*SWITCHES, f"{PATH}/enable", f"{PATH}/enable.v1"])
async def test_to_change_a_schedule_needs_the_scope_control(
    hub: FakeHub, client: Client, inverter: Device, name: str
) -> None:
    hub.change_credential("home", scopes=("read",))
    assert await client.errno(name, named(inverter, enable=1, groups=[])) == 41811
    assert hub.commands.given == []
