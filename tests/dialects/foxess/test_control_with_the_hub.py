"""The calls that control over a hub that runs, through HTTP, to a simulated house that obeys as its rates say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliograph.app import make_app
from heliograph.cli import demo_fleet
from heliograph.clock import FixedClock
from heliograph.commands.dispatch import CommandConfig
from heliograph.config import Config
from heliograph.dialects.foxess.auth import sign
from heliograph.hub import LocalHub
from heliograph.model import settings as s
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.commands import Command, CommandState
from heliograph.model.plants import Account
from heliograph.simulate.fleet import fleet
from heliograph.simulate.target import Rates, SimulatedTarget

HOME = next(plant for plant in fleet(1) if plant.key == "london")
AFTERNOON = 1_718_805_600_000
"""2024-06-19 15:00 in London."""
SILENT = 1_718_904_000_000
"""A day later, when the dongle is silent."""
SN, METER = "60BH5021A7QK031", "EDM23041187"
SECRET = "0123456789abcdef"
GOOD = Rates(fail=0.0, refuse=0.0, late=0.0, mute=0.0)
PATH = "/op/v0/device"
DISCHARGE = {
    "enable": 1, "startHour": 15, "startMinute": 0, "endHour": 17, "endMinute": 59, "workMode": "ForceDischarge",
    "minSocOnGrid": 15, "fdSoc": 30, "fdPwr": 2500,
}  # fmt: skip


class Service:
    """A hub with the house, and a client of it."""

    def __init__(
        self, hub: LocalHub, http: httpx.AsyncClient, ids: dict[str, int], clock: FixedClock, wall: FixedClock
    ) -> None:
        self.hub, self._http, self.ids, self.clock, self._wall = hub, http, ids, clock, wall

    async def call(self, path: str, method: str = "POST", **body: Any) -> dict[str, Any]:  # any: JSON
        """An answer, asked for no faster than documented."""
        self._wall.at_ms += 2000
        return await self.at_once(path, method, **body)

    async def at_once(self, path: str, method: str = "POST", **body: Any) -> dict[str, Any]:  # any: see call
        """An answer, without a pause before."""
        token, timestamp = f"home-{SECRET}", str(self.hub.wall.now_ms())
        headers = {"token": token, "timestamp": timestamp, "signature": sign(path, token, timestamp), "lang": "en"}
        more: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        answer = await self._http.request(method, path, headers=headers, **more)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    async def result(self, path: str, method: str = "POST", **body: Any) -> Any:  # any: JSON
        """The result of a call that succeeds."""
        answer = await self.call(path, method, **body)
        assert answer["errno"] == 0, answer
        return answer["result"]

    async def commands(self, device: str = "hybrid") -> list[Command]:
        """What was commanded to a device, newest first."""
        caller = Caller(1, 0, scopes=frozenset({"read"}))
        return await self.hub.commands.list(caller, [self.ids[device]])


@asynccontextmanager
async def opened(path: Path, *, rates: Rates = GOOD, now_ms: int = AFTERNOON) -> AsyncIterator[Service]:
    """The house, with devices that are as reliable as told."""
    clock, wall = FixedClock(now_ms), FixedClock(now_ms)
    config = Config(
        commands=CommandConfig(poll_s=0.005), dialects={"foxess": {"answer_s": 0.3}},
    )  # fmt: skip
    hub = LocalHub(path, config, clock=clock, wall=wall)

    def settle(rows: Any) -> dict[str, int]:  # any: rows of the database
        account = hub.registry.put_account(rows, Account(id=0, name="tests"))
        credential = Credential(
            id=0, account_id=account.id, dialect="foxess", name="home", secret=Secret(SECRET),
            scopes=("read", "control"),
        )  # fmt: skip
        hub.registry.put_credential(rows, credential)
        return demo_fleet._settle_plant(hub, rows, account.id, HOME).device_ids

    ids = hub.database.write_now(settle)
    hub.commands.connect(SimulatedTarget([HOME], {HOME.key: ids}, clock, seed=1, rates=rates))
    await hub.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(hub)), base_url="http://hub") as http:
        yield Service(hub, http, ids, clock, wall)
    await hub.stop()


async def test_every_setting_is_written_to_the_device_and_read_from_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as service:
        await service.result(f"{PATH}/battery/soc/set", sn=SN, minSoc=12, minSocOnGrid=20)
        assert await service.result(f"{PATH}/battery/soc/get", "GET", sn=SN) == {"minSoc": 12, "minSocOnGrid": 20}
        for key, value in (
            ("ExportLimit", "3680"), ("MaxSoc", "90"), ("MinSoc", "15"), ("MinSocOnGrid", "25"), ("GridCode", "G99"),
            ("WorkMode", "Backup"),
        ):  # fmt: skip
            assert await service.result(f"{PATH}/setting/set", sn=SN, key=key, value=value) == {}
            assert (await service.result(f"{PATH}/setting/get", sn=SN, key=key))["value"] == value
            await asyncio.sleep(0)
        await service.result(f"{PATH}/peakShaving/set", sn=SN, importLimit=2000, soc=60)
        told = await service.result(f"{PATH}/peakShaving/get", sn=SN)
        assert (told["importLimit"]["value"], told["soc"]["value"]) == ("2000", "60")
        clock = {"year": "24", "month": "6", "day": "19", "hour": "15", "minute": "7", "second": "0"}
        await service.result(f"{PATH}/time/set", sn=SN, **clock)
        told = await service.result(f"{PATH}/time/get", sn=SN)
        assert {name: int(text) % 100 for name, text in told.items()} == {
            name: int(text) for name, text in clock.items()
        }
        period = {"hour": 2, "minute": 30}
        times: dict[str, Any] = {
            "enable1": True, "startTime1": period, "endTime1": {"hour": 5, "minute": 0},
            "enable2": False, "startTime2": period, "endTime2": period,
        }  # fmt: skip
        await service.result(f"{PATH}/battery/forceChargeTime/set", sn=SN, **times)
        assert await service.result(f"{PATH}/battery/forceChargeTime/get", "GET", sn=SN) == times


@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_a_schedule_is_written_and_counts(tmp_path: Path, version: str) -> None:
    async with opened(tmp_path) as service:
        path = f"/op/{version}/device/scheduler"
        assert await service.result(f"{path}/get/flag", deviceSN=SN) == {"support": True, "enable": False}
        await service.result(f"{path}/enable", deviceSN=SN, groups=[DISCHARGE])
        assert await service.result(f"{path}/get/flag", deviceSN=SN) == {"support": True, "enable": True}
        told = await service.result(f"{path}/get", deviceSN=SN)
        assert told["groups"][0].items() >= DISCHARGE.items()
        assert (await service.call(f"{PATH}/battery/soc/set", sn=SN, minSoc=12, minSocOnGrid=20))["errno"] == 44096
        await service.result(f"{path}/set/flag", deviceSN=SN, enable=0)
        assert (await service.result(f"{path}/get", deviceSN=SN))["enable"] == 0
        await service.result("/op/v0/device/scheduler/set", deviceSN=SN, enable="1")
        assert (await service.result(f"{path}/get", deviceSN=SN))["enable"] == 1


async def test_a_meter_is_set(tmp_path: Path) -> None:
    async with opened(tmp_path) as service:
        more = {"feedinPower": "3680", "overVoltageMaxValue": "253.5"}
        await service.result("/op/v0/gw/setting/set", sn=METER, mode="G100", **more)
        told = await service.result("/op/v0/gw/setting/get", sn=METER)
        assert told["mode"]["value"] == "G100"
        assert {name: told[name]["value"] for name in more} == more
        (command,) = await service.commands("sensor")
        assert command.state is CommandState.CONFIRMED


async def test_what_is_set_already_is_confirmed_without_being_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as service:
        path = "/op/v1/device/scheduler/enable"
        for _ in range(2):
            await service.result(path, deviceSN=SN, groups=[DISCHARGE])
        again, first = await service.commands()
        assert (first.state, again.state) == (CommandState.CONFIRMED, CommandState.CONFIRMED)
        assert first.sent_at_ms > 0
        assert again.sent_at_ms == 0


async def test_two_writers_are_ordered_and_both_are_told_how_it_went(tmp_path: Path) -> None:
    async with opened(tmp_path) as service:
        limits = [20, 30, 40, 50, 60]
        written = [service.at_once(f"{PATH}/setting/set", sn=SN, key="MinSoc", value=limit) for limit in limits]
        # One limit counts for all of them: an update comes every two seconds.
        codes = [answer["errno"] for answer in await asyncio.gather(*written)]
        assert sorted(codes) == [0, 40400, 40400, 40400, 40400]
        other = service.call("/op/v0/device/battery/soc/set", sn=SN, minSoc=33, minSocOnGrid=44)
        assert (await other)["errno"] == 0
        told = await service.result(f"{PATH}/battery/soc/get", "GET", sn=SN)
        assert told == {"minSoc": 33, "minSocOnGrid": 44}


@pytest.mark.parametrize(
    ("rates", "code", "state"),
    [
        (Rates(refuse=1.0, late=0.0, mute=0.0), 44098, CommandState.REFUSED),
        (Rates(refuse=0.0, late=0.0, mute=1.0), 41203, CommandState.UNKNOWN),
        (Rates(refuse=0.0, late=1.0, mute=0.0), 41203, CommandState.UNKNOWN),
    ],
)
async def test_a_device_that_refuses_or_does_not_answer_is_told(
    tmp_path: Path, rates: Rates, code: int, state: CommandState
) -> None:
    async with opened(tmp_path, rates=rates) as service:
        assert (await service.call(f"{PATH}/setting/set", sn=SN, key="MaxSoc", value=80))["errno"] == code
        (command,) = await service.commands()
        assert command.state is state
        told = (await service.result(f"{PATH}/setting/get", sn=SN, key="MaxSoc"))["value"]
        assert told == ("100" if state is CommandState.REFUSED else "80")


async def test_an_answer_that_comes_late_is_still_followed(tmp_path: Path) -> None:
    async with opened(tmp_path, rates=Rates(refuse=0.0, late=1.0, mute=0.0)) as service:
        assert (await service.call(f"{PATH}/setting/set", sn=SN, key="MaxSoc", value=80))["errno"] == 41203
        service.clock.at_ms += 180_000
        (command,) = await service.commands()
        assert (await service.hub.commands.wait(command, 5.0)).state is CommandState.CONFIRMED


async def test_a_device_behind_a_silent_dongle_is_offline(tmp_path: Path) -> None:
    async with opened(tmp_path, now_ms=SILENT) as service:
        asked: list[tuple[str, dict[str, Any]]] = [
            (f"{PATH}/setting/get", {"sn": SN, "key": "MaxSoc"}), (f"{PATH}/time/get", {"sn": SN}),
            (f"{PATH}/scheduler/get/flag", {"deviceSN": SN}), ("/op/v0/gw/setting/get", {"sn": METER}),
            (f"{PATH}/setting/set", {"sn": SN, "key": "MaxSoc", "value": 80}),
        ]  # fmt: skip
        for path, body in asked:
            assert (await service.call(path, **body))["errno"] == 41935
        assert await service.commands() == []


async def test_a_command_that_cannot_leave_is_taken_back(tmp_path: Path) -> None:
    async with opened(tmp_path, rates=Rates(refuse=0.0, late=0.0, mute=1.0)) as service:
        assert (await service.call(f"{PATH}/setting/set", sn=SN, key="MaxSoc", value=80))["errno"] == 41203
        # The device still owes an answer to the first one.
        body: dict[str, Any] = {"importLimit": 2000, "soc": 60}
        assert (await service.call(f"{PATH}/peakShaving/set", sn=SN, **body))["errno"] == 41935
        second, _ = await service.commands()
        assert second.state is CommandState.CANCELLED
        assert second.arguments == {s.IMPORT_LIMIT: 2000.0, s.PEAK_SOC: 60.0}
