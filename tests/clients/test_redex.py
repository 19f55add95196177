"""A REDEX client against a live hub: what it sends is kept, refused or put off as documented, and seen everywhere."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from heliograph.dialects.redex import DEVICE_SCHEME, DIALECT
from heliograph.hub import DATABASE
from heliograph.model.access import Secret
from heliograph.model.devices import DeviceKind, MeterRole
from tests import live
from tests.clients.redex_script import Json, Redex, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).with_name("redex_script.py")
SECRET, OTHER_SECRET = "4kQz-redex-secret-77Bd", "other-key:other-secret"
KEYS = DIALECT.present("installer", Secret(SECRET))
OTHER_KEYS = {"ClientId": "neighbour", "ApiKey": "other-key", "ClientSecret": "other-secret"}
INVERTER, METER, OTHERS = "STR10000000338444", "STR1000000033862740", "STR2000000000000001"
ZONE = ZoneInfo("Europe/Berlin")
PRINTED = [
    {"Timestamp": "2023-05-01", "PeriodProductionInKWh": "0.1234", "AccumulatedPowerInKWh": "5.1234"},
    {"Timestamp": "2023-05-02", "PeriodProductionInKWh": "0.2345", "AccumulatedPowerInKWh": "5.3579"},
    {"Timestamp": "2023-05-03", "PeriodProductionInKWh": "0.4567", "AccumulatedPowerInKWh": "5.8146"},
]


def provision(data: Path, **serve: object) -> None:
    """A plant with an inverter and a meter, and a neighbour's plant with an inverter."""
    live.configure(data, serve=serve)
    with live.provisioning(data) as setup:
        account, other = setup.account("owner"), setup.account("neighbour")
        setup.credentials(account)
        setup.credential(account, "redex", "installer", SECRET, scopes=("read", "write"))
        setup.credential(other, "redex", "neighbour", OTHER_SECRET, scopes=("read", "write"))
        roof = setup.plant(account, "Roof", ZONE.key, capacity_w=1e4, tariff=(0.5,))
        devices = {
            INVERTER: setup.device(roof, DeviceKind.INVERTER, "inverter", serial="INV-1", capacity_w=1e4),
            METER: setup.device(roof, DeviceKind.METER, "meter", serial="MTR-1", role=MeterRole.PRODUCTION),
            OTHERS: setup.device(setup.plant(other, "Next", "UTC"), DeviceKind.INVERTER, "other", serial="INV-2"),
        }
        for wire, device in devices.items():
            put = partial(setup.hub.registry.put_alias, scheme=DEVICE_SCHEME, wire=wire, number=device.id)
            setup.hub.database.write_now(put)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory of the hub."""
    return tmp_path / "hub"


@pytest.fixture
def hub(data: Path) -> Iterator[live.Served]:
    """A hub without limits."""
    provision(data, limits="off")
    with live.served(data) as served:
        yield served


@pytest.fixture
def client(hub: live.Served) -> Redex:
    """A client that is logged in."""
    made = Redex(hub.url, KEYS)
    made.login()
    return made


def rows(data: Path, sql: str) -> list[tuple[Any, ...]]:  # any: columns of all types
    """What is on the disk."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as held:
        return list(held.execute(sql))


def entries(data: Path) -> list[tuple[Any, ...]]:  # any: see rows
    """The ledger, in the order of its chains."""
    return rows(data, "SELECT device, period, revision, energy, accumulated FROM declared ORDER BY device, sequence")


def day(on: str, period: object, total: object = None) -> Json:
    """A record."""
    return {"Timestamp": on, "PeriodProductionInKWh": period} | (
        {} if total is None else {"AccumulatedPowerInKWh": total}
    )


def refusal(client: Redex, days: list[Json] | bytes, device: str = INVERTER) -> RefusedError:
    """How a submission is refused."""
    body = days if isinstance(days, bytes) else {"Data": days, "FrequencyType": "Daily", "RemoteInvId": device}
    with pytest.raises(RefusedError) as caught:
        client.post("/public/v2/generation-data", body)
    return caught.value


def test_the_printed_example_is_kept_once_however_often_it_is_sent(client: Redex, data: Path) -> None:
    for _ in range(3):
        client.send(INVERTER, PRINTED)
    assert entries(data) == [
        (1, "2023-05-01", 1, "0.1234", "5.1234"),
        (1, "2023-05-02", 1, "0.2345", "5.3579"),
        (1, "2023-05-03", 1, "0.4567", "5.8146"),
    ]
    [(body, author)] = rows(data, "SELECT body, author FROM statement")
    assert (json.loads(body)["Data"], author) == (PRINTED, "owner/installer")


def test_the_program_sends_a_file_and_prints_what_is_refused(hub: live.Served, data: Path, tmp_path: Path) -> None:
    keys, good, bad = tmp_path / "keys.json", tmp_path / "good.csv", tmp_path / "bad.csv"
    keys.write_text(json.dumps(KEYS))
    first = date(2010, 1, 1)
    days = [f"{first + timedelta(days=number)},1.2500,{1.25 * (number + 1):.4f}" for number in range(3100)]
    good.write_text("\n".join(days) + "\n")
    bad.write_text("2009-12-30,-1,0\n2009-12-31,1,9000.5\n")

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, SCRIPT, hub.url, keys, METER, path)
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    done = run(good)
    assert (done.returncode, done.stdout, done.stderr) == (0, "sent\n", "")
    assert len(entries(data)) == 3100
    assert rows(data, "SELECT count(*) FROM statement") == [(2,)]
    done = run(bad)
    assert done.returncode == 1
    assert done.stderr.startswith("422 Unprocessable Entity")
    assert "Data[0].PeriodProductionInKWh" in done.stderr
    assert len(entries(data)) == 3100


def test_a_correction_keeps_the_older_value_and_its_author_across_a_restart(data: Path) -> None:
    provision(data, limits="off")
    with live.served(data) as served:
        Redex(served.url, KEYS).send(INVERTER, [day("2023-05-01", "1.5")])
    with live.served(data) as served:
        client = Redex(served.url, KEYS)
        client.send(INVERTER, [day("2023-05-01", "1.6")])
        client.send(INVERTER, [day("2023-05-01", "1.60")])
    assert entries(data) == [(1, "2023-05-01", 1, "1.5", None), (1, "2023-05-01", 2, "1.6", None)]
    assert {author for (author,) in rows(data, "SELECT author FROM statement")} == {"owner/installer"}


def test_each_refusal_has_a_meaning_of_its_own(client: Redex, data: Path) -> None:
    unreadable = refusal(client, b'{"Data": [')
    assert (unreadable.status, unreadable.message, list(unreadable.errors)) == (400, "Bad Request", ["Body"])
    assert list(refusal(client, [{"Timestamp": "2023-05-01"}]).errors) == ["Data[0].PeriodProductionInKWh"]
    forbidden = refusal(client, PRINTED, OTHERS)
    assert (forbidden.status, forbidden.message, list(forbidden.errors)) == (403, "Forbidden", ["RemoteInvId"])
    tomorrow = str(datetime.now(UTC).date() + timedelta(days=2))
    wrong = refusal(client, [*PRINTED, day(tomorrow, "1"), day("2023-05-01", "0.12345", "-5"), day("2023-05-09", 251)])
    assert (wrong.status, wrong.message) == (422, "Unprocessable Entity")
    assert wrong.errors.keys() == {
        "Data[3].Timestamp", "Data[4].Timestamp", "Data[4].PeriodProductionInKWh", "Data[4].AccumulatedPowerInKWh",
        "Data[5].PeriodProductionInKWh",
    }  # fmt: skip
    many = refusal(client, [day("2023-05-01", "1")] * 3001)
    assert (many.status, list(many.errors)) == (422, ["Data"])
    client.access = "no such token"
    unknown = refusal(client, PRINTED)
    assert (unknown.status, unknown.message) == (401, "Unauthorized")
    with pytest.raises(RefusedError, match="404 Not Found"):
        client.post("/public/v2/generation-datas", {})
    assert entries(data) == []


def test_a_client_whose_token_is_gone_renews_it_and_goes_on(client: Redex, data: Path) -> None:
    spent = client.refresh
    client.access = "expired"
    client.send(INVERTER, PRINTED)
    assert client.refresh != spent
    client.access, client.refresh = "expired", spent
    client.send(INVERTER, [day("2023-05-04", "1")])
    assert len(entries(data)) == 4


def test_tokens_end_after_an_hour_and_after_thirty_days(client: Redex, hub: live.Served, data: Path) -> None:
    first, refresh = client.access, client.refresh
    hub.put_ahead(3600)
    assert list(refusal(client, PRINTED).errors.values()) == ["The token has expired"]
    client.send(INVERTER, PRINTED)
    assert first != client.access
    assert refresh != client.refresh
    hub.put_ahead(30 * 86400)
    with pytest.raises(RefusedError, match="RefreshToken"):
        client.renew()
    client.send(INVERTER, [day("2023-05-04", "1")])
    assert len(entries(data)) == 4


def test_tokens_outlive_a_restart(data: Path) -> None:
    provision(data, limits="off")
    with live.served(data) as served:
        client = Redex(served.url, KEYS)
        granted = client.login()
    assert (granted["ExpiresIn"], granted["TokenType"]) == ("3600", "Bearer")
    with live.served(data) as served:
        again = Redex(served.url, KEYS)
        again.access, again.refresh = client.access, client.refresh
        again.post("/public/v2/generation-data", {"Data": PRINTED, "FrequencyType": "Daily", "RemoteInvId": INVERTER})
        again.renew()


def test_wrong_keys_open_nothing(hub: live.Served) -> None:
    for odd in ({"ApiKey": "wrong"}, {"ClientSecret": "wrong"}, {"ClientId": "nobody"}):
        with pytest.raises(RefusedError, match="401 Unauthorized"):
            Redex(hub.url, KEYS | odd).login()


def test_two_accounts_are_kept_apart(client: Redex, hub: live.Served, data: Path) -> None:
    other = Redex(hub.url, OTHER_KEYS)
    other.send(OTHERS, [day("2023-05-01", "2")])
    assert refusal(other, PRINTED).status == refusal(other, PRINTED, "INV-1").status == 403
    client.send(INVERTER, [day("2023-05-01", "1")])
    assert entries(data) == [(1, "2023-05-01", 1, "1", None), (3, "2023-05-01", 1, "2", None)]


def test_a_packed_body_is_read(hub: live.Served, data: Path) -> None:
    Redex(hub.url, KEYS, packed=True).send(INVERTER, PRINTED)
    assert len(entries(data)) == 3
    [(body,)] = rows(data, "SELECT body FROM statement")
    assert json.loads(body)["Data"] == PRINTED


def test_a_client_without_names_in_pascal_case_or_texts_is_understood(client: Redex, data: Path) -> None:
    records = [
        {"timestamp": "2023-05-01", "periodProductionInKWh": 0.5, "accumulatedEnergyInKWh": 7.25, "unit": "kWh"},
        {"timestamp": "2023-05-02", "periodProductionInKWh": 1},
    ]
    client.post("/public/v2/generation-data", {"data": records, "frequencyType": "daily", "remoteInvId": "INV-1"})
    assert entries(data) == [(1, "2023-05-01", 1, "0.5", "7.25"), (1, "2023-05-02", 1, "1", None)]


def test_the_sixty_first_call_of_a_minute_is_put_off(data: Path) -> None:
    provision(data)
    with live.served(data) as served:
        client = Redex(served.url, KEYS, patience=False)
        client.login()
        for _ in range(60):
            client.send(INVERTER, PRINTED)
        late = refusal(client, PRINTED)
        assert (late.status, late.message) == (429, "Too Many Requests")
        assert len(client.waits) == 1
        assert 0 < client.waits[0] <= 60
        client.renew()
        assert refusal(client, PRINTED).status == 429
        Redex(served.url, OTHER_KEYS).send(OTHERS, PRINTED)


def test_later_forms_are_served_where_they_are_switched_on(data: Path) -> None:
    live.configure(data, serve={"limits": "off"}, **{"dialects.redex": {"later": True}})
    settings = (data / "heliograph.toml").read_text()
    provision(data, limits="off")
    (data / "heliograph.toml").write_text(settings)
    with live.served(data) as served:
        client = Redex(served.url, KEYS)
        client.login()
        devices = [
            {"RemoteInvId": INVERTER, "Data": [{"Timestamp": "2023-05-01", "PeriodProductionInKWh": "1.250",
                                                "AccumulatedEnergyInKWh": "7.250"}]},
            {"RemoteInvId": METER, "Data": [day("2023-05-01", "2")]},
        ]  # fmt: skip
        daily = client.post("/public/v2/generation-datas/batches", {"Devices": devices})["Data"]["ProcessId"]
        year = {"Year": 2022, "PeriodProductionPerMonthInKWh": {"Jan": 321.111, "Feb": None, "Dec": 95.4}}
        body = {"RemoteInvId": INVERTER, "Data": year}
        monthly = client.post("/public/v2/generation-datas/monthly-data", body)["Data"]["ProcessId"]
        kinds = {}
        for number in (daily, monthly):
            path = f"/public/v2/generation-datas/statuses?ProcessId={number}"
            found = client.post(path, b"", method="GET")["Data"]
            assert (found["ProcessId"], found["Status"]) == (number, "Success")
            kinds[number] = found["ProcessingType"]
        assert kinds == {daily: "CreateNewGenerationData", monthly: "CreateMonthlyData"}
    assert [entry[:4] for entry in entries(data)] == [
        (1, "2023-05-01", 1, "1.250"), (1, "2022-01", 1, "321.111"), (1, "2022-12", 1, "95.4"),
        (2, "2023-05-01", 1, "2"),
    ]  # fmt: skip


class SmartPvms:
    """A reader of the other interface."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/thirdData"
        login = {"userName": live.USER, "systemCode": live.PASSWORD}
        answer = httpx.post(f"{self._url}/login", json=login)
        self._headers = {"xsrf-token": answer.headers["xsrf-token"]}

    def call(self, name: str, **body: object) -> list[Json]:
        """The rows of a call."""
        answer = httpx.post(f"{self._url}/{name}", json=body, headers=self._headers).json()
        assert answer["success"] is True, answer
        found: list[Json] = answer["data"]
        return found


def ms(on: str) -> int:
    """The first instant of a day at the plant."""
    return round(datetime.fromisoformat(on).replace(tzinfo=ZONE).timestamp() * 1000)


def test_reported_days_appear_in_smartpvms(client: Redex, hub: live.Served) -> None:
    client.send(INVERTER, PRINTED)
    expected = {ms(record["Timestamp"]): float(record["PeriodProductionInKWh"]) for record in PRINTED}
    reader = SmartPvms(hub.url)
    [plant] = reader.call("getStationList")
    devices = reader.call("getDevList", stationCodes=plant["stationCode"])
    [number] = [device["id"] for device in devices if device["devName"] == "inverter"]
    at = {"collectTime": ms("2023-05-10")}
    of_plant = reader.call("getKpiStationDay", stationCodes=plant["stationCode"], **at)
    of_device = reader.call("getDevKpiDay", devIds=str(number), devTypeId=1, **at)
    for rows_of, name in ((of_plant, "inverter_power"), (of_device, "product_power")):
        told = {row["collectTime"]: row["dataItemMap"].get(name) for row in rows_of}
        assert {at_ms: value for at_ms, value in told.items() if value} == pytest.approx(expected, abs=6e-4)
    [month] = [row for row in reader.call("getKpiStationMonth", stationCodes=plant["stationCode"], **at)
               if row["collectTime"] == ms("2023-05-01")]  # fmt: skip
    assert month["dataItemMap"]["inverter_power"] == pytest.approx(0.8146, abs=6e-4)


def test_reported_days_appear_in_the_native_interface(client: Redex, hub: live.Served) -> None:
    client.send(INVERTER, PRINTED)
    for path in ("devices/1", "plants/1"):
        answer = httpx.get(
            f"{hub.url}/api/v1/{path}/energy?level=day&since=2023-05-01&until=2023-05-04", headers=live.BEARER
        )
        buckets = answer.json()["buckets"]
        assert [bucket["production"] for bucket in buckets] == pytest.approx([123.4, 234.5, 456.7])
    client.send(INVERTER, [day("2023-05-02", "0.3", "5.4234"), day("2023-05-03", "0.4567", "5.8801")])
    answer = httpx.get(f"{hub.url}/api/v1/devices/1/energy?level=month&since=2023-05-01", headers=live.BEARER)
    assert answer.json()["buckets"][0]["production"] == pytest.approx(880.1)
