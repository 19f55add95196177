"""The whole life of alarms that the hub finds itself: raised by its own workers, handled by people, ended by data."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from heliograph.clock import HOUR_MS, MINUTE_MS
from heliograph.config import Config
from heliograph.errors import ConflictError, ForbiddenError, NotFoundError, UnknownDeviceError
from heliograph.hub import LocalHub
from heliograph.model.access import Caller
from heliograph.model.alarm_texts import DATA_MISSING, SILENT, texts
from heliograph.model.alarms import Alarm, AlarmStatus
from heliograph.model.devices import Device, DeviceKind
from heliograph.watch import worker
from heliograph.watch.worker import WatchConfig
from tests import live
from tests.unit.store.world import QUIET, World, at, block

NOW = at("2024-06-10T12:00:00")
STEP, WAIT = 5 * MINUTE_MS, 30 * MINUTE_MS
EAGER = msgspec.structs.replace(QUIET, watch=WatchConfig(every_s=0.01))
PATIENCE_S = 30.0


class Fleet:
    """A hub that runs, with a meter that sends when it is told to."""

    def __init__(self, path: Path, config: Config = EAGER) -> None:
        self.world = World(path, config=config)
        self.device = self.world.add_device(self.world.add_plant(), DeviceKind.METER)
        self.other = self.world.add_account("others")

    @property
    def hub(self) -> LocalHub:
        """The hub as it runs now."""
        return self.world.hub

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let the hub's workers work."""
        await self.hub.start()
        try:
            yield
        finally:
            await self.hub.stop()

    async def send(self, instants: Sequence[int], device: Device | None = None, **readings: float) -> None:
        """Samples, the plant clock being at the last of them at least."""
        self.world.clock.at_ms = max(self.world.clock.at_ms, *instants)
        bag: dict[str, float | str] = {key.replace("_", ".", 1): value for key, value in readings.items()}
        made = block((device or self.device).id, dict.fromkeys(instants, bag or {"meter.power": 5.0}))
        await self.hub.ingest(self.world.caller, [made], source="test")

    async def alarms(self, code: str = SILENT) -> list[Alarm]:
        """What a reader sees."""
        found = await self.hub.alarms(self.world.caller, [self.device.id], 0, 1 << 50)
        return [alarm for alarm in found if alarm.code == code]

    async def until(self, code: str, wanted: Callable[[Alarm], bool]) -> Alarm:
        """The newest alarm of a code, once it is as wanted."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            if (found := await self.alarms(code)) and wanted(found[-1]):
                return found[-1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"no such alarm {code}: {await self.alarms(code)}")

    async def handle(self, alarm: Alarm, status: AlarmStatus, caller: Caller | None = None, note: str = "") -> Alarm:
        """Do something about an alarm."""
        return await self.hub.handle_alarm(
            caller or self.world.admin, alarm.device_id, alarm.code, alarm.raised_at_ms, status, note
        )

    def trail(self) -> list[tuple[str, str]]:
        """What the audit trail says of alarms, oldest first."""
        return self.hub.database.query("SELECT action, detail FROM audit WHERE action LIKE 'alarm.%' ORDER BY id")


@pytest.fixture
async def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fleet]:
    """A fleet at noon of 10 June 2024 whose past is gone through at every look."""
    monkeypatch.setattr(worker, "REVIEW_LOOKS", 1)
    yield Fleet(tmp_path)


async def test_a_silence_is_found_handled_and_ends_by_itself(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.send([NOW - STEP, NOW])
        fleet.world.clock.at_ms = NOW + HOUR_MS
        alarm = await fleet.until(SILENT, lambda found: found.status is AlarmStatus.ACTIVE)
        assert (alarm.code, alarm.raised_at_ms, alarm.cleared_at_ms) == ("65534", NOW + WAIT, None)
        for status in (AlarmStatus.ACKNOWLEDGED, AlarmStatus.TICKETED, AlarmStatus.HANDLED):
            moved = await fleet.handle(alarm, status, note="ring the owner")
            assert (moved.status, moved.cleared_at_ms) == (status, None)
        with pytest.raises(ConflictError):
            await fleet.handle(alarm, AlarmStatus.ACKNOWLEDGED)
        with pytest.raises(ConflictError, match="clear it as a user"):
            await fleet.handle(alarm, AlarmStatus.CLEARED)
        await fleet.send([NOW + 2 * HOUR_MS])
        alarm = await fleet.until(SILENT, lambda found: found.status is AlarmStatus.CLEARED)
        assert alarm.cleared_at_ms == NOW + 2 * HOUR_MS
        with pytest.raises(ConflictError):
            await fleet.handle(alarm, AlarmStatus.CLEARED_BY_USER)
        assert len(await fleet.alarms()) == 1
        where = f"alarm 65534 of device {fleet.device.id} from 2024-06-10T12:30:00.000Z: ring the owner"
        assert fleet.trail() == [(f"alarm.{done}", where) for done in ("acknowledged", "ticketed", "handled")]


async def test_what_a_person_clears_stays_cleared_and_a_new_silence_is_a_new_alarm(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.send([NOW])
        fleet.world.clock.at_ms = NOW + HOUR_MS
        alarm = await fleet.until(SILENT, lambda found: found.open)
        cleared = await fleet.handle(alarm, AlarmStatus.CLEARED_BY_USER)
        assert cleared.cleared_at_ms == NOW + HOUR_MS
        fleet.world.clock.at_ms = NOW + 2 * HOUR_MS
        await asyncio.sleep(0.1)
        assert await fleet.alarms() == [cleared]
        await fleet.send([NOW + 3 * HOUR_MS])
        ended = await fleet.until(SILENT, lambda found: found.until_ms is not None)
        assert ended == msgspec.structs.replace(cleared, until_ms=NOW + 3 * HOUR_MS)
        fleet.world.clock.at_ms = NOW + 4 * HOUR_MS
        await fleet.until(SILENT, lambda found: found.open)
        assert [one.status for one in await fleet.alarms()] == [AlarmStatus.CLEARED_BY_USER, AlarmStatus.ACTIVE]


async def test_data_that_comes_late_clears_the_alarm_of_its_gap(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.send([NOW - 4 * HOUR_MS, NOW - HOUR_MS, NOW - HOUR_MS // 2, NOW])
        alarm = await fleet.until(DATA_MISSING, lambda found: found.open)
        assert (alarm.raised_at_ms, alarm.until_ms) == (NOW - 4 * HOUR_MS + STEP, NOW - HOUR_MS)
        fleet.world.clock.at_ms = NOW + STEP
        await fleet.send(range(NOW - 4 * HOUR_MS, NOW - 2 * HOUR_MS, STEP))
        await asyncio.sleep(0.1)
        assert await fleet.alarms(DATA_MISSING) == [alarm]
        await fleet.send(range(NOW - 2 * HOUR_MS, NOW, STEP))
        alarm = await fleet.until(DATA_MISSING, lambda found: not found.open)
        assert (alarm.status, alarm.cleared_at_ms) == (AlarmStatus.CLEARED, NOW + STEP)
        assert len(await fleet.alarms(DATA_MISSING)) == 1


async def test_a_fault_that_a_device_shows_is_raised_and_cleared(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.send([NOW - STEP], device_fault=0.0)
        await fleet.send([NOW], device_fault=2034.0)
        alarm = await fleet.until("2034", lambda found: found.open)
        assert texts(alarm, "zh").name == "电网过压"
        assert texts(alarm, "pl").name == "Usterka urządzenia 2034"
        await fleet.send([NOW + STEP], device_fault=0.0)
        alarm = await fleet.until("2034", lambda found: found.status is AlarmStatus.CLEARED)
        assert (alarm.raised_at_ms, alarm.cleared_at_ms) == (NOW, NOW + STEP)


async def test_another_account_sees_and_handles_nothing(fleet: Fleet) -> None:
    stranger = Caller(fleet.other.id, 9, scopes=frozenset({"read", "write", "admin"}))
    reader = Caller(fleet.world.account.id, 8, scopes=frozenset({"read"}))
    async with fleet.running():
        await fleet.send([NOW])
        fleet.world.clock.at_ms = NOW + HOUR_MS
        alarm = await fleet.until(SILENT, lambda found: found.open)
        with pytest.raises(UnknownDeviceError):
            await fleet.hub.alarms(stranger, [fleet.device.id], 0, 1 << 50)
        with pytest.raises(UnknownDeviceError):
            await fleet.handle(alarm, AlarmStatus.ACKNOWLEDGED, stranger)
        with pytest.raises(ForbiddenError):
            await fleet.handle(alarm, AlarmStatus.ACKNOWLEDGED, reader)
        with pytest.raises(NotFoundError):
            await fleet.handle(msgspec.structs.replace(alarm, code="1"), AlarmStatus.ACKNOWLEDGED)
        assert await fleet.alarms() == [alarm]
        assert fleet.trail() == []


async def test_a_hub_that_starts_again_knows_what_was_wrong(fleet: Fleet) -> None:
    async with fleet.running():
        await fleet.send([NOW])
        fleet.world.clock.at_ms = NOW + HOUR_MS
        alarm = await fleet.until(SILENT, lambda found: found.open)
        await fleet.handle(alarm, AlarmStatus.ACKNOWLEDGED)
    fleet.world.hub = LocalHub(fleet.world.path, EAGER, clock=fleet.world.clock, wall=fleet.world.wall)
    async with fleet.running():
        fleet.world.clock.at_ms = NOW + 2 * HOUR_MS
        await asyncio.sleep(0.1)
        (held,) = await fleet.alarms()
        assert (held.raised_at_ms, held.status) == (alarm.raised_at_ms, AlarmStatus.ACKNOWLEDGED)
        await fleet.send([NOW + 3 * HOUR_MS])
        await fleet.until(SILENT, lambda found: found.status is AlarmStatus.CLEARED)
        assert len(await fleet.alarms()) == 1


def test_a_served_hub_finds_a_silence_also_after_it_was_killed(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    live.configure(data, watch={"every_s": 0.1})
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credential(account, "native", live.TOKEN_NAME, live.TOKEN_SECRET)
        device = setup.device(setup.plant(account, "Roof", "UTC"), DeviceKind.METER, "Meter")
    sent_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    with live.started(data) as hub:
        rows = [{"at": sent_at.isoformat(), "values": {"meter.power": 5}}]
        sent = httpx.post(f"{hub.url}/api/v1/devices/{device.id}/samples", headers=live.BEARER, json=rows)
        assert sent.status_code == 200
        (alarm,) = listed(hub, 1)
        assert (alarm["code"], alarm["watched"], alarm["cleared_at"]) == ("65534", True, None)
        hub.kill()
    with live.served(data) as hub:
        rows = [{"at": datetime.now(UTC).isoformat(), "values": {"meter.power": 5}}]
        httpx.post(f"{hub.url}/api/v1/devices/{device.id}/samples", headers=live.BEARER, json=rows)
        found = listed(hub, 1, cleared=True)
        assert [(one["id"], one["code"]) for one in found] == [(alarm["id"], "65534")]


def listed(hub: live.Served, count: int, *, cleared: bool = False) -> list[dict[str, Any]]:  # any: JSON
    """The silences that a client sees, once there are as many."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        answer = httpx.get(f"{hub.url}/api/v1/alarms", headers=live.BEARER)
        found = [one for one in answer.json()["alarms"] if one["code"] == "65534"]
        if len(found) == count and all((one["cleared_at"] is not None) == cleared for one in found):
            return found
        time.sleep(0.05)
    raise AssertionError(json.dumps(answer.json()))
