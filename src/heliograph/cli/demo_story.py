"""How far the demonstration got, and bringing it further: simulate a span, ingest it, remember."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from heliograph.cli.demo_fleet import Settled, ensure_credentials, plants, settle
from heliograph.cli.opening import operator
from heliograph.clock import DAY_MS
from heliograph.errors import StoreError
from heliograph.model.alarms import Alarm
from heliograph.model.samples import Block
from heliograph.simulate.fleet import State, advance, alarms, initial
from heliograph.simulate.steps import ceil_step
from heliograph.simulate.switching import Switch
from heliograph.simulate.target import Told
from heliograph.simulate.tunable import Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.clock import Clock
    from heliograph.hub import LocalHub
    from heliograph.simulate.specs import SimulatedPlant
    from heliograph.store.base import Rows

log = logging.getLogger("heliograph")

KEY = "demo"
SLICE_MS = 4 * DAY_MS
"""How much is simulated before it is ingested."""
LIVE_SLICE_MS = DAY_MS // 4
TOLD = 200
"""How many commands are remembered that are long part of the devices' state."""
BEAT_S = 0.25
"""How often a clock that runs fast is looked at. [s]"""


class Heard:
    """A clock of what has been simulated: where the simulation lags behind the plants, nobody is silent for it."""

    def __init__(self, clock: Clock, story: Story) -> None:
        self._clock, self._story = clock, story

    def now_ms(self) -> int:
        """Up to when the devices have sent. [ms since 1970, UTC]"""
        return min(self._clock.now_ms(), self._story.at_ms)


class Story(msgspec.Struct, kw_only=True):
    """How far the demonstration got."""

    seed: int
    virtual: bool
    """Whether it lives by a clock of its own, which stands still while nothing runs."""
    clock_ms: int
    """Where that clock stood when this was kept. [ms]"""
    speed: float
    at_ms: int
    """The next instant to simulate; everything before it is ingested."""
    settled: dict[str, Settled]
    states: dict[str, State]
    begun_ms: int = 0
    """Up to where is being simulated: what devices are told now counts from there at the earliest. [ms]"""
    told: dict[int, Told] = {}
    """What commands devices have heard, by number of the command, oldest first."""

    def switches(self, plant: str) -> list[Switch]:
        """The switchings of a plant's devices, by the plant's key."""
        return [switch for told in self.told.values() if told.plant == plant and (switch := told.switch) is not None]

    def writes(self, plant: str) -> list[Write]:
        """What was written to the settings of a plant's devices, by the plant's key."""
        return [write for told in self.told.values() if told.plant == plant and (write := told.write) is not None]


def load(hub: LocalHub) -> Story | None:
    """The story so far; None when it has not begun."""
    found = hub.database.query(f"SELECT value FROM meta WHERE key = '{KEY}'")  # noqa: S608  a name of ours
    return msgspec.json.decode(found[0][0], type=Story) if found else None


def _save(rows: Rows, story: Story) -> None:
    rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (KEY, msgspec.json.encode(story).decode()))


def begin(hub: LocalHub, *, seed: int, since_ms: int) -> Story:
    """Make the fleet as it stood at an instant, before any history."""
    since_ms = ceil_step(since_ms)

    def job(rows: Rows) -> Story:
        settled = settle(hub, rows, seed)
        states = {plant.key: initial(plant, since_ms, seed) for plant in _all(seed)}
        story = Story(
            seed=seed, virtual=False, clock_ms=since_ms, speed=1.0, at_ms=since_ms, settled=settled, states=states
        )
        _save(rows, story)
        return story

    return hub.database.write_now(job)


def resume(hub: LocalHub, story: Story) -> None:
    """Make the credentials that are missing, and remember how the clock runs from now on."""

    def job(rows: Rows) -> None:
        ensure_credentials(hub, rows)
        _save(rows, story)

    hub.database.write_now(job)


def _all(seed: int) -> list[SimulatedPlant]:
    return [plant for owned in plants(seed).values() for plant in owned]


async def hear(hub: LocalHub, story: Story, told: Told) -> None:
    """Remember what a device was told; returns after the commit. It counts from then on, even if none comes."""
    # A clock that was behind after a crash does not make the later of two the earlier.
    last_ms = max((one.at_ms for one in story.told.values()), default=0)
    told = msgspec.structs.replace(told, at_ms=max(told.at_ms, story.begun_ms, story.at_ms, last_ms))
    story.told[told.command_id] = told
    for number in [number for number, one in story.told.items() if one.at_ms < story.at_ms][:-TOLD]:
        del story.told[number]
    await hub.database.write(lambda rows: _save(rows, story))


async def advance_to(
    hub: LocalHub, story: Story, now_ms: int, slice_ms: int = SLICE_MS, moved: Callable[[int], None] | None = None
) -> int:
    """Simulate and ingest everything up to an instant, itself included; returns how many records were new.

    `moved` hears of each step. [ms]
    """
    # A power's stamp ends its five minutes, so the stamp of this very instant has been measured.
    until_ms = ceil_step(now_ms + 1)
    fleet = _all(story.seed)
    made = 0
    while story.at_ms < until_ms:
        story.begun_ms = end_ms = min(story.at_ms + slice_ms, until_ms)
        states: dict[str, State] = {}
        by_account: dict[int, list[Block]] = {}
        for plant in fleet:
            home = story.settled[plant.key]
            states[plant.key], records = advance(
                plant, story.states[plant.key], story.at_ms, end_ms, story.switches(plant.key), story.writes(plant.key)
            )
            by_account.setdefault(home.account_id, []).extend(
                Block(part.keys, [home.device_ids[part.device]] * len(part.at_ms), part.at_ms.tolist(), part.values)
                for part in records
            )
            await _report(hub, plant, home, story.at_ms, end_ms)
            await asyncio.sleep(0)
        for account_id, blocks in by_account.items():
            made += (await hub.ingest(operator(account_id), blocks, source="demo")).accepted
        step_ms = end_ms - story.at_ms
        story.at_ms, story.states = end_ms, states
        # After the samples: a crash between the two simulates the same span again, which changes nothing.
        await hub.database.write(lambda rows: _save(rows, story))
        if moved is not None:
            moved(step_ms)
    return made


async def _report(hub: LocalHub, plant: SimulatedPlant, home: Settled, since_ms: int, until_ms: int) -> None:
    raised = [
        Alarm(
            device_id=home.device_ids[alarm.device],
            code=alarm.code,
            raised_at_ms=alarm.raised_at_ms,
            cleared_at_ms=alarm.cleared_at_ms,
            severity=alarm.severity,
            type=alarm.type,
            name=alarm.name,
            cause=alarm.cause,
            advice=alarm.advice,
        )
        for alarm in alarms(plant, since_ms, until_ms)
    ]
    if raised:
        await hub.report_alarms(operator(home.account_id), raised)


async def live(hub: LocalHub, story: Story) -> None:
    """Keep up with the plant clock, for ever."""
    while True:
        wait_s = (story.at_ms - hub.clock.now_ms()) / 1000 / story.speed
        try:
            await asyncio.sleep(max(wait_s, BEAT_S))
            story.clock_ms = hub.clock.now_ms()
            await advance_to(hub, story, story.clock_ms, LIVE_SLICE_MS)
        except StoreError as error:
            log.warning("the simulation waits: %s", error)
        except asyncio.CancelledError:
            story.clock_ms = hub.clock.now_ms()
            await hub.database.write(lambda rows: _save(rows, story))
            raise
