"""The calls of a day: counted for the account, refused when spent, told truthfully."""

from __future__ import annotations

from heliograph.clock import DAY_MS
from heliograph.dialects.foxess.quota import COUNTED_FOR_MS
from heliograph.model.devices import DeviceKind
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

SETTINGS = {"foxess": {"daily_calls": 2}}


async def left(client: Client) -> tuple[int, int]:
    """Total and remaining calls, as told."""
    told = await client.result("user/getAccessCount")
    assert all(isinstance(value, str) for value in told.values())
    return int(told["total"]), int(told["remaining"])


async def test_1440_calls_for_each_inverter_of_the_account(hub: FakeHub) -> None:
    plant, other = hub.add_plant(), hub.add_plant()
    for kind in (DeviceKind.HYBRID_INVERTER, DeviceKind.METER, DeviceKind.BATTERY):
        hub.add_device(plant, kind)
    hub.add_device(other, DeviceKind.MICRO_INVERTER)
    hub.add_device(other, DeviceKind.INVERTER, disabled=True)
    hub.add_device(hub.add_plant(account=2), DeviceKind.INVERTER)
    hub.change_credential("home", plants=(plant.id,))
    assert await left(Client(hub)) == (2880, 2879)


async def test_a_day_s_calls_are_spent_by_all_credentials_together_and_come_back(hub: FakeHub) -> None:
    hub.settings = dict(SETTINGS)
    hub.add_device(hub.add_plant())
    hub.add_credential("second")
    first = Client(hub)
    second = Client(hub, "second")
    second.facade, second.handlers = first.facade, first.handlers
    assert await first.errno("plant/list") == 0
    assert await second.errno("device/list") == 0
    assert await first.errno("plant/list") == 40402
    assert await second.errno("plant/list") == 40402
    # Who asks is told the truth also then.
    assert await left(second) == (2, 0)
    hub.wall_clock.at_ms += DAY_MS
    assert await left(first) == (2, 1)


async def test_another_account_has_its_own(hub: FakeHub, client: Client) -> None:
    hub.settings = dict(SETTINGS)
    hub.add_credential("stranger", account=2)
    first, stranger = Client(hub), Client(hub, "stranger")
    stranger.facade, stranger.handlers = first.facade, first.handlers
    assert [await first.errno("plant/list") for _ in range(3)] == [0, 0, 40402]
    # An account without inverters has the calls of one.
    assert await left(stranger) == (2, 1)


async def test_refused_calls_do_not_count(hub: FakeHub, client: Client) -> None:
    assert await client.errno("device/detail", {"sn": "nobody"}) == 41930
    assert await client.errno("device/detail") == 40257
    assert await client.errno("plant/list", raw=b"{") == 40257
    assert await client.errno("plant/list", {"pageSize": 9}) == 40257
    hub.broken = True
    assert await client.errno("device/list") == 41200
    hub.broken = False
    assert await left(client) == (1440, 1439)


async def test_a_new_inverter_counts_before_long(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    assert (await left(client))[0] == 1440
    hub.add_device(plant)
    hub.add_device(plant)
    assert (await left(client))[0] == 1440
    hub.wall_clock.at_ms += COUNTED_FOR_MS
    assert (await left(client))[0] == 2880


async def test_without_a_limit_calls_are_still_counted(hub: FakeHub) -> None:
    hub.settings = {"foxess": {"daily_calls": 0}}
    total, remaining = await left(Client(hub))
    assert total - remaining == 1
    assert total > 10**9


async def test_a_hub_that_holds_nobody_to_limits_counts_all_the_same(hub: FakeHub) -> None:
    hub.held_to_limits = False
    total, remaining = await left(Client(hub))
    assert total - remaining == 1
    assert total > 10**9
