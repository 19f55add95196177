"""pyhfs, unmodified, end to end: every call it has with its values, and what it does when it is refused."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyhfs
import pytest

from tests import live
from tests.clients import house as h
from tests.clients.house import House
from tests.clients.seen import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(40)
BEFORE, AFTER = h.NOW - timedelta(days=15), h.NOW + timedelta(days=1)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The plant, served without limits."""
    with h.opened(tmp_path_factory.mktemp("pyhfs") / "data") as opened:
        yield opened


@contextlib.contextmanager
def logged_in(house: House, user: str = live.USER, password: str = live.PASSWORD) -> Iterator[Any]:
    """A client of the house; any: published without types."""
    session = pyhfs.Session(user, password, base_url=house.hub.url)
    http = session.session
    try:
        with session:
            yield pyhfs.Client(session)
    finally:
        http.close()  # it only forgets what it opened


def test_it_reads_the_plant_and_all_its_figures(house: House) -> None:
    with logged_in(house) as client:
        [plant] = client.get_plant_list()
        assert (plant["plantName"], plant["plantAddress"], plant["capacity"]) == ("House", "Sun Street 1", 10.0)
        assert (plant["contactPerson"], plant["contactMethod"]) == ("A. Field", "+49 30 1")
        codes = [plant["plantCode"]]
        [now] = client.get_plant_realtime_data(codes)
        assert now["dataItemMap"]["day_power"] == h.DAY_KWH
        hours = client.get_plant_hourly_data(codes, h.NOW)
        assert [row["dataItemMap"]["inverter_power"] for row in hours] == [5.0, 3.0, 3.0, 3.0, 2.75]
        assert client.from_timestamp(hours[1]["collectTime"]) == datetime(2024, 6, 3, 6, tzinfo=UTC)
        days = client.get_plant_daily_data(codes, h.NOW)
        assert days[-1]["dataItemMap"] == pytest.approx(h.PERIOD, abs=5.1e-4)
        for call in (client.get_plant_monthly_data, client.get_plant_yearly_data):
            [period] = call(codes, h.NOW)
            assert period["dataItemMap"]["inverter_power"] == h.MONTH_KWH


@pytest.mark.parametrize("language", ["en_US", "en_UK", "zh_CN", "pl_PL", "po_PO", "de_DE"])
def test_it_reads_the_alarm_that_a_device_reported_in_whatever_language(house: House, language: str) -> None:
    with logged_in(house) as client:
        codes = [plant["plantCode"] for plant in client.get_plant_list()]
        [alarm] = [a for a in client.get_alarms_list(codes, BEFORE, AFTER, language) if a["alarmId"] == 7701]
    assert alarm == {
        "stationCode": codes[0], "stationName": "House", "devName": "inverter", "esnCode": "SN-inverter",
        "devTypeId": 1, "alarmId": 7701, "alarmName": "Grid loss", "alarmCause": "The grid is away.", "causeId": 7,
        "repairSuggestion": "Look at the breaker.", "alarmType": 3, "lev": 2, "status": 1, "raiseTime": h.RAISED_MS,
    }  # fmt: skip


def test_it_logs_in_again_by_itself_after_another_login_ended_its_session(house: House) -> None:
    with logged_in(house) as client:
        token = client.session.session.headers["XSRF-TOKEN"]
        house.another_logs_in()
        assert len(client.get_plant_list()) == 1
        assert client.session.session.headers["XSRF-TOKEN"] != token


@pytest.mark.parametrize(("user", "password"), [(live.USER, "wrong"), ("nobody", live.PASSWORD)])
def test_a_login_that_fails_is_its_own_exception(house: House, user: str, password: str) -> None:
    with pytest.raises(pyhfs.LoginFailed), logged_in(house, user, password):
        pass


def test_too_many_calls_are_its_own_exception(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        h.opened(tmp_path_factory.mktemp("limited") / "data", limits="documented") as house,
        logged_in(house) as client,
    ):
        codes = [plant["plantCode"] for plant in client.get_plant_list()]
        assert len(client.get_plant_realtime_data(codes)) == 1
        with pytest.raises(pyhfs.FrequencyLimit):
            client.get_plant_realtime_data(codes)
        house.hub.put_ahead(61.0)
        assert len(client.get_plant_realtime_data(codes)) == 1


def test_the_calls_it_makes_are_those_on_file(house: House) -> None:
    watch = Watch(house.hub)
    with logged_in(house) as client:
        codes = [plant["plantCode"] for plant in client.get_plant_list()]
        asked = {
            "get_plant_realtime_data": (codes,), "get_alarms_list": (codes, BEFORE, AFTER),
            **{f"get_plant_{level}_data": (codes, h.NOW) for level in ("hourly", "daily", "monthly", "yearly")},
        }  # fmt: skip
        has = {name for name in dir(client) if name.startswith("get_")}
        assert has == {*asked, "get_plant_list"}, "the client has calls that are not tried here"
        for name, arguments in asked.items():
            assert len(getattr(client, name)(*arguments)) > 0, name
    watch.is_on_file("pyhfs")
