"""fusionsolar, unmodified, end to end: every call it has with its values, and what it does when it is refused."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from fusionsolar import Client, PandasClient
from fusionsolar.client import HTTPError, HTTPError401, HTTPError407

from tests import live
from tests.clients import house as h
from tests.clients.house import House
from tests.clients.seen import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.timeout(40),
    # It uses functions of pandas that newer versions of it discourage.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
AT = pd.Timestamp(h.NOW_MS - h.HOUR_MS, unit="ms", tz="UTC")
INVERTER, BATTERY, METER, STATION = 1, 39, 17, 10


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The plant, served without limits."""
    with h.opened(tmp_path_factory.mktemp("fusionsolar") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The plant, served with the limits of the document."""
    with h.opened(tmp_path_factory.mktemp("limited") / "data", limits="documented") as opened:
        yield opened


def client_of(house: House, kind: type[Any] = Client, **known: Any) -> Any:  # any: published without types
    """A client that is not logged in yet."""
    return kind(live.USER, live.PASSWORD, base_url=house.url, **{"max_retry": 0, **known})


@pytest.fixture
def cloud(house: House) -> Iterator[Any]:
    """A client of the house."""
    made = client_of(house)
    yield made
    made.session.close()


def ids(cloud: Any) -> dict[int, str]:
    """The device of each type."""
    [plant] = cloud.get_station_list()["data"]
    return {row["devTypeId"]: str(row["id"]) for row in cloud.get_dev_list(plant["stationCode"])["data"]}


def code_of(cloud: Any) -> str:
    """The plant."""
    return str(cloud.get_station_list()["data"][0]["stationCode"])


def rows(answer: h.Json) -> dict[int, h.Json]:
    """The rows of an answer by their instants."""
    return {row["collectTime"]: row["dataItemMap"] for row in answer["data"]}


MIDNIGHT_MS = h.NOW_MS - 12 * h.HOUR_MS
FIRST_OF_JUNE_MS = MIDNIGHT_MS - 48 * h.HOUR_MS
NEW_YEAR_MS = 1_704_063_600_000
DAY_BEFORE_MS = MIDNIGHT_MS - 24 * h.HOUR_MS


def test_it_lists_the_plant_and_its_devices(cloud: Any) -> None:
    [plant] = cloud.get_station_list()["data"]
    assert (plant["stationName"], plant["stationAddr"], plant["capacity"]) == ("House", "Sun Street 1", 0.01)
    assert (plant["stationLinkman"], plant["linkmanPho"]) == ("A. Field", "+49 30 1")
    listed = {row["devTypeId"]: row for row in cloud.get_dev_list(plant["stationCode"])["data"]}
    assert {number: row["devName"] for number, row in listed.items()} == {
        INVERTER: "inverter", BATTERY: "battery", METER: "meter", STATION: "weather_station",
    }  # fmt: skip
    inverter = listed[INVERTER]
    assert (inverter["esnCode"], inverter["invType"]) == ("SN-inverter", h.MODEL)
    assert {row["stationCode"] for row in listed.values()} == {plant["stationCode"]}


def test_it_reads_the_plant_at_this_moment(cloud: Any) -> None:
    [row] = cloud.get_station_kpi_real(code_of(cloud))["data"]
    assert row["dataItemMap"] == {
        "day_power": h.DAY_KWH,
        "month_power": h.MONTH_KWH,
        "total_power": h.COUNTER_KWH,
        "day_income": pytest.approx(h.DAY_KWH * h.PRICE, abs=5.1e-4),
        "total_income": pytest.approx(h.MONTH_KWH * h.PRICE, abs=5.1e-4),
        "real_health_state": 2,
        "day_on_grid_energy": h.FED_KWH,
        "day_use_energy": h.PERIOD["use_power"],
    }


def test_it_reads_the_hours_of_the_plant(cloud: Any) -> None:
    hours = rows(cloud.get_station_kpi_hour(code_of(cloud), AT))
    made = {at: row["inverter_power"] for at, row in hours.items()}
    eight = h.EIGHT_MS
    assert made == {eight - h.HOUR_MS: 5.0, eight: 3.0, eight + h.HOUR_MS: 3.0, eight + 2 * h.HOUR_MS: 3.0,
                    eight + 3 * h.HOUR_MS: 2.75}  # fmt: skip
    assert hours[eight] == {
        "radiation_intensity": 0.6, "theory_power": 6.0, "inverter_power": 3.0, "ongrid_power": 1.2,
        "power_profit": pytest.approx(0.9),
    }  # fmt: skip


def test_it_reads_the_days_the_months_and_the_years_of_the_plant(cloud: Any) -> None:
    code = code_of(cloud)
    days = rows(cloud.get_station_kpi_day(code, AT))
    assert list(days) == [DAY_BEFORE_MS, MIDNIGHT_MS]
    assert days[MIDNIGHT_MS] == pytest.approx(h.PERIOD, abs=5.1e-4)
    assert (days[DAY_BEFORE_MS]["inverter_power"], days[DAY_BEFORE_MS]["radiation_intensity"]) == (5.0, None)
    for call, start in ((cloud.get_station_kpi_month, FIRST_OF_JUNE_MS), (cloud.get_station_kpi_year, NEW_YEAR_MS)):
        [(at, period)] = rows(call(code, AT)).items()
        assert at == start
        assert (period["inverter_power"], period["ongrid_power"]) == (h.MONTH_KWH, h.FED_KWH)
        assert period["perpower_ratio"] == 2.175
        assert period["power_profit"] == pytest.approx(h.MONTH_KWH * h.PRICE)


def test_it_reads_every_kind_of_device_at_this_moment(cloud: Any) -> None:
    found = {}
    for type_id, number in ids(cloud).items():
        [row] = cloud.get_dev_kpi_real(number, type_id)["data"]
        assert row["devId"] == int(number)
        found[type_id] = row["dataItemMap"]
    assert {name: found[INVERTER][name] for name in ("active_power", "total_cap", "inverter_state", "day_cap")} == {
        "active_power": 3.0, "total_cap": h.COUNTER_KWH, "inverter_state": 512.0, "day_cap": h.DAY_KWH,
    }  # fmt: skip
    assert (found[BATTERY]["ch_discharge_power"], found[BATTERY]["battery_soc"]) == (-480.0, 40.0)
    assert (found[METER]["active_power"], found[METER]["active_cap"]) == (-0.6, 502.35)
    assert (found[STATION]["radiant_line"], found[STATION]["temperature"]) == (600.0, 21.5)
    assert {row["run_state"] for row in found.values()} == {1}


def test_it_reads_the_day_of_a_device_in_steps_of_five_minutes(cloud: Any) -> None:
    day = rows(cloud.get_dev_kpi_fivemin(ids(cloud)[INVERTER], INVERTER, AT))
    assert {at: row["total_cap"] for at, row in day.items()} == {
        h.EIGHT_MS + n * 5 * h.MINUTE_MS: pytest.approx(100 + n / 4) for n in range(h.STEPS)
    }
    assert {row["active_power"] for row in day.values()} == {3.0}


def test_it_reads_the_hours_days_months_and_years_of_devices(cloud: Any) -> None:
    devices = ids(cloud)
    hours = rows(cloud.get_dev_kpi_hour(devices[INVERTER], INVERTER, AT))
    assert [row["product_power"] for row in hours.values()] == [5.0, 3.0, 3.0, 3.0, 2.75]
    day = rows(cloud.get_dev_kpi_day(devices[INVERTER], INVERTER, AT))[MIDNIGHT_MS]
    assert day == {
        "installed_capacity": 10.0, "product_power": h.DAY_KWH, "perpower_ratio": 1.675, "yield_deviation": 0.0,
        "total_aop": 100.0, "aoc_ratio": pytest.approx(100 * h.STEPS / 288, abs=5.1e-4),
    }  # fmt: skip
    battery = rows(cloud.get_dev_kpi_day(devices[BATTERY], BATTERY, AT))[MIDNIGHT_MS]
    assert battery == {
        "charge_cap": h.CHARGED_KWH, "discharge_cap": h.DISCHARGED_KWH, "charge_time": 2.0,
        "discharge_time": pytest.approx(23 / 12, abs=5.1e-4),
    }  # fmt: skip
    for call in (cloud.get_dev_kpi_month, cloud.get_dev_kpi_year):
        [period] = rows(call(devices[INVERTER], INVERTER, AT)).values()
        assert period == {"installed_capacity": 10.0, "product_power": h.MONTH_KWH, "perpower_ratio": 2.175}


def test_it_switches_an_inverter_off_and_on(cloud: Any) -> None:
    number = ids(cloud)[INVERTER]
    for control in (2, 1):
        [row] = cloud.dev_on_off(number, INVERTER, control)["data"]
        assert row == {"devId": int(number), "result": True, "failCode": 0}
    with pytest.raises(HTTPError) as refused:
        cloud.dev_on_off(number, INVERTER, 3)
    assert refused.value.args[0]["failCode"] == 20019


def test_it_upgrades_an_inverter_and_finds_the_new_version(tmp_path_factory: pytest.TempPathFactory) -> None:
    with h.opened(tmp_path_factory.mktemp("upgraded") / "data") as house:
        cloud = client_of(house)
        number, code = ids(cloud)[INVERTER], code_of(cloud)
        with pytest.raises(HTTPError) as refused:
            cloud.get_dev_upgradeinfo(number, INVERTER)
        assert refused.value.args[0]["failCode"] == 20022
        [row] = cloud.dev_upgrade(number, INVERTER)["data"]
        assert row == {"devId": int(number), "result": True, "failCode": 0}
        for _ in range(100):
            [record] = cloud.get_dev_upgradeinfo(number, INVERTER)["data"]
            if record["upgradeResult"] not in (0, 4):
                break
            time.sleep(0.05)
        assert (record["upgradeResult"], record["process"]) == (1, 100.0)
        assert (record["sourceVersion"], record["targetVersion"]) == (h.OLD, h.NEW)
        assert 0 <= record["lastUpgradeTime"] - h.NOW_MS < h.MINUTE_MS
        versions = {row["devTypeId"]: row["softwareVersion"] for row in cloud.get_dev_list(code)["data"]}
        assert versions[INVERTER] == h.NEW
        [again] = cloud.dev_upgrade(number, INVERTER)["data"]
        assert (again["result"], again["failCode"]) == (False, 20020)
        cloud.session.close()


def test_its_table_of_pandas_holds_the_days(house: House) -> None:
    client = client_of(house, PandasClient)
    table = client.get_kpi_day(code_of(client), AT)
    client.session.close()
    assert list(table.index) == [pd.Timestamp(at, unit="ms", tz="UTC") for at in (DAY_BEFORE_MS, MIDNIGHT_MS)]
    assert table["inverter_power"].tolist() == [5.0, h.DAY_KWH]
    assert table["radiation_intensity"].isna().tolist() == [True, False]


def test_it_logs_in_again_by_itself_after_another_login_ended_its_session(house: House, cloud: Any) -> None:
    assert cloud.get_station_list()["success"] is True
    token = cloud.session.headers["XSRF-TOKEN"]
    house.another_logs_in()
    assert cloud.get_station_list()["success"] is True
    assert cloud.session.headers["XSRF-TOKEN"] != token


def test_it_logs_in_again_by_itself_after_its_session_expired(tmp_path_factory: pytest.TempPathFactory) -> None:
    with h.opened(tmp_path_factory.mktemp("expired") / "data") as house:
        client = client_of(house)
        assert client.get_station_list()["success"] is True
        token = client.session.headers["XSRF-TOKEN"]
        house.hub.put_ahead(29 * 60)
        client.get_station_list()
        assert client.session.headers["XSRF-TOKEN"] == token
        house.hub.put_ahead(2 * 60)
        assert client.get_station_list()["success"] is True
        assert client.session.headers["XSRF-TOKEN"] != token
        client.session.close()


def test_a_wrong_password_is_an_error_with_the_code_of_the_newer_servers(house: House) -> None:
    client = Client(live.USER, "wrong", base_url=house.url, max_retry=0)
    with pytest.raises(HTTPError) as refused:
        client.login()
    client.session.close()
    assert refused.value.args[0]["failCode"] == 20400


def test_it_backs_off_when_it_is_too_frequent_and_succeeds_once_the_minute_is_over(limited: House) -> None:
    limited.hub.put_ahead(120.0)
    client = client_of(limited, max_retry=2)
    assert client.get_station_list()["success"] is True
    later = threading.Timer(1.0, limited.hub.put_ahead, (61.0,))
    later.start()
    started, watch = time.monotonic(), len(limited.hub.seen())
    assert client.get_station_list()["success"] is True
    later.join()
    client.session.close()
    assert 3.0 <= time.monotonic() - started < 30.0
    assert [seen.path for seen in limited.hub.seen()[watch:]] == ["/thirdData/getStationList"] * 2


def test_without_patience_it_is_told_that_it_is_too_frequent(limited: House) -> None:
    limited.hub.put_ahead(120.0)
    client = client_of(limited)
    code = client.get_station_list()["data"][0]["stationCode"]
    assert client.get_station_kpi_real(code)["success"] is True
    with pytest.raises(HTTPError407) as refused:
        client.get_station_kpi_real(code)
    assert refused.value.args[0]["data"] == "ACCESS_FREQUENCY_IS_TOO_HIGH"
    assert client.get_dev_list(code)["success"] is True, "another call has a minute of its own"
    client.session.close()


def test_it_knows_a_call_that_its_credential_does_not_open(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("rights") / "data"
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.plant(account, "P", "UTC")
        opens = ("getStationList", "getDevUpgradeInfo")
        setup.credential(account, "huawei", live.USER, live.PASSWORD, operations=opens)
    with live.served(data) as hub:
        client = Client(live.USER, live.PASSWORD, base_url=f"{hub.url}/thirdData", max_retry=0)
        code = client.get_station_list()["data"][0]["stationCode"]
        with pytest.raises(HTTPError401):
            client.get_dev_list(code)
        with pytest.raises(HTTPError401):
            client.get_dev_upgradeinfo("1", INVERTER)
        client.session.close()


def test_the_calls_it_makes_are_those_on_file(house: House) -> None:
    client, watch = client_of(house, PandasClient), Watch(house.hub)
    with client:
        code, number = code_of(client), ids(client)[INVERTER]
        asked = {
            "get_station_list": (), "get_station_kpi_real": (code,), "get_dev_list": (code,),
            "get_dev_kpi_real": (number, INVERTER), "dev_on_off": (number, INVERTER, 1),
            "dev_upgrade": (number, INVERTER), "get_dev_upgradeinfo": (number, INVERTER), "get_kpi_day": (code, AT),
        } | {
            f"get_station_kpi_{level}": (code, AT) for level in ("hour", "day", "month", "year")
        } | {
            f"get_dev_kpi_{level}": (number, INVERTER, AT) for level in ("fivemin", "hour", "day", "month", "year")
        }  # fmt: skip
        has = {name for name in dir(client) if not name.startswith("_") and callable(getattr(client, name))}
        assert has == {*asked, "login"}, "the client has calls that are not tried here"
        for name, arguments in asked.items():
            answer = getattr(client, name)(*arguments)
            assert len(answer["data"] if isinstance(answer, dict) else answer) > 0, name
    client.session.close()
    watch.is_on_file("fusionsolar")
