"""The demonstration, from nothing to a second start."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.clients import APsystems, FoxESS
from heliograph.dialects.apsystems.operations import SYSTEM_DETAILS
from heliograph.dialects.apsystems.wire import SystemQuery
from heliograph.dialects.foxess.operations import LIST_DEVICES
from heliograph.dialects.foxess.wire import PageQuery
from tests.unit.cli.conftest import PROGRAM, Server, free_port, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def newest(server: Server, access: dict[str, Any]) -> str:
    """When the newest sample of the fleet came."""
    found = server.get("/api/v1/latest", access["native"]["token"])
    return str(max(entry["at"] for entry in found["latest"] if entry["at"]))


def send_energy(server: Server, keys: dict[str, Any]) -> dict[str, str]:
    """What becomes of a day's energy, stated for each of the devices that the credentials name."""

    def post(path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{server.port}/public/v2/{path}"
        asked = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(asked, timeout=30) as reply:  # noqa: S310  as above
            found: dict[str, Any] = json.loads(reply.read())
            return found

    named = {name: value for name, value in keys.items() if name != "devices"}
    token = post("connect/token", {"GrantType": "api_key", **named})["Data"]["AccessToken"]
    day = {"Timestamp": "2024-06-01", "PeriodProductionInKWh": "12.5"}
    return {
        device["RemoteInvId"]: post(
            "generation-data", {"Data": [day], "FrequencyType": "Daily", **device}, Authorization=f"Bearer {token}"
        )["Message"]
        for device in keys["devices"]
    }


async def met(access: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The inverters that Fox ESS lists, and the zones of the systems that APsystems was told of."""
    url = access["base_url"]
    async with FoxESS(url, access["foxess"]["token"]) as fox:
        page = (await fox.call(LIST_DEVICES, PageQuery(1, 100))).result
    keys = access["apsystems"]
    async with APsystems(url, keys["appId"], keys["appSecret"]) as cloud:
        systems = [(await cloud.call(SYSTEM_DETAILS, SystemQuery(each["sid"]))).data for each in keys["systems"]]
    return {row.serial for row in page.rows}, {system.zone for system in systems}


def test_a_demonstration_goes_on_where_it_was(tmp_path: Path, start: Callable[..., Server]) -> None:
    data = tmp_path / "demo"
    server = start("demo", "--data", data, "--days", 2, "--limits", "off")
    path = data / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    access = json.loads(path.read_text())
    assert access["base_url"] == f"http://127.0.0.1:{server.port}"
    assert access["huawei"].keys() == {"userName", "systemCode"}
    assert access["energy_expert"].keys() == {"accessKeyId", "accessKeySecret", "devices"}
    assert access["redex"].keys() == {"ClientId", "ClientSecret", "ApiKey", "devices"}
    assert send_energy(server, access["redex"]) == {
        "STR1000000000000001": "Success",
        "STR1000000000000002": "Success",
    }
    inverters, zones = asyncio.run(met(access))
    assert "60BH5021A7QK031" in inverters
    assert zones == {"Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Adelaide", "UTC"}
    plants = server.get("/api/v1/plants", access["native"]["token"])["plants"]
    assert [plant["name"] for plant in plants][-1] == "Push target"
    assert "Next Door" not in {plant["name"] for plant in plants}
    first = newest(server, access)
    assert "stop it first" in run("demo", "--data", data, "--port", free_port(), code=1).err
    done, took_s = server.stop()
    assert (done.code, took_s < 3) == (0, True), done
    assert access["native"]["token"] in done.out
    assert "STR1000000000000001, STR1000000000000002" in done.out
    again = start("demo", "--data", data)
    after = json.loads(path.read_text())
    assert {**after, "base_url": ""} == {**access, "base_url": ""}
    assert newest(again, after) >= first
    assert again.stop()[0].code == 0


def test_a_clock_of_its_own_runs_fast_and_stands_still_between(tmp_path: Path, start: Callable[..., Server]) -> None:
    data = tmp_path / "demo"
    words = ("demo", "--data", data, "--days", 1)
    server = start(*words, "--clock", "2025-06-21T09:59:00Z", "--speed", 600)
    access = json.loads((data / "credentials.json").read_text())
    first = newest(server, access)
    assert first >= "2025-06-21T09:55"
    time.sleep(2)
    assert first < newest(server, access) < "2025-06-21T14"
    server.stop()
    again = start(*words, "--speed", 1)
    assert "2025-06-21T10" <= newest(again, access) < "2025-06-21T14"
    again.stop()
    assert "does not go back" in run(*words, "--clock", "2025-06-21", "--port", free_port(), code=1).err
    assert "--seed 1" in run(*words, "--seed", 2, "--port", free_port(), code=1).err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_while_it_makes_history(tmp_path: Path, number: int) -> None:
    data = tmp_path / "demo"
    words = ("demo", "--data", str(data), "--days", "2000", "--port", str(free_port()))
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end_s = time.monotonic() + 10
        while not (data / "heliograph.db-wal").exists() and time.monotonic() < end_s:
            time.sleep(0.05)
        time.sleep(1)
        begun_s = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, time.monotonic() - begun_s < 15) == (0, True), err
    assert "Traceback" not in out + err


def test_a_hub_of_ones_own_is_not_taken_for_a_demonstration(fleet: Path) -> None:
    assert "no demonstration" in run("demo", "--data", fleet, "--port", free_port(), code=1).err
