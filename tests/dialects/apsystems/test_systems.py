"""Systems: what they are called, what sends through what, and what nobody else sees."""

from __future__ import annotations

from datetime import date

import pytest

from heliograph.clock import Level
from heliograph.dialects.apsystems.lookup import Layouts, mint_device, mint_own_ecu, mint_system
from heliograph.model.devices import DeviceKind
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import FakeHub
from tests.unit.store.world import at

GATEWAY, BATTERY, METER = DeviceKind.GATEWAY, DeviceKind.BATTERY, DeviceKind.METER


async def test_details_are_exactly_those_of_the_document(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant("Asia/Shanghai", capacity_w=1280.0, connected_on=date(2022, 9, 1))
    hub.add_device(plant, GATEWAY, serial="203000001234")
    hub.aliases["plant", "", "AZ12649A3DFF"] = plant.id
    assert await client.data("systems/details", "AZ12649A3DFF") == {
        "sid": "AZ12649A3DFF", "create_date": "2022-09-01", "capacity": "1.28", "type": 1,
        "timezone": "Asia/Shanghai", "ecu": ["203000001234"],
    }  # fmt: skip


async def test_inverters_stand_below_their_ecu(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant("Asia/Shanghai")
    ecu = hub.add_device(plant, GATEWAY, serial="203000001234")
    for serial in ("902000001234", "902000001235"):
        hub.add_device(plant, serial=serial, model="QT2D", gateway_id=ecu.id)
    sid = await client.sid()
    assert await client.data("systems/inverters", sid) == [
        {
            "eid": "203000001234", "type": 0, "timezone": "Asia/Shanghai",
            "inverter": [{"uid": "902000001234", "type": "QT2D"}, {"uid": "902000001235", "type": "QT2D"}],
        }
    ]  # fmt: skip
    assert await client.data("systems/meters", sid) == []


async def test_what_names_no_gateway_counts_with_the_first_one(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    first = hub.add_device(plant, GATEWAY, serial="203000000001")
    second = hub.add_device(plant, GATEWAY, serial="203000000002")
    hub.add_device(plant, serial="902000000001")
    through = hub.add_device(plant, serial="902000000002", gateway_id=second.id)
    hub.add_device(plant, serial="902000000003", gateway_id=through.id)
    hub.add_device(plant, serial="902000000004", gateway_id=999)
    loop = hub.add_device(plant, serial="902000000005", gateway_id=8)
    assert hub.add_device(plant, serial="902000000006", gateway_id=loop.id).id == 8
    hub.add_device(plant, METER, gateway_id=second.id)
    hub.add_device(plant, GATEWAY, serial="203000000003", disabled=True)
    listed = await client.data("systems/inverters", await client.sid())
    assert [(ecu["eid"], ecu["type"], [unit["uid"][-1] for unit in ecu["inverter"]]) for ecu in listed] == [
        (first.serial, 0, ["1", "4", "5", "6"]), (second.serial, 1, ["2", "3"]),
    ]  # fmt: skip
    assert await client.data("systems/meters", "1") == [second.serial]


async def test_plants_of_other_makers_have_made_up_ids(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant(capacity_w=None)
    hub.add_device(plant, DeviceKind.INVERTER, serial="HV3210118046", capacity_w=5000.0)
    hub.add_device(plant, DeviceKind.SYSTEM, capacity_w=None)
    sid, (eid,), uids = await client.ids()
    assert sid == mint_system(1, 0)
    assert eid == mint_own_ecu(1, 0)
    assert uids == [mint_device(1, 0), mint_device(2, 0)]
    assert len(sid) == len(eid) == len(uids[0]) == 12
    assert (eid + uids[0]).isdigit()
    details = await client.data("systems/details", sid)
    assert (details["capacity"], details["create_date"]) == ("5.00", "2025-07-01")
    assert (await client.data("systems/inverters", sid))[0]["inverter"][1]["type"] == "system"


async def test_a_serial_number_that_is_taken_is_not_used_again(client: Client, hub: FakeHub) -> None:
    for account in (1, 2):
        hub.add_device(hub.add_plant(account=account), serial="902000000001")
    hub.add_credential("other", account=2, scopes=("read",))
    assert (await client.ids())[2] == ["902000000001"]
    hub.credentials["app"] = hub.credentials["other"]
    assert (await Client(hub).ids(2))[2] == [mint_device(2, 0)]


async def test_a_system_began_with_its_first_data(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    hub.total("plant", plant.id, Level.YEAR, [at("2024-01-01", plant.zone)], production=[5.0])
    days = [at("2024-03-05", plant.zone), at("2024-03-06", plant.zone)]
    hub.total("plant", plant.id, Level.DAY, days, production=[2.0, 3.0])
    assert (await client.data("systems/details", "1"))["create_date"] == "2024-03-05"


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([DeviceKind.INVERTER], 1), ([], 1), ([BATTERY], 2), ([DeviceKind.INVERTER, BATTERY], 3),
        ([DeviceKind.HYBRID_INVERTER], 3),
    ],
)  # fmt: skip
async def test_a_system_has_photovoltaics_or_storage_or_both(
    client: Client, hub: FakeHub, kinds: list[DeviceKind], expected: int
) -> None:
    plant = hub.add_plant()
    for kind in kinds:
        hub.add_device(plant, kind)
    assert (await client.data("systems/details", "1"))["type"] == expected


async def test_an_ecu_with_storage_tells_model_and_capacity(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    first = hub.add_device(plant, GATEWAY, serial="203000000001", model="ECU-S")
    second = hub.add_device(plant, GATEWAY, serial="203000000002")
    for capacity in ("5120", "unknown", ""):
        hub.add_device(plant, BATTERY, gateway_id=first.id, attributes={"capacity_wh": capacity})
    hub.add_device(plant, BATTERY, gateway_id=second.id, attributes={"capacity_wh": "inf"}, model="EP10")
    hub.add_device(plant, METER, gateway_id=first.id)
    listed = await client.data("systems/inverters", "1")
    told = [(ecu["type"], ecu["model"], ecu["capacity"]) for ecu in listed]
    assert told == [(2, "ECU-S", "5.12"), (2, "EP10", "0.00")]
    assert await client.data("systems/meters", "1") == [first.serial]
    other = hub.add_plant()
    hub.add_device(other, BATTERY)
    assert "model" not in (await client.data("systems/inverters", "2"))[0]


async def test_without_a_meter_the_first_inverter_that_knows_the_house_tells(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    hub.add_device(plant, GATEWAY, serial="203000000001")
    second = hub.add_device(plant, GATEWAY, serial="203000000002")
    hub.add_device(plant, DeviceKind.HYBRID_INVERTER, gateway_id=second.id)
    assert await client.data("systems/meters", "1") == ["203000000002"]


async def test_unknown_forbidden_and_disabled_systems_look_the_same(client: Client, hub: FakeHub) -> None:
    mine, closed, off = hub.add_plant(), hub.add_plant(), hub.add_plant(disabled=True)
    foreign = hub.add_plant(account=2)
    hub.change_credential("app", plants=(mine.id, off.id), scopes=("read", "admin"))
    for plant in (closed, off, foreign):
        hub.aliases["plant", "", f"SID{plant.id}"] = plant.id
        for name in (f"SID{plant.id}", str(plant.id)):
            answer = await client.reply("systems/details", name)
            assert (answer.json(), answer.headers["x-ca-error-message"]) == (
                {"code": 2004}, "the application account does not open this",
            )  # fmt: skip
    for name in ("nothing", "9" * 12, "²"):
        assert await client.code("systems/details", name) == 2004


async def test_an_ecu_or_inverter_of_another_system_is_none_of_this_one(client: Client, hub: FakeHub) -> None:
    for _ in range(2):
        plant = hub.add_plant()
        hub.add_device(plant)
        hub.add_device(plant, METER)
    sid, (eid,), (uid,) = await client.ids(1)
    other, _, _ = await client.ids(2)
    for name, own in (
        ("ecu/summary", eid), ("meter/summary", eid), ("inverter/summary", uid), ("ecu/summary", uid),
        ("inverter/summary", eid),
    ):  # fmt: skip
        assert await client.code(name, other, own) == 4001
    assert await client.code("ecu/summary", sid, eid) == 0


async def test_a_change_of_devices_is_seen(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    hub.add_device(plant)
    assert len((await client.ids())[2]) == 1
    hub.add_device(plant)
    assert len((await client.ids())[2]) == 2


async def test_memory_of_systems_is_bounded(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliograph.dialects.apsystems.lookup.KEPT_SYSTEMS", 2)
    layouts: list[Layouts] = []

    def kept() -> Layouts:
        layouts.append(Layouts())
        return layouts[-1]

    monkeypatch.setattr("heliograph.dialects.apsystems.facade.Layouts", kept)
    client = Client(hub)
    for number in (1, 2, 3):
        hub.add_plant()
        await client.sid(number)
        assert len(layouts[0]) == (number if number < 3 else 1)
