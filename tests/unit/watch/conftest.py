"""A hub whose fleet is watched by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest

from heliograph.clock import MINUTE_MS
from heliograph.errors import StoreError
from heliograph.model.alarms import Alarm, AlarmStatus
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from tests.unit.store.world import World, at, block

NOW = at("2024-06-10T12:00:00")
STEP = 5 * MINUTE_MS
WAIT = 30 * MINUTE_MS
FINE: dict[str, float | str] = {"device.online": 1.0}


class Watched:
    """A plant with one meter, and what is said of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.world = World(path, now="2024-06-10T12:00:00")
        self.plant = self.world.add_plant(latitude=52.5, longitude=13.4)
        self.device = self.add()

    def add(self, kind: DeviceKind = DeviceKind.METER, plant: Plant | None = None, interval_s: int = 300) -> Device:
        """Another device."""
        return self.world.add_device(plant or self.plant, kind, interval_s=interval_s)

    @property
    def now_ms(self) -> int:
        """The plant clock. [ms]"""
        return self.world.clock.now_ms()

    def writing(self) -> AbstractAsyncContextManager[None]:
        """Run the task that writes."""
        return self.world.hub.database.writing()

    async def send(self, instants: Sequence[int], device: Device | None = None, **readings: float | str) -> None:
        """Samples of the device; a reading's key is written with `_` for its dot."""
        bag = {key.replace("_", ".", 1): value for key, value in readings.items()} or FINE
        made = block((device or self.device).id, dict.fromkeys(instants, bag))
        await self.world.hub.ingest(self.world.caller, [made], source="test")

    async def look(self, at_ms: int | None = None) -> int:
        """Look at the fleet, at an instant."""
        if at_ms is not None:
            self.world.clock.at_ms = at_ms
        return await self.world.hub.watch.look()

    async def review(self, since_ms: int | None = None, until_ms: int | None = None) -> int:
        """Go through a span; as far as the hub goes by itself unless said."""
        until_ms = self.now_ms if until_ms is None else until_ms
        return await self.world.hub.watch.review(until_ms - 576 * STEP if since_ms is None else since_ms, until_ms)

    def alarms(self, code: str = "", device: Device | None = None) -> list[Alarm]:
        """What is kept, oldest first."""
        ids = [device.id] if device is not None else list(self.world.hub.registry.devices)
        return [one for one in self.world.hub.alarms_.find(ids, 0, 1 << 50) if code in ("", one.code)]

    def spans(self, code: str = "", device: Device | None = None) -> list[tuple[str, int, int | None, AlarmStatus]]:
        """Code, start, end and status of what is kept."""
        return [(a.code, a.raised_at_ms, a.cleared_at_ms, a.status) for a in self.alarms(code, device)]

    async def handle(self, alarm: Alarm, status: AlarmStatus) -> Alarm:
        """Do something about an alarm."""
        return await self.world.hub.handle_alarm(
            self.world.admin, alarm.device_id, alarm.code, alarm.raised_at_ms, status
        )

    def disable(self, one: Device | Plant) -> None:
        """Take a device or a plant out."""
        hub, gone = self.world.hub, msgspec.structs.replace(one, disabled=True)
        if isinstance(gone, Device):
            hub.database.write_now(lambda rows: hub.registry.put_device(rows, gone))
        else:
            hub.database.write_now(lambda rows: hub.registry.put_plant(rows, gone))

    def restart(self) -> None:
        """Kill the hub and start it again."""
        self.world.reopen()
        self.world.hub.database.write_now(self.world.hub.hot.recover)

    def fill_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on nothing can be written."""

        async def write(*_: object, **__: object) -> None:
            raise StoreError("no room")

        monkeypatch.setattr(self.world.hub.database, "write", write)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A meter at noon of 10 June 2024, UTC."""
    made = Watched(tmp_path)
    yield made
    made.world.close()
