"""An APsystems client against a live hub that holds the simulated plant of New York."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from heliograph.clock import zone
from heliograph.dialects.apsystems import SYSTEMS
from heliograph.simulate.fleet import advance, fleet, initial
from tests import live
from tests.clients.apsystems_script import APsystems, RefusedError, main
from tests.clients.seen import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(60)

SCRIPT = Path(__file__).with_name("apsystems_script.py")
APP_ID, SECRET = "2c9f95c7894d8bd20189a1d1c2e10a11", "7b0c4f5ad1e8427aa0f3d9a1c6e5b204"
KEYS = {"appId": APP_ID, "appSecret": SECRET}
SID = "AZ12649A3DFF"
ZONE = zone("America/New_York")
SINCE, NOW = datetime(2024, 11, 1, 4, tzinfo=UTC), datetime(2024, 11, 4, 20, tzinfo=UTC)
"""Four days of November, the clocks going back on the third: 15 h of the fourth when the hub starts."""
FULL = "2024-11-02"
CHANGE = "2024-11-03"
STEP_MS = 300_000


class Record(msgspec.Struct, frozen=True):
    """What an inverter sent: channel powers by instant, and its counter. [ms, W, Wh]"""

    at_ms: list[int]
    columns: dict[str, list[float]]

    def produced_kwh(self, since: datetime, until: datetime) -> float:
        """The rise of its counter within a span, from the reading at its start to that at its end."""
        edges = [round(each.timestamp() * 1000) for each in (since, until)]
        first, last = (
            [value for at, value in zip(self.at_ms, self.columns["ac.energy"], strict=True) if at <= edge][-1]
            for edge in edges
        )
        return (last - first) / 1000


class House(msgspec.Struct, frozen=True):
    """The served plant and what its devices sent, by serial number."""

    hub: live.Served
    sent: dict[str, Record]
    behind: dict[str, list[str]]
    """The inverters of each ECU."""

    @property
    def client(self) -> APsystems:
        """A client of the application account."""
        return APsystems(self.hub.url, APP_ID, SECRET)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """New York, and what it sent."""
    data = tmp_path_factory.mktemp("apsystems") / "hub"
    live.configure(data, serve={"limits": "off"})
    (plant,) = [each for each in fleet(3) if each.key == "new-york"]
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credentials(account)
        setup.credential(account, "apsystems", APP_ID, SECRET, scopes=("read",))
        held = setup.plant(
            account, plant.name, plant.zone, capacity_w=plant.capacity_w, connected_on=plant.connected_on
        )
        hub = setup.hub
        hub.database.write_now(lambda rows: hub.registry.put_alias(rows, SYSTEMS, SID, held.id))
        ids: dict[str, int] = {}
        for device in plant.devices:
            ids[device.key] = setup.device(
                held, device.kind, device.name, serial=device.serial, model=device.model,
                gateway_id=ids.get(device.gateway or ""),
            ).id  # fmt: skip
    since_ms, until_ms = (round(each.timestamp() * 1000) for each in (SINCE, NOW))
    records = advance(plant, initial(plant, since_ms, 3), since_ms, until_ms)[1]
    serials = {device.key: device.serial for device in plant.devices}
    live.beside(data, "ahead").write_text(str(until_ms - round(time.time() * 1000)))
    with live.served(data) as served:
        with httpx.Client(base_url=served.url, headers=live.BEARER, timeout=30) as native:
            for record in records:
                rows = [
                    {
                        "device": ids[record.device], "at": at,
                        "values": dict(zip(record.keys, values, strict=True)),
                    }
                    for at, values in zip(record.at_ms.tolist(), record.values.tolist(), strict=True)
                ]  # fmt: skip
                assert native.post("/api/v1/samples", json=rows).json()["accepted"] == len(rows)
        sent = {
            serials[record.device]: Record(
                record.at_ms.tolist(), dict(zip(record.keys, record.values.T.tolist(), strict=True))
            )
            for record in records
        }
        behind = {
            serials[ecu]: [device.serial for device in plant.inverters if device.gateway == ecu]
            for ecu in ("ecu-1", "ecu-2")
        }
        yield House(served, sent, behind)
        assert "Traceback" not in served.log()


@pytest.fixture(autouse=True)
def _signed_in_the_hub_s_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's clock is not the machine's; who signs must know its time."""
    ahead_s = int(live.beside(house.hub.data, "ahead").read_text()) / 1000
    real = time.time
    monkeypatch.setattr("tests.clients.apsystems_script.time.time", lambda: real() + ahead_s)


def local(text: str) -> datetime:
    """An instant by New York's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_what_there_is(house: House) -> None:
    client = house.client
    details = client.details(SID)
    assert (details.sid, details.create_date, details.timezone, details.type) == (SID, "2020-10-27", ZONE.key, 1)
    ecus = client.inverters(SID)
    assert details.ecu == [ecu.eid for ecu in ecus] == list(house.behind)
    assert {ecu.eid: [each.uid for each in ecu.inverter] for ecu in ecus} == house.behind
    assert {each.type for ecu in ecus for each in ecu.inverter} == {"QT2D", "DS3"}
    assert client.meters(SID) == [ecus[0].eid]
    assert [ecu.type for ecu in ecus] == [1, 0]


def test_the_energies_are_those_of_the_counters(house: House) -> None:
    client = house.client
    inverters = {uid: house.sent[uid] for below in house.behind.values() for uid in below}
    days = [
        sum(
            record.produced_kwh(local(f"2024-11-{day:02d}"), local(f"2024-11-{day + 1:02d}"))
            for record in inverters.values()
        )
        for day in (2, 3)
    ]
    daily = client.energy(SID, "daily", "2024-11")
    assert len(daily) == 30
    assert [float(each) for each in daily[1:3]] == pytest.approx(days, abs=0.006)
    for eid, below in house.behind.items():
        of_ecu = client.ecu_energy(SID, eid, "daily", "2024-11")
        expected = sum(inverters[uid].produced_kwh(local(FULL), local(CHANGE)) for uid in below)
        assert float(of_ecu[1]) == pytest.approx(expected, abs=0.006)
    summary = client.summary(SID)
    assert summary.today == daily[3]
    assert float(summary.month) == pytest.approx(sum(map(float, daily)), abs=0.16)
    assert float(summary.lifetime) == pytest.approx(
        sum(record.columns["ac.energy"][-1] for record in inverters.values()) / 1000, abs=0.006
    )
    assert client.energy(SID, "yearly")[-1] == summary.year
    assert client.energy(SID, "monthly", "2024")[10] == summary.month
    assert len(client.energy(SID, "yearly")) == 5
    parts = [client.ecu_summary(SID, eid) for eid in house.behind]
    assert sum(float(each.lifetime) for each in parts) == pytest.approx(float(summary.lifetime), abs=0.011)


def test_the_day_on_which_the_clocks_go_back_has_24_hours(house: House) -> None:
    hours = house.client.energy(SID, "hourly", CHANGE)
    assert len(hours) == 24
    assert sum(map(float, hours)) == pytest.approx(float(house.client.energy(SID, "daily", "2024-11")[2]), abs=0.13)
    eid = house.client.meters(SID)[0]
    assert house.client.meter_energy(SID, eid, "hourly", CHANGE).time == [f"{hour:02d}" for hour in range(24)]
    times = house.client.meter_day(SID, eid, CHANGE).time
    assert times.count("01:30") == 2
    assert len(times) == 300


def test_a_day_of_an_inverter_is_what_it_sent(house: House) -> None:
    uid = house.behind["216200041873"][0]
    record, told = house.sent[uid], house.client.inverter_energy(SID, uid, "minutely", FULL)
    since, until = (round(local(day).timestamp() * 1000) for day in (FULL, CHANGE))
    places = [place for place, at in enumerate(record.at_ms) if since <= at < until]
    assert told["t"] == [f"{datetime.fromtimestamp(record.at_ms[place] / 1000, ZONE):%H:%M}" for place in places]
    names = {
        "dc_p1": "pv.1.power", "dc_p4": "pv.4.power", "dc_i2": "pv.2.current", "dc_v3": "pv.3.voltage",
        "ac_p": "ac.power", "ac_f": "ac.frequency", "ac_t": "inverter.temperature", "ac_v1": "ac.a.voltage",
    }  # fmt: skip
    for name, key in names.items():
        assert [float(each) for each in told[name]] == [record.columns[key][place] for place in places], name
    channels = [sum(map(float, told[f"dc_e{number}"])) for number in (1, 2, 3, 4)]
    assert sum(channels) == pytest.approx(record.produced_kwh(local(FULL), local(CHANGE)), abs=0.002)
    daily = house.client.inverter_energy(SID, uid, "daily", "2024-11")
    assert [float(daily[f"e{number}"][1]) for number in (1, 2, 3, 4)] == pytest.approx(channels, abs=0.006)
    summary = house.client.inverter_summary(SID, uid)
    assert set(summary) == {f"{letter}{number}" for letter in "dmyt" for number in (1, 2, 3, 4)}
    lifetime = sum(float(summary[f"t{number}"]) for number in (1, 2, 3, 4))
    assert lifetime == pytest.approx(record.columns["ac.energy"][-1] / 1000, abs=0.021)


def test_a_day_of_an_ecu_and_of_its_inverters(house: House) -> None:
    client = house.client
    for eid, below in house.behind.items():
        day, batch, energies = (
            client.ecu_day(SID, eid, FULL),
            client.batch_power(SID, eid, FULL),
            client.batch_energy(SID, eid, FULL),
        )
        assert float(day.today) == pytest.approx(sum(map(float, day.energy)), abs=0.006)
        assert float(day.today) == pytest.approx(sum(energies.values()), abs=0.006 * len(energies))
        noon = day.time.index("12:00")
        at = round(local(f"{FULL}T12:00").timestamp() * 1000)
        sent = {uid: house.sent[uid].columns for uid in below if at in house.sent[uid].at_ms}
        places = {uid: house.sent[uid].at_ms.index(at) for uid in sent}
        assert float(day.power[noon]) == sum(columns["ac.power"][places[uid]] for uid, columns in sent.items())
        assert set(batch.power) == {f"{uid}-{channel}" for uid, channel in energies}
        assert {len(powers) for powers in batch.power.values()} == {len(batch.time)}
        for uid, columns in sent.items():
            told = float(batch.power[f"{uid}-1"][batch.time.index("12:00")])
            assert told == columns["pv.1.power"][places[uid]]


def test_what_the_meter_tells_balances(house: House) -> None:
    client = house.client
    (eid,) = client.meters(SID)
    day, summary = client.meter_day(SID, eid, FULL), client.meter_summary(SID, eid)
    for name in ("consumed", "exported", "imported", "produced"):
        assert sum(map(float, getattr(day.energy, name))) == pytest.approx(float(getattr(day.today, name)), abs=0.001)
    for flows in (day.today, *summary.values()):
        consumed = float(flows.produced) + float(flows.imported) - float(flows.exported)
        assert float(flows.consumed) == pytest.approx(consumed, abs=1e-5)
    for consumed_w, bought_w, produced_w in zip(
        day.power.consumed, day.power.imported_exported, day.power.produced, strict=True
    ):
        assert float(consumed_w) == pytest.approx(max(float(produced_w) + float(bought_w), 0.0), abs=0.011)
    listed = client.meter_energy(SID, eid, "daily", "2024-11")
    assert listed.produced[1] == f"{float(day.today.produced):.3f}"


def test_refusals(house: House) -> None:
    client, eid = house.client, house.client.meters(SID)[0]
    uid = house.behind[eid][0]
    for code, ask in (
        (4000, lambda: APsystems(house.hub.url, APP_ID, "wrong").summary(SID)),
        (2001, lambda: APsystems(house.hub.url, "nobody", SECRET).summary(SID)),
        (2004, lambda: client.summary("AZ0000000000")),
        # Encoded without need, it is signed as it was sent.
        (2004, lambda: client.summary("%41Z0000000000")),
        (4001, lambda: client.energy(SID, "daily", "2024-12")),
        (4001, lambda: client.energy(SID, "minutely", FULL)),
        (4001, lambda: client.ecu_summary(SID, uid)),
        (1001, lambda: client.inverter_energy(SID, uid, "minutely", "2024-10-01")),
    ):
        with pytest.raises(RefusedError) as refused:
            ask()
        assert refused.value.code == code


def test_every_call_is_made_and_the_program_tells_of_a_system(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = Watch(house.hub)
    client, eid = APsystems(house.hub.url, APP_ID, SECRET, method="HmacSHA1"), house.client.meters(SID)[0]
    uid = house.behind[eid][0]
    client.details(SID), client.inverters(SID), client.summary(SID), client.energy(SID, "yearly")
    client.ecu_summary(SID, eid), client.ecu_energy(SID, eid, "yearly"), client.meter_summary(SID, eid)
    client.meter_energy(SID, eid, "yearly"), client.inverter_summary(SID, uid)
    client.inverter_energy(SID, uid, "yearly"), client.batch_energy(SID, eid, FULL)
    watch.is_on_file("apsystems_script.py", "")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS))
    assert main(house.hub.url, str(keys), SID) == 0
    assert capsys.readouterr().out.startswith(f"{SID} 10.32 kW: ")
    keys.write_text(json.dumps({**KEYS, "appSecret": "wrong"}))
    # The program has the machine's own clock, which is not the hub's: what it signs is too late.
    ran = subprocess.run(
        [sys.executable, SCRIPT, house.hub.url, keys, SID], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (1, "code 4000\n")
