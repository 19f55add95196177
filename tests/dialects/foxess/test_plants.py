"""Plants: pages, one in detail, and the calls that make, change and delete them."""

from __future__ import annotations

import copy
import re
from datetime import date
from typing import Any

import msgspec
import pytest

from heliograph.dialects.foxess.codes import messages
from heliograph.model.devices import DeviceKind
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

DETAILS: dict[str, Any] = {
    "name": "Rooftop", "type": 1, "countryCode": "pl", "city": "Łódź", "address": "Main St. 5, back", "postcode": 90123,
    "price": "0.52", "currency": "PLN(Zł)", "systemCapacity": 7.2,
}  # fmt: skip


def body(**more: Any) -> dict[str, Any]:
    """A plant with photovoltaics that lacks nothing."""
    made = {
        "devices": [{"sn": "NEW1"}],
        "details": copy.deepcopy(DETAILS),
        "timezone": "Europe/Warsaw",
        "position": {"x": "19.45", "y": "51.77", "format": "f", "pid": "p"},
    }
    return {**made, **more}


def detailed(**more: Any) -> dict[str, Any]:
    """The same with other details; None leaves one out."""
    details = {name: value for name, value in {**DETAILS, **more}.items() if value is not None}
    return body(details=details)


def mini(**more: Any) -> dict[str, Any]:
    """A plant of mini-devices."""
    module = {
        "sn": "NEW1", "horizontal": 2, "vertical": 3, "azimuth": 30, "dipAngle": 45, "direction": 1, "capacity": 30,
        "model": "M30",
    }  # fmt: skip
    layout = {"direction": 1, "arrange": [{name: value for name, value in {**module, **more}.items() if value != ""}]}
    return {**detailed(type=4), "devices": None, "layoutByMini": layout}


@pytest.fixture
def spare(hub: FakeHub) -> None:
    """A device in another plant that can be moved."""
    hub.add_device(hub.add_plant("UTC"), DeviceKind.INVERTER, serial="NEW1")


async def test_pages_are_whole_and_end(hub: FakeHub, client: Client) -> None:
    made = [hub.add_plant("Europe/Berlin") for _ in range(23)]
    hub.add_plant(disabled=True)
    hub.add_plant(account=2)
    found: list[str] = []
    page = 1
    while True:
        answer = await client.result("plant/list", {"currentPage": page, "pageSize": "10"})
        assert (answer["currentPage"], answer["pageSize"], answer["total"]) == (page, 10, 23)
        found += [row["name"] for row in answer["data"]]
        if len(found) >= answer["total"]:
            break
        page += 1
    assert found == [plant.name for plant in made]
    assert (await client.result("plant/list", {"currentPage": 9}))["data"] == []
    first = (await client.result("plant/list"))["data"][0]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first["stationID"])
    assert first == {"stationID": first["stationID"], "name": "plant 1", "ianaTimezone": "Europe/Berlin"}


@pytest.mark.parametrize("call", ["plant/list", "device/list", "module/list", "gw/list"])
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"pageSize": 9}, "pageSize must lie between 10 and 1000000000"),
        ({"pageSize": "x"}, "pageSize must be a number"),
        ({"pageSize": 10.5}, "pageSize must be a whole number"),
        ({"pageSize": [10]}, "pageSize must be a number"),
        ({"currentPage": 0}, "currentPage must lie between 1"),
        ({"currentPage": True}, "currentPage must be a number"),
    ],
)
async def test_a_page_that_cannot_be_is_refused_by_name(
    client: Client, call: str, query: dict[str, Any], told: str
) -> None:
    answer = await client.call(call, query)
    assert answer["errno"] == 40257
    assert told in answer["msg"]


@pytest.mark.parametrize("call", ["plant/list", "device/list", "module/list", "gw/list"])
async def test_no_page_is_larger_than_a_thousand(client: Client, call: str) -> None:
    assert (await client.result(call, {"currentPage": "", "pageSize": 5000}))["pageSize"] == 1000
    assert await client.result(call, {"pageSize": ""}) == {"currentPage": 1, "pageSize": 10, "total": 0, "data": []}


async def test_a_plant_in_detail(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant(
        "Europe/London", connected_on=date(2024, 6, 1), contact_name="Ann", contact_phone="+44 1", address="Far away"
    )
    gateway = hub.add_device(plant, DeviceKind.GATEWAY)
    first = hub.add_device(plant, DeviceKind.INVERTER, gateway_id=gateway.id)
    second = hub.add_device(plant, DeviceKind.MICRO_INVERTER)
    hub.add_device(plant, DeviceKind.INVERTER, disabled=True)
    wire = (await client.result("plant/list"))["data"][0]["stationID"]
    told = await client.result("plant/detail", {"id": wire})
    assert told == {
        "stationName": "plant 1", "country": "", "city": "", "address": "Far away", "createDate": "1717196400000",
        "postcode": "", "capacity": 8, "timezone": "Europe/London",
        "user": {"name": "Ann", "email": "", "phone": "+44 1"}, "installer": {"name": "", "email": "", "phone": ""},
        "modules": [
            {"moduleSN": gateway.serial, "deviceSN": first.serial}, {"moduleSN": "", "deviceSN": second.serial},
        ],
    }  # fmt: skip
    assert await client.result("plant/detail", {"stationID": wire}) == told
    hub.all_plants[1] = msgspec.structs.replace(plant, connected_on=None, capacity_w=None)
    told = await client.result("plant/detail", {"id": wire})
    assert (told["createDate"], told["capacity"]) == ("0", 0)


async def test_unknown_and_another_s_plants_look_the_same(hub: FakeHub, client: Client) -> None:
    hub.add_plant(account=2)
    hub.add_credential("stranger", account=2)
    wire = (await Client(hub, "stranger").result("plant/list"))["data"][0]["stationID"]
    theirs = await client.call("plant/detail", {"id": wire})
    assert theirs == await client.call("plant/detail", {"id": "nothing"})
    assert theirs["errno"] == 41930
    assert "id is missing" in (await client.call("plant/detail"))["msg"]
    assert "stationID is missing" in (await client.call("plant/delete", {}))["msg"]


async def test_a_plant_is_made_with_everything_that_was_said(hub: FakeHub, client: Client, spare: None) -> None:
    made = await client.result("plant/create", body())
    assert made["devices"] == [{"device": {"sn": "NEW1"}, "errno": 0}]
    plant = hub.all_plants[2]
    assert (plant.zone, plant.capacity_w, plant.tariff, plant.currency) == ("Europe/Warsaw", 7200.0, (0.52,), "PLN")
    assert (plant.latitude, plant.longitude, plant.connected_on) == (51.77, 19.45, date(2025, 7, 1))
    assert hub.all_devices[1].plant_id == plant.id
    told = await client.result("plant/detail", {"id": made["stationID"]})
    assert [told[name] for name in ("stationName", "country", "city", "address", "postcode", "capacity")] == [
        "Rooftop", "PL", "Łódź", "Main St. 5, back", "90123", 7.2,
    ]  # fmt: skip
    assert told["createDate"] == "1751320800000"
    assert told["modules"] == [{"moduleSN": "", "deviceSN": "NEW1"}]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({}, "details is missing"),
        ({"details": 5}, "details must be an object"),
        (detailed(type=None), "details.type is missing"),
        (detailed(type=5), "details.type must lie between 1 and 4"),
        (detailed(name=None), "details.name is missing"),
        (detailed(name=[1]), "details.name must be text"),
        (detailed(countryCode=None), "details.countryCode is missing"),
        (detailed(countryCode="POL"), "details.countryCode must have two letters"),
        (detailed(city=None), "details.city is missing"),
        (detailed(address=None), "details.address is missing"),
        (detailed(postcode=None), "details.postcode is missing"),
        (detailed(price=None), "details.price is missing"),
        (detailed(price=-1), "details.price must lie between"),
        (detailed(price="much"), "details.price must be a number"),
        (detailed(price=10**400), "details.price must be a number"),
        (detailed(currency=None), "details.currency is missing"),
        (detailed(currency="crowns"), "details.currency must read like"),
        (detailed(systemCapacity=None), "details.systemCapacity is missing"),
        (detailed(type=2, systemCapacity=None), "details.systemCapacity is missing"),
        (body(devices=None), "devices is missing"),
        (body(devices=[]), "devices is missing"),
        ({**detailed(type=2), "devices": None}, "devices is missing"),
        (body(devices="NEW1"), "devices must be a list"),
        (body(devices=[5]), "devices[0] must be an object"),
        (body(devices=[{"key": "x"}]), "devices[0].sn is missing"),
        (body(timezone=None), "timezone is missing"),
        (body(timezone="Mars/Olympus"), "timezone is not a time zone"),
        (detailed(type=3), "pileSN is missing"),
        (detailed(type=4), "layoutByMini is missing"),
        ({**mini(), "layoutByMini": {"arrange": []}}, "layoutByMini.direction is missing"),
        ({**mini(), "layoutByMini": {"direction": 1}}, "layoutByMini.arrange is missing"),
        (mini(sn=""), "layoutByMini.arrange[0].sn is missing"),
        (mini(azimuth=361), "layoutByMini.arrange[0].azimuth must lie between 0 and 360"),
        (mini(dipAngle=91), "layoutByMini.arrange[0].dipAngle must lie between 0 and 90"),
        (mini(vertical=""), "layoutByMini.arrange[0].vertical is missing"),
        (mini(model=""), "layoutByMini.arrange[0].model is missing"),
    ],
)
async def test_what_is_missing_or_wrong_is_named_and_nothing_is_made(
    hub: FakeHub, client: Client, wanted: dict[str, Any], told: str
) -> None:
    answer = await client.call("plant/create", wanted)
    assert answer["errno"] == 40257
    assert answer["msg"].startswith(f"{messages()[40257]['en']}: {told}")
    assert hub.all_plants == {}


@pytest.mark.parametrize("currency", ["THB (THB)-THB(฿)", "THB(฿)", "THB"])
async def test_a_currency_is_read_in_every_printed_form(
    hub: FakeHub, client: Client, spare: None, currency: str
) -> None:
    await client.result("plant/create", detailed(currency=currency))
    assert hub.all_plants[2].currency == "THB"


async def test_the_four_types_each_take_their_own(hub: FakeHub, client: Client, spare: None) -> None:
    pile = await client.result("plant/create", {**detailed(type=3, price=None, systemCapacity=None), "pileSN": "P1"})
    # The devices of a charge-pile plant are not needed, and taken when they are named.
    assert pile["devices"] == [
        {"device": {"sn": "NEW1"}, "errno": 0}, {"device": {"sn": "P1"}, "errno": 41930},
    ]  # fmt: skip
    assert hub.all_plants[2].tariff == ()
    assert hub.all_plants[2].capacity_w is None
    small = await client.result("plant/create", mini())
    assert small["devices"] == [{"device": {"sn": "NEW1"}, "errno": 0}]
    assert hub.all_devices[1].attributes == {
        "foxess.horizontal": "2", "foxess.vertical": "3", "foxess.azimuth": "30", "foxess.dipAngle": "45",
        "foxess.direction": "1", "foxess.capacity": "30", "foxess.model": "M30",
    }  # fmt: skip
    assert (await client.result("plant/create", detailed(type=2)))["devices"][0]["errno"] == 0
    assert hub.all_devices[1].plant_id == 4


async def test_each_device_says_whether_it_could_be_moved(hub: FakeHub, client: Client) -> None:
    old, theirs = hub.add_plant(), hub.add_plant(account=2)
    gateway = hub.add_device(old, DeviceKind.GATEWAY)
    behind = hub.add_device(old, DeviceKind.INVERTER, gateway_id=gateway.id)
    locked = hub.add_device(old, DeviceKind.INVERTER, attributes={"foxess.key": "1234"})
    meter = hub.add_device(old, DeviceKind.METER)
    foreign = hub.add_device(theirs)
    gone = hub.add_device(old, DeviceKind.INVERTER, disabled=True)
    named = [
        {"sn": gateway.serial}, {"sn": locked.serial, "key": "4321"}, {"sn": foreign.serial}, {"sn": gone.serial},
    ]  # fmt: skip
    made = await client.result("plant/create", body(devices=named, electricmeterSN=meter.serial))
    assert [(entry["device"], entry["errno"]) for entry in made["devices"]] == [
        ({"sn": gateway.serial}, 0),
        ({"sn": locked.serial, "key": "4321"}, 41811),
        ({"sn": foreign.serial}, 41930),
        ({"sn": gone.serial}, 41930),
        ({"sn": meter.serial}, 0),
    ]
    new = len(hub.all_plants)
    moved = [device.id for device in hub.all_devices.values() if device.plant_id == new]
    assert moved == [gateway.id, behind.id, meter.id]
    update = body(devices=[{"sn": locked.serial, "key": "1234"}])
    update["details"] |= {"stationID": made["stationID"], "name": "Renamed", "postcode": "1"}
    changed = await client.result("plant/update", update)
    assert changed == {
        "stationID": made["stationID"], "devices": [{"device": {"sn": locked.serial, "key": "1234"}, "errno": 0}],
    }  # fmt: skip
    assert hub.all_plants[new].name == "Renamed"
    # Put where it is already, it stays; those that are not named stay too.
    assert (await client.result("plant/update", update))["devices"][0]["errno"] == 0
    assert hub.all_devices[locked.id].plant_id == new
    assert hub.all_devices[behind.id].plant_id == new


async def test_a_device_that_needs_no_key_takes_any(hub: FakeHub, client: Client, spare: None) -> None:
    made = await client.result("plant/create", body(devices=[{"sn": "NEW1", "key": "anything"}]))
    assert made["devices"][0]["errno"] == 0


async def test_an_edit_needs_to_say_which_plant(hub: FakeHub, client: Client) -> None:
    assert "details.stationID is missing" in (await client.call("plant/update", body()))["msg"]
    lost = detailed(stationID="nothing")
    assert (await client.call("plant/update", lost))["errno"] == 41930


async def test_an_edit_of_a_mini_plant_says_only_what_changes(hub: FakeHub, client: Client, spare: None) -> None:
    made = await client.result("plant/create", mini())
    changed = mini(model="", azimuth=90, vertical="")
    changed["details"] |= {"stationID": made["stationID"]}
    del changed["layoutByMini"]["direction"]
    changed["position"] = {"x": "east", "y": "51"}
    before = hub.all_plants[2]
    await client.result("plant/update", changed)
    assert hub.all_devices[1].attributes["foxess.azimuth"] == "90"
    assert hub.all_devices[1].attributes["foxess.model"] == "M30"
    # A place that is none leaves the one that is known.
    assert msgspec.structs.replace(hub.all_plants[2]) == before


async def test_a_deleted_plant_is_hidden_and_its_devices_can_go_elsewhere(
    hub: FakeHub, client: Client, spare: None
) -> None:
    wire = (await client.result("plant/list"))["data"][0]["stationID"]
    answer = await client.call("plant/delete", {"stationID": wire})
    assert answer == {"errno": 0, "msg": "success", "result": None}
    assert hub.all_plants[1].disabled
    assert (await client.result("plant/list"))["total"] == 0
    assert (await client.result("device/list"))["total"] == 0
    for call, query in (("plant/detail", {"id": wire}), ("device/detail", {"sn": "NEW1"})):
        assert await client.errno(call, query) == 41930
    assert await client.errno("plant/delete", {"stationID": wire}) == 41930
    assert (await client.result("plant/create", body()))["devices"][0]["errno"] == 0
    assert (await client.result("device/list"))["total"] == 1


async def test_a_credential_of_certain_plants_makes_none(hub: FakeHub, client: Client, spare: None) -> None:
    hub.change_credential("home", plants=(1,))
    assert await client.errno("plant/create", body()) == 41811
    assert len(hub.all_plants) == 1


async def test_the_printed_example_makes_a_plant_without_a_place(hub: FakeHub, client: Client) -> None:
    await client.result("plant/create", body(position={"x": "x_9e0c", "y": "y_6fa5"}))
    assert hub.all_plants[1].latitude is None
    await client.result("plant/create", body(position=None))
    assert hub.all_plants[2].longitude is None
