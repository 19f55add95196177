"""Choosing alarms, their languages, and what people do about them."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import zone
from heliograph.dialects.native import alarms as native
from heliograph.dialects.native.results import AlarmEntry
from heliograph.dialects.native.wire import LanguageWord, SeverityWord, StatusWord, StepWord, TypeWord
from heliograph.model import alarm_texts
from heliograph.model.alarm_texts import LANGUAGES, SILENT, AlarmKind, Texts
from heliograph.model.alarms import Alarm, AlarmStatus, AlarmType, Severity
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import NOW_MS, FakeHub, utc_ms

AT = "2026-06-21T10:00:00.000Z"
AT_MS = utc_ms(AT)


def keep(hub: FakeHub, code: str = "2032", device: int = 7, raised_at_ms: int = AT_MS, **known: Any) -> None:
    alarm = Alarm(device_id=device, code=code, raised_at_ms=raised_at_ms, **known)
    hub.kept_alarms[(device, code, raised_at_ms)] = alarm


async def codes(api: Api, query: str) -> list[str]:
    answer = await api.get("/alarms", query)
    assert answer.status == 200, answer.json
    return [alarm["code"] for alarm in answer.json["alarms"]]


def test_every_word_stands_for_one_value_and_every_value_has_one() -> None:
    for table, values, word in (
        (native.SEVERITIES, Severity, SeverityWord),
        (native.TYPES, AlarmType, TypeWord),
        (native.STATUSES, AlarmStatus, StatusWord),
    ):
        assert {str(name): value.name.lower() for name, value in table.items()} == {
            value.name.lower(): value.name.lower() for value in values
        }
        assert set(get_args(word)) == set(table)
    assert set(get_args(StepWord)) == set(native.STEPS)
    assert get_args(LanguageWord) == LANGUAGES


def test_an_alarm_travels_with_every_field() -> None:
    held = {field.removesuffix("_ms").removesuffix("_id") for field in Alarm.__struct_fields__} - {"cause", "device"}
    told = set(AlarmEntry.__struct_fields__) - {"id", "cause", "cause_id", "device"}
    assert told == held


async def test_when_the_reason_of_an_alarm_ended_is_told_beside_when_it_was_cleared(api: Api, hub: FakeHub) -> None:
    keep(hub, SILENT, watched=True, cleared_at_ms=AT_MS + 1, until_ms=NOW_MS, status=AlarmStatus.CLEARED_BY_USER)
    [alarm] = (await api.get("/alarms")).json["alarms"]
    assert (alarm["cleared_at"], alarm["until"]) == ("2026-06-21T10:00:00.001Z", "2026-06-21T12:00:00.000Z")


async def test_alarms_are_chosen_by_what_they_are(api: Api, hub: FakeHub) -> None:
    keep(hub, "a", severity=Severity.CRITICAL, type=AlarmType.PROTECTION)
    keep(hub, "b", severity=Severity.MINOR, status=AlarmStatus.TICKETED)
    keep(hub, "c", device=8, status=AlarmStatus.CLEARED, cleared_at_ms=NOW_MS)
    keep(hub, "d", device=9, type=AlarmType.NOTIFICATION, status=AlarmStatus.CLEARED_BY_USER, cleared_at_ms=NOW_MS)
    assert await codes(api, "severity=critical") == ["a"]
    assert await codes(api, "severity=critical,minor") == ["a", "b"]
    assert await codes(api, "type=protection,notification") == ["a", "d"]
    assert await codes(api, "status=ticketed") == ["b"]
    assert await codes(api, "status=active,cleared,cleared_by_user") == ["a", "c", "d"]
    assert await codes(api, "code=a,c,z") == ["a", "c"]
    assert await codes(api, "device=7") == ["a", "b"]
    assert await codes(api, "device=9,8") == ["c", "d"]
    assert await codes(api, "plant=1&device=8&severity=warning&type=exception") == ["c"]
    assert await codes(api, "active=true&status=cleared") == []


async def test_statuses_of_lasting_alarms_reach_back_for_all_time(api: Api, hub: FakeHub) -> None:
    keep(hub, "ancient", raised_at_ms=utc_ms("2020-01-01T00:00:00Z"), status=AlarmStatus.ACKNOWLEDGED)
    assert await codes(api, "status=acknowledged,handled") == ["ancient"]
    assert await codes(api, "status=acknowledged,cleared") == []
    assert await codes(api, "") == []
    assert await codes(api, "status=acknowledged&since=2026-01-01") == []


async def test_pages_of_chosen_alarms_join(api: Api, hub: FakeHub) -> None:
    for number in range(6):
        keep(hub, f"c{number}", severity=Severity.MAJOR if number % 2 else Severity.MINOR)
    first = (await api.get("/alarms", "severity=major&limit=2")).json
    rest = (await api.get("/alarms", f"severity=major&limit=2&after={first['next']}")).json
    assert [alarm["code"] for alarm in first["alarms"] + rest["alarms"]] == ["c1", "c3", "c5"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=open", "status"),
        ("status=", "status"),
        ("severity=major,dire", "severity"),
        ("type=1", "type"),
        ("language=en_US", "language"),
        ("language=xx", "language"),
    ],
)
async def test_a_word_that_is_none_is_refused_naming_the_parameter(api: Api, query: str, field: str) -> None:
    refused = await api.get("/alarms", query)
    assert (refused.status, refused.json["field"]) == (400, field)


async def test_a_refused_word_is_told_those_there_are(api: Api) -> None:
    detail = (await api.get("/alarms", "status=open")).json["detail"]
    assert all(word in detail for word in native.STATUSES)


@pytest.mark.parametrize("query", ["device=30", "device=31", "device=x", "device=7,30", "device=", "plant=1&device=9"])
async def test_a_device_that_is_not_there_is_not_found(api: Api, query: str) -> None:
    refused = await api.get("/alarms", query)
    assert (refused.status, refused.json["type"]) == (404, "urn:heliograph:problem:unknown-device")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("device=9", ["late"]),
        ("plant=2", ["late"]),
        ("device=7,9", []),
        ("", []),
    ],
)
async def test_wall_time_is_of_the_one_plant_concerned(api: Api, hub: FakeHub, query: str, found: list[str]) -> None:
    keep(hub, "late", device=9, raised_at_ms=utc_ms("2026-06-20T20:00:00-04:00"))
    assert await codes(api, f"since=2026-06-20T20:00:00&until=2026-06-20T20:00:01&{query}") == found


def texts_by_language() -> dict[str, AlarmKind]:
    told = {language: Texts(f"name {language}", f"cause {language}", f"advice {language}") for language in LANGUAGES}
    return {SILENT: AlarmKind(Severity.MAJOR, AlarmType.EXCEPTION, told)}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_the_hub_found_is_told_in_every_language(
    api: Api, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(alarm_texts, "kinds", texts_by_language)
    keep(hub, SILENT, watched=True)
    keep(hub, "own", name="Netz weg", cause="c", advice="a")
    asked = f"language={language}" if language != "en" else ""
    [silent, own] = (await api.get("/alarms", asked)).json["alarms"]
    assert [silent["name"], silent["cause"], silent["advice"]] == [
        f"name {language}", f"cause {language}", f"advice {language}"
    ]  # fmt: skip
    assert (silent["watched"], own["watched"], own["name"], own["cause"]) == (True, False, "Netz weg", "c")
    handled = await api.put(f"/devices/7/alarms/{silent['id']}?language={language}", {"status": "handled"})
    assert handled.json["name"] == f"name {language}"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("acknowledged", "acknowledged"),
        ("ticketed", "ticketed"),
        ("handled", "handled"),
        ("cleared", "cleared_by_user"),
    ],
)
async def test_what_was_done_about_an_alarm_stands_in_its_status(
    api: Api, hub: FakeHub, sent: str, status: str
) -> None:
    keep(hub, cause_id=4)
    moved = await api.put(f"/devices/7/alarms/2032@{AT}", {"status": sent, "note": "on my way"})
    assert (moved.status, moved.json["status"], moved.json["cause_id"]) == (200, status, 4)
    assert (moved.json["cleared_at"] is not None) == (sent == "cleared")
    assert (await api.get("/alarms")).json["alarms"] == [moved.json]
    assert hub.notes == ["on my way"]


async def test_a_step_that_does_not_follow_is_a_conflict(api: Api, hub: FakeHub) -> None:
    keep(hub)
    path = f"/devices/7/alarms/2032@{AT}"
    assert (await api.put(path, {"status": "handled"})).status == 200
    for status in ("handled", "acknowledged"):
        refused = await api.put(path, {"status": status})
        assert (refused.status, refused.json["type"]) == (409, "urn:heliograph:problem:conflict")
    assert (await api.put(path, {"status": "cleared"})).status == 200
    assert (await api.put(path, {"status": "cleared"})).status == 409


@pytest.mark.parametrize("raised", [AT, "2026-06-21T10:00Z", "2026-06-21T12:00:00", "2026-06-21T12:00+02:00", AT_MS])
async def test_the_start_of_an_alarm_may_be_written_in_any_form(api: Api, hub: FakeHub, raised: str | int) -> None:
    keep(hub)
    assert (await api.put(f"/devices/7/alarms/2032@{raised}", {"status": "acknowledged"})).status == 200


@pytest.mark.parametrize("code", ["a/b", "50%", "%2F", "%252F", "x@y", "?#", "\u00e4 \u4e2d", ".."])
async def test_an_alarm_is_found_by_the_id_it_is_listed_with_whatever_its_code(
    api: Api, hub: FakeHub, code: str
) -> None:
    keep(hub, code)
    [alarm] = (await api.get("/alarms")).json["alarms"]
    moved = await api.put(f"/devices/7/alarms/{quote(alarm['id'], safe='')}", {"status": "acknowledged"})
    assert (moved.status, moved.json["code"]) == (200, code)


@given(st.text(min_size=1), st.integers(0, NOW_MS))
def test_the_id_of_an_alarm_reads_back(code: str, raised_at_ms: int) -> None:
    wire = native.format_id(Alarm(device_id=7, code=code, raised_at_ms=raised_at_ms))
    assert "/" not in wire
    assert native.parse_id(wire, zone("Europe/Berlin")) == (code, raised_at_ms)


@pytest.mark.parametrize("alarm", ["2032", "@", f"@{AT}", "2032@", "2032@noon"])
async def test_a_name_that_is_none_is_refused(api: Api, alarm: str) -> None:
    refused = await api.put(f"/devices/7/alarms/{alarm}", {"status": "handled"})
    assert (refused.status, refused.json["field"]) == (400, "alarm")


@pytest.mark.parametrize(
    "path", [f"/devices/7/alarms/2033@{AT}", "/devices/7/alarms/2032@1", f"/devices/8/alarms/2032@{AT}",
             f"/devices/30/alarms/2032@{AT}", f"/devices/31/alarms/2032@{AT}"],
)  # fmt: skip
async def test_an_alarm_that_is_not_there_is_not_found(api: Api, hub: FakeHub, path: str) -> None:
    keep(hub)
    keep(hub, device=30)
    assert (await api.put(path, {"status": "handled"})).status == 404


@pytest.mark.parametrize("body", [{}, {"status": "active"}, {"status": "cleared_by_user"}, {"note": "x"}, [], b""])
async def test_a_step_that_is_none_is_refused(api: Api, hub: FakeHub, body: object) -> None:
    keep(hub)
    assert (await api.put(f"/devices/7/alarms/2032@{AT}", body)).status == 400
    assert hub.notes == []


async def test_handling_needs_the_scope_write(hub: FakeHub) -> None:
    keep(hub)
    refused = await Api(hub, "reader").put(f"/devices/7/alarms/2032@{AT}", {"status": "handled"})
    assert (refused.status, hub.notes) == (403, [])
