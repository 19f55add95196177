"""Commands on their way: in order, sent at most once, and never lost, whatever targets and the store do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from heliograph.commands.dispatch import DOUBLINGS
from heliograph.errors import (
    ConflictError,
    ForbiddenError,
    HubError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    StoreError,
    UnknownDeviceError,
    UnreachableError,
    UnsupportedError,
)
from heliograph.model.access import Caller
from heliograph.model.commands import TIMEOUT, Command, CommandState, Outcome
from heliograph.model.devices import Device
from heliograph.model.firmware import Firmware
from heliograph.protocol.hub import Commands
from tests.unit.commands.scripted import POLL_S, Bench, Gate, Scripted, until

S = CommandState
UNKNOWN = OutcomeUnknownError("no answer")
UNREACHABLE = UnreachableError("no line")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A hub with two devices and a scripted target."""
    made = Bench(tmp_path)
    yield made
    made.close()


def fail_moves(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, state: CommandState, times: int, *, after: bool = False
) -> list[CommandState]:
    """Let the store fail at moves to a state, before or after it has kept them; returns the moves that were tried."""
    tried: list[CommandState] = []
    move = bench.hub.journal.move

    async def failing(command_id: int, wanted: CommandState, **more: object) -> Command:
        tried.append(wanted)
        fails = wanted is state and tried.count(state) <= times
        if fails and not after:
            raise StoreError("the disk is full")
        moved = await move(command_id, wanted, **more)  # type: ignore[arg-type]  # handed on as they come
        if fails:
            raise StoreError("whether it was kept is not known")
        return moved

    monkeypatch.setattr(bench.hub.journal, "move", failing)
    return tried


# The usual way


async def test_it_keeps_the_contract(bench: Bench) -> None:
    contract: Commands = bench.hub.commands
    with pytest.raises(NotFoundError):
        await contract.get(bench.commander, 1)


async def test_a_command_is_marked_sent_before_its_device_hears_of_it(bench: Bench) -> None:
    states: list[CommandState] = []
    bench.target.heard = lambda command: states.append(bench.state(command))
    async with bench.working():
        command = await bench.give(on=False)
        assert command.state is S.ACCEPTED
        done = await bench.settled(command)
    assert (done.state, done.progress, done.sent_at_ms) == (S.CONFIRMED, 100.0, bench.wall.at_ms)
    assert (done.credential_id, done.arguments) == (3, {"on": False})
    assert (states, bench.target.asked) == ([S.SENT], [("send", command.id)])


async def test_commands_of_a_device_are_sent_one_after_the_other_as_accepted(bench: Bench) -> None:
    gates = [Gate(), Gate()]
    bench.target.sends[bench.device.id].extend(gates)
    async with bench.working():
        # Two who give commands at the same time: the journal's order is the order.
        made = await asyncio.gather(*(bench.give(by=str(number)) for number in range(6)))
        made.sort(key=lambda command: command.id)
        await until(lambda: gates[0].waiting == 1)
        assert [bench.state(command) for command in made] == [S.SENT] + [S.ACCEPTED] * 5
        gates[0].open()
        await until(lambda: gates[1].waiting == 1)
        assert bench.state(made[0]) is S.CONFIRMED
        gates[1].open()
        await bench.settled(made[-1])
    assert bench.target.sent() == [command.id for command in made]


async def test_a_command_waits_until_the_one_before_it_is_settled(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(UNKNOWN)
    bench.target.reads[bench.device.id].extend([None, UNREACHABLE, None, Outcome()])
    async with bench.working():
        first, second = await bench.give(), await bench.give()
        await bench.settled(second)
    assert bench.target.asked == [("send", first.id), *[("read", first.id)] * 4, ("send", second.id)]


async def test_a_device_that_does_not_answer_holds_up_no_other(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    async with bench.working():
        held = await bench.give()
        await until(lambda: gate.waiting == 1)
        for _ in range(3):
            assert (await bench.settled(await bench.give(bench.other))).state is S.CONFIRMED
        assert bench.state(held) is S.SENT
        gate.open()
        await bench.settled(held)


async def test_progress_is_noted_and_the_version_changes_with_the_end(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(Outcome(False, 0.0))
    bench.target.reads[bench.device.id].extend([Outcome(False, 40.0), Outcome(False, 40.0), Outcome(firmware="2.0")])
    seen: list[tuple[float, str]] = []
    async with bench.working():
        told = bench.hub.journal.changed

        def changed() -> None:
            (command,) = bench.hub.journal.of_devices([bench.device.id])
            seen.append((command.progress, bench.hub.registry.devices[bench.device.id].firmware))
            told()

        bench.hub.journal.changed = changed
        command = await bench.settled(await bench.give())
    assert command.state is S.CONFIRMED
    assert seen == [(0.0, "1.0"), (0.0, "1.0"), (40.0, "1.0"), (100.0, "2.0")]
    await bench.restart()
    assert bench.hub.registry.devices[bench.device.id].firmware == "2.0"


async def test_a_version_that_is_there_already_changes_nothing(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(Outcome(firmware="1.0"))
    revision = bench.hub.registry.revision
    async with bench.working():
        await bench.settled(await bench.give())
    assert bench.hub.registry.revision == revision


# Answers that are none


async def test_a_device_that_says_no_is_taken_at_its_word(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(RefusedError("no", code="17"))
    async with bench.working():
        command = await bench.settled(await bench.give())
    assert (command.state, command.code, bench.target.read()) == (S.REFUSED, "17", [])


@pytest.mark.parametrize(("answer", "state"), [(Outcome(False, 5.0), S.REFUSED), (UNKNOWN, S.FAILED)])
async def test_a_device_that_says_later_that_it_did_not_is_taken_at_its_word(
    bench: Bench, answer: Outcome | HubError, state: CommandState
) -> None:
    bench.target.sends[bench.device.id].append(answer)
    bench.target.reads[bench.device.id].append(RefusedError("no", code="broken"))
    async with bench.working():
        command = await bench.settled(await bench.give())
    assert (command.state, command.code, len(bench.target.sent())) == (state, "broken", 1)


async def test_only_what_did_not_leave_is_sent_again(bench: Bench) -> None:
    bench.target.sends[bench.device.id].extend([UNREACHABLE, UNREACHABLE, UNKNOWN])
    async with bench.working():
        command = await bench.settled(await bench.give())
    assert command.state is S.CONFIRMED
    assert bench.target.asked == [("send", command.id)] * 3 + [("read", command.id)]


async def test_what_cannot_be_sent_in_time_expires(bench: Bench) -> None:
    def later(_: Command) -> None:
        bench.wall.at_ms += 25_000

    bench.target.heard = later
    bench.target.sends[bench.device.id].extend([UNREACHABLE] * 10)
    async with bench.working():
        command = await bench.settled(await bench.give(lifetime_s=60))
    assert (command.state, bench.target.sent()) == (S.EXPIRED, [command.id] * 3)


async def test_what_waits_behind_a_slow_one_expires_in_time(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(Outcome(False, 0.0))
    bench.target.reads[bench.device.id].extend([None] * 1000)
    async with bench.working():
        slow, waiting = await bench.give(), await bench.give(lifetime_s=60)
        await bench.reached(slow, S.SENT)
        bench.wall.at_ms += 60_000
        assert (await bench.settled(waiting)).state is S.EXPIRED
        assert bench.state(slow) is S.SENT
    assert bench.target.sent() == [slow.id]


@pytest.mark.parametrize("answer", [Outcome(False, 5.0), UNKNOWN])
async def test_a_device_that_never_tells_has_failed_some_time_after_sending(
    bench: Bench, answer: Outcome | HubError
) -> None:
    bench.target.sends[bench.device.id].append(answer)
    bench.target.reads[bench.device.id].extend([None] * 1000)
    async with bench.working():
        command = await bench.give()
        await until(lambda: len(bench.target.read()) > 1)
        bench.wall.at_ms += 3_599_999
        count = len(bench.target.read())
        await until(lambda: len(bench.target.read()) > count + 1)
        assert bench.state(command) in (S.SENT, S.UNKNOWN)
        bench.wall.at_ms += 1
        done = await bench.settled(command)
    assert (done.state, done.code, len(bench.target.sent())) == (S.FAILED, TIMEOUT, 1)


async def test_a_device_that_tells_nothing_new_is_asked_ever_less_often(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(delay_s: float) -> None:
        if asyncio.current_task() is not watching:
            pauses.append(delay_s / POLL_S)
        await sleep(0)

    watching = asyncio.current_task()
    bench.target.sends[bench.device.id].append(UNKNOWN)
    bench.target.reads[bench.device.id].extend([None] * 7 + [Outcome(False, 10.0), None, None])
    monkeypatch.setattr(asyncio, "sleep", noted)
    async with bench.working():
        await bench.settled(await bench.give())
    most = 2.0**DOUBLINGS
    assert pauses == [1, 1, 2, 4, 8, most, most, most, most, 1, 2]


# Targets that do what they should not


async def hang() -> Outcome:
    """Never answer."""
    await asyncio.sleep(60)
    return Outcome()


@pytest.mark.parametrize(
    "wrong",
    [
        hang,
        ValueError("a bug"),
        TimeoutError(),
        asyncio.CancelledError(),
        ConflictError("not its business"),
        StoreError("not its business"),
        None,
    ],
    ids=repr,
)
async def test_whatever_a_target_does_a_command_is_sent_once_and_settled(
    tmp_path: Path, wrong: BaseException | Callable[[], object] | None
) -> None:
    bench = Bench(tmp_path, answer_s=0.02)
    answer = hang if callable(wrong) else wrong
    bench.target.sends[bench.device.id].append(answer)
    bench.target.reads[bench.device.id].append(answer)
    async with bench.working():
        command, other = await bench.give(), await bench.give(bench.other)
        after = await bench.give()
        assert [(await bench.settled(one)).state for one in (command, other, after)] == [S.CONFIRMED] * 3
    assert bench.target.sent().count(command.id) == 1
    assert bench.target.read() == [command.id] * 2
    bench.close()


async def test_a_target_that_does_not_know_whom_it_reaches_holds_up_nobody_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = bench.device.id

    def reaches(self: Scripted, device: Device) -> bool:
        if device.id == broken:
            raise KeyError("a bug")
        return True

    async with bench.working():
        bench.target.sends[broken].append(UNREACHABLE)
        command = await bench.give()
        await until(lambda: bench.target.sent() == [command.id])
        monkeypatch.setattr(Scripted, "reaches", reaches)
        assert (await bench.settled(await bench.give(bench.other))).state is S.CONFIRMED
        bench.wall.at_ms += 600_000
        assert (await bench.settled(command)).state is S.EXPIRED


# A store that fails


@pytest.mark.parametrize("after", [False, True])
async def test_nothing_is_sent_before_it_is_written_down(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    tried = fail_moves(monkeypatch, bench, S.SENT, 2, after=after)
    async with bench.working():
        command = await bench.settled(await bench.give())
    # When it was kept after all, nobody knows whether it was sent, and a read-back decides.
    assert tried == ([S.SENT, S.CONFIRMED] if after else [S.SENT] * 3 + [S.CONFIRMED])
    assert bench.target.asked == [("read" if after else "send", command.id)]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Outcome(firmware="2.0"), S.CONFIRMED),
        (RefusedError("no", code="5"), S.REFUSED),
        (UNKNOWN, S.UNKNOWN),
        (UNREACHABLE, S.ACCEPTED),
    ],
)
@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_is_kept_until_the_store_takes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, answer: Outcome | HubError, state: CommandState, after: bool
) -> None:
    tried = fail_moves(monkeypatch, bench, state, 3, after=after)
    bench.target.sends[bench.device.id].append(answer)
    async with bench.working():
        command = await bench.settled(await bench.give())
    if state is S.CONFIRMED:
        assert bench.hub.registry.devices[bench.device.id].firmware == "2.0"
    assert command.state is (S.REFUSED if state is S.REFUSED else S.CONFIRMED)
    assert tried.count(state) >= (1 if after else 4)
    assert len(bench.target.sent()) == (2 if state is S.ACCEPTED else 1)


async def test_a_store_that_cannot_be_read_is_read_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    read = bench.hub.journal.open_commands
    failed: list[int] = []

    def failing(device_id: int) -> list[Command]:
        if len(failed) < 2:
            failed.append(device_id)
            raise StoreError("the disk is gone")
        return read(device_id)

    monkeypatch.setattr(bench.hub.journal, "open_commands", failing)
    async with bench.working():
        await bench.settled(await bench.give())
    assert failed == [bench.device.id] * 2


# Restarts


@pytest.mark.parametrize("state", [S.ACCEPTED, S.SENT, S.UNKNOWN])
async def test_a_restart_goes_on_from_every_open_state(bench: Bench, state: CommandState) -> None:
    async with bench.hub.database.writing():
        command = await bench.give()
        for step in {S.SENT: [S.SENT], S.UNKNOWN: [S.SENT, S.UNKNOWN]}.get(state, []):
            await bench.hub.journal.move(command.id, step)
    await bench.restart()
    async with bench.working():
        assert (await bench.settled(command)).state is S.CONFIRMED
    assert bench.target.asked == [("send" if state is S.ACCEPTED else "read", command.id)]


async def test_a_stop_while_a_target_sends_leaves_the_rest_to_a_read_back(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    bench.target.reads[bench.device.id].append(RefusedError("never heard of it", code="unheard"))
    async with bench.working():
        command = await bench.give()
        await until(lambda: gate.waiting == 1)
    assert (gate.waiting, bench.state(command)) == (0, S.SENT)
    await bench.restart()
    async with bench.working():
        done = await bench.settled(command)
    assert (done.state, done.code, bench.target.sent()) == (S.FAILED, "unheard", [command.id])


async def test_what_a_worker_had_in_hand_another_takes_up_in_the_same_process(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    async with bench.hub.database.writing():
        worker = asyncio.create_task(bench.hub.commands.run())
        command = await bench.give()
        await until(lambda: gate.waiting == 1)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert bench.state(command) is S.SENT
        worker = asyncio.create_task(bench.hub.commands.run())
        assert (await bench.settled(command)).state is S.CONFIRMED
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert bench.target.asked == [("send", command.id), ("read", command.id)]


async def test_a_device_that_nothing_reaches_any_more_is_waited_for_until_time_is_over(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(UNKNOWN)
    bench.target.reads[bench.device.id].extend([None] * 1000)
    async with bench.working():
        sent, waiting = await bench.give(), await bench.give()
        await bench.reached(sent, S.UNKNOWN)
        bench.target.unreached.add(bench.device.id)
        bench.wall.at_ms += 600_000
        assert (await bench.settled(waiting)).state is S.EXPIRED
        bench.wall.at_ms += 3_600_000
        done = await bench.settled(sent)
    assert (done.state, done.code) == (S.FAILED, TIMEOUT)


async def test_what_a_device_was_disabled_for_is_not_sent(bench: Bench) -> None:
    async with bench.hub.database.writing():
        command = await bench.give()
        disabled = msgspec.structs.replace(bench.device, disabled=True)
        await bench.hub.database.write(lambda rows: bench.hub.registry.put_device(rows, disabled))
    await bench.restart()
    async with bench.working():
        await asyncio.sleep(20 * POLL_S)
        bench.wall.at_ms += 600_000
        assert (await bench.settled(command)).state is S.EXPIRED
    assert bench.target.asked == []


# Cancelling


async def test_what_was_not_sent_can_be_taken_back_and_the_next_goes_on(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    async with bench.working():
        first, second, third = await bench.give(), await bench.give(), await bench.give()
        await until(lambda: gate.waiting == 1)
        cancelled = await bench.hub.commands.cancel(bench.commander, second.id)
        assert cancelled.state is S.CANCELLED
        with pytest.raises(ConflictError):
            await bench.hub.commands.cancel(bench.commander, first.id)
        with pytest.raises(ConflictError):
            await bench.hub.commands.cancel(bench.commander, second.id)
        gate.open()
        await bench.settled(third)
    assert bench.target.sent() == [first.id, third.id]
    actions = [action for (action,) in bench.hub.database.query("SELECT action FROM audit ORDER BY id")]
    assert actions == ["command.accepted"] * 3 + ["command.cancelled"]


async def test_who_takes_back_and_who_sends_never_both_win(bench: Bench) -> None:
    for turn in range(30):
        async with bench.working():
            command = await bench.give()
            for _ in range(turn):
                await asyncio.sleep(0)
            try:
                await bench.hub.commands.cancel(bench.commander, command.id)
                cancelled = True
            except ConflictError:
                cancelled = False
            done = await bench.settled(command)
        assert done.state is (S.CANCELLED if cancelled else S.CONFIRMED)
        assert (command.id in bench.target.sent()) is not cancelled


async def test_a_worker_that_comes_second_to_a_cancel_sends_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = bench.hub.journal.move

    async def beaten(command_id: int, wanted: CommandState, **more: object) -> Command:
        if wanted is S.SENT:
            await move(command_id, S.CANCELLED)
        return await move(command_id, wanted, **more)  # type: ignore[arg-type]  # handed on as they come

    monkeypatch.setattr(bench.hub.journal, "move", beaten)
    async with bench.working():
        assert (await bench.settled(await bench.give())).state is S.CANCELLED
    assert bench.target.asked == []


# Who may, and what they see


async def test_who_may_not_command_is_refused(bench: Bench) -> None:
    reader = Caller(bench.account.id, 1)
    async with bench.hub.database.writing():
        command = await bench.give()
        with pytest.raises(ForbiddenError):
            await bench.hub.commands.submit(reader, bench.device.id, "device.switch", {})
        with pytest.raises(ForbiddenError):
            await bench.hub.commands.cancel(reader, command.id)


async def test_another_account_s_devices_and_commands_do_not_exist(bench: Bench) -> None:
    stranger = Caller(bench.add_account("theirs").id, 9, scopes=frozenset({"control"}))
    async with bench.hub.database.writing():
        command = await bench.give()
        with pytest.raises(UnknownDeviceError):
            await bench.hub.commands.submit(stranger, bench.device.id, "device.switch", {})
        with pytest.raises(UnknownDeviceError):
            await bench.hub.commands.list(stranger, [bench.device.id])
        for ask in (bench.hub.commands.get, bench.hub.commands.cancel):
            with pytest.raises(NotFoundError):
                await ask(stranger, command.id)
        assert await bench.hub.commands.get(bench.commander, command.id) == command


async def test_nothing_is_accepted_for_a_device_that_nothing_reaches(bench: Bench) -> None:
    bench.target.unreached.add(bench.device.id)
    with pytest.raises(UnsupportedError):
        await bench.give()
    boss = Caller(bench.account.id, 1, scopes=frozenset({"admin", "control"}))
    disabled = msgspec.structs.replace(bench.other, disabled=True)
    bench.hub.database.write_now(lambda rows: bench.hub.registry.put_device(rows, disabled))
    with pytest.raises(UnsupportedError):
        await bench.hub.commands.submit(boss, bench.other.id, "device.switch", {})
    assert bench.hub.journal.of_devices([bench.device.id, bench.other.id]) == []


async def test_the_same_key_is_the_same_command_and_is_sent_once(bench: Bench) -> None:
    async with bench.working():
        first = await bench.give(key="k", on=1)
        await bench.settled(first)
        again = await bench.give(key="k", on=1)
        assert (again.id, again.state) == (first.id, S.CONFIRMED)
        with pytest.raises(ConflictError):
            await bench.give(key="k", on=0)
        other = await bench.give(on=1)
        await bench.settled(other)
    assert bench.target.sent() == [first.id, other.id]
    assert len(bench.hub.database.query("SELECT 1 FROM audit WHERE action = 'command.accepted'")) == 2


async def test_who_goes_away_while_a_command_is_written_down_has_given_it(bench: Bench) -> None:
    async with bench.working():
        giving = asyncio.create_task(bench.give())
        await asyncio.sleep(0)
        giving.cancel()
        await asyncio.gather(giving, return_exceptions=True)
        assert giving.cancelled()
        await until(lambda: len(bench.target.sent()) == 1)


async def test_commands_are_listed_newest_first(bench: Bench) -> None:
    async with bench.hub.database.writing():
        made = [await bench.give(name="a"), await bench.give(name="b"), await bench.give(bench.other, name="a")]
    both = [bench.device.id, bench.other.id]
    assert await bench.hub.commands.list(bench.commander, both) == made[::-1]
    assert await bench.hub.commands.list(bench.commander, both, "a") == [made[2], made[0]]


async def test_who_waits_hears_of_the_end_or_how_it_stands_when_time_is_over(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    async with bench.working():
        command = await bench.give()
        await until(lambda: gate.waiting == 1)
        for timeout_s in (-1.0, 0.0, 0.01):
            assert (await bench.hub.commands.wait(command, timeout_s)).state is S.SENT
        waiting = [asyncio.create_task(bench.hub.commands.wait(command, 5.0)) for _ in range(3)]
        await bench.settled(await bench.give(bench.other))
        assert not any(task.done() for task in waiting)
        gate.open()
        assert [one.state for one in await asyncio.gather(*waiting)] == [S.CONFIRMED] * 3
        assert (await bench.hub.commands.wait(command, 0.0)).state is S.CONFIRMED


async def test_the_newest_package_is_that_of_the_device_s_model(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        await bench.hub.commands.firmware_for(bench.commander, bench.device.id)
    source = tmp_path / "package.bin"
    source.write_bytes(b"code")
    sha256, size = bench.hub.firmware.take_file(source)
    package = Firmware(id=0, model="M", version="1.1", file="f", sha256=sha256, size=size, added_at_ms=0)
    bench.hub.database.write_now(lambda rows: bench.hub.firmware.put(rows, package))
    found = await bench.hub.commands.firmware_for(bench.commander, bench.device.id)
    assert found.version == "1.1"
    with pytest.raises(UnknownDeviceError):
        await bench.hub.commands.firmware_for(bench.commander, 99)
