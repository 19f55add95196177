"""Plants and devices: reading, making, replacing, and who sees what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from heliograph.dialects.native.wire import DeviceEntry, PlantEntry
from heliograph.model.devices import Device, ReportedRule
from heliograph.model.plants import Plant
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import NOW_MS, FakeHub

LAKESIDE = {"name": "Lakeside", "zone": "Europe/Berlin"}
INVERTER = {"plant": 1, "kind": "inverter", "name": "Roof west"}


async def test_a_tenant_sees_its_own_plants_and_devices(api: Api) -> None:
    plants = (await api.get("/plants")).json
    assert ([plant["id"] for plant in plants["plants"]], plants["next"]) == ([1, 2], None)
    devices = (await api.get("/devices")).json
    assert [device["id"] for device in devices["devices"]] == [7, 8, 9]
    assert [device["id"] for device in (await api.get("/devices", "plant=2")).json["devices"]] == [9]


async def test_a_credential_for_some_plants_opens_only_those(hub: FakeHub) -> None:
    hub.grant("harbour", plants=(2,))
    harbour = Api(hub, "harbour")
    assert [plant["id"] for plant in (await harbour.get("/plants")).json["plants"]] == [2]
    assert (await harbour.get("/plants/1")).status == 404
    assert (await harbour.get("/devices/7")).status == 404
    assert [entry["device"] for entry in (await harbour.get("/latest")).json["latest"]] == [9]


@pytest.mark.parametrize(
    ("path", "query"),
    [("/plants/{}", ""), ("/devices", "plant={}"), ("/latest", "plant={}"), ("/alarms", "plant={}")],
)
async def test_a_foreign_plant_and_none_at_all_look_the_same(api: Api, path: str, query: str) -> None:
    foreign, none = [await api.get(path.format(n), query.format(n)) for n in (3, 4)]
    assert (foreign.status, foreign.json["type"]) == (404, "urn:heliograph:problem:unknown-plant")
    assert {**foreign.problem, "detail": "there is no plant 4"} == none.problem


@pytest.mark.parametrize("path", ["/devices/{}", "/devices/{}/latest", "/devices/{}/gaps", "/devices/{}/energy"])
async def test_a_foreign_device_and_none_at_all_look_the_same(api: Api, path: str) -> None:
    foreign, none = [await api.get(path.format(n)) for n in (30, 31)]
    assert (foreign.status, foreign.json["type"]) == (404, "urn:heliograph:problem:unknown-device")
    assert {**foreign.problem, "detail": "there is no device 31", "device": "31"} == none.problem


@pytest.mark.parametrize(("path", "name"), [("/plants", "plants"), ("/devices", "devices"), ("/latest", "latest")])
async def test_pages_join_to_the_whole_list(api: Api, path: str, name: str) -> None:
    whole = (await api.get(path)).json[name]
    joined: list[Any] = []
    after = 0
    while after is not None:
        page = (await api.get(path, f"limit=1&after={after}")).json
        assert len(page[name]) <= 1
        joined += page[name]
        after = page["next"]
    assert joined == whole


async def test_a_page_after_the_last_is_empty(api: Api) -> None:
    assert (await api.get("/devices", "after=9")).json == {"devices": [], "next": None}
    assert (await api.get("/latest", "after=9")).json == {"latest": [], "next": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "after=-1", "plant=x", "page=2"])
async def test_a_page_that_is_none_is_refused(api: Api, query: str) -> None:
    assert (await api.get("/devices", query)).status == 400


async def test_a_plant_is_made_in_the_callers_account_with_a_location(api: Api, hub: FakeHub) -> None:
    made = await api.post("/plants", LAKESIDE)
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/plants/4")
    assert made.json["id"] == 4
    assert hub.kept_plants[4] == Plant(id=4, account_id=10, name="Lakeside", zone="Europe/Berlin")
    assert (await api.get("/plants/4")).json == made.json


async def test_a_device_is_made_in_a_plant_the_caller_sees(api: Api, hub: FakeHub) -> None:
    made = await api.post("/devices", {**INVERTER, "gateway": 8, "attributes": {"slot": "2"}})
    assert (made.status, made.headers["Location"]) == (201, "/api/v1/devices/31")
    kept = hub.kept_devices[31]
    assert isinstance(kept, Device)
    assert (kept.plant_id, kept.gateway_id, kept.attributes) == (1, 8, {"slot": "2"})
    assert (await api.get("/devices/31")).json == made.json


@pytest.mark.parametrize("rule", list(ReportedRule))
async def test_which_total_of_a_day_counts_is_told_by_each_device(api: Api, hub: FakeHub, rule: ReportedRule) -> None:
    assert (await api.get("/devices/7")).json["reported"] == "fills"
    held = {**(await api.get("/devices/7")).json, "reported": rule.value}
    assert (await api.put("/devices/7", held)).json == held
    assert hub.kept_devices[7].reported is rule


async def test_what_a_get_gives_a_put_takes(api: Api, hub: FakeHub) -> None:
    before = (dict(hub.kept_plants), dict(hub.kept_devices))
    for path in ("/plants/1", "/plants/2", "/devices/7", "/devices/9"):
        held = (await api.get(path)).json
        again = await api.put(path, held)
        assert (again.status, again.json) == (200, held)
    assert (hub.kept_plants, hub.kept_devices) == before


async def test_a_put_replaces_and_what_is_left_out_falls_back(api: Api, hub: FakeHub) -> None:
    full = {**LAKESIDE, "connected_on": "2024-02-29", "tariff": [0.1] * 24, "latitude": -33.9, "currency": "EUR"}
    assert (await api.put("/plants/2", full)).json["connected_on"] == "2024-02-29"
    assert hub.kept_plants[2].tariff == (0.1,) * 24
    await api.put("/plants/2", LAKESIDE)
    assert hub.kept_plants[2] == Plant(id=2, account_id=10, name="Lakeside", zone="Europe/Berlin")
    await api.put("/devices/9", {**INVERTER, "plant": 2})
    assert hub.kept_devices[9] == Device(id=9, plant_id=2, kind=hub.kept_devices[7].kind, name="Roof west")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/plants", {**LAKESIDE, "id": 3}, "id"),
        ("/plants", {**LAKESIDE, "zone": "Mars/Olympus"}, "zone"),
        ("/plants", {**LAKESIDE, "zone": "../../etc/passwd"}, "zone"),
        ("/plants", {**LAKESIDE, "tariff": [1, 2]}, "tariff"),
        ("/plants", {**LAKESIDE, "kpi_profile": "guessed"}, "kpi_profile"),
        ("/plants", {**LAKESIDE, "tariff": ["1"]}, "tariff[0]"),
        ("/plants", {**LAKESIDE, "capacity_w": -1}, "capacity_w"),
        ("/plants", {**LAKESIDE, "capacity_w": "9"}, "capacity_w"),
        ("/plants", {**LAKESIDE, "latitude": 90.1}, "latitude"),
        ("/plants", {**LAKESIDE, "connected_on": "2024-02-30"}, "connected_on"),
        ("/plants", {**LAKESIDE, "capacity": 9}, ""),
        ("/plants", {"zone": "UTC"}, "name"),
        ("/plants", {"zone": "UTC", "name": ""}, "name"),
        ("/plants", [], ""),
        ("/plants", b"", "body"),
        ("/devices", {**INVERTER, "id": 7}, "id"),
        ("/devices", {**INVERTER, "kind": "toaster"}, "kind"),
        ("/devices", {**INVERTER, "interval_s": 0}, "interval_s"),
        ("/devices", {**INVERTER, "reported": "guessed"}, "reported"),
        ("/devices", {**INVERTER, "gateway": 9}, "gateway"),
        ("/devices", {**INVERTER, "gateway": 30}, "gateway"),
        ("/devices", {**INVERTER, "plant_id": 1}, ""),
        ("/devices", {"kind": "meter", "name": "x"}, "plant"),
    ],
)
async def test_an_entry_that_cannot_be_is_refused_naming_the_field(
    api: Api, hub: FakeHub, path: str, body: object, field: str
) -> None:
    before = (dict(hub.kept_plants), dict(hub.kept_devices))
    refused = await api.post(path, body)
    assert (refused.status, refused.json.get("field", "")) == (400, field), refused.json
    assert (hub.kept_plants, hub.kept_devices) == before


async def test_nothing_can_be_put_into_or_taken_from_another_tenant(api: Api, hub: FakeHub) -> None:
    before = (dict(hub.kept_plants), dict(hub.kept_devices))
    assert (await api.post("/devices", {**INVERTER, "plant": 3})).status == 404
    assert (await api.put("/devices/7", {**INVERTER, "plant": 3})).status == 404
    assert (await api.put("/devices/30", INVERTER)).status == 404
    assert (await api.put("/plants/3", LAKESIDE)).status == 404
    assert (await api.put("/plants/1", {**LAKESIDE, "id": 2})).status == 400
    assert (await api.put("/devices/7", {**INVERTER, "gateway": 7})).status == 400
    assert (hub.kept_plants, hub.kept_devices) == before


async def test_the_latest_value_of_each_measurement_bears_its_own_instant(api: Api, hub: FakeHub) -> None:
    hub.samples[(7, NOW_MS)] = {"ac.power": 5.0}
    hub.samples[(7, NOW_MS - 60_000)] = {"ac.power": 4.0, "mode": "eco"}
    seven = {
        "device": 7,
        "at": "2026-06-21T12:00:00.000Z",
        "readings": {
            "ac.power": {"value": 5.0, "at": "2026-06-21T12:00:00.000Z"},
            "mode": {"value": "eco", "at": "2026-06-21T11:59:00.000Z"},
        },
    }
    eight: dict[str, Any] = {"device": 8, "at": None, "readings": {}}
    assert (await api.get("/devices/7/latest")).json == seven
    assert (await api.get("/latest", "plant=1")).json == {"latest": [seven, eight], "next": None}


def test_plant_and_device_travel_with_every_field_but_the_account() -> None:
    names = {field.name for field in msgspec.structs.fields(Plant)}
    assert {field.name for field in msgspec.structs.fields(PlantEntry)} == names - {"account_id"}
    names = {field.name for field in msgspec.structs.fields(Device)}
    assert {field.name for field in msgspec.structs.fields(DeviceEntry)} == names
