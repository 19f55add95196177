"""The generation ledger: stating energies and reading what is stated."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest

from heliograph.model.ledger import Declared
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import FakeHub

DECLARED = "/devices/7/declared"
DAY = {"on": "2026-06-20", "period_kwh": "51.20", "accumulated_kwh": "18330.45"}


async def test_what_is_stated_is_told_digit_by_digit(api: Api) -> None:
    body = b'[{"on":"2026-06-19","period_kwh":12.10},{"on":"2026-06-20","period_kwh":"051.20","accumulated_kwh": 7e1}]'
    refused = await api.post(DECLARED, body)
    assert refused.status == 400
    body = body.replace(b"7e1", b"70.0")
    assert (await api.post(DECLARED, body)).json == {"statement": 1, "new": 2, "unchanged": 0, "corrected": 0}
    assert (await api.get(DECLARED)).json == {
        "device": 7,
        "declared": [
            {"on": "2026-06-19", "period_kwh": "12.10", "accumulated_kwh": None},
            {"on": "2026-06-20", "period_kwh": "051.20", "accumulated_kwh": "70.0"},
        ],
    }


async def test_the_same_again_is_known_and_another_value_corrects(api: Api) -> None:
    assert (await api.post(DECLARED, DAY)).json["new"] == 1
    assert (await api.post(DECLARED, [DAY])).json == {"statement": 2, "new": 0, "unchanged": 1, "corrected": 0}
    changed = {**DAY, "period_kwh": "51.3", "accumulated_kwh": None}
    assert (await api.post(DECLARED, changed)).json["corrected"] == 1
    assert (await api.get(DECLARED)).json["declared"] == [changed]


async def test_a_statement_is_kept_as_it_came_and_says_of_which_device_it_is(api: Api, hub: FakeHub) -> None:
    body = b' [ {"on": "2026-06-20",\n"period_kwh": 51.20 } ] '
    await api.post(DECLARED, body)
    await api.post("/devices/8/declared", gzip.compress(body), content_encoding="gzip")
    seven, eight = hub.kept_ledger.statements
    assert (seven.dialect, seven.body, eight.body) == ("native", body, body)
    assert (seven.operation, eight.operation) == ("declare-energy/7", "declare-energy/8")
    [declaration] = seven.declarations
    assert (declaration.device_id, declaration.remote_id) == (7, "7")
    assert declaration.entries == [Declared(on="2026-06-20", period_kwh="51.20")]


async def test_every_record_that_is_wrong_is_named_and_nothing_is_kept(api: Api, hub: FakeHub) -> None:
    refused = await api.post(DECLARED, [DAY, {"on": "2026-06-22", "period_kwh": 1}, DAY, {"on": "x", "period_kwh": -1}])
    assert (refused.status, refused.json["type"]) == (400, "urn:heliograph:problem:wrong-records")
    told = refused.json["records"]
    assert [(one["place"], one["field"]) for one in told] == [(1, "on"), (2, "on"), (3, "on"), (3, "period_kwh")]
    assert "future" in told[0]["message"]
    assert refused.json["detail"] == f"record 1: {told[0]['message']} (and 3 more)"
    assert (await api.get(DECLARED)).json["declared"] == []
    assert hub.kept_ledger.statements == []


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"on": 20260620, "period_kwh": 1}, "on"),
        ({"on": None, "period_kwh": 1}, "on"),
        ({"on": "2026-06-20", "period_kwh": None}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": True}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": {"kwh": 1}}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": [1]}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": "1 000"}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": ""}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": 0.30000000000000004}, "period_kwh"),
        ({"on": "2026-06-20", "period_kwh": 1, "accumulated_kwh": "none"}, "accumulated_kwh"),
        ({"on": "2026-06-20", "period_kwh": 2.0, "accumulated_kwh": 1.0}, "accumulated_kwh"),
    ],
)
async def test_a_record_that_cannot_be_is_refused_naming_the_field(
    api: Api, record: dict[str, Any], field: str
) -> None:
    refused = await api.post(DECLARED, record)
    assert (refused.status, [one["field"] for one in refused.json["records"]]) == (400, [field]), refused.json


async def test_digits_in_disguise_are_refused_so_that_the_ledger_holds_what_the_body_shows(api: Api) -> None:
    for body in (b'{"on":"2026-06-2\\u0030","period_kwh":1}', b'{"on":"2026-06-20","period_kwh":"\\u0031"}'):
        assert (await api.post(DECLARED, body)).status == 400
    assert (await api.post(DECLARED, b'{"on":"2026-06-20","period_kwh":"\xff"}')).status == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([{"on": "2026-06-20"}], "entries[0].period_kwh"),
        ([DAY, {"period_kwh": 1}], "entries[1].on"),
        ([{**DAY, "kwh": 1}], "entries[0]"),
        ([], ""),
        ([DAY] * 4001, ""),
        ("x", ""),
        (b"", "body"),
    ],
)
async def test_a_body_that_is_no_statement_is_refused(api: Api, body: object, field: str) -> None:
    refused = await api.post(DECLARED, body)
    assert (refused.status, refused.json.get("field", "")) == (400, field), refused.json


async def test_a_name_that_stands_twice_in_a_record_is_refused_also_in_a_large_body(api: Api) -> None:
    records = [b'{"on":"2026-06-%02d","period_kwh":1}' % day for day in range(1, 20)]
    twice = b'{"on":"2026-06-20","period_kwh":1,"period_kwh":2}'
    body = b"[" + b",".join([*records, twice]) + b" " * 20_000 + b"]"
    refused = await api.post(DECLARED, body)
    assert (refused.status, refused.json["field"]) == (400, "period_kwh")
    assert (await api.post(DECLARED, body.replace(twice, records[-1].replace(b"19", b"20")))).json["new"] == 20


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ("2026-05-23", "2026-06-22")),
        ("since=2026-05-01&until=2026-06-01", ("2026-05", "2026-06")),
        ("since=2026-05-02", ("2026-05-02", "2026-06-22")),
        ("until=2026-03-01", ("2026-01-30", "2026-03")),
        ("since=2026-W23-1&until=20260620", ("2026-06", "2026-06-20")),
    ],
)
async def test_a_span_of_days_reaches_from_bound_to_bound(
    api: Api, hub: FakeHub, query: str, asked: tuple[str, str]
) -> None:
    assert (await api.get(DECLARED, query)).status == 200
    assert hub.kept_ledger.asked == [asked]


async def test_a_month_is_in_the_span_that_its_first_day_is_in(api: Api, hub: FakeHub) -> None:
    stated = [{"on": on, "period_kwh": "1"} for on in ("2026-05", "2026-05-01", "2026-05-31", "2026-06", "2026-06-01")]
    await api.post(DECLARED, stated)

    async def found(query: str) -> list[str]:
        return [one["on"] for one in (await api.get(DECLARED, query)).json["declared"]]

    assert await found("since=2026-05-01&until=2026-06-01") == ["2026-05", "2026-05-01", "2026-05-31"]
    assert await found("since=2026-05-02&until=2026-06-02") == ["2026-05-31", "2026-06", "2026-06-01"]


async def test_tomorrow_is_that_of_the_plant(api: Api, hub: FakeHub) -> None:
    late = msgspec.structs.replace(hub.kept_plants[1], zone="Pacific/Kiritimati")  # the 22nd there
    hub.kept_plants[1] = late
    await api.get(DECLARED)
    assert hub.kept_ledger.asked == [("2026-05-24", "2026-06-23")]


@pytest.mark.parametrize("query", ["since=x", "until=2026-02-30", "since=2026-06-23", "since=0001-01-01", "on=1"])
async def test_a_span_that_is_none_is_refused(api: Api, query: str) -> None:
    assert (await api.get(DECLARED, query)).status == 400


async def test_the_ledger_of_another_tenant_does_not_exist(api: Api, hub: FakeHub) -> None:
    for number in (30, 31):
        assert (await api.get(f"/devices/{number}/declared")).status == 404
        assert (await api.post(f"/devices/{number}/declared", DAY)).status == 404
    assert hub.kept_ledger.statements == []


async def test_stating_needs_the_scope_write(hub: FakeHub) -> None:
    reader = Api(hub, "reader")
    assert (await reader.post(DECLARED, DAY)).status == 403
    assert (await reader.get(DECLARED)).status == 200
