"""Inverters, data loggers and meters as lists, and one inverter in detail."""

from __future__ import annotations

import msgspec
import pytest

from heliograph.clock import MINUTE_MS
from heliograph.dialects.foxess.lookup import mint_device, mint_plant
from heliograph.model.alarms import Alarm, AlarmStatus, Severity
from heliograph.model.devices import INVERTERS, METERS, DeviceKind
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import NOW_MS, FakeHub


async def test_inverters_of_every_kind_and_maker_are_devices(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    for kind in DeviceKind:
        hub.add_device(plant, kind, model="" if kind is DeviceKind.MICRO_INVERTER else "SUN2000-8KTL")
    rows = (await client.result("device/list", {"pageSize": 100}))["data"]
    assert len(rows) == len(INVERTERS)
    for row in rows:
        assert list(row) == [
            "deviceSN", "moduleSN", "stationID", "stationName", "status", "hasPV", "hasBattery", "deviceType",
            "productType",
        ]  # fmt: skip
        assert row["stationName"] == "plant 1"
        assert row["hasPV"] is True
        assert row["deviceType"]
        assert row["productType"]
    by_type = {row["deviceType"]: row for row in rows}
    assert by_type["SUN2000-8KTL"]["productType"] == "SUN2000"
    assert by_type["Micro inverter"]["productType"] == "Micro inverter"
    assert [row["hasBattery"] for row in rows].count(True) == 1


async def test_a_device_goes_by_alias_then_by_serial_then_by_a_made_up_name(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    aliased, plain, nameless = (hub.add_device(plant, serial=serial) for serial in ("S1", "S2", " "))
    twin = hub.add_device(hub.add_plant(account=2), serial="S2")
    hub.aliases["device", "", "ALIAS"] = aliased.id
    hub.add_credential("stranger", account=2)
    # Known by serial before anybody was told of it.
    assert (await client.result("device/detail", {"sn": "S2"}))["deviceSN"] == "S2"
    rows = (await client.result("device/list"))["data"]
    assert [row["deviceSN"] for row in rows] == ["ALIAS", "S2", mint_device(nameless.id, 0)]
    for name, device in (("ALIAS", aliased), ("S1", aliased), (rows[2]["deviceSN"], nameless)):
        detail = await client.result("device/detail", {"deviceSN": f" {name} "})
        assert detail["deviceSN"] == rows[device.id - 1]["deviceSN"]
    # Another account's device of the same serial number gets a name of its own, and is still found by its serial.
    stranger = Client(hub, "stranger")
    assert (await stranger.result("device/list"))["data"][0]["deviceSN"] == mint_device(twin.id, 0)
    assert (await stranger.result("device/detail", {"sn": "S2"}))["deviceSN"] == mint_device(twin.id, 0)
    assert plain.id != twin.id


async def test_of_two_with_the_same_serial_number_the_first_goes_by_it(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    first, second = hub.add_device(plant, serial="S", model="A"), hub.add_device(plant, serial="S", model="B")
    assert (await client.result("device/detail", {"sn": "S"}))["deviceType"] == "A"
    names = [row["deviceSN"] for row in (await client.result("device/list"))["data"]]
    assert names == ["S", mint_device(second.id, 0)]
    assert (await client.result("device/detail", {"sn": names[1]}))["deviceType"] == "B"
    assert first.id < second.id


async def test_a_name_finds_its_device_in_any_case(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    hub.add_device(plant, serial="60BH5021a7")
    nameless = hub.add_device(plant, serial=" ")
    theirs = hub.add_device(hub.add_plant(account=2), serial="OTHERS")
    # Before and after its name was first told.
    for _ in range(2):
        for name in ("60bh5021a7", "60BH5021A7", "60BH5021a7"):
            assert (await client.result("device/detail", {"sn": name}))["deviceSN"] == "60BH5021a7"
        made_up = (await client.result("device/list"))["data"][1]["deviceSN"]
    assert made_up == mint_device(nameless.id, 0)
    assert (await client.result("device/detail", {"sn": made_up.lower()}))["deviceSN"] == made_up
    assert await client.errno("device/detail", {"sn": theirs.serial.lower()}) == 41930


async def test_of_two_that_differ_in_case_alone_each_goes_by_its_own(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    for serial in ("abc", "ABC"):
        hub.add_device(plant, serial=serial, model=f"of {serial}")
    for name, found in (("abc", "abc"), ("ABC", "ABC"), ("Abc", "abc")):
        assert (await client.result("device/detail", {"sn": name}))["deviceType"] == f"of {found}"


async def test_a_serial_number_may_come_as_a_number(hub: FakeHub, client: Client) -> None:
    device = hub.add_device(hub.add_plant(), serial="1234")
    hub.read(device, {"ac.power": 5.0})
    for number in (1234, 1234.0, "1234"):
        assert (await client.result("device/real/query", {"sn": number}))[0]["deviceSN"] == "1234"


def test_made_up_names_have_the_form_of_real_ones() -> None:
    assert len({mint_device(1, attempt) for attempt in range(50)}) == 50
    name = mint_device(7, 0)
    assert len(name) == 15
    assert name.isalnum()
    assert name == name.upper()
    assert len(mint_plant(7, 0)) == 36
    assert mint_plant(7, 0) != mint_plant(7, 1)


@pytest.mark.parametrize("kind", [DeviceKind.BATTERY, DeviceKind.METER, DeviceKind.GATEWAY])
async def test_what_is_no_inverter_is_no_device(hub: FakeHub, client: Client, kind: DeviceKind) -> None:
    device = hub.add_device(hub.add_plant(), kind)
    for call in ("device/detail", "device/generation", "device/real/query", "device/history/query"):
        assert await client.errno(call, {"sn": device.serial}) == 41930


async def test_unknown_another_s_and_disabled_devices_look_the_same(hub: FakeHub, client: Client) -> None:
    theirs = hub.add_device(hub.add_plant(account=2))
    gone = hub.add_device(hub.add_plant(), disabled=True)
    answers = [await client.call("device/detail", {"sn": sn}) for sn in (theirs.serial, gone.serial, "x")]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["errno"] == 41930
    assert "sn is missing" in (await client.call("device/detail", {"sn": ""}))["msg"]


async def test_an_inverter_in_detail(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    gateway = hub.add_device(plant, DeviceKind.GATEWAY, firmware="1.28")
    inverter = hub.add_device(plant, model="KH8", firmware="1.34", gateway_id=gateway.id, capacity_w=8000.0)
    first = hub.add_device(
        plant, DeviceKind.BATTERY, model="EP11", firmware="1.005", attributes={"capacity_wh": "10360"}
    )
    second = hub.add_device(plant, DeviceKind.BATTERY, model="EP5", attributes={"capacity_wh": "5180.5"})
    third = hub.add_device(plant, DeviceKind.BATTERY, gateway_id=gateway.id)
    hub.read(inverter, {"ac.power": 1.0})
    told = await client.result("device/detail", {"sn": inverter.serial})
    assert await client.result("device/detail.v1", {"sn": inverter.serial}) == told
    plant_id = (await client.result("plant/list"))["data"][0]["stationID"]
    assert told == {
        "deviceSN": inverter.serial, "moduleSN": gateway.serial, "stationID": plant_id, "stationName": "plant 1",
        "afciVersion": "", "managerVersion": "1.28", "masterVersion": "1.34", "slaveVersion": "", "hardwareVersion": "",
        "status": 1, "capacity": 8, "function": {"scheduler": True},
        "batteryList": [
            {"batterySN": first.serial, "type": "bcu", "version": "1.005", "model": "EP11", "capicty": "10360",
             "capacity": 10360},
            {"batterySN": second.serial, "type": "bmu", "version": "", "model": "EP5", "capicty": "5180.5",
             "capacity": 5180.5},
            {"batterySN": third.serial, "type": "bmu", "version": "", "model": "", "capicty": "0", "capacity": 0},
        ],
        "hasPV": True, "hasBattery": True, "deviceType": "KH8", "productType": "KH8",
    }  # fmt: skip


async def test_a_string_inverter_has_no_scheduler_no_battery_and_perhaps_no_rating(
    hub: FakeHub, client: Client
) -> None:
    inverter = hub.add_device(hub.add_plant(), DeviceKind.INVERTER, capacity_w=None, model="-")
    hub.add_device(hub.all_plants[1], DeviceKind.BATTERY)
    told = await client.result("device/detail", {"sn": inverter.serial})
    assert told["function"] == {"scheduler": False}
    assert (told["hasBattery"], told["batteryList"], told["capacity"], told["moduleSN"]) == (False, [], 0, "")
    assert (told["managerVersion"], told["deviceType"], told["productType"]) == ("", "-", "-")
    hub.all_devices[1] = msgspec.structs.replace(inverter, capacity_w=3680.0)
    assert (await client.result("device/detail", {"sn": inverter.serial}))["capacity"] == 3.68


@pytest.mark.parametrize(
    ("rating", "told"), [("5000", 5), ("3680.0", 3.68), ("inf", 6.48), ("0", 6.48), ("much", 6.48)]
)
async def test_the_capacity_is_what_an_inverter_puts_out_where_that_is_known(
    hub: FakeHub, client: Client, rating: str, told: float
) -> None:
    attributes = {"rated_w": rating}
    inverter = hub.add_device(hub.add_plant(), capacity_w=6480.0, attributes=attributes)
    assert (await client.result("device/detail", {"sn": inverter.serial}))["capacity"] == told


async def test_a_battery_belongs_to_the_inverter_that_it_sends_through(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    first, second = hub.add_device(plant), hub.add_device(plant)
    hub.add_device(plant, DeviceKind.BATTERY, gateway_id=second.id)
    loose = hub.add_device(plant, DeviceKind.BATTERY)
    told = [await client.result("device/detail", {"sn": each.serial}) for each in (first, second)]
    assert [len(each["batteryList"]) for each in told] == [1, 1]
    assert told[0]["batteryList"][0]["batterySN"] == loose.serial


async def test_a_battery_that_the_inverter_itself_tells_of_counts(hub: FakeHub, client: Client) -> None:
    inverter = hub.add_device(hub.add_plant())
    hub.read(inverter, {"battery.soc": 50.0})
    assert (await client.result("device/list"))["data"][0]["hasBattery"] is True


async def test_status_is_online_fault_or_offline(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    silent, late, slow, off, faulty, warned, never = (
        hub.add_device(plant, DeviceKind.INVERTER, interval_s=1800 if place == 2 else 300) for place in range(7)
    )
    hub.read(silent, {"ac.power": 1.0}, NOW_MS - 15 * MINUTE_MS - 1)
    hub.read(late, {"ac.power": 1.0}, NOW_MS - 15 * MINUTE_MS)
    hub.read(slow, {"ac.power": 1.0}, NOW_MS - 80 * MINUTE_MS)
    hub.read(off, {"device.online": 0.0})
    hub.read(faulty, {"device.online": 1.0})
    hub.read(warned, {"ac.power": 1.0})
    bad = Alarm(device_id=faulty.id, code="7", raised_at_ms=NOW_MS - 5, severity=Severity.MAJOR)
    hub.all_alarms = [
        bad,
        msgspec.structs.replace(bad, device_id=silent.id),
        msgspec.structs.replace(bad, device_id=late.id, status=AlarmStatus.CLEARED),
        msgspec.structs.replace(bad, device_id=warned.id, severity=Severity.MINOR),
    ]
    rows = (await client.result("device/list"))["data"]
    assert [row["status"] for row in rows] == [3, 1, 1, 3, 2, 1, 3]
    assert never.id == 7


async def test_data_loggers_are_online_while_anything_behind_them_is(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    carrying, dead, own, empty = (hub.add_device(plant, DeviceKind.GATEWAY) for _ in range(4))
    hub.read(hub.add_device(plant, DeviceKind.INVERTER, gateway_id=carrying.id), {"ac.power": 1.0})
    hub.read(hub.add_device(plant, DeviceKind.INVERTER, gateway_id=dead.id), {"ac.power": 1.0}, 0)
    hub.read(own, {"gateway.signal": 66.4})
    hub.read(empty, {"gateway.signal": 300.0}, 0)
    hub.read(dead, {"gateway.signal": "weak"}, 0)
    rows = (await client.result("module/list"))["data"]
    assert [(row["moduleSN"], row["status"], row["signal"]) for row in rows] == [
        (carrying.serial, 1, 0), (dead.serial, 2, 0), (own.serial, 1, 66), (empty.serial, 2, 100),
    ]  # fmt: skip
    assert {row["plantName"] for row in rows} == {"plant 1"}
    assert len({row["stationID"] for row in rows}) == 1


async def test_meters(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    for kind in sorted(METERS, key=lambda each: each.value):
        hub.read(hub.add_device(plant, kind), {"meter.power": 5.0})
    rows = (await client.result("gw/list"))["data"]
    assert [list(row) for row in rows] == [["sn", "stationID", "stationName", "status"]] * 2
    assert [(row["sn"], row["stationName"], row["status"]) for row in rows] == [
        (device.serial, "plant 1", 1) for device in hub.all_devices.values()
    ]


async def test_lists_hold_what_the_credential_opens(hub: FakeHub, client: Client) -> None:
    mine, other = hub.add_plant(), hub.add_plant()
    for plant in (mine, other):
        for kind in (DeviceKind.INVERTER, DeviceKind.GATEWAY, DeviceKind.METER):
            hub.add_device(plant, kind)
    hub.change_credential("home", plants=(mine.id,))
    for call in ("plant/list", "device/list", "module/list", "gw/list"):
        assert (await client.result(call))["total"] == 1


async def test_the_variable_table_is_given_whole(client: Client) -> None:
    rows = await client.result("device/variable/get")
    assert len(rows) == 120
    assert all(len(row) == 1 for row in rows)
    table = {name: told for row in rows for name, told in row.items()}
    assert table["pvPower"] == {
        "unit": "kW",
        "name": {
            "zh_CN": "PV功率", "en": "PVPower", "pl": "Moc PV", "fr": "PV Puissance", "pt": "Potência PV",
            "de": "PV Leistung",
        },
        "Grid-tied inverter": True, "Energy-storage inverter": True,
    }  # fmt: skip
    assert "unit" not in table["batStatus"]
    assert table["runningState"]["enum"]["163"] == "on-grid"
    assert "enum" not in table["batStatus"]
    assert table["SoC"]["Grid-tied inverter"] is False


async def test_fault_codes_are_given_in_three_languages(client: Client) -> None:
    rows = await client.result("device/fault/get")
    table = {code: told for row in rows for code, told in row.items()}
    assert len(table) == len(rows) > 0
    for told in table.values():
        assert list(told) == ["en", "zh_CN", "pl"]
        assert all(told.values())
    assert table["65534"]["en"] == "Device communication interrupted"
