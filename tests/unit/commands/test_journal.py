"""The journal of commands: accepted once, moved along its states only, decided by nobody after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import FixedClock
from heliograph.commands.journal import Journal
from heliograph.errors import ConflictError, NotFoundError
from heliograph.model.commands import NEXT_STATES, Command, CommandState
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database

S = CommandState
PATHS = {
    S.ACCEPTED: [],
    S.SENT: [S.SENT],
    S.UNKNOWN: [S.SENT, S.UNKNOWN],
    S.CONFIRMED: [S.SENT, S.CONFIRMED],
    S.REFUSED: [S.REFUSED],
    S.FAILED: [S.SENT, S.UNKNOWN, S.FAILED],
    S.EXPIRED: [S.EXPIRED],
    S.CANCELLED: [S.CANCELLED],
}


@pytest.fixture
def wall() -> FixedClock:
    """A clock that the test moves."""
    return FixedClock(1_700_000_000_000)


@pytest.fixture
async def journal(tmp_path: Path, wall: FixedClock) -> AsyncIterator[Journal]:
    """An empty journal whose database is being written."""
    database = Database(tmp_path / "journal.db")
    async with database.writing():
        yield Journal(database, wall)
    database.close()


async def accept(journal: Journal, key: str = "k", **more: float) -> Command:
    """Accept a command."""
    return await journal.accept(1, 7, key, "set_soc", {"min": 10.0, **more}, lifetime_s=60)


async def brought_to(journal: Journal, state: CommandState, key: str = "k") -> Command:
    """A command in a state, by the way that leads there."""
    command = await accept(journal, key)
    for step in PATHS[state]:
        command = await journal.move(command.id, step)
    return command


async def test_an_accepted_command_is_open_and_dated(journal: Journal, wall: FixedClock) -> None:
    command = await accept(journal)
    assert command.state is S.ACCEPTED
    assert (command.accepted_at_ms, command.expires_at_ms) == (wall.at_ms, wall.at_ms + 60_000)
    assert journal.open_commands(7) == [command]
    assert journal.open_commands(8) == []


async def test_the_same_key_is_the_same_command_wherever_it_got(journal: Journal) -> None:
    sent = await brought_to(journal, S.SENT)
    assert await accept(journal) == sent


async def test_a_key_belongs_to_one_command(journal: Journal) -> None:
    await accept(journal)
    with pytest.raises(ConflictError):
        await accept(journal, max=90.0)
    assert [command.arguments for command in journal.open_commands(7)] == [{"min": 10.0}]


async def test_another_account_may_use_the_same_key(journal: Journal) -> None:
    first = await accept(journal)
    second = await journal.accept(2, 7, "k", "set_soc", {}, lifetime_s=60)
    assert first.id != second.id


@pytest.mark.parametrize("state", list(CommandState))
@pytest.mark.parametrize("wanted", list(CommandState))
async def test_a_state_moves_only_where_it_may(
    journal: Journal, wall: FixedClock, state: CommandState, wanted: CommandState
) -> None:
    command = await brought_to(journal, state)
    wall.at_ms += 5
    if wanted in NEXT_STATES[state]:
        moved = await journal.move(command.id, wanted, code="42", progress=7.0)
        assert (moved.state, moved.changed_at_ms, moved.code, moved.progress) == (wanted, wall.at_ms, "42", 7.0)
        assert journal.get(command.id) == moved
    else:
        with pytest.raises(ConflictError):
            await journal.move(command.id, wanted)
        assert (await accept(journal)).state is state


async def test_what_is_not_there_cannot_move_nor_get_any_further(journal: Journal) -> None:
    assert journal.get(99) is None
    with pytest.raises(NotFoundError):
        await journal.move(99, S.SENT)
    with pytest.raises(NotFoundError):
        await journal.note(99, 5.0)


async def test_a_command_remembers_when_it_was_sent_the_last_time(journal: Journal, wall: FixedClock) -> None:
    command = await accept(journal)
    assert command.sent_at_ms == 0
    for state in (S.SENT, S.ACCEPTED, S.SENT):
        wall.at_ms += 1000
        command = await journal.move(command.id, state)
    wall.at_ms += 1000
    command = await journal.move(command.id, S.UNKNOWN)
    assert command.sent_at_ms == wall.at_ms - 1000


async def test_progress_is_noted_until_a_command_is_settled(journal: Journal, wall: FixedClock) -> None:
    command = await brought_to(journal, S.SENT)
    wall.at_ms += 1000
    await journal.note(command.id, 40.0)
    noted = journal.get(command.id)
    assert noted == msgspec.structs.replace(command, progress=40.0, changed_at_ms=wall.at_ms)
    done = await journal.move(command.id, S.REFUSED)
    assert done.progress == 40.0
    with pytest.raises(ConflictError):
        await journal.note(command.id, 50.0)


async def test_what_belongs_to_a_command_is_written_with_it_or_not_at_all(journal: Journal) -> None:
    seen: list[Command] = []

    def also(_: Rows, written: Command) -> None:
        seen.append(written)

    def fails(_: Rows, written: Command) -> None:
        raise ConflictError("no")

    command = await journal.accept(1, 7, "k", "set_soc", {}, lifetime_s=60, also=also)
    assert await journal.accept(1, 7, "k", "set_soc", {}, lifetime_s=60, also=also) == command
    with pytest.raises(ConflictError):
        await journal.move(command.id, S.SENT, also=fails)
    assert journal.get(command.id) == command
    sent = await journal.move(command.id, S.SENT, also=also)
    assert seen == [command, sent]


async def test_commands_of_devices_come_newest_first_and_once(journal: Journal) -> None:
    made = [
        await journal.accept(1, device, f"{device}/{name}", name, {}, lifetime_s=60)
        for device, name in ((7, "a"), (8, "b"), (7, "b"), (9, "a"))
    ]
    assert journal.of_devices([7, 8, 7]) == [made[2], made[1], made[0]]
    assert journal.of_devices([8, 7], "b") == [made[2], made[1]]
    assert journal.of_devices([]) == []


async def test_devices_with_open_commands_are_known(journal: Journal) -> None:
    for number, state in enumerate(CommandState):
        command = await journal.accept(1, number, state.value, "a", {}, lifetime_s=60)
        for step in PATHS[state]:
            await journal.move(command.id, step)
    assert journal.open_devices() == {
        number for number, state in enumerate(CommandState) if state in (S.ACCEPTED, S.SENT, S.UNKNOWN)
    }


async def test_every_change_is_told_of_after_its_commit(journal: Journal) -> None:
    told: list[list[CommandState]] = []
    journal.changed = lambda: told.append([command.state for command in journal.of_devices([7])])
    command = await accept(journal)
    await journal.move(command.id, S.SENT)
    await journal.note(command.id, 3.0)
    with pytest.raises(ConflictError):
        await journal.move(command.id, S.EXPIRED)
    assert told == [[S.ACCEPTED], [S.SENT], [S.SENT]]


@pytest.mark.parametrize("state", list(CommandState))
async def test_after_a_restart_what_was_sent_is_unknown_and_nothing_else_changes(
    journal: Journal, state: CommandState
) -> None:
    before = await brought_to(journal, state)
    moved = await journal.recover()
    after = await accept(journal)
    assert after.state is (S.UNKNOWN if state is S.SENT else before.state)
    assert moved == (state is S.SENT)


async def test_what_was_not_sent_in_time_expires_at_the_restart(journal: Journal, wall: FixedClock) -> None:
    await accept(journal)
    wall.at_ms += 60_000
    assert await journal.recover() == 1
    assert (await accept(journal)).state is S.EXPIRED
    assert journal.open_commands(7) == []


@given(st.lists(st.sampled_from(list(CommandState)), max_size=8))
def test_no_way_through_the_states_leaves_a_settled_one(wanted: list[CommandState]) -> None:
    state = S.ACCEPTED
    for step in wanted:
        if step in NEXT_STATES[state]:
            assert state in (S.ACCEPTED, S.SENT, S.UNKNOWN)
            assert not (step in (S.SENT, S.CANCELLED, S.EXPIRED) and state is not S.ACCEPTED)
            state = step
