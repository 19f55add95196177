"""The schedule in v2 and v3, which the document does not have and many clients ask for."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.model import settings as s
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.settings import Segment, Window, WorkMode
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

GET, ENABLE = "device/scheduler/get", "device/scheduler/enable"
VERSIONS = (".v2", ".v3")
EXTRA = {"minSocOnGrid": 12, "fdSoc": 50, "fdPwr": 3000, "maxSoc": 90}


@pytest.fixture
def inverter(hub: FakeHub) -> Device:
    """A hybrid inverter of 8 kW without segments, that keeps 10 % and fills to 95 %."""
    return hub.add_device(hub.add_plant())


@pytest.fixture(params=VERSIONS, ids=["v2", "v3"])
def version(request: pytest.FixtureRequest) -> str:
    """What ends the name of a call."""
    ending: str = request.param
    return ending


def named(device: Device, **more: object) -> dict[str, Any]:
    """A body that names a device."""
    return {"deviceSN": device.serial, **more}


def group(since: str, until: str, mode: str = "ForceCharge", **more: object) -> dict[str, Any]:
    """A segment as a client sends it."""
    (start_hour, start_minute), (end_hour, end_minute) = (map(int, at.split(":")) for at in (since, until))
    return {
        "startHour": start_hour, "startMinute": start_minute, "endHour": end_hour, "endMinute": end_minute,
        "workMode": mode, "extraParam": EXTRA, **more,
    }  # fmt: skip


def segments(hub: FakeHub, device: Device) -> tuple[Segment, ...]:
    """The segments that a device holds."""
    return s.parse_segments(str(hub.commands.value(device.id, s.SCHEDULE)))


def spans(hub: FakeHub, device: Device) -> list[tuple[int, int]]:
    """First and last minute of each segment that a device holds."""
    return [(each.window.since_min, each.window.until_min) for each in segments(hub, device)]


async def test_segments_come_back_as_they_were_set_and_turn_the_schedule_on(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    sent = [group("01:00", "04:59"), group("22:00", "23:59", "Backup", extraParam={**EXTRA, "fdSoc": 20.0})]
    assert await client.result(f"{ENABLE}{version}", named(inverter, isDefault=False, groups=sent)) == {}
    assert segments(hub, inverter)[0] == Segment(
        window=Window(enabled=True, since_min=60, until_min=299), mode=WorkMode.FORCE_CHARGE, min_soc_on_grid=12.0,
        discharge_soc=50.0, power_w=3000.0, max_soc=90.0,
    )  # fmt: skip
    told = await client.result(f"{GET}{version}", named(inverter))
    assert (told["enable"], told["maxGroupCount"]) == (1, 8)
    switch = {"enable": 1} if version == ".v2" else {}
    assert told["groups"][:2] == [{**each, **switch} for each in sent]
    # What was read can be written.
    assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=told["groups"])) == 0
    assert len(segments(hub, inverter)) == 2
    # The versions of the document tell the same segments.
    (first, *_) = (await client.result(f"{GET}.v1", named(inverter)))["groups"]
    assert first == {"enable": 1, **EXTRA, **{name: value for name, value in sent[0].items() if name != "extraParam"}}


async def test_v2_tells_all_slots_and_v3_only_segments_that_are_on(
    hub: FakeHub, client: Client, inverter: Device
) -> None:
    sent = [group("01:00", "02:00", enable=0), group("03:00", "04:00")]
    assert await client.errno(f"{ENABLE}.v2", named(inverter, groups=sent)) == 0
    slots = (await client.result(f"{GET}.v2", named(inverter)))["groups"]
    assert [slot["enable"] for slot in slots] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert slots[2] == {
        "enable": 0, "startHour": 0, "startMinute": 0, "endHour": 0, "endMinute": 0, "workMode": "SelfUse",
        "extraParam": {"minSocOnGrid": 10, "fdSoc": 10, "fdPwr": 0, "maxSoc": 95},
    }  # fmt: skip
    assert (await client.result(f"{GET}.v3", named(inverter)))["groups"] == [sent[1]]


async def test_properties_have_small_letters_and_no_mode_for_an_unused_slot(
    client: Client, inverter: Device, version: str
) -> None:
    told = (await client.result(f"{GET}{version}", named(inverter)))["properties"]
    assert set(told) == {
        "starthour", "startminute", "endhour", "endminute", "workmode", "minsocongrid", "fdsoc", "fdpwr", "maxsoc",
    }  # fmt: skip
    assert told["workmode"] == {
        "unit": "", "precision": 1,
        "enumList": ["SelfUse", "Feedin", "Backup", "ForceCharge", "ForceDischarge", "PeakShaving"],
    }  # fmt: skip
    assert told["fdpwr"] == {"unit": "W", "precision": 1, "range": {"min": 0, "max": 8000}}


@pytest.mark.parametrize(
    ("extra", "kept", "discharge", "power"),
    [
        (None, 20.0, 20.0, 0.0), ({}, 20.0, 20.0, 0.0), ({"fdPwr": 0}, 20.0, 20.0, 0.0),
        ({"fdSoc": 15}, 15.0, 15.0, 0.0), ({"minSocOnGrid": 10}, 10.0, 11.0, 0.0),
        ({"fdSoc": None, "fdPwr": 2500.0, "reactivePower": 0}, 20.0, 20.0, 2500.0),
    ],
)  # fmt: skip
async def test_what_a_segment_does_not_say_is_as_the_device_does_by_itself(
    hub: FakeHub, client: Client, inverter: Device, version: str, extra: object, kept: float, discharge: float,
    power: float,
) -> None:  # fmt: skip
    hub.commands.put(inverter.id, s.MIN_SOC_ON_GRID, value=20.0)
    body = named(inverter, groups=[group("01:00", "02:00", extraParam=extra)])
    assert await client.errno(f"{ENABLE}{version}", body) == 0
    (held,) = segments(hub, inverter)
    assert (held.min_soc_on_grid, held.discharge_soc, held.power_w, held.max_soc) == (kept, discharge, power, None)


async def test_what_goes_with_the_mode_may_stand_beside_it(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    sent = {**group("01:00", "02:00"), **EXTRA, "enable": 1}
    del sent["extraParam"]
    assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=[sent])) == 0
    assert segments(hub, inverter)[0].discharge_soc == 50.0


async def test_a_segment_may_end_where_the_next_begins(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    sent = [group("00:00", "05:30"), group("05:30", "16:00", "SelfUse"), group("16:00", "23:59", "Backup")]
    assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=sent)) == 0
    assert spans(hub, inverter) == [(0, 330), (330, 960), (960, 1439)]
    sent = [group("22:00", "00:00"), group("00:00", "04:00")]
    assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=sent)) == 0
    assert spans(hub, inverter) == [(1320, 0), (0, 240)]
    for until in ("05:31", "00:30"):
        sent = [group("00:00", until), group("00:01", "16:00")]
        assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=sent)) == 42023
    sent = [group("00:00", "00:01"), group("00:01", "16:00")]
    assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=sent)) == 0


@pytest.mark.parametrize(("word", "on"), [(1, True), (True, True), (None, True), (0, False)])
async def test_the_main_switch_goes_along(
    hub: FakeHub, client: Client, inverter: Device, version: str, word: object, on: bool
) -> None:
    body = named(inverter, enable=word, groups=[group("01:00", "02:00")])
    assert await client.errno(f"{ENABLE}{version}", body) == 0
    assert hub.commands.given[0].arguments[s.SCHEDULE_ON] is on


@pytest.mark.parametrize(
    ("mode", "extra"),
    [
        ("ForceDischarge", {"fdPwr": 2500, "fdSoc": 10, "minSocOnGrid": 10}),
        ("Backup", {"fdPwr": 0.0, "fdSoc": 10.0, "minSocOnGrid": 30.0, "maxSoc": 100.0}),
        ("ForceCharge", {"fdPwr": 3000, "fdSoc": 20, "minSocOnGrid": 40}),
    ],
)
async def test_what_real_inverters_hold_and_v1_refuses_is_taken(
    hub: FakeHub, client: Client, inverter: Device, version: str, mode: str, extra: dict[str, float]
) -> None:
    body = named(inverter, groups=[group("01:00", "02:00", mode, extraParam=extra)])
    assert await client.errno(f"{ENABLE}{version}", body) == 0
    (held,) = s.parse_segments(str(hub.commands.given[0].arguments[s.SCHEDULE]))
    assert (held.discharge_soc, held.min_soc_on_grid) == (extra["fdSoc"], extra["minSocOnGrid"])
    told = await client.result(f"{GET}{version}", named(inverter))
    assert told["properties"]["fdsoc"]["range"] == {"min": 10, "max": 100}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"extraParam": 5}, "extraParam"), ({"extraParam": {**EXTRA, "fdSoc": 9}}, "fdSoc"),
        ({"extraParam": {"minSocOnGrid": "x"}}, "minSocOnGrid"), ({"extraParam": {"fdSoc": []}}, "fdSoc"),
        ({"extraParam": {**EXTRA, "fdPwr": 9000}}, "fdPwr"), ({"workMode": "Sleep"}, "workMode"),
        ({"endHour": None}, "endHour"),
        ({"workMode": "ForceDischarge", "extraParam": {**EXTRA, "minSocOnGrid": 60}}, "minSocOnGrid"),
    ],
)  # fmt: skip
async def test_a_segment_that_the_device_does_not_take_is_named(
    hub: FakeHub, client: Client, inverter: Device, version: str, changes: dict[str, Any], field: str
) -> None:
    body = named(inverter, groups=[group("01:00", "02:00", **changes)])
    answer = await client.call(f"{ENABLE}{version}", body)
    assert answer["errno"] == 40257
    assert f"groups[0].{field} " in answer["msg"]
    assert hub.commands.given == []


async def test_an_inverter_without_a_schedule_cannot_do_this(
    hub: FakeHub, client: Client, inverter: Device, version: str
) -> None:
    plain = hub.add_device(hub.all_plants[inverter.plant_id], DeviceKind.INVERTER)
    assert await client.errno(f"{GET}{version}", named(plain)) == 42015
    assert await client.errno(f"{ENABLE}{version}", named(plain, groups=[])) == 42015
    hub.change_credential("home", scopes=("read",))
    assert await client.errno(f"{ENABLE}{version}", named(inverter, groups=[])) == 41811
