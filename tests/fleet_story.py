"""The story of a simulated fleet: its records, what goes wrong with them, and everything that SmartPVMS says of them.

Four plants in four zones are heard for some days around each change of their clocks and around the turn of the year,
and are silent for months between. An inverter is exchanged, two counters show nonsense for a while, and the records of
some hours come late: everything is asked for before and after these.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import numpy as np

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config, SealConfig, ServeConfig
from heliograph.hub import LocalHub
from heliograph.model.access import Caller
from heliograph.model.devices import DeviceKind
from heliograph.model.samples import Block
from heliograph.simulate.fleet import advance, fleet, initial
from tests import live, reckoning
from tests.reckoning import LEVELS, PlantBook, Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from heliograph.simulate.specs import SimulatedPlant

SEED = 11
NOW = datetime(2025, 1, 2, 20, 0, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
TURN = (datetime(2024, 12, 30, tzinfo=UTC), NOW + timedelta(minutes=5))
SPANS = {
    "shanghai": [(datetime(2024, 5, 30, tzinfo=UTC), datetime(2024, 6, 2, tzinfo=UTC)), TURN],
    "london": [
        (datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 4, 2, tzinfo=UTC)),
        (datetime(2024, 10, 26, tzinfo=UTC), datetime(2024, 10, 28, 12, tzinfo=UTC)),
        TURN,
    ],
    "new-york": [
        (datetime(2024, 3, 9, tzinfo=UTC), datetime(2024, 3, 12, tzinfo=UTC)),
        (datetime(2024, 11, 2, tzinfo=UTC), datetime(2024, 11, 5, tzinfo=UTC)),
        TURN,
    ],
    "adelaide": [
        (datetime(2024, 4, 5, tzinfo=UTC), datetime(2024, 4, 8, tzinfo=UTC)),
        (datetime(2024, 10, 4, tzinfo=UTC), datetime(2024, 10, 8, tzinfo=UTC)),
        TURN,
    ],
}
PROFILES = {
    "shanghai": "huawei-2020", "london": "huawei-current", "new-york": "iec-61724", "adelaide": "grid-factor:0.6",
}  # fmt: skip
LATE = {
    "shanghai": [(datetime(2024, 5, 31, 2, tzinfo=UTC), datetime(2024, 5, 31, 9, tzinfo=UTC))],
    # Over the end of the month and the change of the clocks at once, with the midnight between.
    "london": [(datetime(2024, 3, 30, 21, tzinfo=UTC), datetime(2024, 4, 1, 0, 30, tzinfo=UTC))],
    "new-york": [(datetime(2024, 11, 3, 3, tzinfo=UTC), datetime(2024, 11, 3, 16, tzinfo=UTC))],
    # The first for longer than power and light are carried across, in daylight.
    "adelaide": [
        (datetime(2024, 10, 6, 0, 30, tzinfo=UTC), datetime(2024, 10, 6, 2, tzinfo=UTC)),
        (datetime(2024, 12, 31, 10, tzinfo=UTC), datetime(2024, 12, 31, 22, tzinfo=UTC)),
    ],
}
EXCHANGED_MS = round(datetime(2024, 10, 6, 3, tzinfo=UTC).timestamp() * 1000)
"""When Adelaide's inverter was exchanged for a new one that counts from zero."""
NONSENSE = (datetime(2024, 5, 30, 6, tzinfo=UTC), datetime(2024, 5, 30, 7, tzinfo=UTC))
"""When Shanghai's meter and its second inverter showed too little."""
STRING_INVERTER, ENERGY_CENTER, BATTERY = 1, 38, 39
TYPES = {
    DeviceKind.INVERTER: STRING_INVERTER, DeviceKind.MICRO_INVERTER: STRING_INVERTER,
    DeviceKind.HYBRID_INVERTER: ENERGY_CENTER, DeviceKind.BATTERY: BATTERY,
}  # fmt: skip
CALLS = ("Hour", "Day", "Month", "Year")
Items = dict[str, Any]  # any: JSON
Raws = dict[str, dict[str, Raw]]
"""By plant and device."""


def within(at_ms: int, spans: Iterable[tuple[datetime, datetime]]) -> bool:
    """Whether an instant lies in one of some spans."""
    return any(since.timestamp() * 1000 <= at_ms < until.timestamp() * 1000 for since, until in spans)


def spoil(plant: str, device: str, raw: Raw) -> None:
    """What goes wrong with counters."""
    if (plant, device) == ("adelaide", "inverter"):
        column = raw.columns["ac.energy"]
        base = next(value for at, value in zip(raw.at_ms, column, strict=True) if at >= EXCHANGED_MS)
        raw.columns["ac.energy"] = [
            value - base if at >= EXCHANGED_MS else value for at, value in zip(raw.at_ms, column, strict=True)
        ]
    wrong = {("shanghai", "meter"): ("meter.energy_forward", 0.001), ("shanghai", "inverter-2"): ("ac.energy", 0.9)}
    if (plant, device) in wrong:
        key, share = wrong[plant, device]
        raw.columns[key] = [
            value * share if within(at, [NONSENSE]) else value
            for at, value in zip(raw.at_ms, raw.columns[key], strict=True)
        ]


def simulated(plants: Sequence[SimulatedPlant]) -> Raws:
    """All records of the fleet."""
    found: Raws = {}
    for plant in plants:
        own = found[plant.key] = {device.key: Raw([], {}) for device in plant.devices}
        for since, until in SPANS[plant.key]:
            since_ms, until_ms = round(since.timestamp() * 1000), round(until.timestamp() * 1000)
            for part in advance(plant, initial(plant, since_ms, SEED), since_ms, until_ms)[1]:
                raw = own[part.device]
                raw.at_ms += part.at_ms.tolist()
                for place, key in enumerate(part.keys):
                    raw.columns.setdefault(key, []).extend(part.values[:, place].tolist())
        for device, raw in own.items():
            spoil(plant.key, device, raw)
    return found


def only(raws: Raws, *, late: bool) -> Raws:
    """The records that come late, or the others."""
    kept: Raws = {}
    for plant, devices in raws.items():
        kept[plant] = {}
        for device, raw in devices.items():
            places = [n for n, at in enumerate(raw.at_ms) if within(at, LATE[plant]) is late]
            columns = {key: [column[n] for n in places] for key, column in raw.columns.items()}
            kept[plant][device] = Raw([raw.at_ms[n] for n in places], columns)
    return kept


class Answers(msgspec.Struct):
    """What the calls answered: the items of each row by call, plant or device, and instant."""

    plants: dict[tuple[str, str], dict[int, Items]] = {}
    devices: dict[tuple[str, str, str], dict[int, Items]] = {}
    plant_now: dict[str, Items] = {}
    device_now: dict[tuple[str, str], Items] = {}


class Fleet:
    """The hub, its plants and what they are called in SmartPVMS."""

    def __init__(self, hub: LocalHub, http: httpx.AsyncClient, plants: Sequence[SimulatedPlant]) -> None:
        self.hub, self.http, self.plants = hub, http, plants
        setup = live.Setup(hub)
        account = setup.account()
        setup.credentials(account)
        self.caller = Caller(account.id, 0)
        self.ids: dict[tuple[str, str], int] = {}
        for plant in plants:
            held = setup.plant(
                account, plant.key, plant.zone,
                capacity_w=plant.capacity_w, tariff=plant.tariff, kpi_profile=PROFILES[plant.key],
            )  # fmt: skip
            for device in plant.devices:
                name = f"{plant.key}/{device.key}"
                made = setup.device(held, device.kind, name, capacity_w=device.capacity_w, serial=name)
                self.ids[plant.key, device.key] = made.id

    async def send(self, raws: Raws) -> None:
        """Keep records, the newest days first."""
        blocks = []
        for (plant, device), number in reversed(self.ids.items()):
            raw = raws[plant][device]
            if raw.at_ms:
                values = np.array(list(raw.columns.values())).T
                blocks.append(Block(tuple(raw.columns), [number] * len(raw.at_ms), raw.at_ms, values))
        sent = await self.hub.ingest(self.caller, blocks, source="test")
        assert sent.accepted == sum(len(raw.at_ms) for own in raws.values() for raw in own.values())

    async def call(self, name: str, **body: object) -> list[Items]:
        """The data of a call that must succeed."""
        answer = (await self.http.post(f"/thirdData/{name}", json=body, headers=self.session)).json()
        assert answer["success"] is True, answer
        data: list[Items] = answer["data"]
        return data

    async def log_in(self) -> None:
        """Open a session and learn the names of plants and devices."""
        answer = await self.http.post("/thirdData/login", json={"userName": live.USER, "systemCode": live.PASSWORD})
        self.session = {"xsrf-token": answer.headers["xsrf-token"]}
        self.codes = {row["stationName"]: row["stationCode"] for row in await self.call("getStationList")}
        listed = await self.call("getDevList", stationCodes=",".join(self.codes.values()))
        self.numbers = {tuple(row["devName"].split("/")): row["id"] for row in listed}

    async def ask(self) -> Answers:
        """Everything there is, of every day, month and year in which something was heard."""
        found = Answers()
        for plant in self.plants:
            code = self.codes[plant.key]
            [now] = await self.call("getStationRealKpi", stationCodes=code)
            found.plant_now[plant.key] = now["dataItemMap"]
            kinds = {TYPES[device.kind] for device in plant.devices if device.kind in TYPES}
            for type_id in kinds:
                await self._ask_now(found, plant, type_id)
            for level, instants in enumerate(asked(plant)):
                for at in instants:
                    rows = await self.call(f"getKpiStation{CALLS[level]}", stationCodes=code, collectTime=at)
                    kept = found.plants.setdefault((LEVELS[level], plant.key), {})
                    kept.update({row["collectTime"]: row["dataItemMap"] for row in rows})
                    for type_id in kinds:
                        await self._ask_devices(found, plant, type_id, level, at)
        return found

    def _of_type(self, plant: SimulatedPlant, type_id: int) -> dict[int, str]:
        return {self.numbers[plant.key, d.key]: d.key for d in plant.devices if TYPES.get(d.kind) == type_id}

    async def _ask_now(self, found: Answers, plant: SimulatedPlant, type_id: int) -> None:
        names = self._of_type(plant, type_id)
        for row in await self.call("getDevRealKpi", devIds=",".join(map(str, names)), devTypeId=type_id):
            found.device_now[plant.key, names[row["devId"]]] = row["dataItemMap"]

    async def _ask_devices(self, found: Answers, plant: SimulatedPlant, type_id: int, level: int, at: int) -> None:
        names = self._of_type(plant, type_id)
        asked_for = {"devIds": ",".join(map(str, names)), "devTypeId": type_id, "collectTime": at}
        for row in await self.call(f"getDevKpi{CALLS[level]}", **asked_for):
            kept = found.devices.setdefault((LEVELS[level], plant.key, names[row["devId"]]), {})
            kept[row["collectTime"]] = row["dataItemMap"]
        if level == 0:
            for row in await self.call("getDevFiveMinutes", **asked_for):
                kept = found.devices.setdefault(("five", plant.key, names[row["devId"]]), {})
                kept[row["collectTime"]] = row["dataItemMap"]


def asked(plant: SimulatedPlant) -> list[list[int]]:
    """The `collectTime` of every call by level: an instant within each day, month, year, and 25 years. [ms]"""
    days: dict[int, None] = {}
    for since, until in SPANS[plant.key]:
        # The first reading after midnight can end the day before.
        at = since - timedelta(days=1)
        while at < until + timedelta(days=1):
            days[reckoning.starts(round(at.timestamp() * 1000), plant.tz)[1]] = None
            at += timedelta(hours=6)
    spans = [reckoning.starts(day, plant.tz) for day in days]
    months, years = {span[2]: span[1] for span in spans}, {span[3]: span[1] for span in spans}
    noons = [day + 12 * reckoning.HOUR_MS for day in days]
    return [noons, [*months.values()], [*years.values()], [NOW_MS]]


class Told(msgspec.Struct):
    """The answers at one time, and what they should have been."""

    answers: Answers
    books: dict[str, PlantBook]
    raws: Raws


async def tell(folder: Path) -> dict[str, Told]:
    """Send the fleet's records in two parts and ask for everything after each."""
    plants = fleet(SEED)
    raws = simulated(plants)
    early = only(raws, late=False)
    clock = FixedClock(NOW_MS)
    config = Config(serve=ServeConfig(limits="off"), seal=SealConfig(every_s=3600.0))
    hub = LocalHub(folder, config, clock=clock, wall=clock)
    await hub.start()
    told: dict[str, Told] = {}
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=make_app(hub)), base_url="http://hub") as http:
            made = Fleet(hub, http, plants)
            for stage, sent, known in (("early", early, early), ("late", only(raws, late=True), raws)):
                await made.send(sent)
                if stage == "early":
                    await made.log_in()
                books = {p.key: reckoning.plant_book(p, PROFILES[p.key], known[p.key]) for p in plants}
                told[stage] = Told(await made.ask(), books, known)
    finally:
        await hub.stop()
    return told
