"""Whatever devices answer and whenever the hub is killed: a command is sent at most once, and its state is true.

The store's commits run on the loop here, so that a crash falls exactly where Hypothesis puts it.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from heliograph.errors import ConflictError, OutcomeUnknownError, RefusedError, UnreachableError
from heliograph.model.commands import NEXT_STATES, TIMEOUT, Command, CommandState, Outcome
from heliograph.model.devices import Device
from heliograph.model.settings import MIN_SOC, WRITE, Setting
from tests.unit.commands.scripted import Bench

S = CommandState
TRIGGERS = (
    "CREATE TABLE moved (command INTEGER, before TEXT, after TEXT)",
    "CREATE TRIGGER moves AFTER UPDATE OF state ON command WHEN old.state IS NOT new.state"
    " BEGIN INSERT INTO moved VALUES (new.id, old.state, new.state); END",
)


class Inline(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # any: of the base class
        """Do it now."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


class World:
    """What is true outside the hub: what each device heard, and what became of it. It outlives every crash."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.refused: set[int] = set()
        self.done: set[int] = set()
        self.floors: dict[int, float] = {}
        """What each device is set to."""
        self.answers: list[str] = []
        self.told: list[str] = []

    def reaches(self, device: Device) -> bool:
        """Every device."""
        return True

    async def settings(self, device: Device) -> dict[str, Setting]:
        """Tell what a device is set to."""
        await asyncio.sleep(0)
        return {MIN_SOC: Setting(key=MIN_SOC, value=self.floors.get(device.id, 10.0), minimum=10.0, maximum=100.0)}

    async def send(self, device: Device, command: Command) -> Outcome:
        """Hear a command and answer as the script says; nothing is heard where it says so."""
        answer = self.answers.pop() if self.answers else "done"
        await asyncio.sleep(0)
        if answer == "unreachable":
            raise UnreachableError("no line")
        self.heard.append(command.id)
        await asyncio.sleep(0)
        if answer == "refused":
            self.refused.add(command.id)
            raise RefusedError("no", code="no")
        if command.name == WRITE:
            self.floors[device.id] = float(command.arguments[MIN_SOC])
        if answer == "lost":
            raise OutcomeUnknownError("no answer")
        if answer == "bug":
            raise ZeroDivisionError
        if answer == "under way":
            return Outcome(False, 1.0)
        self.done.add(command.id)
        return Outcome()

    async def read_back(self, device: Device, command: Command) -> Outcome | None:
        """Tell what became of a command: nothing at all if it was never heard."""
        await asyncio.sleep(0)
        if command.id not in self.heard or command.id in self.refused:
            raise RefusedError("not done", code="no")
        told = self.told.pop() if self.told else "done"
        if told == "silent" and command.id not in self.done:
            return None
        if told == "broken" and command.id not in self.done:
            self.refused.add(command.id)
            raise RefusedError("broken", code="no")
        if told == "bug":
            raise ZeroDivisionError
        self.done.add(command.id)
        return Outcome()


class Life(RuleBasedStateMachine):
    """Commands, time, cancels, failing commits and crashes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.bench: Bench
        self.world = World()
        self.tasks: list[asyncio.Task[None]] = []
        self.given: dict[int, Command] = {}
        self.cancelled: set[int] = set()

    @initialize()
    def begin(self) -> None:
        """A hub with two devices, whose journal tells on itself."""
        self.bench = Bench(Path(self.folder.name), poll_s=0.0)
        for statement in TRIGGERS:
            self.bench.hub.database.writer.execute(statement)
        self.runner.run(self._boot())

    async def _boot(self) -> None:
        hub = self.bench.hub
        hub.database._threads.shutdown()
        hub.database._threads = Inline()  # type: ignore[assignment]  # see the module
        hub.commands._targets = [self.world]
        self.tasks = [asyncio.create_task(hub.database.run())]
        await hub.journal.recover()
        self.tasks.append(asyncio.create_task(hub.commands.run()))

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)
        for task in self.tasks:
            assert not task.done(), task

    @rule(which=st.booleans(), lifetime_s=st.sampled_from([1, 600]))
    def give(self, which: bool, lifetime_s: int) -> None:
        """Give a command and wait until it is accepted."""
        device = self.bench.device if which else self.bench.other
        command = self.runner.run(self.bench.give(device, lifetime_s=lifetime_s))
        self.given[command.id] = command

    @rule(which=st.booleans(), floor=st.sampled_from([10.0, 20.0]))
    def write(self, which: bool, floor: float) -> None:
        """Write a setting, which the device may have already."""
        device = self.bench.device if which else self.bench.other
        submitted = self.bench.hub.commands.submit(self.bench.commander, device.id, WRITE, {MIN_SOC: floor})
        command = self.runner.run(submitted)
        self.given[command.id] = command

    @rule(answers=st.lists(st.sampled_from(["unreachable", "refused", "lost", "bug", "under way"]), max_size=4))
    def answer(self, answers: list[str]) -> None:
        """Decide what devices will say to the next commands."""
        self.world.answers = answers

    @rule(told=st.lists(st.sampled_from(["silent", "broken", "bug"]), max_size=6))
    def tell(self, told: list[str]) -> None:
        """Decide what devices will say when they are asked."""
        self.world.told = told

    @rule(count=st.integers(1, 12))
    def work(self, count: int) -> None:
        """Let the hub work a little."""
        self.runner.run(self._turns(count))

    @rule(seconds=st.sampled_from([1, 600, 3600]))
    def later(self, seconds: int) -> None:
        """Let time pass."""
        self.bench.wall.at_ms += seconds * 1000

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Take a command back, or be too late."""
        if self.given:
            number = data.draw(st.sampled_from(sorted(self.given)))
            try:
                self.runner.run(self.bench.hub.commands.cancel(self.bench.commander, number))
            except ConflictError:
                return
            self.cancelled.add(number)

    @rule()
    def kill(self) -> None:
        """End the hub as it stands, and start it again."""
        self.runner.run(self._kill())
        self.bench.reopen()
        self.runner.run(self._boot())

    async def _kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        # What is not done by now never will be: nothing of it may reach the disk.
        writer = self.bench.hub.database.writer
        if writer.in_transaction:
            writer.execute("ROLLBACK")
        self.bench.hub.database._queue.clear()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @invariant()
    def nothing_is_heard_twice(self) -> None:
        """A device hears each command once at most."""
        assert len(self.world.heard) == len(set(self.world.heard))

    @invariant()
    def states_only_move_on(self) -> None:
        """Every move that was committed is one of those there are."""
        if not hasattr(self, "bench"):
            return
        for number, before, after in self.bench.hub.database.query("SELECT command, before, after FROM moved"):
            assert S(after) in NEXT_STATES[S(before)], number

    @invariant()
    def states_are_true(self) -> None:
        """What is said of a command is what happened."""
        for number in self.given:
            command = self.bench.hub.journal.get(number)
            assert command is not None
            heard = number in self.world.heard
            if command.state in (S.ACCEPTED, S.EXPIRED, S.CANCELLED):
                assert not heard
            if command.state is S.CONFIRMED and not (command.name == WRITE and command.sent_at_ms == 0):
                assert number in self.world.done
            if command.state is S.CONFIRMED and command.sent_at_ms == 0:
                assert not heard
            if command.state in (S.REFUSED, S.FAILED):
                assert number not in self.world.done
                assert command.code == TIMEOUT or number in self.world.refused or not heard
            assert (command.state is S.CANCELLED) == (number in self.cancelled)

    def teardown(self) -> None:
        """Let everything come to its end: nothing stays open for ever."""
        if hasattr(self, "bench"):
            self.world.answers, self.world.told = [], []
            self.runner.run(self._end())
            for number in self.given:
                found = self.bench.hub.journal.get(number)
                assert found is not None
                assert found.settled
            self.states_are_true()
            self.nothing_is_heard_twice()
            self.states_only_move_on()
            self.runner.run(self._kill())
            self.bench.close()
        self.runner.close()
        self.folder.cleanup()
        gc.collect()

    async def _end(self) -> None:
        for command in self.given.values():
            await self.bench.settled(command)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
test_any_life_of_a_hub_sends_once_and_tells_the_truth = Life.TestCase
