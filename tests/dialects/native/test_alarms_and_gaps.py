"""Alarms in and out, and where samples are missing."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.model.alarms import Alarm, Severity
from heliograph.protocol.hub import Gap
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import NOW_MS, FakeHub, utc_ms

AT = "2026-06-21T10:00:00Z"


async def test_an_alarm_comes_back_as_it_was_reported(api: Api) -> None:
    sent: dict[str, Any] = {
        "code": "2032",
        "raised_at": AT,
        "severity": "major",
        "name": "Grid loss",
        "cause": "c",
        "advice": "a",
    }
    sent |= {"type": "protection", "cause_id": 3}
    assert (await api.post("/devices/7/alarms", sent)).json == {"reported": 1, "new": 1}
    raised_at = "2026-06-21T10:00:00.000Z"
    whole = {
        "id": f"2032@{raised_at}", "device": 7, "cleared_at": None, "status": "active", "watched": False, "until": None,
        **sent, "raised_at": raised_at,
    }  # fmt: skip
    assert (await api.get("/alarms")).json == {"alarms": [whole], "next": None}


async def test_the_same_alarm_again_updates_its_end(api: Api) -> None:
    await api.post("/devices/7/alarms", {"code": "1", "raised_at": AT})
    again = [{"code": "1", "raised_at": "2026-06-21T12:00:00", "cleared_at": utc_ms(AT) + 1}]
    assert (await api.post("/devices/7/alarms", again)).json == {"reported": 1, "new": 0}
    [alarm] = (await api.get("/alarms")).json["alarms"]
    assert (alarm["cleared_at"], alarm["severity"]) == ("2026-06-21T10:00:00.001Z", "warning")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"raised_at": AT}, "code"),
        ([{"code": "1", "raised_at": AT}, {"code": "1"}], "alarms[1].raised_at"),
        ({"code": "1", "raised_at": "noon"}, "alarms[0].raised_at"),
        ({"code": "1", "raised_at": AT, "cleared_at": 0}, "alarms[0].cleared_at"),
        ({"code": "1", "raised_at": AT, "severity": "dire"}, "severity"),
        ({"code": "1", "raised_at": AT, "type": "odd"}, "type"),
        ({"code": "1", "raised_at": AT, "status": "cleared"}, ""),
        ([{"code": "", "raised_at": AT}], "alarms[0].code"),
        (7, ""),
    ],
)
async def test_an_alarm_that_cannot_be_is_refused_naming_the_place(
    api: Api, hub: FakeHub, body: object, field: str
) -> None:
    refused = await api.post("/devices/7/alarms", body)
    assert (refused.status, refused.json.get("field", "")) == (400, field), refused.json
    assert hub.kept_alarms == {}


def keep(hub: FakeHub, device: int, code: str, raised_at_ms: int, cleared_at_ms: int | None = None) -> None:
    hub.kept_alarms[(device, code, raised_at_ms)] = Alarm(
        device_id=device, code=code, raised_at_ms=raised_at_ms, cleared_at_ms=cleared_at_ms, severity=Severity.MINOR
    )


async def codes(api: Api, query: str = "") -> list[str]:
    return [alarm["code"] for alarm in (await api.get("/alarms", query)).json["alarms"]]


async def test_alarms_are_chosen_by_span_plant_and_whether_they_last(api: Api, hub: FakeHub) -> None:
    keep(hub, 7, "ancient", utc_ms("2020-01-01T00:00:00Z"))
    keep(hub, 7, "over", utc_ms("2026-06-10T00:00:00Z"), NOW_MS)
    keep(hub, 9, "harbour", utc_ms("2026-06-20T00:00:00Z"))
    keep(hub, 30, "foreign", utc_ms("2026-06-20T00:00:00Z"))
    keep(hub, 7, "now", NOW_MS)
    assert await codes(api) == ["over", "harbour", "now"]
    assert await codes(api, "active=true") == ["ancient", "harbour", "now"]
    assert await codes(api, "plant=2") == ["harbour"]
    assert await codes(api, "since=2026-06-20&until=2026-06-21") == ["harbour"]
    assert await codes(api, "since=2000-01-01&active=false") == ["ancient", "over", "harbour", "now"]


async def test_pages_of_alarms_join_also_where_instants_repeat_and_codes_hold_dots(api: Api, hub: FakeHub) -> None:
    for number in range(5):
        keep(hub, 7 + number % 2, f"a.{number}", NOW_MS - number // 2)
    whole = (await api.get("/alarms")).json["alarms"]
    joined: list[Any] = []
    after = ""
    while after is not None:
        page = (await api.get("/alarms", f"limit=2&after={after}")).json
        joined += page["alarms"]
        after = page["next"]
    assert joined == whole
    assert len(whole) == 5


@pytest.mark.parametrize("query", ["after=x", "after=1.x.y", "active=perhaps", "limit=0", "since=x"])
async def test_a_query_for_alarms_that_is_none_is_refused(api: Api, query: str) -> None:
    assert (await api.get("/alarms", query)).status == 400


async def test_gaps_tell_how_many_samples_are_missing(api: Api, hub: FakeHub) -> None:
    start = utc_ms(AT)
    hub.kept_gaps = [Gap(7, start, start + 3_600_000, 12), Gap(8, start, start + 1, 1), Gap(7, 0, 1, 1)]
    assert (await api.get("/devices/7/gaps")).json == {
        "device": 7,
        "gaps": [{"since": "2026-06-21T10:00:00.000Z", "until": "2026-06-21T11:00:00.000Z", "missing": 12}],
    }
    assert (await api.get("/devices/7/gaps", "until=2026-06-21T10:00:00Z")).json["gaps"] == []
