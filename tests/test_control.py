"""Control from end to end: a setting is written, the battery obeys, and telemetry, meter and SmartPVMS say so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import numpy as np
import pytest

from heliograph.app import make_app
from heliograph.cli import demo_story
from heliograph.cli.demo_target import connect
from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, FixedClock, Level, VirtualClock, period, zone
from heliograph.commands.dispatch import CommandConfig
from heliograph.config import ServeConfig
from heliograph.dialects.foxess.auth import sign
from heliograph.errors import BadRequestError, UnreachableError, UnsupportedError
from heliograph.hub import LocalHub
from heliograph.model import settings as s
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.commands import Argument, Command, CommandState
from heliograph.model.settings import Segment, Window, WorkMode
from heliograph.simulate.faults import silence_on
from heliograph.simulate.steps import STEP_MS, ceil_step
from heliograph.simulate.target import REFUSED, Rates
from tests import live
from tests.unit.commands.scripted import until
from tests.unit.store.world import QUIET, at

if TYPE_CHECKING:
    from pathlib import Path

S = CommandState
GOOD = Rates(fail=0.0, refuse=0.0, late=0.0, mute=0.0)
BEGIN = at("2024-06-19T00:00:00")
"""Two sunny days in London, whose clocks are an hour ahead, begin with a battery at 78 %."""
CONFIG = msgspec.structs.replace(
    QUIET, commands=CommandConfig(poll_s=0.005, settle_s=60), serve=ServeConfig(limits="off")
)
PLANT, LONDON = "Ferndale Road", zone("Europe/London")
BATTERY, SENSOR = 39, 47
NAMES = {"hybrid": "Hybrid inverter", "battery": "Battery", "sensor": "Grid meter"}
REGISTER = 10_000
"""What registers count in. [mWh]"""
ALL_DAY = Window(enabled=True, since_min=0, until_min=1439)
Json = dict[str, Any]  # any: JSON
Values = dict[str, np.ndarray]


class Home:
    """A demonstration in this process, of which London is looked at."""

    def __init__(self, data: Path, clock: Clock, rates: Rates = GOOD) -> None:
        self.wall = FixedClock(at("2026-01-01T00:00:00"))
        self.hub = LocalHub(data, CONFIG, clock=clock, wall=self.wall)
        self.story = demo_story.load(self.hub) or demo_story.begin(self.hub, seed=1, since_ms=BEGIN)
        connect(self.hub, self.story, rates)
        home = self.story.settled["london"]
        self.ids, self.account_id = home.device_ids, home.account_id
        self.caller = Caller(home.account_id, 0, scopes=frozenset({"read", "control"}))

    @property
    def counters(self) -> dict[str, int]:
        """Every counter of London to the milliwatt-hour."""
        return self.story.states["london"].counters

    async def advance(self, until_ms: int) -> None:
        """Simulate and ingest up to an instant."""
        if isinstance(self.hub.clock, FixedClock):
            self.hub.clock.at_ms = until_ms
        await demo_story.advance_to(self.hub, self.story, until_ms)

    async def submit(self, device: str = "hybrid", /, **values: Argument) -> Command:
        """Write settings by the names of their constants."""
        given = {getattr(s, name): value for name, value in values.items()}
        return await self.hub.commands.submit(self.caller, self.ids[device], s.WRITE, given)

    async def write(self, device: str = "hybrid", /, **values: Argument) -> Command:
        """Write settings, which must be confirmed."""
        done = await self.hub.commands.wait(await self.submit(device, **values), 10.0)
        assert done.state is S.CONFIRMED, done
        return done

    def command(self, command: Command) -> Command:
        """A command as it stands."""
        found = self.hub.journal.get(command.id)
        assert found is not None
        return found

    async def settings(self, device: str = "hybrid") -> dict[str, Argument]:
        """What a device says it is set to."""
        found = await self.hub.commands.settings(self.caller, self.ids[device])
        return {key: setting.value for key, setting in found.items()}

    async def readings(self, since_ms: int, until_ms: int) -> dict[str, Values]:
        """What each device sent in a span, by device and measurement; none of them was silent."""
        found: dict[str, Values] = {}
        for device in NAMES:
            series = await anext(self.hub.history(self.caller, [self.ids[device]], since_ms, until_ms))
            found[device] = {"at": np.asarray(series.at_ms), **series.columns}
            assert found[device]["at"].tolist() == list(range(ceil_step(since_ms), until_ms, STEP_MS))
        return found


@asynccontextmanager
async def home(data: Path, clock: Clock | None = None, rates: Rates = GOOD) -> AsyncIterator[Home]:
    """A demonstration as long as the block lasts."""
    made = Home(data, clock or FixedClock(BEGIN), rates)
    await made.hub.start()
    try:
        yield made
    finally:
        await made.hub.stop()


class Northbound:
    """London through SmartPVMS."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._session: dict[str, str] = {}
        self.numbers: dict[str, int] = {}

    async def login(self) -> None:
        """Open a session and see what the devices are called there."""
        answer = await self._http.post("/thirdData/login", json={"userName": live.USER, "systemCode": live.PASSWORD})
        self._session = {"xsrf-token": answer.headers["xsrf-token"]}
        plants = await self.call("getStationList")
        (code,) = (plant["stationCode"] for plant in plants if plant["stationName"] == PLANT)
        listed = await self.call("getDevList", stationCodes=code)
        self.numbers = {entry["devName"]: entry["id"] for entry in listed}

    async def call(self, name: str, **body: object) -> list[Json]:
        """The data of a call that must succeed."""
        answer: Json = (await self._http.post(f"/thirdData/{name}", json=body, headers=self._session)).json()
        assert answer["success"] is True, answer
        data: list[Json] = answer["data"]
        return data

    async def now(self, type_id: int, device: str) -> Json:
        """What a device shows at present."""
        (row,) = await self.call("getDevRealKpi", devIds=self.numbers[NAMES[device]], devTypeId=type_id)
        items: Json = row["dataItemMap"]
        return items

    async def day(self, type_id: int, device: str, at_ms: int) -> dict[int, Json]:
        """What a device showed every five minutes of a day, by instant."""
        number = self.numbers[NAMES[device]]
        rows = await self.call("getDevFiveMinutes", devIds=number, devTypeId=type_id, collectTime=at_ms)
        return {row["collectTime"]: row["dataItemMap"] for row in rows}


@asynccontextmanager
async def northbound(of: Home) -> AsyncIterator[Northbound]:
    """A session of SmartPVMS with a demonstration."""
    wanted = Credential(
        id=0, account_id=of.account_id, dialect="huawei", name=live.USER, secret=Secret(live.PASSWORD), scopes=("read",)
    )
    await of.hub.database.write(lambda rows: of.hub.registry.put_credential(rows, wanted))
    transport = httpx.ASGITransport(app=make_app(of.hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as http:
        session = Northbound(http)
        await session.login()
        yield session


class OpenApi:
    """London through the Open API of Fox ESS."""

    def __init__(self, of: Home, http: httpx.AsyncClient, token: str) -> None:
        self._of, self._http, self._token = of, http, token
        (self.serial,) = (d.serial for d in of.hub.registry.devices.values() if d.id == of.ids["hybrid"])

    async def call(self, name: str, **body: object) -> Any:  # any: JSON
        """The result of a call that must succeed."""
        path, now = f"/op/{name}", str(self._of.wall.now_ms())
        headers = {"token": self._token, "timestamp": now, "signature": sign(path, self._token, now)}
        answer: Json = (await self._http.post(path, json=body, headers=headers)).json()
        assert (answer["errno"], answer["msg"]) == (0, "success"), answer
        return answer["result"]

    async def now(self) -> Json:
        """What every variable shows at present."""
        (device,) = await self.call("v1/device/real/query", sns=[self.serial])
        return {item["variable"]: item["value"] for item in device["datas"]}

    async def course(self, since_ms: int, until_ms: int, names: list[str]) -> dict[str, list[float]]:
        """What variables showed from one instant up to the other, both included."""
        asked = {"sn": self.serial, "begin": since_ms, "end": until_ms, "variables": names}
        (device,) = await self.call("v0/device/history/query", **asked)
        return {item["variable"]: [point["value"] for point in item["data"]] for item in device["datas"]}


@asynccontextmanager
async def open_api(of: Home) -> AsyncIterator[OpenApi]:
    """Calls of the Open API at a demonstration."""
    wanted = Credential(
        id=0, account_id=of.account_id, dialect="foxess", name="fox", secret=Secret(live.PASSWORD.replace("-", "")),
        scopes=("read", "control"),
    )  # fmt: skip
    await of.hub.database.write(lambda rows: of.hub.registry.put_credential(rows, wanted))
    transport = httpx.ASGITransport(app=make_app(of.hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as http:
        yield OpenApi(of, http, f"fox-{wanted.secret.reveal()}")


async def check_open_api(api: OpenApi, found: dict[str, Values]) -> None:
    """Fox ESS tells of battery and meter what the hub has, in kilowatts of three decimals."""
    power, grid = found["battery"]["battery.power"], found["sensor"]["meter.power"]
    expected = {
        "SoC": found["battery"]["battery.soc"],
        "batDischargePower": np.maximum(power, 0) / 1000,
        "batChargePower": np.maximum(-power, 0) / 1000,
        "meterPower": grid / 1000,
        "gridConsumptionPower": np.maximum(grid, 0) / 1000,
        "feedinPower": np.maximum(-grid, 0) / 1000,
    }
    at_ms = found["battery"]["at"]
    latest = await api.now()
    told = await api.course(int(at_ms[0]), int(at_ms[-1]), list(expected))
    for name, values in expected.items():
        assert told[name] == pytest.approx(values.tolist(), abs=5.01e-4), name
        assert latest[name] == pytest.approx(values[-1], abs=5.01e-4), name


def check_balance(before: dict[str, int], after: dict[str, int], found: dict[str, Values]) -> None:
    """The grid meter counts load less what the inverter puts out to the milliwatt-hour, and registers show it."""
    gained = {key: after[key] - before[key] for key in after}
    net = gained["sensor/meter.energy_forward"] - gained["sensor/meter.energy_reverse"]
    taken = gained["hybrid/load.energy"] - gained["hybrid/ac.energy"]
    if gained["hybrid/pv.energy"] == 0:  # by night the battery is all that the inverter moves
        given = gained["battery/battery.energy_discharged"] - gained["battery/battery.energy_charged"]
        assert net == gained["hybrid/load.energy"] - given
    else:
        assert found["hybrid"]["ac.power"].min() >= 0
        assert net == taken
    for device, values in found.items():
        for name in values.keys() & {key.removeprefix(f"{device}/") for key in after}:
            assert values[name][-1] * 1000 == after[f"{device}/{name}"] // REGISTER * REGISTER, name


def check_powers(found: dict[str, Values]) -> None:
    """At every stamp powers agree with each other, and with what registers rose by."""
    hybrid, battery, sensor = (found[key] for key in ("hybrid", "battery", "sensor"))
    assert np.array_equal(hybrid["grid.power"], sensor["meter.power"])
    assert np.abs(hybrid["load.power"] - hybrid["ac.power"] - sensor["meter.power"]).max() <= 1.5
    for values, power, up, down in (
        (sensor, "meter.power", "meter.energy_forward", "meter.energy_reverse"),
        (battery, "battery.power", "battery.energy_discharged", "battery.energy_charged"),
    ):
        error = np.diff(values[up] - values[down]) - values[power][1:] / 12
        assert np.abs(error).max() < REGISTER / 1000 + 0.05
        # Over the whole span the two registers are off by less than a step each, whatever its length.
        whole = (values[up] - values[down])[-1] - (values[up] - values[down])[0] - values[power][1:].sum() / 12
        assert abs(whole) < REGISTER / 1000 + 0.05 * values[power].size


async def since_midnight(of: Home, found: dict[str, Values], what: str) -> np.ndarray:
    """What the battery's counter rose since the midnight in London before each reading. [Wh]"""
    key, at_ms = f"battery.energy_{what}", found["battery"]["at"]
    days = np.array([period(Level.DAY, stamp, LONDON)[0] for stamp in at_ms.tolist()])
    bases: dict[int, float] = {}
    for day in set(days.tolist()):
        # The first reading of the day, which is at midnight on every day but the first.
        series = await anext(of.hub.history(of.caller, [of.ids["battery"]], day, day + DAY_MS, [key]))
        bases[day] = float(series.columns[key][0])
    risen: np.ndarray = found["battery"][key] - np.array([bases[day] for day in days.tolist()])
    return risen


async def check_northbound(of: Home, found: dict[str, Values]) -> None:
    """SmartPVMS tells of battery and meter what the hub has."""
    async with northbound(of) as session:
        told = {
            "battery": (BATTERY, {
                "ch_discharge_power": ("battery.power", -1), "battery_soc": ("battery.soc", 1),
                "charge_cap": ("charged since midnight", 0.001),
                "discharge_cap": ("discharged since midnight", 0.001),
            }),
            "sensor": (SENSOR, {
                "active_power": ("meter.power", 1), "active_cap": ("meter.energy_forward", 0.001),
                "reverse_active_cap": ("meter.energy_reverse", 0.001),
            }),
        }  # fmt: skip
        for device, (type_id, points) in told.items():
            values = found[device]
            if device == "battery":
                for what in ("charged", "discharged"):
                    values = values | {f"{what} since midnight": await since_midnight(of, found, what)}
            latest = await session.now(type_id, device)
            rows: dict[int, Json] = {}
            for stamp in (int(values["at"][0]), int(values["at"][-1])):
                rows |= await session.day(type_id, device, stamp)
            for name, (key, scale) in points.items():
                assert latest[name] == pytest.approx(values[key][-1] * scale, rel=1e-9, abs=1e-9), name
                for stamp, value in zip(values["at"].tolist(), values[key].tolist(), strict=True):
                    assert rows[stamp][name] == pytest.approx(value * scale, rel=1e-9, abs=1e-9), (name, stamp)


def segment(mode: WorkMode, **more: float) -> dict[str, Argument]:
    """A schedule that holds one mode all day."""
    return {"SCHEDULE_ON": True, "SCHEDULE": s.segments_text([Segment(window=ALL_DAY, mode=mode, **more)])}


# What each mode looks like: `power`, `soc`, `grid` of the battery and the meter, `free` is load less the sun. [W, %]


class Seen(msgspec.Struct, frozen=True):
    """What was seen from the first stamp on at which a setting counted."""

    power: np.ndarray
    """Out of the battery."""
    soc: np.ndarray
    before: float
    """State of charge just before."""
    grid: np.ndarray
    lack: np.ndarray
    """Load less what the inverter makes of the sun."""
    sun: np.ndarray
    """On the array."""


def force_discharge(seen: Seen) -> None:
    """It gives 2400 W until it is down to 40 %, whatever the load takes, and rests there."""
    end = int(np.flatnonzero(seen.soc <= 40.0)[0])
    assert seen.before > 95
    assert (seen.power[:end] == 2_400).all()
    assert 20 < end < 35
    assert 0 < seen.power[end] < 2_400
    assert (seen.soc[end:] == 40.0).all()
    assert not seen.power[end + 1 :].any()
    assert (seen.grid[:6] < -1_000).all()
    assert np.abs(seen.grid[end + 1 :] - seen.lack[end + 1 :]).max() <= 1.5


def force_charge(seen: Seen) -> None:
    """It takes 3000 W from the grid until it is at 90 %, and rests there."""
    end = int(np.flatnonzero(seen.soc >= 90.0)[0])
    assert (seen.power[:end] == -3_000).all()
    assert end >= 4
    assert (seen.soc[end:] == 90.0).all()
    assert np.abs(seen.grid - seen.lack + seen.power).max() <= 1.5
    assert np.abs(seen.power[end + 2 :]).max() == 0


def backup(seen: Seen) -> None:
    """It gives nothing, though the load takes more than the sun gives."""
    assert not seen.power.any()
    assert set(seen.soc.tolist()) == {seen.before}
    assert seen.grid.max() > 2_000


def feed_in(seen: Seen) -> None:
    """It takes nothing, though the sun gives far more than the load takes; all that goes to the grid."""
    assert seen.before < 25
    assert seen.power.min() == 0
    assert seen.grid.min() < -3_500
    surplus = seen.lack < -20
    assert np.abs(seen.grid - seen.lack)[surplus].max() <= 1.5
    assert not seen.grid[seen.lack > 25].any()


def feed_in_2000(seen: Seen) -> None:
    """It takes only what is above 2000 W of export."""
    assert seen.grid.min() == -2_000
    charging = seen.power < 0
    assert charging.sum() > 20
    assert (seen.grid[charging] == -2_000).all()
    assert not charging[seen.lack > -1_990].any()


def self_use(seen: Seen) -> None:
    """It gives what the load lacks: nothing is bought as long as it can, and nothing is stored that is not left."""
    able = (seen.lack > 25) & (seen.lack < 3_590)
    assert able.sum() > 20
    assert not seen.grid[able].any()
    assert np.abs(seen.power - seen.lack)[able].max() <= 1.5
    assert (seen.power[seen.lack > 3_610] == 3_600).all()
    assert seen.power.max() == 3_600


def peak_shaving(seen: Seen) -> None:
    """No more than 1000 W is bought, and it gives only what is beyond that."""
    peaks = seen.lack > 1_002
    assert peaks.sum() > 10
    assert (seen.grid[peaks] == 1_000).all()
    assert seen.grid.max() == 1_000
    assert not (seen.power > 0)[seen.lack < 998].any()
    assert seen.power.max() > 2_500


def peak_filling(seen: Seen) -> None:
    """It is filled to 80 % with what is left below 1000 W."""
    end = int(np.flatnonzero(seen.soc >= 80.0)[0])
    assert (seen.grid[:end] == 1_000).all()
    assert end >= 1
    assert (seen.soc[end:] == 80.0).all()
    assert np.abs(seen.grid - seen.lack)[end + 2 :].max() <= 1.5


def windows(seen: Seen) -> None:
    """From 02:00 to 02:59 of London it takes what it can, up to 85 %; before and after it gives what is lacking."""
    assert (seen.power[:12] > 0).all()
    full = 12 + int(np.flatnonzero(seen.soc[12:] >= 85.0)[0])
    assert 13 < full < 18
    assert (seen.power[12:full] == -3_600).all()
    assert (seen.soc[full:24] == 85.0).all()
    assert (seen.power[24:] > 0).all()
    assert seen.soc[-1] < 85


def limited(seen: Seen) -> None:
    """No more than 1500 W is fed in; what is beyond stays in the sun."""
    assert seen.grid.min() == -1_500
    assert (seen.grid == -1_500).sum() > 20
    assert seen.soc.min() > 99
    assert seen.sun.max() < 2_500


def max_soc(seen: Seen) -> None:
    """Above its new range it takes nothing and comes down with the load."""
    assert seen.before > 99
    assert seen.power.min() >= 0
    assert (np.diff(seen.soc) <= 0).all()
    assert seen.soc[-1] < 60


def min_soc(seen: Seen) -> None:
    """Below its new range it gives nothing, and takes what is left of the sun."""
    assert seen.before < 80
    assert seen.power.max() == 0
    assert (np.diff(seen.soc) >= 0).all()
    assert seen.soc[-1] > seen.before


DOWN = segment(WorkMode.FORCE_DISCHARGE, discharge_soc=40.0, power_w=2_400.0)
UP = segment(WorkMode.FORCE_CHARGE, power_w=3_000.0, max_soc=90.0)
FEED_IN: dict[str, Argument] = {"WORK_MODE": "feed_in"}
PEAKS: dict[str, Argument] = {"WORK_MODE": "peak_shaving", "IMPORT_LIMIT": 1_000.0}
NIGHT_WINDOW = s.windows_text([Window(enabled=True, since_min=120, until_min=179), Window()])
CASES: list[tuple[str, str, str, dict[str, Argument], Callable[[Seen], None]]] = [
    ("19T16:02", "19T20:32", "hybrid", DOWN, force_discharge),
    ("19T00:32", "19T03:32", "hybrid", UP, force_charge),
    ("19T18:02", "19T22:32", "hybrid", {"WORK_MODE": "backup"}, backup),
    ("20T04:02", "20T12:32", "hybrid", FEED_IN, feed_in),
    ("20T04:02", "20T10:32", "hybrid", {**FEED_IN, "EXPORT_LIMIT": 2_000.0}, feed_in_2000),
    ("19T17:02", "19T23:02", "hybrid", {"WORK_MODE": "self_use"}, self_use),
    ("19T17:32", "19T23:32", "hybrid", {**PEAKS, "PEAK_SOC": 10.0}, peak_shaving),
    ("19T00:32", "19T03:32", "hybrid", {**PEAKS, "PEAK_SOC": 80.0}, peak_filling),
    ("19T00:02", "19T03:02", "hybrid", {"CHARGE_WINDOWS": NIGHT_WINDOW, "MAX_SOC": 85.0}, windows),
    ("19T10:02", "19T14:02", "hybrid", {"EXPORT_LIMIT": 1_500.0}, limited),
    ("19T10:02", "19T14:02", "sensor", {"METER_MODE": "G100", "METER_FEED_IN": 1_500.0}, limited),
    ("19T14:02", "19T20:02", "hybrid", {"MAX_SOC": 50.0}, max_soc),
    ("19T02:02", "19T07:32", "hybrid", {"MIN_SOC": 90.0}, min_soc),
]  # fmt: skip


@pytest.mark.parametrize(
    ("since", "until", "device", "values", "check"), CASES, ids=[f"{c[4].__name__}-{c[2]}" for c in CASES]
)
async def test_a_battery_does_from_now_on_what_it_is_told(
    tmp_path: Path, since: str, until: str, device: str, values: dict[str, Argument], check: Callable[[Seen], None]
) -> None:
    since_ms, until_ms = at(f"2024-06-{since}:00"), at(f"2024-06-{until}:00")
    async with home(tmp_path) as own:
        if check is self_use:  # what it does anyway would not be sent
            await own.write(WORK_MODE="backup")
        await own.advance(since_ms)
        before = own.counters
        done = await own.write(device, **values)
        assert done.sent_at_ms > 0
        await own.advance(until_ms)
        # The five minutes in which it was told are the first that count.
        counts_ms = ceil_step(since_ms)
        found = await own.readings(counts_ms, until_ms)
        (earlier,) = (await own.readings(counts_ms - STEP_MS, counts_ms))["battery"]["battery.soc"].tolist()
        power, ac = found["battery"]["battery.power"], found["hybrid"]["ac.power"]
        check(
            Seen(
                power=power, soc=found["battery"]["battery.soc"], before=earlier, grid=found["sensor"]["meter.power"],
                lack=found["hybrid"]["load.power"] - (ac - power), sun=found["hybrid"]["pv.power"],
            )
        )  # fmt: skip
        check_balance(before, own.counters, found)
        check_powers(found)
        await check_northbound(own, found)
        async with open_api(own) as api:
            await check_open_api(api, found)
        read = await own.settings(device)
        assert {name: read[getattr(s, name)] for name in values} == values


async def test_a_schedule_set_through_the_open_api_is_seen_in_every_interface(tmp_path: Path) -> None:
    """The battery gives 2400 W from now on, stops at 40 %, and the reports hold what the meter counted."""
    since_ms, until_ms = at("2024-06-19T16:02:00"), at("2024-06-19T20:32:00")
    group = {
        "enable": 1, "startHour": 0, "startMinute": 0, "endHour": 23, "endMinute": 59, "workMode": "ForceDischarge",
        "minSocOnGrid": 10, "fdSoc": 40, "fdPwr": 2400, "maxSoc": 100,
    }  # fmt: skip
    async with home(tmp_path) as own:
        await own.advance(since_ms)
        before = own.counters
        async with open_api(own) as api:
            await api.call("v1/device/scheduler/enable", deviceSN=api.serial, groups=[group])
            assert (await api.call("v1/device/scheduler/get", deviceSN=api.serial))["groups"][0] == group
            await own.advance(until_ms)
            found = await own.readings(ceil_step(since_ms), until_ms)
            power, soc = found["battery"]["battery.power"], found["battery"]["battery.soc"]
            end = int(np.flatnonzero(soc <= 40.0)[0])
            assert (power[:end] == 2_400).all()
            assert (soc[end:] == 40.0).all()
            assert not power[end + 1 :].any()
            check_balance(before, own.counters, found)
            await check_northbound(own, found)
            await check_open_api(api, found)
            report = await api.call(
                "v0/device/report/query", sn=api.serial, year=2024, month=6, day=19, dimension="day",
                variables=["feedin", "gridConsumption", "dischargeEnergyToTal"],
            )  # fmt: skip
            told = {row["variable"]: sum(row["values"][17:22]) for row in report}
            await api.call("v1/device/scheduler/set/flag", deviceSN=api.serial, enable=0)
        # Five o'clock of London's summer is 16:00 UTC.
        spans = await own.readings(at("2024-06-19T16:00:00"), until_ms)
        for name, device, key in (
            ("feedin", "sensor", "meter.energy_reverse"),
            ("gridConsumption", "sensor", "meter.energy_forward"),
            ("dischargeEnergyToTal", "battery", "battery.energy_discharged"),
        ):
            values = spans[device][key]
            assert told[name] == pytest.approx((values[-1] - values[0]) / 1000, abs=0.003), name


async def test_a_forced_discharge_lasts_until_the_schedule_is_switched_off(tmp_path: Path) -> None:
    async with home(tmp_path) as own:
        await own.advance(BEGIN + 2 * MINUTE_MS)
        await own.write(**segment(WorkMode.FORCE_DISCHARGE, power_w=1_000.0))
        await own.advance(BEGIN + HOUR_MS)
        await own.write(SCHEDULE_ON=False)
        await own.advance(BEGIN + 2 * HOUR_MS)
        found = (await own.readings(BEGIN, BEGIN + 2 * HOUR_MS))["battery"]
        forced = found["battery.power"] == 1_000
        assert forced.tolist() == [False] + [True] * 12 + [False] * 11  # the stamp of the hour was measured already
        assert np.array_equal(found["battery.mode"] == 1, forced)


async def test_a_segment_lies_by_the_device_s_own_clock(tmp_path: Path) -> None:
    hour = Segment(window=Window(enabled=True, since_min=300, until_min=359), mode=WorkMode.BACKUP)
    async with home(tmp_path) as own:
        assert (await own.settings())[s.CLOCK] == "2024-06-19 01:00:00"
        await own.write(SCHEDULE_ON=True, SCHEDULE=s.segments_text([hour]), CLOCK="2024-06-19 04:30:00")
        await own.advance(BEGIN + 2 * HOUR_MS)
        assert (await own.settings())[s.CLOCK] == "2024-06-19 06:30:00"
        found = (await own.readings(BEGIN, BEGIN + 2 * HOUR_MS))["battery"]
        resting = (found["at"][found["battery.power"] == 0] - BEGIN) // MINUTE_MS
        assert resting.tolist() == list(range(35, 95, 5))  # 05:05 to 06:00 by its own clock, stamps end intervals


# The journal, and what devices make of it


@pytest.mark.parametrize(
    ("rates", "state", "code", "set_to"),
    [
        (GOOD, S.CONFIRMED, "", 20.0),
        (msgspec.structs.replace(GOOD, refuse=1.0), S.REFUSED, REFUSED, 10.0),
        (msgspec.structs.replace(GOOD, late=1.0), S.CONFIRMED, "", 20.0),
        (msgspec.structs.replace(GOOD, mute=1.0), S.CONFIRMED, "", 20.0),
        (msgspec.structs.replace(GOOD, unreachable=1.0), S.EXPIRED, "", 10.0),
        (msgspec.structs.replace(GOOD, fail=1.0), S.CONFIRMED, "", 20.0),
    ],
    ids=["good", "refuse", "late", "mute", "unreachable", "fail"],
)
async def test_states_come_out_right_whatever_devices_do(
    tmp_path: Path, rates: Rates, state: CommandState, code: str, set_to: float
) -> None:
    async with home(tmp_path, VirtualClock(BEGIN, 6_000), rates) as own:
        command = await own.submit(MIN_SOC=20.0)
        await until(lambda: own.command(command).sent_at_ms > 0)
        if state is S.EXPIRED:
            await until(lambda: own.command(command).state is S.ACCEPTED)
            own.wall.at_ms += 600_000
        done = await own.hub.commands.wait(command, 10.0)
        assert (done.state, done.code) == (state, code)
        assert (await own.settings())[s.MIN_SOC] == set_to
        assert len(own.story.told) == (set_to == 20.0)


@pytest.mark.parametrize(
    "rates", [GOOD, msgspec.structs.replace(GOOD, refuse=1.0, late=1.0, mute=1.0, unreachable=1.0)]
)
async def test_what_stands_already_is_confirmed_whatever_the_device_would_do(tmp_path: Path, rates: Rates) -> None:
    async with home(tmp_path, rates=rates) as own:
        done = await own.write(WORK_MODE="self_use", MIN_SOC=10.0)
        assert (done.sent_at_ms, own.story.told) == (0, {})
        assert await own.hub.commands.list(own.caller, [own.ids["hybrid"]]) == [done]


async def test_the_later_of_two_writers_has_the_last_word(tmp_path: Path) -> None:
    async with home(tmp_path) as own:
        made = [await own.submit(MIN_SOC=20.0 + n % 3, MAX_SOC=90.0) for n in range(9)]
        done = [await own.hub.commands.wait(command, 10.0) for command in made]
        assert {command.state for command in done} == {S.CONFIRMED}
        assert list(own.story.told) == [command.id for command in made]
        assert (await own.settings())[s.MIN_SOC] == 22.0
        await own.advance(BEGIN + HOUR_MS)
        assert own.story.states["london"].settings == {"hybrid": {s.MIN_SOC: 22.0, s.MAX_SOC: 90.0}}


@pytest.mark.parametrize(
    ("device", "values", "field"),
    [
        ("hybrid", {"MIN_SOC": 5.0}, s.MIN_SOC),
        ("hybrid", {"WORK_MODE": "force_charge"}, s.WORK_MODE),
        ("hybrid", {"EXPORT_LIMIT": 1e6}, s.EXPORT_LIMIT),
        ("hybrid", {"METER_MODE": "G100"}, s.METER_MODE),
        ("hybrid", {"SCHEDULE": "[{}]"}, s.SCHEDULE),
        ("hybrid", {"SCHEDULE": s.segments_text([Segment(window=ALL_DAY)] * 2)}, s.SCHEDULE),
        ("hybrid", {"CHARGE_WINDOWS": "[]"}, s.CHARGE_WINDOWS),
        ("hybrid", {"CLOCK": "midnight"}, s.CLOCK),
        ("hybrid", {"SCHEDULE_ON": "on"}, s.SCHEDULE_ON),
        ("sensor", {"METER_DEVICES": 2.0}, s.METER_DEVICES),
        ("sensor", {"METER_MODE": "G99"}, s.METER_MODE),
    ],
)
async def test_what_the_device_at_hand_does_not_take_never_reaches_the_journal(
    tmp_path: Path, device: str, values: dict[str, Argument], field: str
) -> None:
    async with home(tmp_path) as own:
        with pytest.raises(BadRequestError) as caught:
            await own.submit(device, **values)
        assert caught.value.field == field
        for key in ("battery", "dongle"):
            with pytest.raises(UnsupportedError):
                await own.submit(key, MIN_SOC=20.0)
        assert await own.hub.commands.list(own.caller, list(own.ids.values())) == []


async def test_a_silent_device_takes_nothing_and_what_it_was_to_hear_waits(tmp_path: Path) -> None:
    async with home(tmp_path) as own:
        site = next(plant for plant in demo_story._all(1) if plant.key == "london").site
        gap = silence_on(site, "dongle", at("2024-06-20T00:00:00") // DAY_MS)
        assert gap is not None
        clock = own.hub.clock
        assert isinstance(clock, FixedClock)
        clock.at_ms = gap[0]
        with pytest.raises(UnreachableError):
            await own.submit(MIN_SOC=20.0)
        with pytest.raises(UnreachableError):
            await own.settings()
        clock.at_ms = gap[1]
        await own.write(MIN_SOC=20.0)


async def test_after_a_restart_what_was_set_is_set_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    mute = msgspec.structs.replace(GOOD, mute=1.0)
    async with home(tmp_path) as first:
        await first.write(MIN_SOC=20.0, WORK_MODE="backup")
        await first.advance(BEGIN + HOUR_MS)
        await first.write("sensor", METER_MODE="G100")
        before = await first.settings()
    async with home(tmp_path, FixedClock(BEGIN + HOUR_MS), mute) as second:
        # The state holds one, the memory of what was heard the other.
        assert await second.settings() == before
        assert (await second.settings("sensor"))[s.METER_MODE] == "G100"
        given = await second.submit(MIN_SOC=30.0)
        await until(lambda: second.command(given).state is S.UNKNOWN)
        lost = second.command(given)
        heard = dict(second.story.told)
    async with home(tmp_path, FixedClock(BEGIN + HOUR_MS)) as third:
        done = await third.hub.commands.wait(lost, 10.0)
        assert (done.state, done.sent_at_ms) == (S.CONFIRMED, lost.sent_at_ms)
        assert third.story.told == heard
        assert (await third.settings())[s.MIN_SOC] == 30.0
        await third.advance(BEGIN + 2 * HOUR_MS)
        assert third.story.states["london"].settings["hybrid"][s.MIN_SOC] == 30.0
        assert not (await third.readings(BEGIN + HOUR_MS, BEGIN + 2 * HOUR_MS))["battery"]["battery.power"].any()


async def test_the_later_of_two_stays_the_later_when_the_clock_was_set_back(tmp_path: Path) -> None:
    async with home(tmp_path, FixedClock(BEGIN + 20 * MINUTE_MS)) as first:
        await first.write(MIN_SOC=20.0)
    async with home(tmp_path, FixedClock(BEGIN)) as again:
        await again.write(MIN_SOC=30.0)
        assert (await again.settings())[s.MIN_SOC] == 30.0
        await again.advance(BEGIN + HOUR_MS)
        assert (await again.settings())[s.MIN_SOC] == 30.0
        assert again.story.states["london"].settings["hybrid"][s.MIN_SOC] == 30.0
