"""SmartPVMS clients of other makes: one that reads the token from the header, and a second public one."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests

from heliograph.model.devices import DeviceKind
from tests import live

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2024, 6, 3, 10, 0, tzinfo=UTC)
Json = dict[str, Any]  # any: JSON


class HeaderClient:
    """Takes the token from the answer's header, keeps no cookies, and sends numbers as text and text as numbers."""

    def __init__(self, url: str, *, header: str = "XSRF-TOKEN") -> None:
        self._url, self._header, self._token = url, header, ""

    def login(self) -> requests.Response:
        """Open a session."""
        body = {"userName": live.USER, "systemCode": live.PASSWORD}
        answer = requests.post(f"{self._url}/thirdData/login", json=body, timeout=30)
        self._token = answer.headers["xsrf-token"]
        return answer

    def call(self, name: str, **body: str | int) -> Json:
        """A call, on a connection of its own."""
        headers = {self._header: self._token, "connection": "close"}
        answer = requests.post(f"{self._url}/thirdData/{name}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200
        found: Json = answer.json()
        return found


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Served]:
    """A hub with 130 plants, one of them with an inverter and a day of two readings."""
    data = tmp_path_factory.mktemp("others") / "data"
    live.configure(data, serve={"limits": "off"})
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credentials(account)
        plants = [setup.plant(account, f"Plant {number}", "Europe/Berlin", capacity_w=9e3) for number in range(130)]
        setup.device(plants[0], DeviceKind.INVERTER, "inverter", serial="INV1")
    with live.served(data) as served:
        rows = [
            {"at": f"2024-06-03T{hour}:00:00", "values": {"ac.power": 2000.0, "ac.energy": energy}}
            for hour, energy in (("11", 1_000.0), ("12", 3_000.0))
        ]
        sent = httpx.post(f"{served.url}/api/v1/devices/1/samples", headers=live.BEARER, json=rows)
        assert sent.json()["accepted"] == 2
        yield served


@pytest.mark.parametrize("header", ["XSRF-TOKEN", "xsrf-token", "Xsrf-Token"])
def test_a_client_without_cookies_is_known_by_the_header_alone(hub: live.Served, header: str) -> None:
    client = HeaderClient(hub.url, header=header)
    client.login()
    plants = client.call("getStationList")["data"]
    code = next(entry["stationCode"] for entry in plants if entry["stationName"] == "Plant 0")
    [device] = client.call("getDevList", stationCodes=code)["data"]
    at = str(int(NOON.timestamp() * 1000))
    day = client.call("getDevFiveMinutes", devIds=device["id"], devTypeId="1", collectTime=at)["data"]
    assert [row["dataItemMap"]["active_power"] for row in day] == [2.0, 2.0]


def test_the_token_comes_both_ways_and_is_the_same(hub: live.Served) -> None:
    answer = HeaderClient(hub.url).login()
    assert answer.cookies["XSRF-TOKEN"] == answer.headers["xsrf-token"]
    assert answer.headers["set-cookie"].endswith(";Path=/;Secure")


def test_a_client_whose_session_was_taken_over_is_told_to_log_in_again(hub: live.Served) -> None:
    first, second = HeaderClient(hub.url), HeaderClient(hub.url)
    first.login()
    second.login()
    refused = first.call("getStationList")
    assert (refused["success"], refused["failCode"], refused["immediately"]) == (False, 305, True)
    assert refused["data"] is None
    first.login()
    assert first.call("getStationList")["success"] is True


def test_pyhfs_pages_through_all_plants_and_reads_their_figures(hub: live.Served) -> None:
    pyhfs = pytest.importorskip("pyhfs")
    session = pyhfs.Session(live.USER, live.PASSWORD, base_url=hub.url)
    session.login()
    with contextlib.closing(session.session):
        client = pyhfs.Client(session)
        plants = client.get_plant_list()
        assert [plant["plantName"] for plant in plants] == [f"Plant {number}" for number in range(130)]
        assert {plant["capacity"] for plant in plants} == {9.0}
        codes = [plant["plantCode"] for plant in plants]
        assert len(client.get_plant_realtime_data(codes)) == 130
        hours = client.get_plant_hourly_data(codes, NOON)
        assert [(row["stationCode"], row["dataItemMap"]["inverter_power"]) for row in hours if
                row["dataItemMap"]["inverter_power"]] == [(codes[0], 2.0)]  # fmt: skip
        for call in (client.get_plant_daily_data, client.get_plant_monthly_data, client.get_plant_yearly_data):
            [row] = call(codes, NOON)
            assert (row["stationCode"], row["dataItemMap"]["inverter_power"]) == (codes[0], 2.0)
            assert client.from_timestamp(row["collectTime"]) <= NOON
        # Its session was ended by another login; it logs in again by itself.
        HeaderClient(hub.url).login()
        assert len(client.get_plant_list()) == 130
