"""What the hub's own interface and SmartPVMS say, read from their JSON."""

from __future__ import annotations

from datetime import datetime

from tests.crossing.house import House
from tests.crossing.story import PLANT
from tests.crossing.told import ALWAYS, EVER, FREE, NOW, Json, Sayings, When, told

FLOWS = ("production", "feed_in", "purchase", "charged", "discharged", "revenue", "consumption")
LEVELS = ("hour", "day", "month", "year")


def instant(text: str) -> int:
    """The instant of a text with an offset. [ms]"""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def native(house: House) -> Sayings:
    """Everything that the hub's own interface says."""
    says = Sayings("native")
    plant = await house.native(f"plants/{house.plant.id}")
    says.say("plants", PLANT, "capacity", ALWAYS, told(plant["capacity_w"], FREE))
    listed = (await house.native("devices", plant=house.plant.id))["devices"]
    for device in listed:
        serial = device["serial"]
        says.say("devices", serial, "listed", ALWAYS, told(1, 0))
        says.say("devices", serial, "capacity", ALWAYS, told(device["capacity_w"], FREE))
        for name, text in device["attributes"].items():
            says.say("devices", serial, name, ALWAYS, told(text, FREE))
    await _native_readings(house, says, {device["id"]: device["serial"] for device in listed})
    await _native_energies(house, says)
    return says


async def _native_readings(house: House, says: Sayings, serials: dict[int, str]) -> None:
    on = house.cal.wall(house.now_ms).date()
    for entry in (await house.native("latest", plant=house.plant.id))["latest"]:
        for key, reading in entry["readings"].items():
            says.say("latest", serials[entry["device"]], key, NOW, told(reading["value"], FREE))
    for number, serial in serials.items():
        span = {"since": house.cal.start(on), "until": house.cal.end(on)}
        found = await house.native(f"devices/{number}/history", **span)
        instants = [instant(text) for text in found.get("at", ())]
        for key, values in found.get("columns", {}).items():
            for at_ms, value in zip(instants, values, strict=True):
                says.say("history", serial, key, ("at", at_ms), told(value, FREE))


async def _native_energies(house: House, says: Sayings) -> None:
    on = house.cal.wall(house.now_ms).date()
    since = {"hour": f"{on}", "day": f"{on:%Y-%m}-01", "month": f"{on:%Y}-01-01", "year": f"{on.year - 3}-01-01"}
    subjects = {PLANT: f"plants/{house.plant.id}"} | {s: f"devices/{n}" for s, n in house.ids.items()}
    for subject, path in subjects.items():
        for level in LEVELS:
            found = await house.native(f"{path}/energy", level=level, since=since[level], until=house.now_ms)
            for bucket in found["buckets"]:
                when = dict(house.cal.periods(instant(bucket["since"])))[level]
                for quantity in FLOWS:
                    says.say(f"energy {level}", subject, quantity, (level, when), told(bucket[quantity], FREE))


Points = dict[str, tuple[str, int]]
STRINGS = {f"pv{n}_u": (f"pv.{n}.voltage", 1) for n in range(1, 7)} | {
    f"pv{n}_i": (f"pv.{n}.current", 1) for n in range(1, 7)
}
INVERTER: Points = {
    "active_power": ("ac.power", 1000), "a_u": ("ac.a.voltage", 1), "elec_freq": ("ac.frequency", 1),
    "temperature": ("inverter.temperature", 1), "total_cap": ("ac.energy", 1000),
    "inverter_state": ("inverter.state", 1),
    "run_state": ("online", 1), **STRINGS,
}  # fmt: skip
METER: Points = {
    "active_power": ("meter.power", 1000), "active_cap": ("meter.energy_forward", 1000),
    "reverse_active_cap": ("meter.energy_reverse", 1000), "a_u": ("meter.a.voltage", 1),
    "grid_frequency": ("meter.frequency", 1), "run_state": ("online", 1),
}  # fmt: skip
BATTERY: Points = {
    "ch_discharge_power": ("battery.power", -1), "busbar_u": ("battery.voltage", 1), "battery_soc": ("battery.soc", 1),
    "battery_soh": ("battery.soh", 1), "run_state": ("online", 1),
}  # fmt: skip
MOVED = (("product_power", "production"), ("charge_cap", "charged"), ("discharge_cap", "discharged"))
"""Energies of a period."""
SENSOR: Points = {
    "active_power": ("meter.power", 1), "active_cap": ("meter.energy_forward", 1000),
    "reverse_active_cap": ("meter.energy_reverse", 1000), "grid_frequency": ("meter.frequency", 1),
    "run_state": ("online", 1),
}  # fmt: skip
TYPES: dict[int, Points] = {1: INVERTER, 38: INVERTER, 17: METER, 47: SENSOR, 39: BATTERY}


async def huawei(house: House) -> Sayings:
    """Everything that SmartPVMS says."""
    says = Sayings("huawei")
    [plant] = await house.huawei("getStationList")
    says.say("getStationList", PLANT, "capacity", ALWAYS, told(plant["capacity"], 12, 1_000_000))
    code = plant["stationCode"]
    [paged] = (await house.huawei("stations", pageNo=1))["list"]
    says.say("stations", PLANT, "capacity", ALWAYS, told(paged["capacity"], 9, 1000))
    listed = await house.huawei("getDevList", stationCodes=code)
    kinds: dict[int, list[Json]] = {}
    for device in listed:
        says.say("getDevList", device["esnCode"], "listed", ALWAYS, told(1, 0))
        kinds.setdefault(device["devTypeId"], []).append(device)
    for type_id, devices in kinds.items():
        if type_id in TYPES:
            await _huawei_devices(house, says, type_id, {each["id"]: each["esnCode"] for each in devices})
    await _huawei_plant(house, says, code)
    return says


async def _huawei_devices(house: House, says: Sayings, type_id: int, serials: dict[int, str]) -> None:
    points = TYPES[type_id]
    asked = {"devIds": ",".join(map(str, serials)), "devTypeId": type_id, "collectTime": house.now_ms}
    for call in ("getDevRealKpi", "getDevFiveMinutes"):
        for row in await house.huawei(call, **asked):
            when: When = NOW if call == "getDevRealKpi" else ("at", row["collectTime"])
            for name, value in row["dataItemMap"].items():
                if name in points:
                    key, scale = points[name]
                    says.say(call, serials[row["devId"]], key, when, told(value, FREE, scale))
            if type_id == 39 and call == "getDevRealKpi":
                _moved_today(house, says, serials[row["devId"]], row["dataItemMap"])
    if type_id in (17, 47):
        return
    for level, name in zip(LEVELS, ("Hour", "Day", "Month", "Year"), strict=True):
        for row in await house.huawei(f"getDevKpi{name}", **asked):
            subject, items = serials[row["devId"]], row["dataItemMap"]
            when = (level, dict(house.cal.periods(row["collectTime"]))[level])
            for name_, quantity in MOVED:
                says.say(f"getDevKpi{name}", subject, quantity, when, told(items.get(name_), 3, 1000))
            says.say(f"getDevKpi{name}", subject, "capacity", ALWAYS, told(items.get("installed_capacity"), 3, 1000))


def _moved_today(house: House, says: Sayings, serial: str, items: Json) -> None:
    today: When = ("day", dict(house.cal.periods(house.now_ms))["day"])
    for name, quantity in MOVED[1:]:
        says.say("getDevRealKpi", serial, quantity, today, told(items[name], FREE, 1000))


async def _huawei_plant(house: House, says: Sayings, code: str) -> None:
    [row] = await house.huawei("getStationRealKpi", stationCodes=code)
    now, today = row["dataItemMap"], dict(house.cal.periods(house.now_ms))
    for name, span in (("day_power", "day"), ("month_power", "month"), ("total_power", "")):
        at: When = (span, today[span]) if span else EVER
        says.say("getStationRealKpi", PLANT, "production", at, told(now[name], 3, 1000))
    says.say("getStationRealKpi", PLANT, "revenue", ("day", today["day"]), told(now["day_income"], 3))
    for name, quantity in (("day_on_grid_energy", "feed_in"), ("day_use_energy", "consumption")):
        says.say("getStationRealKpi", PLANT, quantity, ("day", today["day"]), told(now[name], 3, 1000))
    names = {"inverter_power": "production", "ongrid_power": "feed_in", "use_power": "consumption"}
    for level, name in zip(LEVELS, ("Hour", "Day", "Month", "Year"), strict=True):
        call = f"getKpiStation{name}"
        for row in await house.huawei(call, stationCodes=code, collectTime=house.now_ms):
            items, when = row["dataItemMap"], (level, dict(house.cal.periods(row["collectTime"]))[level])
            for wire, quantity in names.items():
                says.say(call, PLANT, quantity, when, told(items.get(wire), 3, 1000))
            says.say(call, PLANT, "revenue", when, told(items["power_profit"], 4))
            says.say(call, PLANT, "capacity", ALWAYS, told(items.get("installed_capacity"), 3, 1000))
