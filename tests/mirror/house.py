"""A hub with a house and a roof of micro-inverters, asked by the client half in process or over HTTP."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

import httpx
import msgspec

from heliograph.app import make_app
from heliograph.clock import Clock, FixedClock
from heliograph.config import load
from heliograph.hub import LocalHub
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.protocol.calling import Client, Policy, Session, connect
from tests import live
from tests.unit.store.world import at, block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from heliograph.model.plants import Account
    from heliograph.protocol.dialect import Dialect

NOW = at("2026-06-21T10:00:00")
NAME, SECRET = "mirror", "5d1fmirror"
ECU, MICRO = "216000012345", "806000054321"


class Exchange(msgspec.Struct, frozen=True):
    """What was really sent, and what came back."""

    method: str
    path: str
    query: str
    sent: bytes
    received: bytes


class House:
    """A hybrid inverter with battery and meters, a roof with micro-inverters, and what they sent this morning."""

    def __init__(self, path: Path) -> None:
        live.configure(path, serve={"limits": "off"}, **{"dialects.redex": {"later": True}})
        self.path, self.clock = path, FixedClock(NOW)
        self.wall: Clock = self.clock
        """The clock of the clients."""
        self.base_url = "http://hub.test"
        self.exchanges: list[Exchange] = []
        self.hub = LocalHub(path, load(path), clock=self.clock, wall=self.clock)
        setup = live.Setup(self.hub)
        self._furnish(setup, setup.account())
        self._roof(setup, setup.account("roofs"))
        self.hub.commands.connect(live.Obedient())

    def _furnish(self, setup: live.Setup, account: Account) -> None:
        plant = setup.plant(account, "House", "Europe/Berlin", capacity_w=9e3, tariff=(0.3,))
        self.inverter = setup.device(
            plant, DeviceKind.HYBRID_INVERTER, "Inverter", serial="HY1", model="H1", firmware="1.0", capacity_w=9e3
        )
        setup.device(plant, DeviceKind.BATTERY, "Battery", serial="BA1", attributes={"capacity_wh": "9000"})
        setup.device(plant, DeviceKind.METER, "Meter", serial="ME1", role=MeterRole.PRODUCTION, pushed=("1", "meter-1"))
        setup.device(plant, DeviceKind.POWER_SENSOR, "Grid", serial="GR1")
        setup.device(plant, DeviceKind.GATEWAY, "Logger", serial="LO1")
        setup.device(plant, DeviceKind.INVERTER, "Spare", serial="SP1")
        setup.firmware("H1", "1.1")
        for dialect in ("huawei", "redex", "foxess", "energy_expert"):
            setup.credential(account, dialect, NAME, SECRET)

    def _roof(self, setup: live.Setup, account: Account) -> None:
        self.roof = setup.plant(account, "Roof", "Europe/Berlin", capacity_w=1.6e3, connected_on=date(2026, 5, 1))
        ecu = setup.device(self.roof, DeviceKind.GATEWAY, "ECU", serial=ECU)
        self.micro, self.meter = (
            setup.device(self.roof, kind, kind.value, serial=serial, model=model, gateway_id=ecu.id)
            for kind, serial, model in (
                (DeviceKind.MICRO_INVERTER, MICRO, "DS3"),
                (DeviceKind.METER, "ME2", "CT"),
            )
        )
        setup.credential(account, "apsystems", NAME, SECRET)

    async def fill(self) -> None:
        """A morning of readings."""
        instants = [NOW - step * 300_000 for step in range(24)]
        sent: dict[int, dict[int, dict[str, float | str]]] = {
            self.inverter.id: {
                ms: {"ac.power": 900.0, "ac.energy": 5e6 - (NOW - ms) / 4000, "battery.power": -100.0}
                for ms in instants
            },
            self.micro.id: {
                ms: {
                    "ac.power": 400.0, "ac.energy": 2e6 - (NOW - ms) / 9000, "ac.frequency": 50.02,
                    "pv.1.power": 210.5, "pv.1.voltage": 33.1, "pv.2.power": 189.5, "pv.2.current": 5.75,
                }
                for ms in instants
            },
            self.meter.id: {
                ms: {
                    "meter.power": 150.0, "meter.energy_forward": 3e5 - (NOW - ms) / 24000,
                    "meter.energy_reverse": 1e5 - (NOW - ms) / 90000,
                }
                for ms in instants
            },
        }  # fmt: skip
        for name, devices in (("huawei", [self.inverter]), ("apsystems", [self.micro, self.meter])):
            caller = self.hub.registry.credentials[name, NAME].caller()
            blocks = [block(device.id, sent[device.id]) for device in devices]
            await self.hub.ingest(caller, blocks, source="test")

    @asynccontextmanager
    async def client(self, dialect: Dialect, session: Session) -> AsyncIterator[Client]:
        """A client of one dialect whose exchanges are written down."""

        async def note(answer: httpx.Response) -> None:
            request, received = answer.request, await answer.aread()
            path, _, query = request.url.raw_path.decode().partition("?")
            self.exchanges.append(Exchange(request.method, path, query, request.content, received))

        near = None if self.wall is not self.clock else httpx.ASGITransport(app=make_app(self.hub))
        http = httpx.AsyncClient(transport=near, trust_env=False, event_hooks={"response": [note]})
        async with connect(
            self.base_url, dialect.envelope, session, wall=self.wall, policy=Policy(tries=1), paced=False, http=http
        ) as opened:
            yield opened

    async def move_out(self, stack: AsyncExitStack) -> None:
        """From here on, a process of its own serves it on loopback, until the stack is closed."""
        await self.hub.stop()
        ahead = live.beside(self.path, "ahead")
        ahead.write_text(str(NOW - round(time.time() * 1000)))
        served = stack.enter_context(live.served(self.path))
        self.wall, self.base_url = live.AheadClock(ahead), served.url
        stack.callback(lambda: self._look_at(served.log()))

    @staticmethod
    def _look_at(log: str) -> None:
        assert "Traceback" not in log
