"""What an inverter keeps to, read and set: charge limits, forced charging, single settings, clock, peak shaving."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.errors import OutcomeUnknownError, UnreachableError
from heliograph.model import settings as s
from heliograph.model.commands import CommandState
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.settings import Window
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_devices import HYBRID
from tests.dialects.foxess.fake_hub import FakeHub

SOC, TIMES, SETTING = "device/battery/soc", "device/battery/forceChargeTime", "device/setting"
CLOCK, PEAK = "device/time", "device/peakShaving"
NOON = {"hour": 12, "minute": 0}
GETS = (SOC, TIMES, CLOCK, PEAK)
PERIODS: dict[str, Any] = {
    "enable1": True, "startTime1": {"hour": 1, "minute": 30}, "endTime1": {"hour": 4, "minute": 0},
    "enable2": "false", "startTime2": {"hour": "0", "minute": 0}, "endTime2": {"hour": 0, "minute": 0},
}  # fmt: skip
MOMENT: dict[str, Any] = {"year": "26", "month": "2", "day": "28", "hour": "23", "minute": "5", "second": "59"}
BODIES: dict[str, dict[str, Any]] = {
    f"{SOC}/set": {"minSoc": 10, "minSocOnGrid": 20},
    f"{TIMES}/set": PERIODS,
    f"{SETTING}/set": {"key": "MaxSoc", "value": "90"},
    f"{CLOCK}/set": MOMENT,
    f"{PEAK}/set": {"importLimit": 4000, "soc": 60},
}


@pytest.fixture
def inverter(hub: FakeHub) -> Device:
    """A hybrid inverter that takes what it is told."""
    return hub.add_device(hub.add_plant())


def sn(device: Device, **more: object) -> dict[str, Any]:
    """A body that names a device."""
    return {"sn": device.serial, **more}


async def test_charge_limits_are_whole_numbers_and_come_back_as_they_were_set(
    hub: FakeHub, client: Client, inverter: Device
) -> None:
    assert await client.result(f"{SOC}/get", sn(inverter)) == {"minSoc": 10, "minSocOnGrid": 15}
    assert await client.result(f"{SOC}/set", sn(inverter, minSoc="12", minSocOnGrid=20)) == {}
    assert await client.result(f"{SOC}/get", {"deviceSN": inverter.serial}) == {"minSoc": 12, "minSocOnGrid": 20}
    (given,) = hub.commands.given
    assert given.arguments == {s.MIN_SOC: 12.0, s.MIN_SOC_ON_GRID: 20.0}
    assert (given.name, given.expires_at_ms, hub.commands.waits) == (s.WRITE, 10_000, [10.0])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"minSocOnGrid": 20}, "minSoc"), ({"minSoc": 20}, "minSocOnGrid"), ({"minSoc": 9}, "minSoc"),
        ({"minSoc": 20, "minSocOnGrid": 101}, "minSocOnGrid"), ({"minSoc": 10.5, "minSocOnGrid": 20}, "minSoc"),
        ({"minSoc": True, "minSocOnGrid": 20}, "minSoc"), ({"minSoc": "a", "minSocOnGrid": 20}, "minSoc"),
    ],
)  # fmt: skip
async def test_a_charge_limit_out_of_range_is_named(
    hub: FakeHub, client: Client, inverter: Device, body: dict[str, Any], field: str
) -> None:
    answer = await client.call(f"{SOC}/set", sn(inverter, **body))
    assert answer["errno"] == 40257
    assert f": {field} " in answer["msg"]
    assert hub.commands.given == []


async def test_the_range_is_that_of_the_device_at_hand(hub: FakeHub, client: Client, inverter: Device) -> None:
    hub.commands.equip(inverter.id, [each for each in HYBRID if each.key != s.MIN_SOC])
    assert await client.errno(f"{SOC}/get", sn(inverter)) == 42015
    low = s.Setting(key=s.MIN_SOC, value=5.0, unit="%", minimum=5.0, maximum=50.0)
    hub.commands.equip(inverter.id, [*HYBRID[1:], low])
    assert await client.errno(f"{SOC}/set", sn(inverter, minSoc=5, minSocOnGrid=20)) == 0
    assert await client.errno(f"{SOC}/set", sn(inverter, minSoc=51, minSocOnGrid=60)) == 40257


async def test_charging_periods_come_back_as_they_were_set(hub: FakeHub, client: Client, inverter: Device) -> None:
    nothing = {"hour": 0, "minute": 0}
    assert await client.result(f"{TIMES}/get", sn(inverter)) == {
        "enable1": False, "startTime1": nothing, "endTime1": nothing,
        "enable2": False, "startTime2": nothing, "endTime2": nothing,
    }  # fmt: skip
    assert await client.result(f"{TIMES}/set", sn(inverter, **PERIODS)) == {}
    assert s.parse_windows(str(hub.commands.value(inverter.id, s.CHARGE_WINDOWS))) == (
        Window(enabled=True, since_min=90, until_min=240), Window(),
    )  # fmt: skip
    told = await client.result(f"{TIMES}/get", sn(inverter))
    assert (told["enable1"], told["startTime1"], told["endTime1"]) == (True, PERIODS["startTime1"], PERIODS["endTime1"])
    # What was read can be written.
    assert await client.errno(f"{TIMES}/set", sn(inverter, **told)) == 0


async def test_a_device_with_fewer_periods_shows_two(hub: FakeHub, client: Client, inverter: Device) -> None:
    hub.commands.put(inverter.id, s.CHARGE_WINDOWS, "[]")
    assert (await client.result(f"{TIMES}/get", sn(inverter)))["enable2"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"startTime2": None}, "startTime2"), ({"enable2": None}, "enable2"), ({"enable1": 2}, "enable1"),
        ({"endTime1": {"hour": 24, "minute": 0}}, "endTime1.hour"), ({"endTime1": 5}, "endTime1"),
        ({"endTime1": {"hour": 2, "minute": 60}}, "endTime1.minute"), ({"endTime1": {"hour": 2}}, "endTime1.minute"),
        ({"startTime1": {"hour": -1, "minute": 0}}, "startTime1.hour"),
        ({"enable2": 1, "startTime2": {"hour": 3, "minute": 59}, "endTime2": NOON}, "startTime2"),
        ({"enable2": 1, "startTime2": {"hour": 23, "minute": 0}, "endTime2": {"hour": 1, "minute": 31}}, "startTime2"),
    ],
)  # fmt: skip
async def test_charging_periods_need_times_that_exist_and_do_not_overlap(
    hub: FakeHub, client: Client, inverter: Device, changes: dict[str, Any], field: str
) -> None:
    answer = await client.call(f"{TIMES}/set", sn(inverter, **{**PERIODS, **changes}))
    assert answer["errno"] == 40257
    assert f": {field} " in answer["msg"]
    assert hub.commands.given == []


@pytest.mark.parametrize("start", [{"hour": 4, "minute": 0}, {"hour": 2, "minute": 0}])
async def test_one_period_may_begin_when_the_other_ends_and_one_that_is_off_anywhere(
    client: Client, inverter: Device, start: dict[str, int]
) -> None:
    on = start["hour"] == 4
    body = {**PERIODS, "enable2": on, "startTime2": start, "endTime2": {"hour": 1, "minute": 30}}
    assert await client.errno(f"{TIMES}/set", sn(inverter, **body)) == 0


@pytest.mark.parametrize("name", [f"{SOC}/set", f"{TIMES}/set"])
async def test_charge_limits_and_periods_cannot_be_set_while_a_schedule_counts(
    hub: FakeHub, client: Client, inverter: Device, name: str
) -> None:
    hub.commands.put(inverter.id, s.SCHEDULE_ON, value=True)
    assert await client.errno(name, sn(inverter, **BODIES[name])) == 44096
    assert hub.commands.given == []
    for other in BODIES.keys() - {f"{SOC}/set", f"{TIMES}/set"}:
        assert await client.errno(other, sn(inverter, **BODIES[other])) == 0


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("ExportLimit", ("30000", "W", 0, 30000)), ("MinSoc", ("10", "%", 10, 100)), ("maxsoc", ("95", "%", 10, 100)),
        ("MinSocOnGrid", ("15", "%", 10, 100)),
    ],
)  # fmt: skip
async def test_a_number_has_unit_precision_and_range(
    client: Client, inverter: Device, key: str, told: tuple[str, str, int, int]
) -> None:
    value, unit, low, high = told
    assert await client.result(f"{SETTING}/get", sn(inverter, key=key)) == {
        "value": value, "unit": unit, "precision": 1, "range": {"min": low, "max": high},
    }  # fmt: skip


async def test_a_word_has_the_words_that_it_may_be(hub: FakeHub, client: Client, inverter: Device) -> None:
    bare = {"unit": "", "precision": 1, "range": {"min": 0, "max": 0}}
    assert await client.result(f"{SETTING}/get", sn(inverter, key="WorkMode")) == {
        "value": "SelfUse", **bare, "enumList": ["SelfUse", "Feedin", "Backup", "PeakShaving"],
    }  # fmt: skip
    assert await client.result(f"{SETTING}/get", sn(inverter, key="GridCode")) == {
        "value": "G98", **bare, "enumList": ["G98", "G99"],
    }  # fmt: skip
    hub.commands.equip(inverter.id, [s.Setting(key=s.GRID_CODE, value="G98")])
    assert await client.result(f"{SETTING}/get", sn(inverter, key="GridCode")) == {"value": "G98", **bare}
    assert await client.errno(f"{SETTING}/set", sn(inverter, key="GridCode", value="AS4777")) == 0
    assert hub.commands.value(inverter.id, s.GRID_CODE) == "AS4777"


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("ExportLimit", "13000", 13000.0), ("ExportLimit", 0, 0.0), ("MinSoc", 20, 20.0), ("MinSocOnGrid", "30", 30.0),
        ("MaxSoc", 80.0, 80.0), ("GridCode", "g99", "G99"), ("WorkMode", "Feedin", "feed_in"),
        ("WorkMode", "PeakShaving", "peak_shaving"), ("workmode", "backup", "backup"),
    ],
)  # fmt: skip
async def test_a_setting_is_set_from_text_or_number(
    hub: FakeHub, client: Client, inverter: Device, key: str, value: object, kept: object
) -> None:
    assert await client.result(f"{SETTING}/set", sn(inverter, key=key, value=value)) == {}
    (given,) = hub.commands.given
    assert list(given.arguments.values()) == [kept]


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("ExportLimit", "30001", "value"), ("ExportLimit", -1, "value"), ("ExportLimit", 0.5, "value"),
        ("ExportLimit", "much", "value"), ("ExportLimit", None, "value"), ("ExportLimit", "nan", "value"),
        ("WorkMode", "ForceDischarge", "value"), ("WorkMode", "self_use", "value"), ("WorkMode", "", "value"),
        ("GridCode", "G59", "value"), ("Colour", "1", "key"), (None, "1", "key"), ([], "1", "key"),
    ],
)  # fmt: skip
async def test_a_setting_that_the_device_does_not_take_is_named(
    hub: FakeHub, client: Client, inverter: Device, key: object, value: object, field: str
) -> None:
    answer = await client.call(f"{SETTING}/set", sn(inverter, key=key, value=value))
    assert answer["errno"] == 40257
    assert f": {field} " in answer["msg"]
    assert "self_use, " not in answer["msg"]
    assert hub.commands.given == []


async def test_a_key_that_is_none_is_told_when_reading_too(client: Client, inverter: Device) -> None:
    assert await client.errno(f"{SETTING}/get", sn(inverter, key="Colour")) == 40257


async def test_the_clock_is_read_as_text_and_set(hub: FakeHub, client: Client, inverter: Device) -> None:
    assert await client.result(f"{CLOCK}/get", sn(inverter)) == {
        "year": "2025", "month": "07", "day": "01", "hour": "13", "minute": "00", "second": "05",
    }  # fmt: skip
    assert await client.result(f"{CLOCK}/set", sn(inverter, **MOMENT)) == {}
    assert hub.commands.value(inverter.id, s.CLOCK) == "2026-02-28 23:05:59"
    told = await client.result(f"{CLOCK}/get", sn(inverter))
    assert await client.errno(f"{CLOCK}/set", sn(inverter, **told)) == 0
    assert hub.commands.value(inverter.id, s.CLOCK) == "2026-02-28 23:05:59"
    assert await client.errno(f"{CLOCK}/set", sn(inverter, **{**MOMENT, "year": 0, "day": 9})) == 0
    assert hub.commands.value(inverter.id, s.CLOCK) == "2000-02-09 23:05:59"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("year", 100), ("year", 1999), ("year", 2100), ("year", -1), ("month", 0), ("month", 13), ("day", 0),
        ("day", 32), ("day", 29), ("hour", 24), ("minute", 60), ("second", 60), ("second", None), ("hour", 1.5),
    ],
)  # fmt: skip
async def test_a_time_that_does_not_exist_is_named(
    hub: FakeHub, client: Client, inverter: Device, field: str, value: object
) -> None:
    answer = await client.call(f"{CLOCK}/set", sn(inverter, **{**MOMENT, field: value}))
    assert answer["errno"] == 40257
    assert f": {field} " in answer["msg"]
    assert hub.commands.given == []


async def test_peak_shaving_is_in_watts_and_percent(hub: FakeHub, client: Client, inverter: Device) -> None:
    assert await client.result(f"{PEAK}/get", sn(inverter)) == {
        "importLimit": {"value": "8000", "unit": "W", "precision": 1, "range": {"min": 0, "max": 30000}},
        "soc": {"value": "50", "unit": "%", "precision": 1, "range": {"min": 10, "max": 100}},
    }  # fmt: skip
    assert await client.result(f"{PEAK}/set", sn(inverter, importLimit="2500", soc=60)) == {}
    assert hub.commands.value(inverter.id, s.IMPORT_LIMIT) == 2500.0
    assert hub.commands.value(inverter.id, s.PEAK_SOC) == 60.0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"importLimit": 30001, "soc": 60}, "importLimit"), ({"importLimit": 1, "soc": 9}, "soc"),
        ({"importLimit": 1}, "soc"), ({"soc": 50}, "importLimit"), ({"importLimit": 1, "soc": 10.5}, "soc"),
    ],
)  # fmt: skip
async def test_peak_shaving_out_of_range_is_named(
    client: Client, inverter: Device, body: dict[str, Any], field: str
) -> None:
    answer = await client.call(f"{PEAK}/set", sn(inverter, **body))
    assert answer["errno"] == 40257
    assert f": {field} " in answer["msg"]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (CommandState.CONFIRMED, 0), (CommandState.REFUSED, 44098), (CommandState.FAILED, 44098),
        (CommandState.EXPIRED, 41935), (CommandState.SENT, 41203), (CommandState.UNKNOWN, 41203),
        (CommandState.ACCEPTED, 41935),
    ],
)  # fmt: skip
async def test_a_write_says_how_it_ended(
    hub: FakeHub, client: Client, inverter: Device, name: str, ends: CommandState, code: int
) -> None:
    hub.commands.ends = ends
    assert await client.errno(name, sn(inverter, **BODIES[name])) == code
    (given,) = hub.commands.given
    # What was never sent does not happen after the caller was told so.
    assert given.state is (CommandState.CANCELLED if ends is CommandState.ACCEPTED else ends)


@pytest.mark.parametrize(
    ("left", "code"),
    [(CommandState.CONFIRMED, 0), (CommandState.SENT, 41203), (CommandState.EXPIRED, 41935)],
)
async def test_what_is_sent_at_the_last_moment_is_waited_for_again(
    hub: FakeHub, client: Client, inverter: Device, left: CommandState, code: int
) -> None:
    hub.commands.ends, hub.commands.left = CommandState.ACCEPTED, left
    assert await client.errno(f"{SOC}/set", sn(inverter, **BODIES[f"{SOC}/set"])) == code
    assert len(hub.commands.given) == 1


async def test_how_long_a_write_waits_is_a_setting(hub: FakeHub, inverter: Device) -> None:
    hub.settings["foxess"] = {"answer_s": 0.5}
    assert await Client(hub).errno(f"{SETTING}/set", sn(inverter, key="MaxSoc", value=90)) == 0
    assert hub.commands.waits == [0.5]
    assert hub.commands.given[0].expires_at_ms == 1000


@pytest.mark.parametrize("name", [*(f"{each}/get" for each in GETS), *BODIES])
async def test_a_device_that_is_silent_unable_or_not_there_is_told(
    hub: FakeHub, client: Client, inverter: Device, name: str
) -> None:
    body = BODIES.get(name, {})
    plain = hub.add_device(hub.all_plants[inverter.plant_id], DeviceKind.INVERTER)
    battery = hub.add_device(hub.all_plants[inverter.plant_id], DeviceKind.BATTERY)
    others = hub.add_device(hub.add_plant(account=2))
    assert await client.errno(name, sn(plain, **body)) == 42015
    for unknown in (battery.serial, others.serial, "nothing"):
        assert await client.errno(name, {"sn": unknown, **body}) == 41930
    assert await client.errno(name, body) == 40257
    hub.commands.gone = UnreachableError("it is silent")
    assert await client.errno(name, sn(inverter, **body)) == 41935
    hub.commands.gone = OutcomeUnknownError("it does not answer")
    assert await client.errno(name, sn(inverter, **body)) == 41203


@pytest.mark.parametrize("name", BODIES)
async def test_to_write_needs_the_scope_control(hub: FakeHub, client: Client, inverter: Device, name: str) -> None:
    hub.change_credential("home", scopes=("read", "write", "admin"))
    assert await client.errno(name, sn(inverter, **BODIES[name])) == 41811
    assert hub.commands.given == []
    for each in GETS:
        assert await client.errno(f"{each}/get", sn(inverter)) == 0
