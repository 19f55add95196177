"""What Fox ESS and APsystems say, read from their JSON."""

from __future__ import annotations

from datetime import date, datetime

from tests.crossing.house import House
from tests.crossing.story import PLANT
from tests.crossing.told import ALWAYS, EVER, FREE, NOW, Json, Sayings, Told, When, added, told

BATTERY, GRID = "battery", "grid"
"""Whose readings variables of an inverter may be."""
VARIABLES: dict[str, tuple[str, str, int]] = {
    "generationPower": ("", "ac.power", 1000), "RVolt": ("", "ac.a.voltage", 1), "RFreq": ("", "ac.frequency", 1),
    "invTemperation": ("", "inverter.temperature", 1), "generation": ("", "ac.energy", 1000),
    "SoC": (BATTERY, "battery.soc", 1), "SOH": (BATTERY, "battery.soh", 1), "batVolt": (BATTERY, "battery.voltage", 1),
    "chargeEnergyToTal": (BATTERY, "battery.energy_charged", 1000),
    "dischargeEnergyToTal": (BATTERY, "battery.energy_discharged", 1000),
    "invBatPower": (BATTERY, "battery.power", 1000),
    "meterPower": (GRID, "meter.power", 1000), "gridConsumption": (GRID, "meter.energy_forward", 1000),
    "feedin": (GRID, "meter.energy_reverse", 1000),
    **{f"pv{n}Volt": ("", f"pv.{n}.voltage", 1) for n in range(1, 7)},
    **{f"pv{n}Current": ("", f"pv.{n}.current", 1) for n in range(1, 7)},
    **{f"pv{n}Power": ("", f"pv.{n}.power", 1000) for n in range(1, 7)},
}  # fmt: skip
"""Whose reading a variable of an inverter is, which, and how many of the hub's units one of its units is."""
HALVES = {
    "batDischargePower": (BATTERY, "battery.power", 1), "batChargePower": (BATTERY, "battery.power", -1),
    "gridConsumptionPower": (GRID, "meter.power", 1), "feedinPower": (GRID, "meter.power", -1),
}  # fmt: skip
"""Variables that tell one direction of a power: 0 stands for the other one."""
STATES = {"160": 0x0600, "161": 2, "162": 3, "163": 512, "165": 0x0300, "166": 0x0305, "167": 0xA000}
"""The hub's operating states."""
REPORTED = {
    "generation": "production", "feedin": "feed_in", "gridConsumption": "purchase", "chargeEnergyToTal": "charged",
    "dischargeEnergyToTal": "discharged", "loads": "consumption",
}  # fmt: skip


async def foxess(house: House) -> Sayings:
    """Everything that Fox ESS says."""
    says = Sayings("foxess")
    page = {"currentPage": 1, "pageSize": 100}
    [plant] = (await house.fox("POST", "/op/v0/plant/list", **page))["data"]
    detail = await house.fox("GET", "/op/v0/plant/detail", id=plant["stationID"])
    says.say("plant/detail", PLANT, "capacity", ALWAYS, told(detail["capacity"], 3, 1000))
    serials = []
    for path, name in (("device", "deviceSN"), ("module", "moduleSN"), ("gw", "sn")):
        for row in (await house.fox("POST", f"/op/v0/{path}/list", **page))["data"]:
            says.say(f"{path}/list", row[name], "listed", ALWAYS, told(1, 0))
            if path == "device":
                serials.append(row[name])
            if path != "module" and row[name] in house.ids:
                says.say(f"{path}/list", row[name], "online", NOW, told(int(row["status"] == 1), 0))
    heard = await _fox_now(house, says, serials)
    for serial in serials:
        shown = await house.fox("GET", "/op/v0/device/detail", sn=serial)
        says.say("device/detail", serial, "capacity", ALWAYS, told(shown["capacity"], 3, 1000))
        for battery in shown["batteryList"]:
            says.say("device/detail", battery["batterySN"], "capacity_wh", ALWAYS, told(battery["capacity"], 3))
            says.say("device/detail", battery["batterySN"], "listed", ALWAYS, told(1, 0))
        await _fox_past(house, says, serial, heard)
    return says


def _fox_value(house: House, says: Sayings, call: str, serial: str, values: dict[str, Json], when: When) -> None:
    owners = {"": serial, BATTERY: house.fleet.battery, GRID: house.fleet.grid}
    for name, value in values.items():
        if name in VARIABLES:
            owner, key, scale = VARIABLES[name]
            says.say(call, owners[owner], key, when, told(value, FREE, scale))
        elif name == "runningState":
            says.say(call, serial, "inverter.state", when, told(STATES[value], 0))
    for name, (owner, key, sign) in HALVES.items():
        if values.get(name):
            says.say(call, owners[owner], key, when, told(values[name], FREE, 1000 * sign))


def fox_instant(text: str) -> int:
    """The instant of `2024-09-11 21:00:57 BST+0100`. [ms]"""
    wall, offset = text[:19], text[-5:]
    return round(datetime.strptime(wall + offset, "%Y-%m-%d %H:%M:%S%z").timestamp() * 1000)


async def _fox_now(house: House, says: Sayings, serials: list[str]) -> set[str]:
    today = dict(house.cal.periods(house.now_ms))["day"]
    heard: set[str] = set()
    for entry in await house.fox("POST", "/op/v1/device/real/query", sns=serials):
        serial, values = entry["deviceSN"], {each["variable"]: each["value"] for each in entry["datas"]}
        [same] = await house.fox("POST", "/op/v0/device/real/query", sn=serial)
        assert same == entry
        _fox_value(house, says, "real/query", serial, values, NOW)
        if values:
            heard.add(serial)
            says.say("real/query", serial, "production", ("day", today), told(values.get("todayYield"), 9, 1000))
            says.say("real/query", serial, "newest", NOW, told(fox_instant(entry["time"]), 0))
    return heard


async def _fox_past(house: House, says: Sayings, serial: str, heard: set[str]) -> None:
    on = house.cal.wall(house.now_ms).date()
    first, last = house.cal.start(on), house.cal.end(on) - 1
    for begin in range(first, last, 12 * 3_600_000):
        span = {"begin": begin, "end": min(begin + 12 * 3_600_000 - 1, last)}
        [entry] = await house.fox("POST", "/op/v0/device/history/query", sn=serial, **span)
        for course in entry["datas"]:
            for moment in course["data"]:
                one = {course["variable"]: moment["value"]}
                _fox_value(house, says, "history/query", serial, one, ("at", fox_instant(moment["time"])))
    told_ = await house.fox("GET", "/op/v0/device/generation", sn=serial)
    now = dict(house.cal.periods(house.now_ms))
    for name, when in (("today", ("day", now["day"])), ("month", ("month", now["month"])), ("cumulative", EVER)):
        says.say("generation", serial, "production", when, told(told_[name], 3, 1000))
    for dimension in ("day", "month", "year"):
        asked = {"sn": serial, "year": on.year, "month": on.month, "day": on.day, "dimension": dimension}
        for row in await house.fox("POST", "/op/v0/device/report/query", **asked, variables=list(REPORTED)):
            quantity = REPORTED[row["variable"]]
            for place, value in enumerate(row["values"]):
                when = place_of(house, dimension, on, place)
                owner = serial if quantity == "production" else house.fleet.battery if "charge" in quantity else PLANT
                says.say(f"report/query {dimension}", owner, quantity, when, told(value, 3, 1000))


def place_of(house: House, dimension: str, on: date, place: int) -> When:
    """The period that an entry of a list stands for."""
    if dimension == "day":
        return house.cal.wall_hour(on, place)
    if dimension == "month":
        return "day", on.replace(day=place + 1).isoformat()
    return "month", f"{on.year}-{place + 1:02d}"


METERED = {"consumed": "consumption", "exported": "feed_in", "imported": "purchase", "produced": "production"}
TELEMETRY = {"ac_p": "ac.power", "ac_v1": "ac.a.voltage", "ac_t": "inverter.temperature", "ac_f": "ac.frequency"} | {
    f"dc_{letter}{n}": f"pv.{n}.{quantity}"
    for n in range(1, 5)
    for letter, quantity in (("p", "power"), ("i", "current"), ("v", "voltage"))
}
_LISTS = {"hourly": "day", "daily": "month", "monthly": "year"}


class Aps:
    """The calls of APsystems, and what they say."""

    def __init__(self, house: House) -> None:
        self.house, self.says = house, Sayings("apsystems")
        self.on = house.cal.wall(house.now_ms).date()
        self.sid = ""

    def spans(self) -> dict[str, str]:
        """What each list is asked for."""
        return {"hourly": f"{self.on}", "daily": f"{self.on:%Y-%m}", "monthly": f"{self.on:%Y}"}

    async def read(self) -> Sayings:
        """Everything that it says."""
        house, says = self.house, self.says
        details = await house.aps(f"details/{house.plant.id}")
        self.sid = details["sid"]
        assert details["timezone"] == house.cal.name
        says.say("details", PLANT, "capacity", ALWAYS, told(details["capacity"], 2, 1000))
        await self._produced(f"summary/{self.sid}", f"energy/{self.sid}", PLANT, "system")
        metered = await house.aps(f"meters/{self.sid}")
        for entry in await house.aps(f"inverters/{self.sid}"):
            await self._ecu(entry, details["ecu"])
            if entry["eid"] in metered:
                await self._meter(entry["eid"])
        return says

    async def _ecu(self, entry: Json, ecus: list[str]) -> None:
        eid, below = entry["eid"], f"{self.sid}/devices"
        subject = self.house.fleet.gateways[ecus.index(eid)]
        self.says.say("inverters", eid, "listed", ALWAYS, told(1, 0))
        if "capacity" in entry:
            self.says.say("inverters", subject, "capacity_wh", ALWAYS, told(entry["capacity"], 2, 1000))
        await self._produced(f"{below}/ecu/summary/{eid}", f"{below}/ecu/energy/{eid}", subject, "ecu")
        minutes = await self.house.aps(f"{below}/ecu/energy/{eid}", energy_level="minutely", date_range=f"{self.on}")
        if minutes is not None:
            for when, watts in zip(self.points(minutes["time"]), minutes["power"], strict=True):
                self.says.say("ecu minutely", subject, "ac.power", when, told(watts, 2))
            day: When = ("day", self.on.isoformat())
            self.says.say("ecu minutely", subject, "production", day, told(minutes["today"], 2, 1000))
            parts = [told(each, 6, 1000) for each in minutes["energy"]]
            self.says.say("ecu minutely", subject, "production", day, added([part for part in parts if part]))
        names = {each["uid"]: each["type"].removeprefix("Model ") for each in entry["inverter"]}
        for uid, serial in names.items():
            self.says.say("inverters", uid, "listed", ALWAYS, told(1, 0))
            await self._inverter(uid, serial)
        await self._batch(eid, names)

    async def _produced(self, summary: str, energy: str, subject: str, call: str) -> None:
        found = await self.house.aps(summary)
        today = dict(self.house.cal.periods(self.house.now_ms))
        for name, level in (("today", "day"), ("month", "month"), ("year", "year"), ("lifetime", "")):
            when: When = (level, today[level]) if level else EVER
            self.says.say(f"{call} summary", subject, "production", when, told(found[name], 2, 1000))
        for level, span in self.spans().items():
            for place, text in enumerate(await self.house.aps(energy, energy_level=level, date_range=span)):
                when = place_of(self.house, _LISTS[level], self.on, place)
                self.says.say(f"{call} {level}", subject, "production", when, told(text, 2, 1000))
        years = await self.house.aps(energy, energy_level="yearly")
        for back, text in enumerate(reversed(years)):
            self.says.say(
                f"{call} yearly", subject, "production", ("year", f"{self.on.year - back}"), told(text, 2, 1000)
            )

    async def _meter(self, eid: str) -> None:
        path = f"{self.sid}/devices/meter"
        today = dict(self.house.cal.periods(self.house.now_ms))
        found = await self.house.aps(f"{path}/summary/{eid}")
        for name, level in (("today", "day"), ("month", "month"), ("year", "year"), ("lifetime", "")):
            when: When = (level, today[level]) if level else EVER
            for wire, quantity in METERED.items():
                self.says.say("meter summary", PLANT, quantity, when, told(found[name][wire], 6, 1000))
        for level, span in self.spans().items():
            lists = await self.house.aps(f"{path}/period/{eid}", energy_level=level, date_range=span)
            for wire, quantity in METERED.items():
                for place, text in enumerate(lists[wire]):
                    when = place_of(self.house, _LISTS[level], self.on, place)
                    self.says.say(f"meter {level}", PLANT, quantity, when, told(text, 3, 1000))
        lists = await self.house.aps(f"{path}/period/{eid}", energy_level="yearly")
        for wire, quantity in METERED.items():
            for year, text in zip(lists["time"], lists[wire], strict=True):
                self.says.say("meter yearly", PLANT, quantity, ("year", year), told(text, 3, 1000))
        await self._meter_day(f"{path}/period/{eid}", ("day", today["day"]))

    async def _meter_day(self, path: str, on: When) -> None:
        day = await self.house.aps(path, energy_level="minutely", date_range=f"{self.on}")
        if day is None:
            return
        at = self.points(day["time"])
        for wire, quantity in (("imported_exported", "grid.power"), ("produced", "ac.power")):
            for when, text in zip(at, day["power"][wire], strict=True):
                self.says.say("meter minutely", PLANT, quantity, when, told(text, 2))
        for wire, quantity in METERED.items():
            self.says.say("meter minutely", PLANT, quantity, on, told(day["today"][wire], 6, 1000))
            parts = [told(text, 6, 1000) for text in day["energy"][wire]]
            self.says.say("meter minutely", PLANT, quantity, on, added([part for part in parts if part]))

    async def _inverter(self, uid: str, serial: str) -> None:
        path, today = f"{self.sid}/devices/inverter", dict(self.house.cal.periods(self.house.now_ms))
        found = await self.house.aps(f"{path}/summary/{uid}")
        if found is None:
            return
        for letter, level in (("d", "day"), ("m", "month"), ("y", "year"), ("t", "")):
            when: When = (level, today[level]) if level else EVER
            parts = [told(text, 2, 1000) for name, text in found.items() if name[0] == letter]
            self.says.say("inverter summary", serial, "production", when, added([part for part in parts if part]))
        for level, span in self.spans().items():
            lists = await self.house.aps(f"{path}/energy/{uid}", energy_level=level, date_range=span)
            for place, texts in enumerate(zip(*lists.values(), strict=True)):
                parts = [told(text, 2, 1000) for text in texts]
                when = place_of(self.house, _LISTS[level], self.on, place)
                self.says.say(f"inverter {level}", serial, "production", when, added([part for part in parts if part]))
        lists = await self.house.aps(f"{path}/energy/{uid}", energy_level="yearly")
        for back, texts in enumerate(reversed(list(zip(*lists.values(), strict=True)))):
            parts = [told(text, 2, 1000) for text in texts]
            when = ("year", f"{self.on.year - back}")
            self.says.say("inverter yearly", serial, "production", when, added([part for part in parts if part]))
        day = await self.house.aps(f"{path}/energy/{uid}", energy_level="minutely", date_range=f"{self.on}")
        if day is None:
            return
        at = self.moments(day["t"])
        parts = [told(text, 6, 1000) for name, texts in day.items() if name.startswith("dc_e") for text in texts]
        self.says.say(
            "inverter minutely", serial, "production", ("day", today["day"]), added([part for part in parts if part])
        )
        for name, texts in day.items():
            if name in TELEMETRY:
                for when, text in zip(at, texts, strict=True):
                    self.says.say("inverter minutely", serial, TELEMETRY[name], when, told(text, 2))

    async def _batch(self, eid: str, names: dict[str, str]) -> None:
        path = f"{self.sid}/devices/inverter/batch/energy/{eid}"
        found = await self.house.aps(path, energy_level="power", date_range=f"{self.on}")
        if found is not None:
            at = self.points(found["time"])
            for name, texts in found["power"].items():
                uid, channel = name.split("-")
                for when, text in zip(at, texts, strict=True):
                    self.says.say("batch power", names[uid], f"pv.{channel}.power", when, told(text, 0))
        energies: dict[str, list[Told]] = {}
        found = await self.house.aps(path, energy_level="energy", date_range=f"{self.on}")
        for text in [] if found is None else found["energy"]:
            uid, _, kwh = text.split("-", 2)
            part = told(kwh, 2, 1000)
            assert part is not None
            energies.setdefault(names[uid], []).append(part)
        for serial, parts in energies.items():
            self.says.say("batch energy", serial, "production", ("day", self.on.isoformat()), added(parts))

    def moments(self, clocks: list[str]) -> list[When]:
        """The instants of the times of a day; a time that could be either of two stays a time."""
        out: list[When] = []
        for place, clock in enumerate(clocks):
            found = self.house.cal.instants(self.on, clock)
            if len(found) == 2 and clocks.count(clock) == 2:
                found = [found[clocks[:place].count(clock)]]
            out.append(("at", found[0]) if len(found) == 1 else ("either", f"{self.on} {clock}"))
        return out

    def points(self, clocks: list[str]) -> list[When]:
        """The points of a day, which are as far apart as samples."""
        return [("point", when[1]) if when[0] == "at" else when for when in self.moments(clocks)]


async def apsystems(house: House) -> Sayings:
    """Everything that APsystems says."""
    return await Aps(house).read()
