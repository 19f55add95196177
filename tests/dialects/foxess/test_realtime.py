"""The present: what is told of an inverter and of what is wired to it, in which words, and never an old answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from heliograph.clock import HOUR_MS, MINUTE_MS, Level, day_start, zone
from heliograph.dialects.foxess import lookup, realtime
from heliograph.dialects.foxess.variables import served
from heliograph.model.alarms import Alarm, AlarmStatus
from heliograph.model.devices import Device, DeviceKind, MeterRole
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import NOW_MS, FakeHub

INVERTER = {
    "inverter.state": 512.0, "ac.power": 327.0, "ac.a.voltage": 239.4, "ac.frequency": 50.01, "pv.power": 261.0,
    "pv.1.voltage": 392.4, "pv.1.current": 0.5, "ac.energy": 141_700.0, "ac.energy_today": 2300.0,
}  # fmt: skip
BATTERY = {
    "battery.power": -66.0, "battery.soc": 58.0, "battery.voltage": 418.0, "battery.current": -0.6,
    "battery.temperature": 36.4, "battery.soh": 99.0, "battery.status": 2.0, "battery.energy_charged": 90_300.0,
    "battery.energy_discharged": 85_800.0,
}  # fmt: skip
METER = {"meter.power": -33.0, "meter.energy_forward": 200.0, "meter.energy_reverse": 11_400.0, "meter.a.power": -33.0}


def home(hub: FakeHub, zone_name: str = "Europe/London") -> Device:
    """A plant with a hybrid inverter, a battery of 10 kWh and a grid meter, all of which have sent something."""
    plant = hub.add_plant(zone_name)
    inverter = hub.add_device(plant)
    hub.read(inverter, INVERTER)
    hub.read(hub.add_device(plant, DeviceKind.BATTERY, attributes={"capacity_wh": "10000"}), BATTERY)
    hub.read(hub.add_device(plant, DeviceKind.METER), METER)
    return inverter


async def told(client: Client, device: Device, **query: object) -> dict[str, Any]:
    """The variables of a device by name, each with its value."""
    (entry,) = await client.result("device/real/query", {"sn": device.serial, **query})
    return {item["variable"]: item["value"] for item in entry["datas"]}


async def test_an_inverter_tells_what_is_wired_to_it(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    values = await told(client, inverter)
    assert values == {
        "todayYield": 2.3, "pvPower": 0.261, "pv1Volt": 392.4, "pv1Current": 0.5, "pv1Power": 0.1962,
        "RVolt": 239.4, "RFreq": 50.01, "RPower": 0.327, "batTemperature": 36.4,
        # 327 W out of the inverter less 33 W into the grid.
        "loadsPower": 0.294, "loadsPowerR": 0.294, "generationPower": 0.327, "feedinPower": 0.033,
        "gridConsumptionPower": 0.0, "invBatVolt": 418.0, "invBatCurrent": -0.6, "invBatPower": -0.066,
        "batChargePower": 0.066, "batDischargePower": 0.0, "batVolt": 418.0, "batCurrent": 0.6, "meterPower": -0.033,
        "meterPowerR": -0.033, "SoC": 58.0, "generation": 141.7, "ResidualEnergy": 580.0, "runningState": "163",
        "batStatus": "2", "batStatusV2": "Charge", "currentFault": "", "currentFaultCount": "0",
        "energyThroughput": 176_100.0, "SOH": 99.0, "gridConsumption": 0.2, "feedin": 11.4, "chargeEnergyToTal": 90.3,
        "dischargeEnergyToTal": 85.8,
    }  # fmt: skip
    # What else a battery tells is its own.
    hub.read(hub.all_devices[2], {**BATTERY, "ac.power": 9999.0})
    assert await told(client, inverter) == values
    # Everything is told in the order of the table.
    assert list(values) == [name for name in served() if name in values]


async def test_items_without_a_unit_have_no_unit_and_a_text(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    hub.read(inverter, {**INVERTER, "ac.power_factor": 0.98})
    (entry,) = await client.result("device/real/query", {"sn": inverter.serial})
    assert list(entry) == ["deviceSN", "datas", "time"]
    items = {item["variable"]: item for item in entry["datas"]}
    texts = {"runningState", "batStatus", "batStatusV2", "currentFault", "currentFaultCount"}
    for name, item in items.items():
        assert ("unit" in item) is (name not in texts)
        assert isinstance(item["value"], str) is (name in texts)
    assert items["ResidualEnergy"]["unit"] == "0.01kWh"
    assert items["PowerFactor"]["unit"] == ""
    assert items["todayYield"] == {
        "variable": "todayYield", "name": served()["todayYield"].names["en"], "value": 2.3, "unit": "kWh",
    }  # fmt: skip


async def test_names_are_in_the_caller_s_language(hub: FakeHub) -> None:
    inverter = home(hub)
    names = []
    for lang in ("zh_CN", "en", "pl", "fr", "pt", "de", "zh", "xx"):
        (entry,) = await Client(hub, lang=lang).result(
            "device/real/query", {"sn": inverter.serial, "variables": ["pvPower"]}
        )
        names.append(entry["datas"][0]["name"])
    assert names == [
        "PV功率", "PVPower", "Moc PV", "PV Puissance", "Potência PV", "PV Leistung", "PV功率", "PVPower",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone_name", "at_ms", "stamp"),
    [
        ("Europe/London", NOW_MS, "2025-07-01 13:00:00 BST+0100"),
        ("Asia/Shanghai", NOW_MS, "2025-07-01 20:00:00 CST+0800"),
        ("America/Sao_Paulo", NOW_MS, "2025-07-01 09:00:00 UTC-0300"),
        ("Asia/Kathmandu", NOW_MS + 999, "2025-07-01 17:45:00 UTC+0545"),
        ("UTC", NOW_MS, "2025-07-01 12:00:00 UTC+0000"),
    ],
)
async def test_the_time_is_the_plant_s(hub: FakeHub, client: Client, zone_name: str, at_ms: int, stamp: str) -> None:
    inverter = home(hub, zone_name)
    hub.read(inverter, INVERTER, at_ms)
    (entry,) = await client.result("device/real/query", {"sn": inverter.serial})
    assert entry["time"] == stamp


async def test_variables_are_told_in_the_order_asked_and_unknown_ones_left_out(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    wanted = ["SoC", "nothing", "invBatVolt", "pv9Power", "pvPower", "SoC", "PVEnergyTotal"]
    asked: list[object] = [wanted, ",".join(wanted), str(wanted).replace("'", '"')]
    for form in asked:
        assert list(await told(client, inverter, variables=form)) == ["SoC", "invBatVolt", "pvPower"]
    assert await told(client, inverter, variables=["nothing"]) == {}
    whole = await told(client, inverter)
    for empty in ([], None, "", ["", None]):
        assert await told(client, inverter, variables=empty) == whole


@pytest.mark.parametrize("variables", [[["x"]], {"a": 1}, True, "[1", ["x"] * 1001 + list(range(1001))])
async def test_variables_that_are_none_are_refused(hub: FakeHub, client: Client, variables: object) -> None:
    answer = await client.call("device/real/query", {"sn": home(hub).serial, "variables": variables})
    assert answer["errno"] == 40257
    assert "variables" in answer["msg"]


async def test_without_a_serial_number_all_inverters_are_told(hub: FakeHub, client: Client) -> None:
    first, second = home(hub), home(hub)
    silent = hub.add_device(hub.add_plant(), DeviceKind.INVERTER)
    for body in (None, {}, {"sn": None, "variables": ["pvPower"]}):
        rows = await client.result("device/real/query", body)
        assert [row["deviceSN"] for row in rows] == [first.serial, second.serial, silent.serial]
    # One that never sent anything is there, empty, and at a time that typed clients can read.
    assert rows[2] == {"deviceSN": silent.serial, "datas": [], "time": "1970-01-01 01:00:00 BST+0100"}


async def test_an_inverter_that_is_silent_is_told_by_what_is_wired_to_it(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    del hub.newest[inverter.id]
    (entry,) = await client.result("device/real/query", {"sn": inverter.serial, "variables": ["SoC"]})
    assert entry["time"] == "2025-07-01 13:00:00 BST+0100"
    assert entry["datas"][0]["value"] == 58.0


async def test_up_to_fifty_at_once(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    devices = [hub.add_device(plant, DeviceKind.INVERTER) for _ in range(51)]
    sns = [device.serial for device in devices]
    rows = await client.result("device/real/query.v1", {"sns": [*sns[:50], sns[0]], "variables": ["pvPower"]})
    assert [row["deviceSN"] for row in rows] == sns[:50]
    assert "sns has more than 50" in (await client.call("device/real/query.v1", {"sns": sns}))["msg"]
    assert "sns is missing" in (await client.call("device/real/query.v1", {"sns": []}))["msg"]
    assert (await client.call("device/real/query.v1", {}))["errno"] == 40257
    one = await client.result("device/real/query.v1", {"sn": sns[3]})
    assert [row["deviceSN"] for row in one] == [sns[3]]
    text = await client.result("device/real/query.v1", {"sns": f"{sns[5]},{sns[4]}"})
    assert [row["deviceSN"] for row in text] == [sns[5], sns[4]]


async def test_those_that_the_caller_does_not_see_are_left_out(hub: FakeHub, client: Client) -> None:
    mine = home(hub)
    theirs = hub.add_device(hub.add_plant(account=2))
    rows = await client.result("device/real/query.v1", {"sns": [theirs.serial, "nobody", mine.serial]})
    assert [row["deviceSN"] for row in rows] == [mine.serial]
    assert await client.errno("device/real/query.v1", {"sns": [theirs.serial]}) == 41930
    assert await client.errno("device/real/query", {"sn": theirs.serial}) == 41930


async def test_a_new_reading_is_told_at_once(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    assert (await told(client, inverter))["SoC"] == 58.0
    # The same instant with another value, of a device beside: no answer is older than what it is made of.
    hub.read(hub.all_devices[2], {**BATTERY, "battery.soc": 59.0})
    assert (await told(client, inverter))["SoC"] == 59.0
    hub.read(inverter, {**INVERTER, "pv.power": 300.0})
    assert (await told(client, inverter))["pvPower"] == 0.3


async def test_an_answer_is_made_once_for_each_reading(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    entry = realtime.entry

    def counted(seen: realtime.Seen, *rest: Any) -> Any:  # any: what is wrapped
        made.append(seen.rig.device.id)
        return entry(seen, *rest)

    monkeypatch.setattr(realtime, "entry", counted)
    first, second = home(hub), home(hub)
    for _ in range(3):
        await client.result("device/real/query.v1", {"sns": [first.serial, second.serial]})
        await client.result("device/real/query", {"sn": second.serial})
    assert made == [first.id, second.id]
    hub.read(second, {**INVERTER, "pv.power": 5.0})
    await client.result("device/real/query")
    assert made == [first.id, second.id, second.id]
    await Client(hub, lang="de").result("device/real/query")
    await client.result("device/real/query", {"sn": first.serial, "variables": ["SoC"]})
    assert made[3:] == [first.id, second.id, first.id]
    monkeypatch.setattr(realtime, "KEPT", 1)
    await client.result("device/real/query", {"sn": first.serial, "variables": ["SOH"]})
    await client.result("device/real/query", {"sn": first.serial, "variables": ["SoC"]})
    assert made[6:] == [first.id, first.id]


async def test_what_is_wired_later_is_told_too(hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = home(hub), home(hub)
    monkeypatch.setattr(lookup, "KEPT_SIGHTS", 1)
    assert (await told(client, second))["meterPower"] == -0.033
    hub.all_devices[6] = msgspec.structs.replace(hub.all_devices[6], disabled=True)
    assert "meterPower" not in await told(client, second)
    assert (await told(client, first))["meterPower"] == -0.033


async def test_faults_are_told_as_the_device_or_its_alarms_tell_them(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    alarm = Alarm(device_id=inverter.id, code="2032", raised_at_ms=NOW_MS - 1)
    hub.all_alarms = [
        alarm,
        msgspec.structs.replace(alarm, code="1010"),
        msgspec.structs.replace(alarm, code="1"),
        msgspec.structs.replace(alarm, code="65534", watched=True),
        msgspec.structs.replace(alarm, code="3", status=AlarmStatus.CLEARED_BY_USER),
        msgspec.structs.replace(alarm, code="4", device_id=2),
    ]
    values = await told(client, inverter)
    assert (values["currentFault"], values["currentFaultCount"]) == ("1,1010,2032", "3")
    hub.read(inverter, {**INVERTER, "device.fault": 77.0})
    values = await told(client, inverter)
    assert (values["currentFault"], values["currentFaultCount"]) == ("77", "1")
    hub.read(inverter, {**INVERTER, "device.fault": 0.0})
    assert (await told(client, inverter))["currentFault"] == ""
    hub.read(inverter, {**INVERTER, "foxess:currentFault": "12, 13", "foxess:batStatusV2": "Balancing"})
    values = await told(client, inverter)
    assert (values["currentFault"], values["currentFaultCount"]) == ("12, 13", "2")
    assert values["batStatusV2"] == "Balancing"


async def test_a_fault_that_ends_is_not_told_any_more(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    hub.all_alarms = [Alarm(device_id=inverter.id, code="9", raised_at_ms=NOW_MS - 1)]
    assert (await told(client, inverter, variables=["currentFault"])) == {"currentFault": "9"}
    hub.all_alarms = []
    assert (await told(client, inverter, variables=["currentFault"])) == {"currentFault": ""}


@pytest.mark.parametrize(
    ("state", "running"),
    [
        (0x0200, "163"), (0x0201, "163"), (0x0300, "165"), (0x0305, "166"), (0xA000, "167"), (0x0002, "161"),
        (0x0003, "162"), (0x0600, "160"), (164, "164"), (170, "170"), (0xB000, None), (12345, None),
    ],
)  # fmt: skip
async def test_the_operating_state_is_told_in_the_vendor_s_codes(
    hub: FakeHub, client: Client, state: int, running: str | None
) -> None:
    inverter = home(hub)
    hub.read(inverter, {**INVERTER, "inverter.state": float(state)})
    assert (await told(client, inverter)).get("runningState") == running


@pytest.mark.parametrize(
    ("status", "power", "word"),
    [
        (2.0, 66.0, "Discharge"), (2.0, -66.0, "Charge"), (2.0, 0.0, "Normal"), (1.0, 0.0, "Normal"),
        (0.0, -5.0, "Offline"), (3.0, 5.0, "Fault"), (4.0, 0.0, "Sleep"), (None, 66.0, "Discharge"),
        (None, 0.0, "Normal"), (2.0, None, "Normal"), (9.0, 0.0, None), (None, None, None),
    ],
)  # fmt: skip
async def test_the_battery_s_status_is_told_in_a_word(
    hub: FakeHub, client: Client, status: float | None, power: float | None, word: str | None
) -> None:
    inverter = home(hub)
    readings = {"battery.soc": 50.0} | {
        key: value for key, value in (("battery.status", status), ("battery.power", power)) if value is not None
    }
    hub.read(hub.all_devices[2], readings)
    assert (await told(client, inverter)).get("batStatusV2") == word


async def test_what_the_inverter_itself_tells_goes_first(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    own = {"battery.port.power": -70.0, "grid.power": -40.0, "load.power": 111.0, "battery.remaining": 5.0}
    hub.read(inverter, {**INVERTER, **own, "battery.energy_throughput": 7.0, "pv.1.power": 1000.0})
    values = await told(client, inverter)
    assert [values[name] for name in ("invBatPower", "feedinPower", "loadsPower", "ResidualEnergy", "pv1Power")] == [
        -0.07, 0.04, 0.111, 0.5, 1.0,
    ]  # fmt: skip
    assert (values["meterPower"], values["batChargePower"], values["energyThroughput"]) == (-0.033, 0.066, 7.0)


async def test_an_inverter_alone_tells_both_ends_of_each_cable(hub: FakeHub, client: Client) -> None:
    inverter = hub.add_device(hub.add_plant())
    hub.read(inverter, {"battery.port.voltage": 240.0, "battery.port.current": 2.0, "grid.power": 500.0})
    values = await told(client, inverter)
    assert values == {
        "gridConsumptionPower": 0.5, "feedinPower": 0.0, "meterPower": 0.5, "invBatVolt": 240.0, "invBatCurrent": 2.0,
        "batVolt": 240.0, "batCurrent": -2.0, "batDischargePower": 0.48, "batChargePower": 0.0, "invBatPower": 0.48,
        "batStatusV2": "Discharge", "currentFault": "", "currentFaultCount": "0",
    }  # fmt: skip


async def test_several_batteries_are_one(hub: FakeHub, client: Client) -> None:
    inverter = home(hub)
    second = hub.add_device(hub.all_plants[1], DeviceKind.BATTERY, attributes={"capacity_wh": "30000"})
    hub.read(second, {**BATTERY, "battery.soc": 78.0, "battery.power": 166.0, "battery.voltage": 400.0})
    values = await told(client, inverter)
    assert (values["SoC"], values["batDischargePower"], values["batVolt"]) == (73.0, 0.1, 418.0)
    assert values["ResidualEnergy"] == 2920.0
    # Where it is not known what each holds they count alike, and what is left cannot be told.
    hub.all_devices[second.id] = msgspec.structs.replace(second, attributes={"capacity_wh": "much"})
    values = await told(client, inverter)
    assert values["SoC"] == 68.0
    assert "ResidualEnergy" not in values
    # A sum of some is no sum.
    hub.read(second, {"battery.voltage": 400.0})
    values = await told(client, inverter)
    assert not {"batChargePower", "chargeEnergyToTal"} & values.keys()
    assert values["SoC"] == 58.0


async def test_the_first_hybrid_inverter_stands_for_the_plant(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    string, hybrid = hub.add_device(plant, DeviceKind.INVERTER), hub.add_device(plant)
    hub.read(string, INVERTER)
    hub.read(hybrid, INVERTER)
    hub.read(hub.add_device(plant, DeviceKind.BATTERY), BATTERY)
    hub.read(hub.add_device(plant, DeviceKind.METER), METER)
    production = hub.add_device(plant, DeviceKind.METER, role=MeterRole.PRODUCTION)
    hub.read(production, {"meter.power": 9999.0})
    alone, master = await told(client, string), await told(client, hybrid)
    assert not {"SoC", "meterPower", "feedinPower", "loadsPower"} & alone.keys()
    assert (master["SoC"], master["meterPower"], master["feedin"]) == (58.0, -0.033, 11.4)
    # With another inverter beside it, what is consumed does not follow.
    assert "loadsPower" not in master
    load = hub.add_device(plant, DeviceKind.POWER_SENSOR, role=MeterRole.LOAD)
    hub.read(load, {"meter.power": 640.0, "meter.energy_forward": 5000.0})
    master = await told(client, hybrid)
    assert (master["loadsPower"], master["loads"]) == (0.64, 5.0)


async def test_a_three_phase_inverter_tells_each_phase(hub: FakeHub, client: Client) -> None:
    inverter = hub.add_device(hub.add_plant(), DeviceKind.INVERTER)
    volts = {f"ac.{phase}.voltage": 230.0 for phase in "abc"}
    hub.read(inverter, {**volts, "ac.power": 3000.0, "ac.frequency": 50.0})
    values = await told(client, inverter)
    assert [values[name] for name in ("RFreq", "SFreq", "TFreq")] == [50.0, 50.0, 50.0]
    assert "RPower" not in values
    hub.read(inverter, {**volts, "ac.a.power": 1000.0, "ac.b.power": 900.0, "ac.c.power": 800.0})
    values = await told(client, inverter)
    assert values["generationPower"] == 2.7
    assert "SFreq" not in values


async def test_the_power_of_the_array_follows_from_its_strings(hub: FakeHub, client: Client) -> None:
    inverter = hub.add_device(hub.add_plant(), DeviceKind.INVERTER)
    hub.read(inverter, {"pv.1.voltage": 400.0, "pv.1.current": 5.0, "pv.2.power": 500.0, "pv.3.voltage": 1.0})
    values = await told(client, inverter)
    assert (values["pv1Power"], values["pv2Power"], values["pvPower"]) == (2.0, 0.5, 2.5)
    assert "pv3Power" not in values


async def test_the_yield_of_the_day_is_this_day_s(hub: FakeHub, client: Client) -> None:
    inverter = home(hub, "Europe/Berlin")
    midnight = day_start(739_433 + 1, zone("Europe/Berlin"))
    hub.plant_clock.at_ms = midnight - 10 * MINUTE_MS
    hub.read(inverter, INVERTER, midnight - 15 * MINUTE_MS)
    assert (await told(client, inverter))["todayYield"] == 2.3
    # After midnight the register still shows the day before; nothing was produced yet.
    hub.plant_clock.at_ms = midnight + 10 * MINUTE_MS
    assert "todayYield" not in await told(client, inverter)
    hub.total("device", inverter.id, Level.DAY, [midnight], production=[40.0], pv_input=[50.0])
    hub.plant_clock.at_ms = midnight + HOUR_MS
    hub.read(inverter, {"ac.power": 5.0}, midnight + HOUR_MS)
    assert (await told(client, inverter))["todayYield"] == 0.04
    hub.total("device", inverter.id, Level.DAY, [midnight], production=[float("nan")])
    hub.read(inverter, {"ac.power": 6.0}, midnight + HOUR_MS)
    assert "todayYield" not in await told(client, inverter)


async def test_a_reading_that_is_no_number_is_no_reading(hub: FakeHub, client: Client) -> None:
    inverter = hub.add_device(hub.add_plant(), DeviceKind.INVERTER)
    hub.read(inverter, {"ac.power": float("nan"), "pv.power": "much", "ac.energy": float("inf"), "foxess:x": 5.0})
    assert await told(client, inverter) == {"currentFault": "", "currentFaultCount": "0"}
    hub.read(inverter, {"device.fault": float("nan"), "foxess:currentFault": 5.0})
    assert await told(client, inverter) == {}
