"""A hub with the plants of two accounts, standing still at a noon of June, and a client with a token of one."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config, ServeConfig
from heliograph.dialects.redex import DEVICE_SCHEME
from heliograph.hub import LocalHub
from heliograph.model.devices import DeviceKind, MeterRole
from tests import live
from tests.dialects.redex import sender as of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW_MS = round(datetime(2026, 6, 21, 10, 0, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def clock() -> FixedClock:
    """The plants' time."""
    return FixedClock(NOW_MS)


@pytest.fixture
def wall() -> FixedClock:
    """The wall's time, which tokens and limits go by."""
    return FixedClock(NOW_MS)


@pytest.fixture
def later() -> bool:
    """Whether the hub serves the later forms too."""
    return False


@pytest.fixture
async def hub(tmp_path: Path, clock: FixedClock, wall: FixedClock, *, later: bool) -> AsyncIterator[LocalHub]:
    """A hub with an inverter (1), a meter (2) and a sensor (3) of one account, and an inverter (4) of another."""
    config = Config(serve=ServeConfig(limits="documented"), dialects={"redex": {"later": later}} if later else {})
    made = LocalHub(tmp_path, config, clock=clock, wall=wall)
    setup = live.Setup(made)
    first, second = setup.account("first"), setup.account("second")
    setup.credential(first, "native", live.TOKEN_NAME, live.TOKEN_SECRET)
    scopes = ("read", "write")
    setup.credential(first, "redex", of.CLIENT_ID, f"{of.API_KEY}:{of.CLIENT_SECRET}", scopes=scopes)
    setup.credential(second, "redex", of.OTHER_ID, f"{of.OTHER_KEY}:{of.OTHER_SECRET}", scopes=scopes)
    berlin = setup.plant(first, "Berlin", "Europe/Berlin")
    honolulu = setup.plant(second, "Honolulu", "Pacific/Honolulu")
    devices = [
        setup.device(berlin, DeviceKind.INVERTER, "inverter", serial="INV-1", capacity_w=10_000.0),
        setup.device(berlin, DeviceKind.METER, "meter", serial="MTR-1", role=MeterRole.PRODUCTION),
        setup.device(berlin, DeviceKind.POWER_SENSOR, "sensor", serial="SNS-1"),
        setup.device(honolulu, DeviceKind.INVERTER, "inverter", serial="INV-2"),
    ]
    named = {of.INVERTER: devices[0], of.METER: devices[1], of.OTHERS: devices[3]}
    for wire, device in named.items():
        made.database.write_now(partial(made.registry.put_alias, scheme=DEVICE_SCHEME, wire=wire, number=device.id))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def stranger(hub: LocalHub) -> AsyncIterator[of.Sender]:
    """A client of the hub without a token."""
    transport = httpx.ASGITransport(app=make_app(hub), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as http:
        yield of.Sender(http, hub)


@pytest.fixture
async def sender(stranger: of.Sender) -> of.Sender:
    """A client of the hub with a token of the first account."""
    return await stranger.login()
