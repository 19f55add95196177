"""Alarms: what is told of them, every filter, every language, and the bounds of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from heliograph.clock import DAY_MS
from heliograph.dialects.huawei.alarms import LANGUAGES, number_of
from heliograph.model import alarm_texts
from heliograph.model.alarms import Alarm, AlarmStatus, AlarmType, Severity
from heliograph.model.devices import Device, DeviceKind
from tests.dialects.huawei.client import Client, code, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS, FakeHub

if TYPE_CHECKING:
    from heliograph.model.plants import Plant

BEGIN_MS = NOW_MS - 10 * DAY_MS
Json = dict[str, Any]  # any: JSON


def alarm(device: Device, name: str, at_ms: int = NOW_MS - DAY_MS, **more: Any) -> Alarm:
    """An alarm with a code of the device's own."""
    return Alarm(device_id=device.id, code=f"own-{name}", raised_at_ms=at_ms, name=name, **more)


async def ask(client: Client, **asked: Any) -> Json:
    """A question about the ten latest days, in English, with what the test asks."""
    return await client.call("getAlarmList", {"beginTime": BEGIN_MS, "endTime": NOW_MS, "language": "en_UK", **asked})


async def names(client: Client, **asked: Any) -> list[str]:
    answer = await ask(client, **asked)
    assert answer["failCode"] == 0, answer
    return [row["alarmName"] for row in answer["data"]]


async def refusal(client: Client, **asked: Any) -> int:
    answer = await ask(client, **asked)
    assert answer["success"] is False
    fail_code: int = answer["failCode"]
    return fail_code


@pytest.fixture
def plant(hub: FakeHub) -> Plant:
    """A plant with a name."""
    return hub.add_plant(name="Test plant")


async def test_an_alarm_has_the_printed_members(hub: FakeHub, client: Client, plant: Plant) -> None:
    device = hub.add_device(plant, DeviceKind.HYBRID_INVERTER, name="ttt01", serial="ttt01")
    hub.all_alarms = [
        Alarm(
            device_id=device.id, code=alarm_texts.SILENT, raised_at_ms=BEGIN_MS + 5, severity=Severity.MAJOR,
            type=AlarmType.EXCEPTION, cause_id=3, watched=True,
        )
    ]  # fmt: skip
    told = alarm_texts.texts(hub.all_alarms[0], "en")
    asked = {"stationCodes": code(plant), "beginTime": BEGIN_MS, "endTime": str(NOW_MS), "language": "en_UK"}
    assert await client.call("getAlarmList", asked) == {
        "buildCode": "2",
        "success": True,
        "data": [
            {
                "stationCode": code(plant),
                "alarmName": told.name,
                "devName": "ttt01",
                "repairSuggestion": told.advice,
                "esnCode": "ttt01",
                "devTypeId": 38,
                "causeId": 3,
                "alarmCause": told.cause,
                "alarmType": 2,
                "raiseTime": BEGIN_MS + 5,
                "alarmId": 65534,
                "stationName": "Test plant",
                "lev": 2,
                "status": 1,
            }
        ],
        "failCode": 0,
        "params": {**asked, "currentTime": NOW_MS},
        "message": "",
    }


async def test_alarms_come_oldest_first_and_both_ends_belong_to_the_time(
    hub: FakeHub, client: Client, plant: Plant
) -> None:
    first, second = hub.add_device(plant), hub.add_device(plant)
    hub.all_alarms = [
        alarm(first, "last", NOW_MS),
        alarm(second, "first", BEGIN_MS),
        alarm(first, "middle", BEGIN_MS + 5),
        alarm(first, "too early", BEGIN_MS - 1),
        alarm(first, "too late", NOW_MS + 1),
    ]
    assert await names(client, stationCodes=code(plant)) == ["first", "middle", "last"]
    assert await names(client, stationCodes=code(plant), beginTime=NOW_MS) == ["last"]


async def test_other_plants_and_other_tenants_are_left_out(hub: FakeHub, client: Client, plant: Plant) -> None:
    other, foreign = hub.add_plant(), hub.add_plant(account=2)
    for number_, each in enumerate((plant, other, foreign)):
        hub.all_alarms.append(alarm(hub.add_device(each), f"of {number_}"))
    assert await names(client, stationCodes=code(plant, foreign)) == ["of 0"]
    assert await names(client, stationCodes=[code(other), code(plant), "unknown"]) == ["of 0", "of 1"]
    assert await names(client, stationCodes=code(hub.add_plant())) == []
    assert await refusal(client, stationCodes=code(foreign)) == 20007


async def test_devices_may_be_named_instead_of_plants_or_beside_them(
    hub: FakeHub, client: Client, plant: Plant
) -> None:
    other = hub.add_plant(name="other")
    near, far, foreign = hub.add_device(plant), hub.add_device(other), hub.add_device(hub.add_plant(account=2))
    hub.all_alarms = [alarm(near, "near"), alarm(far, "far"), alarm(foreign, "foreign")]
    assert await names(client, devIds=number(near)) == ["near"]
    assert await names(client, devIds=[number(far), number(near), number(foreign), 5]) == ["near", "far"]
    assert await names(client, devIds=numbers(near, far), stationCodes=code(other)) == ["far"]
    assert await names(client, devIds="", stationCodes=code(other)) == ["far"]
    assert await names(client, devIds=numbers(near), stationCodes=" , ") == ["near"]
    assert await refusal(client, devIds=numbers(foreign)) == 20008
    assert await refusal(client, devIds="5", stationCodes=code(plant)) == 20008
    answer = await ask(client, devIds=numbers(far))
    assert [(row["stationCode"], row["stationName"]) for row in answer["data"]] == [(code(other), "other")]


async def test_the_empty_lists(client: Client) -> None:
    assert await refusal(client) == await refusal(client, stationCodes="", devIds="") == 20010
    assert await refusal(client, stationCodes=",") == await refusal(client, stationCodes={"a": 1}) == 20010
    assert await refusal(client, devIds=",") == await refusal(client, devIds=[""]) == 20005
    assert await refusal(client, stationCodes="A", devIds={"a": 1}) == 20011


async def test_a_hundred_plants_or_a_thousand_devices_are_enough(client: Client) -> None:
    assert await refusal(client, stationCodes=[f"P{index}" for index in range(101)]) == 20014
    assert await refusal(client, stationCodes=[f"P{index}" for index in range(100)]) == 20007
    assert await refusal(client, devIds=list(range(1001))) == 20017
    assert await refusal(client, devIds=list(range(1000))) == 20008
    assert "1000" in (await ask(client, devIds=list(range(1001))))["message"]


@pytest.fixture
def filtered(hub: FakeHub, plant: Plant) -> str:
    """Four alarms of three devices, which differ in everything; the code of their plant."""
    roof = hub.add_device(plant, name="Roof Inverter 1")
    logger = hub.add_device(plant, DeviceKind.GATEWAY, name="Logger")
    box = hub.add_device(plant, DeviceKind.OTHER, name="ROOF box", attributes={"huawei.devTypeId": "70"})
    hub.all_alarms = [
        alarm(roof, "a", NOW_MS - 4, severity=Severity.CRITICAL, type=AlarmType.PROTECTION),
        alarm(roof, "b", NOW_MS - 3, severity=Severity.MINOR, status=AlarmStatus.CLEARED, cleared_at_ms=NOW_MS),
        alarm(logger, "c", NOW_MS - 2, severity=Severity.MAJOR, status=AlarmStatus.ACKNOWLEDGED),
        alarm(
            box, "d", NOW_MS - 1, type=AlarmType.INFORMATION, status=AlarmStatus.CLEARED_BY_USER, cleared_at_ms=NOW_MS
        ),
    ]
    return code(plant)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "abcd"),
        ({"status": "1"}, "a"),
        ({"status": "1, 2"}, "ac"),
        ({"status": "5,6"}, "bd"),
        ({"status": 2}, "c"),
        ({"status": 2.0}, "c"),
        ({"status": [6, "1"]}, "ab"),
        ({"status": ""}, "abcd"),
        ({"status": " , "}, "abcd"),
        ({"status": []}, "abcd"),
        ({"status": "9"}, ""),
        ({"status": "1,9,active"}, "a"),
        ({"status": "nan,inf," + "9" * 400}, ""),
        ({"status": {"1": 1}}, ""),
        ({"status": True}, ""),
        ({"levels": "1"}, "a"),
        ({"levels": "2 ,3"}, "bc"),
        ({"levels": "4"}, "d"),
        ({"types": "3"}, "a"),
        ({"types": [2, 5]}, "bcd"),
        ({"types": "1,4"}, ""),
        ({"devTypes": "1"}, "ab"),
        ({"devTypes": "2,70"}, "cd"),
        ({"devTypes": "16"}, ""),
        ({"devTypes": "38"}, ""),
        ({"devName": "roof"}, "ab" + "d"),
        ({"devName": "ER"}, "abc"),
        ({"devName": " logger "}, "c"),
        ({"devName": 1}, "ab"),
        ({"devName": ""}, "abcd"),
        ({"devName": "nothing"}, ""),
        ({"devName": ["roof"]}, ""),
        ({"devName": "roof", "status": "1,5,6", "levels": "1,4", "types": "3,5", "devTypes": "1,70"}, "ad"),
        ({"devName": "roof", "levels": "2"}, ""),
    ],
)
async def test_filters_let_through_what_they_name(
    client: Client, filtered: str, asked: dict[str, object], expected: str
) -> None:
    assert "".join(await names(client, stationCodes=filtered, **asked)) == expected


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_has_its_texts(hub: FakeHub, client: Client, plant: Plant, language: str) -> None:
    device = hub.add_device(plant)
    silent = Alarm(device_id=device.id, code=alarm_texts.SILENT, raised_at_ms=NOW_MS, watched=True)
    hub.all_alarms = [silent]
    [row] = (await ask(client, stationCodes=code(plant), language=f" {language}"))["data"]
    told = alarm_texts.texts(silent, LANGUAGES[language])
    assert (row["alarmName"], row["alarmCause"], row["repairSuggestion"]) == (told.name, told.cause, told.advice)


def test_the_languages_are_those_of_the_texts() -> None:
    assert set(LANGUAGES.values()) == set(alarm_texts.LANGUAGES)


@pytest.mark.parametrize(
    ("language", "expected"),
    [(None, 20024), ("", 20024), (" ", 20024), ("xx_XX", 20025), ("en", 20025), (5, 20025), (["en_UK"], 20025)],
)
async def test_a_language_is_needed_and_must_be_known(
    client: Client, plant: Plant, language: object, expected: int
) -> None:
    assert await refusal(client, stationCodes=code(plant), language=language) == expected


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (None, NOW_MS, 20012),
        (BEGIN_MS, None, 20012),
        ("", NOW_MS, 20012),
        ("yesterday", NOW_MS, 20012),
        (BEGIN_MS, [], 20012),
        (BEGIN_MS, True, 20012),
        (BEGIN_MS, 10**18, 20012),
        (NOW_MS + 1, NOW_MS, 20023),
        (NOW_MS - 365 * DAY_MS - 1, NOW_MS - 364 * DAY_MS, 20026),
        (5, NOW_MS, 20026),
        (5, 4, 20023),
        (NOW_MS - 31 * DAY_MS - 1, NOW_MS, 20027),
        (NOW_MS - 31 * DAY_MS, NOW_MS, 0),
        (NOW_MS - 365 * DAY_MS, NOW_MS - 334 * DAY_MS, 0),
        (NOW_MS, NOW_MS, 0),
        (NOW_MS, NOW_MS + 31 * DAY_MS, 0),
        (NOW_MS + 365 * DAY_MS, NOW_MS + 366 * DAY_MS, 0),
        (str(BEGIN_MS), float(NOW_MS), 0),
    ],
)
async def test_the_time_has_bounds(client: Client, plant: Plant, begin: object, end: object, expected: int) -> None:
    answer = await ask(client, stationCodes=code(plant), beginTime=begin, endTime=end)
    assert answer["failCode"] == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [("65534", 65534), ("0", 0), ("007", 7), ("2032-1", "2032-1"), ("E1", "E1"), ("", ""), ("٣", "٣"),
     ("9" * 18, int("9" * 18)), ("9" * 19, "9" * 19)],
)  # fmt: skip
def test_an_alarm_id_is_a_number_where_its_code_is_one(told: str, expected: int | str) -> None:
    assert number_of(told) == expected
