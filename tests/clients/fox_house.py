"""A simulated house with a hybrid inverter that obeys, served for clients of the Fox ESS interface.

`python -m tests.clients.fox_house DATA PORT` serves a directory. Its plant's clock starts at three in the afternoon of
19 June 2024 in London, while the wall clock is the machine's, since clients sign with that.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec
import numpy as np

from heliograph import app
from heliograph.clock import DAY_MS, HOUR_MS, FixedClock, WallClock
from heliograph.config import load
from heliograph.hub import LocalHub
from heliograph.model.access import Caller
from heliograph.model.measurements import METER_SECOND_POWER
from heliograph.model.samples import Block
from heliograph.simulate.fleet import advance, fleet, initial
from heliograph.simulate.target import Rates, SimulatedTarget
from tests import live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.model.samples import Floats
    from heliograph.simulate.fleet import DeviceRecords

SEED = 1
HOME = next(plant for plant in fleet(SEED) if plant.key == "london")
NOW = datetime(2024, 6, 19, 14, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
YESTERDAY_MS = NOW_MS - 15 * HOUR_MS - DAY_MS
"""When the day before began in London."""
YESTERDAY, TODAY = "2024-06-18", "2024-06-19"
STEP_MS = 300_000
READER = "reader"
"""A credential that may only read."""
NAME, SECRET = "home", "6tYwfoxsecret38Kc"
GOOD = Rates(fail=0.0, refuse=0.0, late=0.0, mute=0.0)


class House(msgspec.Struct, frozen=True):
    """The hub of the house, and what its devices sent, by their keys."""

    hub: live.Served
    records: dict[str, DeviceRecords]

    @property
    def token(self) -> str:
        """The private token of the credential that may do everything."""
        return f"{NAME}-{SECRET}"

    def sent(self, device: str, key: str, since_ms: int, until_ms: int = NOW_MS) -> Floats:
        """What a device sent of one measurement, both ends of the span included."""
        part = self.records[device]
        within = (part.at_ms >= since_ms) & (part.at_ms <= until_ms)
        found: Floats = part.values[within, part.keys.index(key)]
        return found

    def rise_kwh(self, device: str, key: str, since_ms: int, until_ms: int = NOW_MS) -> float:
        """How much a counter rose in a span. [kWh]"""
        values = self.sent(device, key, since_ms, until_ms)
        return float(values[-1] - values[0]) / 1000


class Served(live.Served):
    """A process of this module."""

    MODULE = "tests.clients.fox_house"


def device_ids(hub: LocalHub) -> dict[str, int]:
    """The hub's numbers of the devices, by their keys."""
    by_serial = {device.serial: device.id for device in hub.registry.devices.values()}
    return {device.key: by_serial[device.serial] for device in HOME.devices}


def settle(setup: live.Setup) -> None:
    """Register the house, and a credential that may do everything."""
    account = setup.account()
    setup.credential(account, "foxess", NAME, SECRET)
    setup.credential(account, "foxess", READER, SECRET, scopes=("read",))
    plant = setup.plant(account, HOME.name, HOME.zone, address=HOME.address, capacity_w=HOME.capacity_w)
    ids: dict[str, int] = {}
    for device in sorted(HOME.devices, key=lambda one: one.gateway is not None):
        known: dict[str, Any] = {} if device.gateway is None else {"gateway_id": ids[device.gateway]}
        if device.battery is not None:
            known["attributes"] = {"capacity_wh": str(device.battery.capacity_wh)}
        if device.inverter is not None:
            known["attributes"] = {"rated_w": f"{device.inverter.ac_w:g}"}
        ids[device.key] = setup.device(
            plant, device.kind, device.name, serial=device.serial, model=device.model, firmware=device.firmware,
            capacity_w=device.capacity_w, **known,
        ).id  # fmt: skip


async def furnish(data: Path, records: list[DeviceRecords]) -> None:
    """Keep what the devices sent."""
    hub = LocalHub(data, load(data), clock=FixedClock(NOW_MS))
    await hub.start()
    ids = device_ids(hub)
    caller = Caller(next(iter(hub.registry.plants.values())).account_id, 0, scopes=frozenset({"write"}))
    blocks = [
        Block(part.keys, [ids[part.device]] * len(part.at_ms), part.at_ms.tolist(), part.values) for part in records
    ]
    # Its second clamp hangs in the air.
    own = next(block for block in blocks if block.device_ids[0] == ids["hybrid"])
    blocks.append(Block((METER_SECOND_POWER.key,), own.device_ids, own.at_ms, np.zeros((len(own.at_ms), 1))))
    await hub.ingest(caller, blocks, source="simulated")
    await hub.stop()


@contextmanager
def opened(data: Path) -> Iterator[House]:
    """Serve the house until the block ends."""
    live.configure(data, serve={"limits": "off"}, commands={"poll_s": 0.05})
    state = initial(HOME, YESTERDAY_MS, SEED)
    _, records = advance(HOME, state, YESTERDAY_MS, NOW_MS + 1)
    steps = (NOW_MS - YESTERDAY_MS) // STEP_MS + 1
    assert {part.device: len(part.at_ms) for part in records} == {device.key: steps for device in HOME.devices}
    assert not any(np.isnan(part.values).all() for part in records)
    with live.provisioning(data) as setup:
        settle(setup)
    asyncio.run(furnish(data, records))
    live.beside(data, "ahead").write_text(str(NOW_MS - round(time.time() * 1000)))
    process = Served(data)
    try:
        yield House(process, {part.device: part for part in records})
        assert "Traceback" not in process.log()
    finally:
        process.stop()


def main(data: Path, port: int) -> None:
    """Serve a directory until a signal comes."""
    settings = load(data)
    settings = msgspec.structs.replace(settings, serve=msgspec.structs.replace(settings.serve, port=port))
    clock = live.AheadClock(live.beside(data, "ahead"))
    hub = LocalHub(data, settings, clock=clock, wall=WallClock())
    hub.commands.connect(SimulatedTarget([HOME], {HOME.key: device_ids(hub)}, clock, seed=SEED, rates=GOOD))
    recorded = partial(live.Recorder, path=live.beside(data, "requests"))
    make_app = app.make_app
    with patch.object(app, "make_app", lambda hub: recorded(make_app(hub))):
        asyncio.run(app.run(hub))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
