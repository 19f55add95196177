"""Commands from end to end: a hub that is killed again and again, and simulated devices that obey."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from heliograph.cli import demo_story
from heliograph.cli.demo_target import add_packages, connect
from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, FixedClock, Level, VirtualClock
from heliograph.commands.dispatch import CommandConfig
from heliograph.errors import NotFoundError, UnsupportedError
from heliograph.hub import DATABASE, LocalHub
from heliograph.model import buckets as b
from heliograph.model.access import Caller
from heliograph.model.commands import NEXT_STATES, SWITCH, TIMEOUT, UPGRADE, Argument, Command, CommandState
from heliograph.model.devices import Device
from heliograph.model.firmware import version_key
from heliograph.simulate.faults import silence_on
from heliograph.simulate.target import BROKEN, REFUSED, UNHEARD, Rates, SimulatedTarget, Told
from tests import live
from tests.commanded import BEGIN_MS, PLANT, RATES, SEED, Commanded, Given, Sending, noted
from tests.unit.store.world import QUIET, at

if TYPE_CHECKING:
    from pathlib import Path

S = CommandState
ROUNDS = 10
REST_S = 40.0


# Killed again and again


def provision(data: Path) -> None:
    """The devices of a simulated plant, by their keys."""
    live.configure(data, commands={"poll_s": 0.01, "answer_s": 1.0, "settle_s": 1})
    with live.provisioning(data) as setup:
        plant = setup.plant(setup.account(), PLANT.name, PLANT.zone)
        for device in PLANT.devices:
            setup.device(plant, device.kind, device.key, model=device.model, firmware=device.firmware)


def journal(data: Path) -> dict[int, Command]:
    """Every command on the disk, by number."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as rows:
        found = [msgspec.msgpack.decode(body, type=Command) for (body,) in rows.execute("SELECT body FROM command")]
    return {command.id: command for command in found}


def settle(data: Path) -> dict[int, Command]:
    """Let the hub work until nothing is open any more, and stop it."""
    live.beside(data, "rest").touch()
    process = Commanded(data)
    try:
        deadline = time.monotonic() + REST_S
        while not all(command.settled for command in journal(data).values()):
            assert time.monotonic() < deadline, [one for one in journal(data).values() if not one.settled]
            time.sleep(0.1)
    finally:
        process.stop()
    assert "Traceback" not in process.log()
    return journal(data)


def check_state(command: Command, told: Told | None, target: SimulatedTarget) -> None:
    """What is said of a command is what its device made of it."""
    fate = target.fate(command.id)
    obeyed = told is not None and not (command.name == UPGRADE and fate.breaks_ms is not None)
    match command.state:
        case S.CONFIRMED:
            assert obeyed
            assert not fate.mute
        case S.REFUSED:
            assert command.code == (REFUSED if told is None else BROKEN)
        case S.FAILED:
            assert command.code in (TIMEOUT, BROKEN) if told is not None else command.code in (UNHEARD, REFUSED)
            assert not obeyed or fate.mute or fate.late_ms or command.name == UPGRADE
        case _:
            assert told is None


def test_the_devices_of_the_killed_hub_are_never_silent_by_themselves() -> None:
    today = BEGIN_MS // DAY_MS
    assert not any(
        silence_on(PLANT.site, device.key, day) for device in PLANT.devices for day in (today - 1, today, today + 1)
    )


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_hub_killed_at_any_moment_sends_nothing_twice_and_tells_the_truth(tmp_path: Path) -> None:
    data, chance = tmp_path / "data", random.Random(11)  # noqa: S311  moments, not secrets
    provision(data)
    for _ in range(ROUNDS):
        process = Commanded(data)
        time.sleep(chance.uniform(0.05, 0.5))
        process.kill()
        assert all(command.state in NEXT_STATES for command in journal(data).values())
    held = settle(data)

    given = noted(live.beside(data, "given"), Given)
    for one in given:  # nothing that was accepted is lost, nothing taken back was sent
        assert held[one.command_id].key == one.key
        assert not one.cancelled or held[one.command_id].state is S.CANCELLED
    left: dict[int, int] = {}
    for sending in noted(live.beside(data, "sent"), Sending):
        left[sending.command_id] = left.get(sending.command_id, 0) + (1 if sending.left else -1)
    assert set(left.values()) <= {0, 1}

    heard = noted(live.beside(data, "heard"), Told)
    told = {one.command_id: one for one in heard}
    assert len(told) == len(heard)
    target = SimulatedTarget([PLANT], {}, FixedClock(0), seed=SEED, rates=RATES)
    for command in held.values():
        # A hub may die after it marked a command SENT and before it sent it: then its device tells that it never came.
        marked = command.state is S.FAILED and command.sent_at_ms > 0 and command.code in (UNHEARD, REFUSED)
        assert command.id in left or command.state in (S.EXPIRED, S.CANCELLED) or marked
        assert left.get(command.id) == 1 or command.id not in told
        check_state(command, told.get(command.id), target)
    for key in {one.device for one in heard}:
        numbers = [one.command_id for one in heard if one.device == key]
        assert numbers == sorted(numbers)
    states = [command.state for command in held.values()]
    assert len(states) > 3 * ROUNDS
    assert {S.CONFIRMED, S.REFUSED, S.FAILED, S.CANCELLED} <= set(states)
    check_versions(data, held)


def check_versions(data: Path, held: dict[int, Command]) -> None:
    """A device has the version of the last upgrade that was confirmed."""
    with live.provisioning(data) as setup:
        devices = setup.hub.registry.devices
    for device in devices.values():
        upgrades = [
            command for command in held.values()
            if command.device_id == device.id and command.name == UPGRADE and command.state is S.CONFIRMED
        ]  # fmt: skip
        if upgrades:
            assert device.firmware == max(upgrades, key=lambda one: one.id).arguments["version"]


# Simulated devices that obey

BEGIN, MORNING = at("2024-06-19T15:00:00"), at("2024-06-20T02:02:00")
"""An hour before a day of Shanghai begins, and two minutes past ten of that day."""
EVENING = at("2024-06-20T16:30:00")
GOOD = Rates(fail=0.0, refuse=0.0, late=0.0, mute=0.0)
CONFIG = msgspec.structs.replace(QUIET, commands=CommandConfig(poll_s=0.005))


class Demo:
    """A demonstration in this process."""

    def __init__(self, data: Path, clock: Clock, rates: Rates = GOOD) -> None:
        self.hub = LocalHub(data, CONFIG, clock=clock)
        self.story = demo_story.load(self.hub) or demo_story.begin(self.hub, seed=1, since_ms=BEGIN)
        self.target = connect(self.hub, self.story, rates)
        home = self.story.settled["shanghai"]
        self.plant_id, self.ids = home.plant_id, home.device_ids
        self.caller = Caller(home.account_id, 0, scopes=frozenset({"read", "control"}))

    async def advance(self, until_ms: int) -> None:
        """Simulate and ingest up to an instant."""
        clock = self.hub.clock
        if isinstance(clock, FixedClock):
            clock.at_ms = until_ms
        await demo_story.advance_to(self.hub, self.story, until_ms)

    async def order(self, device: str, name: str, arguments: dict[str, Argument]) -> Command:
        """Give a command to a device of Shanghai and wait until it is settled."""
        command = await self.hub.commands.submit(self.caller, self.ids[device], name, arguments)
        done = await self.hub.commands.wait(command, 10.0)
        assert done.settled, done
        return done

    async def switch(self, device: str, *, on: bool) -> None:
        """Switch a device of Shanghai."""
        assert (await self.order(device, SWITCH, {"on": on})).state is S.CONFIRMED

    async def upgrade(self, device: str) -> Command:
        """Upgrade a device of Shanghai with what the catalogue has."""
        package = await self.hub.commands.firmware_for(self.caller, self.ids[device])
        before = self.device(device).firmware
        return await self.order(
            device, UPGRADE, {"version": package.version, "sha256": package.sha256, "from": before}
        )  # fmt: skip

    def device(self, key: str) -> Device:
        """A device of Shanghai as the hub has it."""
        return self.hub.registry.devices[self.ids[key]]

    async def readings(self, device: str, key: str, since_ms: int, until_ms: int) -> np.ndarray:
        """One measurement of a device of Shanghai."""
        series = await anext(self.hub.history(self.caller, [self.ids[device]], since_ms, until_ms, [key]))
        return series.columns[key]

    async def production_wh(self) -> float:
        """What the plant made on 20 June. [Wh]"""
        (series,) = await self.hub.buckets(
            self.caller, "plant", [self.plant_id], Level.DAY, BEGIN + HOUR_MS, BEGIN + DAY_MS
        )
        assert series.since_ms.tolist() == [BEGIN + HOUR_MS]
        return float(series.columns[b.PRODUCTION][0])


@asynccontextmanager
async def demo(data: Path, clock: Clock, rates: Rates = GOOD) -> AsyncIterator[Demo]:
    """A demonstration as long as the block lasts."""
    made = Demo(data, clock, rates)
    await made.hub.start()
    try:
        yield made
    finally:
        await made.hub.stop()


async def test_an_inverter_that_is_switched_off_stands_still_until_it_is_switched_on(tmp_path: Path) -> None:
    async with demo(tmp_path / "usual", FixedClock(BEGIN)) as usual:
        await usual.advance(EVENING)
        whole_wh = await usual.production_wh()
        # The five minutes in which it was switched count as off.
        missing_wh = np.ptp(await usual.readings("inverter-2", "ac.energy", MORNING - 2 * MINUTE_MS, EVENING))

    async with demo(tmp_path / "data", FixedClock(BEGIN)) as first:
        await first.advance(MORNING)
        await first.switch("inverter-2", on=False)
        await first.advance(EVENING)
        stamp_ms = MORNING + 3 * MINUTE_MS
        before = await first.readings("inverter-2", "ac.power", BEGIN, stamp_ms)
        after = await first.readings("inverter-2", "ac.power", stamp_ms, EVENING)
        assert before[-1] > 0
        assert after.size > 100
        assert not after.any()
        assert set((await first.readings("inverter-2", "inverter.state", stamp_ms, EVENING)).tolist()) == {0x0301}
        assert (await first.readings("inverter-1", "ac.power", stamp_ms, EVENING)).any()
        less_wh = whole_wh - await first.production_wh()
        assert less_wh == pytest.approx(missing_wh, abs=2 * 10)

    # A restart keeps it off; on again, it makes something the same morning.
    async with demo(tmp_path / "data", FixedClock(EVENING)) as again:
        tomorrow = MORNING + DAY_MS
        await again.advance(tomorrow)
        assert not (await again.readings("inverter-2", "ac.power", EVENING, tomorrow)).any()
        await again.switch("inverter-2", on=True)
        await again.advance(tomorrow + HOUR_MS)
        powers = await again.readings("inverter-2", "ac.power", tomorrow, tomorrow + HOUR_MS)
        assert (powers[1:] > 0).all()


async def test_a_crash_after_a_switch_was_heard_keeps_it(tmp_path: Path) -> None:
    async with demo(tmp_path, FixedClock(BEGIN)) as first:
        await first.advance(MORNING)
        await first.switch("inverter-2", on=False)
        kept = first.story.told
    # Not a step was simulated since: what was heard is on the disk all the same.
    async with demo(tmp_path, FixedClock(MORNING)) as again:
        assert again.story.told == kept != {}
        await again.advance(EVENING)
        assert again.story.states["shanghai"].off == ("inverter-2",)


async def test_a_switch_that_comes_after_its_stamp_was_simulated_counts_from_the_next(tmp_path: Path) -> None:
    async with demo(tmp_path, FixedClock(BEGIN)) as first:
        stamp_ms = MORNING + 3 * MINUTE_MS
        await first.advance(stamp_ms)  # the stamp of this very instant is measured
        await first.switch("inverter-2", on=False)
        (told,) = first.story.told.values()
        assert (told.heard_at_ms, told.at_ms) == (stamp_ms, stamp_ms + 5 * MINUTE_MS)
        first.story.begun_ms = stamp_ms + HOUR_MS  # as while an hour is being simulated
        await first.switch("inverter-2", on=True)
        assert [one.at_ms for one in first.story.told.values()] == [told.at_ms, stamp_ms + HOUR_MS]


async def test_only_so_much_of_what_was_heard_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_story, "TOLD", 2)
    async with demo(tmp_path, FixedClock(BEGIN)) as first:
        for on in (False, True, False, True):
            await first.switch("inverter-2", on=on)
        assert len(first.story.told) == 4  # none of them is part of the devices' state yet
        await first.advance(MORNING)
        await first.switch("inverter-2", on=False)
        assert list(first.story.told) == [3, 4, 5]


async def test_an_upgrade_changes_the_version_and_one_that_breaks_off_does_not(tmp_path: Path) -> None:
    async with demo(tmp_path, VirtualClock(MORNING, 600)) as good:
        assert add_packages(good.hub, 1) == 5
        assert add_packages(good.hub, 1) == 0
        before = good.device("inverter-1").firmware
        done = await good.upgrade("inverter-1")
        after = good.device("inverter-1").firmware
        assert (done.state, done.progress, after) == (S.CONFIRMED, 100.0, done.arguments["version"])
        assert version_key(after) > version_key(before)
        with pytest.raises(NotFoundError):
            await good.upgrade("inverter-1")

    async with demo(tmp_path, VirtualClock(MORNING, 600), Rates(fail=1.0, refuse=0, late=0, mute=0)) as bad:
        assert bad.device("inverter-1").firmware == after
        broken = await bad.upgrade("inverter-2")
        assert (broken.state, broken.code) == (S.REFUSED, BROKEN)
        assert 0 < broken.progress < 100
        assert bad.device("inverter-2").firmware == before


async def test_devices_that_are_pushed_to_take_no_commands(tmp_path: Path) -> None:
    async with demo(tmp_path, FixedClock(BEGIN)) as first:
        simulated = {number for home in first.story.settled.values() for number in home.device_ids.values()}
        pushed = [device for device in await first.hub.devices(first.caller) if device.id not in simulated]
        assert len(pushed) == 4
        for device in pushed:
            with pytest.raises(UnsupportedError):
                await first.hub.commands.submit(first.caller, device.id, SWITCH, {"on": False})
