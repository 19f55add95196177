"""What comes in through one dialect comes out through the others, with the same value wherever both tables know it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import Phase, example, given, settings

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config, ServeConfig
from heliograph.dialects.energy_expert.fields import METER
from heliograph.dialects.huawei.fields import FIVE_MINUTES, REAL_TIME, TYPE_IDS
from heliograph.hub import LocalHub
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.model.measurements import CATALOGUE
from heliograph.model.units import MS_EPOCH
from heliograph.protocol.fields import Field, FieldTable
from tests import live
from tests.crossing.differences import ANY, DIFFERENCES, SAYS
from tests.crossing.story import ARRAY, BATTERY, STRING
from tests.crossing.tales import DAYS, RECIPES, Recipe, made, simulated, told_once
from tests.crossing.telling import tell
from tests.dialects.energy_expert.client import PATH, acs3, push, record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST = "hub.test"
NOW_MS = round(datetime(2026, 6, 21, 10, 0, tzinfo=UTC).timestamp() * 1000)
AT, AT_MS = "2026-06-21 11:55:00", NOW_MS - 300_000
"""Five minutes ago, on the plant's clock and in UTC."""
Json = dict[str, Any]  # any: JSON
KINDS = {number: kind for kind, number in reversed(list(TYPE_IDS.items())) if number in FIVE_MINUTES}


class Crossing:
    """One hub, reached through all its dialects."""

    def __init__(self, hub: LocalHub, http: httpx.AsyncClient) -> None:
        self.hub, self.http = hub, http
        setup = live.Setup(hub)
        account = setup.account()
        setup.credentials(account)
        self.plant = setup.plant(account, "Crossing", "Europe/Berlin", capacity_w=1e5, tariff=(0.5,))
        self.meter = setup.device(
            self.plant, DeviceKind.METER, "production", role=MeterRole.PRODUCTION, pushed=("1", "m")
        )
        self.devices = {
            number: setup.device(self.plant, kind, kind.value, serial=kind.value)
            for number, kind in KINDS.items()
            if kind is not DeviceKind.METER
        } | {TYPE_IDS[DeviceKind.METER]: self.meter}

    async def login(self) -> None:
        """Open the session that the SmartPVMS calls need, and see what its devices are called there."""
        answer = await self.http.post("/thirdData/login", json={"userName": live.USER, "systemCode": live.PASSWORD})
        self._session = {"xsrf-token": answer.headers["xsrf-token"]}
        [plant] = (await self.huawei("getStationList"))["data"]
        self.code = plant["stationCode"]
        listed = (await self.huawei("getDevList", stationCodes=self.code))["data"]
        self.numbers = {entry["devName"]: entry["id"] for entry in listed}

    async def huawei(self, call: str, **body: object) -> Json:
        """A call of SmartPVMS that must succeed."""
        answer: Json = (await self.http.post(f"/thirdData/{call}", json=body, headers=self._session)).json()
        assert answer["success"] is True, answer
        return answer

    async def points(self, call: str, type_id: int) -> Json:
        """The one row that a call has of the device of a type."""
        number = self.numbers[self.devices[type_id].name]
        asked = {"devIds": number, "devTypeId": type_id, "collectTime": NOW_MS}
        [row] = (await self.huawei(call, **asked))["data"]
        if call == "getDevFiveMinutes":
            assert row["collectTime"] == AT_MS
        items: Json = row["dataItemMap"]
        return items

    async def native(self, path: str) -> Json:
        """A call of the hub's own interface that must succeed."""
        answer = await self.http.get(f"/api/v1/{path}", headers=live.BEARER)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def push(self, data: dict[str, object], at: str = AT) -> None:
        """A push of the meter that must be taken."""
        body = push(record(at, data, "m"))
        answer = await self.http.post(PATH, content=body, headers=acs3(body, HOST, at_s=NOW_MS / 1000))
        assert answer.status_code == 200, answer.text

    async def send(self, device: int, values: dict[str, float]) -> None:
        """A native record that must be taken."""
        body = {"device": device, "at": AT_MS, "values": values}
        answer = await self.http.post("/api/v1/samples", json=body, headers=live.BEARER)
        assert answer.json() == {"accepted": 1, "duplicates": 0, "corrected": 0}


@pytest.fixture
async def crossing(tmp_path: Path) -> AsyncIterator[Crossing]:
    """A hub with a device of every type that SmartPVMS has points for."""
    clock = FixedClock(NOW_MS)
    hub = LocalHub(tmp_path, Config(serve=ServeConfig(limits="off")), clock=clock, wall=clock)
    await hub.start()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as http:
        made = Crossing(hub, http)
        await made.login()
        yield made
    await hub.stop()


def fields(table: FieldTable) -> dict[str, Field]:
    """The numbers of a table by measurement key, but for the state that answers compute."""
    found = {entry.measurement.key: entry for entry in table.entries if isinstance(entry, Field)}
    return {key: entry for key, entry in found.items() if entry.name != "run_state"}


def canonical(table: FieldTable) -> dict[str, float]:
    """A value of its own for every measurement of a table, in the hub's unit."""
    return {
        key: (NOW_MS if entry.measurement.unit is MS_EPOCH else 0) + 17.0 + 3 * index
        for index, (key, entry) in enumerate(fields(table).items())
    }


def test_meters_share_most_of_their_points() -> None:
    shared = fields(METER).keys() & fields(FIVE_MINUTES[17]).keys()
    assert len(shared) >= 22
    assert {"meter.power", "meter.energy_forward", "meter.energy_reverse", "meter.a.voltage"} <= shared


@pytest.mark.parametrize("call", ["getDevFiveMinutes", "getDevRealKpi"])
async def test_every_meter_point_that_is_pushed_comes_out_of_smartpvms(crossing: Crossing, call: str) -> None:
    pushed = {entry.name: 1.25 + index for index, entry in enumerate(fields(METER).values())}
    await crossing.push({name: str(value) for name, value in pushed.items()})
    row, theirs = await crossing.points(call, 17), fields(FIVE_MINUTES[17])
    compared = 0
    for key, entry in fields(METER).items():
        if key in theirs:
            expected = pushed[entry.name] * entry.scale / theirs[key].scale
            assert row[theirs[key].name] == pytest.approx(expected, rel=1e-12), key
            compared += 1
    assert compared >= 22
    unknown = theirs.keys() - fields(METER).keys()
    assert {row[theirs[key].name] for key in unknown} == {None}


async def test_every_meter_point_that_is_pushed_comes_out_of_the_native_interface(crossing: Crossing) -> None:
    pushed = {entry.name: 1.25 + index for index, entry in enumerate(fields(METER).values())}
    await crossing.push({**pushed, "Unknown": "7"})
    wanted = {key: pushed[entry.name] * entry.scale for key, entry in fields(METER).items()}
    wanted["energy_expert:Unknown"] = 7.0
    latest = await crossing.native(f"devices/{crossing.meter.id}/latest")
    assert {key: reading["value"] for key, reading in latest["readings"].items()} == wanted
    history = await crossing.native(f"devices/{crossing.meter.id}/history")
    assert history["columns"] == {key: [v] for key, v in wanted.items()}


@pytest.mark.parametrize("type_id", FIVE_MINUTES)
@pytest.mark.parametrize(("call", "tables"), [("getDevFiveMinutes", FIVE_MINUTES), ("getDevRealKpi", REAL_TIME)])
async def test_every_point_of_every_kind_of_device_comes_in_natively_and_out_of_smartpvms(
    crossing: Crossing, type_id: int, call: str, tables: dict[int, FieldTable]
) -> None:
    values = canonical(tables[type_id])
    await crossing.send(crossing.devices[type_id].id, values)
    row = await crossing.points(call, type_id)
    for key, entry in fields(tables[type_id]).items():
        assert row[entry.name] == pytest.approx(values[key] / entry.scale, rel=1e-9), key
    wire = {entry.name for entry in fields(tables[type_id]).values()}
    assert row.keys() == wire | ({"run_state"} if call == "getDevRealKpi" else set())
    assert row.get("run_state", 1) == 1


@pytest.mark.parametrize("value", [0.0, -0.001, 1e-6, 123456.789, 98765432.125, -7.5e9])
async def test_zero_negative_tiny_and_huge_powers_are_the_same_on_every_side(crossing: Crossing, value: float) -> None:
    await crossing.push({"P": repr(value)})
    for call in ("getDevFiveMinutes", "getDevRealKpi"):
        assert (await crossing.points(call, 17))["active_power"] == pytest.approx(value, rel=1e-12)
    history = await crossing.native(f"devices/{crossing.meter.id}/history")
    assert history["columns"]["meter.power"] == [pytest.approx(value * 1000, rel=1e-12)]


async def test_what_the_battery_gives_is_negative_where_smartpvms_counts_charging(crossing: Crossing) -> None:
    await crossing.send(crossing.devices[39].id, {"battery.power": 1500.0})
    assert (await crossing.points("getDevRealKpi", 39))["ch_discharge_power"] == -1500.0


async def test_energy_that_counters_push_is_the_same_for_plants_on_every_side(crossing: Crossing) -> None:
    for minute, counter in ((0, "100.0"), (30, "104.5"), (45, "107.25"), (55, "110.0")):
        await crossing.push({"Ep_imp": counter}, f"2026-06-21 11:{minute:02}:00")
    [hour] = [
        row["dataItemMap"]
        for row in (await crossing.huawei("getKpiStationHour", stationCodes=crossing.code, collectTime=NOW_MS))["data"]
        if row["dataItemMap"]["inverter_power"]
    ]
    assert (hour["inverter_power"], hour["power_profit"]) == (10.0, 5.0)
    [now] = (await crossing.huawei("getStationRealKpi", stationCodes=crossing.code))["data"]
    assert (now["dataItemMap"]["day_power"], now["dataItemMap"]["day_income"]) == (10.0, 5.0)
    for path in (f"plants/{crossing.plant.id}/energy", f"devices/{crossing.meter.id}/energy"):
        [day] = (await crossing.native(f"{path}?level=day&since=2026-06-21"))["buckets"]
        assert day["production"] == pytest.approx(10_000.0)


def test_every_measurement_of_smartpvms_is_in_the_catalogue() -> None:
    assert {key for table in REAL_TIME.values() for key in table.keys} <= CATALOGUE.keys()


EXAMPLES = settings().max_examples // 5
"""Each hears some forty thousand facts."""


@pytest.mark.parametrize(("zone", "on", "clocks"), DAYS)
async def test_a_day_that_came_in_all_ways_is_the_same_in_every_dialect(zone: str, on: date, clocks: str) -> None:
    verdict = await tell(told_once(zone, on))
    assert not verdict.wrong
    assert set(verdict.rows) == {row.name for row in DIFFERENCES if {ANY, clocks} & {*row.occurs}}
    assert verdict.who() == SAYS


@pytest.mark.timeout(60)
async def test_a_year_of_totals_is_the_same_in_every_dialect() -> None:
    tale = told_once("Europe/London", date(2026, 6, 20), days=400)
    wrong = {day: kwh + 1 for day, kwh in tale.stated[0].items() if day.day % 3 == 0}
    verdict = await tell(tale._replace(stated=({**tale.stated[0], **wrong}, tale.stated[0])))
    assert not verdict.wrong
    assert verdict.who() == SAYS


async def test_answers_that_are_remembered_follow_late_data_older_than_the_newest() -> None:
    tale = told_once("Europe/London", date(2026, 6, 20), until_hour=12)
    newest = {serial: {max(own): own[max(own)]} for serial, own in tale.story.items()}
    verdict = await tell(tale._replace(batches=(newest, tale.story)), looking=True)
    assert not verdict.wrong


async def test_a_lifetime_follows_a_correction_of_the_only_reading() -> None:
    tale = told_once("Asia/Shanghai", date(2026, 6, 20), until_hour=12)
    right = {serial: {max(own): own[max(own)]} for serial, own in tale.story.items()}
    wrong = {
        serial: {at_ms: {key: value + 1000 * (key == "ac.energy") for key, value in bag.items()}}
        for serial, own in right.items()
        for at_ms, bag in own.items()
    }
    verdict = await tell(tale._replace(story=right, batches=(wrong, right)), looking=True)
    assert not verdict.wrong


@pytest.mark.parametrize(
    ("key", "on"),
    [
        ("london", date(2026, 10, 25)), ("london", date(2026, 3, 29)),
        ("new-york", date(2026, 11, 1)), ("new-york", date(2026, 3, 8)),
    ],
)  # fmt: skip
async def test_a_simulated_day_is_the_same_in_every_dialect(key: str, on: date) -> None:
    verdict = await tell(simulated(key, on))
    assert not verdict.wrong


LOADS_LOST = Recipe(
    day=5, absent=frozenset({STRING, ARRAY, BATTERY}), until_hour=13, mishaps=2, seed=2
)  # fmt: skip
"""The house's loads are not known for an hour in which its meter is."""


@pytest.mark.timeout(600)
@example(recipe=LOADS_LOST)
@settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(recipe=RECIPES)
async def test_any_plant_on_any_day_is_the_same_in_every_dialect(recipe: Recipe) -> None:
    verdict = await tell(made(recipe), looking=True)
    assert not verdict.wrong
