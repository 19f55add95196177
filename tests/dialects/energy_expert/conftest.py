"""A hub of one plant in Berlin, standing still at noon of a June day, and a client that signs what it pushes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config, ServeConfig
from heliograph.hub import LocalHub
from heliograph.model.devices import DeviceKind
from tests import live
from tests.dialects.energy_expert.pusher import HOST, Pusher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW_MS = round(datetime(2026, 6, 21, 10, 0, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def clock() -> FixedClock:
    """The hub's time, of the plant and of the wall."""
    return FixedClock(NOW_MS)


@pytest.fixture
async def hub(tmp_path: Path, clock: FixedClock) -> AsyncIterator[LocalHub]:
    """A hub with a device of each kind of type, under the ids that the type asks for."""
    made = LocalHub(tmp_path, Config(serve=ServeConfig(limits="off")), clock=clock, wall=clock)
    setup = live.Setup(made)
    account = setup.account()
    setup.credentials(account)
    plant = setup.plant(account, "Berlin", "Europe/Berlin")
    setup.device(plant, DeviceKind.METER, "meter", pushed=("1", "meter-1"))
    setup.device(plant, DeviceKind.METER, "numbered", pushed=("1", "4711"))
    for device_type in ("12", "13", "17"):
        setup.device(plant, DeviceKind.SYSTEM, f"system {device_type}", pushed=(device_type, "system-1"))
    for device_type in ("15", "16"):
        setup.device(plant, DeviceKind.OTHER, f"account {device_type}", pushed=(device_type, "-"))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def pusher(hub: LocalHub, clock: FixedClock) -> AsyncIterator[Pusher]:
    """A client of the hub, without a network between."""
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as http:
        yield Pusher(http, clock)
