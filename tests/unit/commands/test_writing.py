"""Settings through the journal: checked against the device, in order, and never sent where they stand already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    HubError,
    OutcomeUnknownError,
    RefusedError,
    StoreError,
    UnknownDeviceError,
    UnreachableError,
    UnsupportedError,
)
from heliograph.model import settings as s
from heliograph.model.access import Caller
from heliograph.model.commands import TIMEOUT, Argument, Command, CommandState
from heliograph.model.settings import Setting
from tests.unit.commands.scripted import Bench, Gate, until

S = CommandState
UNKNOWN = OutcomeUnknownError("no answer")
UNREACHABLE = UnreachableError("no line")
SETTINGS = (
    Setting(key=s.MIN_SOC, value=10.0, unit="%", minimum=10.0, maximum=100.0),
    Setting(key=s.MAX_SOC, value=100.0, unit="%", minimum=10.0, maximum=100.0),
    Setting(key=s.WORK_MODE, value="self_use", choices=("self_use", "backup")),
    Setting(key=s.SCHEDULE_ON, value=False),
    Setting(key=s.METER_DEVICES, value=1.0, fixed=True),
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A hub with two devices that have settings, and the scripted target."""
    made = Bench(tmp_path)
    for device in (made.device, made.other):
        made.target.held[device.id] = {setting.key: setting for setting in SETTINGS}
    yield made
    made.close()


async def write(bench: Bench, **values: Argument) -> Command:
    """Submit settings by the names of their constants; `key` is that of the command."""
    key = str(values.pop("key", ""))
    given = {getattr(s, name): value for name, value in values.items()}
    return await bench.hub.commands.submit(bench.commander, bench.device.id, s.WRITE, given, key=key)


def value(bench: Bench, key: str) -> Argument:
    """What the device is set to."""
    return bench.target.held[bench.device.id][key].value


async def test_settings_are_written_once_and_read_from_the_device(bench: Bench) -> None:
    async with bench.working():
        done = await bench.settled(await write(bench, MIN_SOC=20.0, WORK_MODE="backup"))
        read = await bench.hub.commands.settings(bench.commander, bench.device.id)
    assert (done.state, done.progress, done.name) == (S.CONFIRMED, 100.0, s.WRITE)
    assert bench.target.asked == [("send", done.id)]
    assert (read[s.MIN_SOC].value, read[s.WORK_MODE].value, read[s.MAX_SOC].value) == (20.0, "backup", 100.0)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"MIN_SOC": 9.0}, s.MIN_SOC),
        ({"MAX_SOC": 90.0, "MIN_SOC": 101.0}, s.MIN_SOC),
        ({"WORK_MODE": "force_charge"}, s.WORK_MODE),
        ({"SCHEDULE_ON": "yes"}, s.SCHEDULE_ON),
        ({"METER_DEVICES": 1.0}, s.METER_DEVICES),
        ({"EXPORT_LIMIT": 100.0}, s.EXPORT_LIMIT),
    ],
)
async def test_what_the_device_at_hand_does_not_take_is_no_command(
    bench: Bench, values: dict[str, Argument], field: str
) -> None:
    async with bench.working():
        with pytest.raises(BadRequestError) as caught:
            await write(bench, **values)
    assert caught.value.field == field
    assert bench.hub.journal.of_devices([bench.device.id]) == []
    assert bench.target.asked == []


async def test_what_stands_already_is_in_the_journal_and_was_not_sent(bench: Bench) -> None:
    async with bench.working():
        done = await bench.settled(await write(bench, MIN_SOC=10, WORK_MODE="self_use"))
        part = await bench.settled(await write(bench, MIN_SOC=10.0, WORK_MODE="backup"))
        again = await bench.settled(await write(bench, WORK_MODE="backup"))
    assert [one.state for one in (done, part, again)] == [S.CONFIRMED] * 3
    assert [(one.sent_at_ms > 0, one.progress) for one in (done, part, again)] == [
        (False, 100.0),
        (True, 100.0),
        (False, 100.0),
    ]
    assert bench.target.asked == [("send", part.id)]
    assert bench.hub.journal.of_devices([bench.device.id]) == [again, part, done]
    actions = [action for (action,) in bench.hub.database.query("SELECT action FROM audit ORDER BY id")]
    assert actions == ["command.accepted"] * 3


async def test_of_two_writers_the_one_that_was_accepted_last_has_the_last_word(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    async with bench.working():
        made = await asyncio.gather(*(write(bench, MIN_SOC=20.0 + n % 2) for n in range(8)))
        made.sort(key=lambda command: command.id)
        await until(lambda: gate.waiting == 1)
        assert [bench.state(command) for command in made] == [S.SENT] + [S.ACCEPTED] * 7
        gate.open()
        done = [await bench.settled(command) for command in made]
    assert {command.state for command in done} == {S.CONFIRMED}
    values = [command.arguments[s.MIN_SOC] for command in made]
    needed = [n for n, one in enumerate(values) if n == 0 or one != values[n - 1]]
    assert bench.target.sent() == [made[n].id for n in needed]  # each sees what the one before it left
    assert value(bench, s.MIN_SOC) == values[-1]


async def test_whether_it_stands_is_asked_when_its_turn_comes_and_not_when_it_is_given(bench: Bench) -> None:
    async with bench.hub.database.writing():
        stood, changed = await write(bench, MIN_SOC=10.0), await write(bench, MAX_SOC=80.0)
    bench.target.set(bench.device, s.MIN_SOC, 50.0)
    bench.target.set(bench.device, s.MAX_SOC, 80.0)
    async with bench.working():
        await bench.settled(stood)
        await bench.settled(changed)
    assert bench.target.sent() == [stood.id]
    assert value(bench, s.MIN_SOC) == 10.0


async def test_a_write_without_an_answer_is_not_sent_again(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(UNKNOWN)
    bench.target.reads[bench.device.id].extend([None, UNREACHABLE, None])
    async with bench.working():
        done = await bench.settled(await write(bench, MIN_SOC=20.0))
    assert done.state is S.CONFIRMED
    assert bench.target.sent() == [done.id]
    assert len(bench.target.read()) == 4


async def test_a_write_that_is_never_answered_has_failed_and_the_next_sees_what_it_did(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(UNKNOWN)
    bench.target.reads[bench.device.id].extend([None] * 1000)
    async with bench.working():
        first = await write(bench, MIN_SOC=20.0)
        await bench.reached(first, S.UNKNOWN)
        bench.wall.at_ms += 3_600_000
        done = await bench.settled(first)
        again = await bench.settled(await write(bench, MIN_SOC=20.0))
    assert (done.state, done.code) == (S.FAILED, TIMEOUT)
    assert (again.state, again.sent_at_ms) == (S.CONFIRMED, 0)
    assert bench.target.sent() == [first.id]


async def test_a_write_that_is_refused_says_why(bench: Bench) -> None:
    bench.target.sends[bench.device.id].append(RefusedError("no", code="41"))
    async with bench.working():
        done = await bench.settled(await write(bench, MIN_SOC=20.0))
    assert (done.state, done.code) == (S.REFUSED, "41")


async def test_a_write_to_a_device_out_of_reach_is_tried_until_its_time_is_over(bench: Bench) -> None:
    bench.target.sends[bench.device.id].extend([UNREACHABLE] * 1000)
    async with bench.working():
        waiting = await write(bench, MIN_SOC=20.0)
        await until(lambda: len(bench.target.sent()) > 2)
        bench.wall.at_ms += 600_000
        assert (await bench.settled(waiting)).state is S.EXPIRED


async def test_a_restart_does_not_send_what_may_have_been_heard(bench: Bench) -> None:
    gate = Gate()
    bench.target.sends[bench.device.id].append(gate)
    async with bench.working():
        command = await write(bench, MIN_SOC=20.0)
        await until(lambda: gate.waiting == 1)
    await bench.restart()
    async with bench.working():
        assert (await bench.settled(command)).state is S.CONFIRMED
    assert bench.target.asked == [("send", command.id), ("read", command.id)]


async def never() -> None:
    """Never tell."""
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("wrong", "raised"),
    [
        (UNREACHABLE, UnreachableError),
        (UNKNOWN, OutcomeUnknownError),
        (UnsupportedError("none"), UnsupportedError),
        (RefusedError("no", code="1"), OutcomeUnknownError),
        (StoreError("not its business"), OutcomeUnknownError),
        (ValueError("a bug"), OutcomeUnknownError),
        (never, OutcomeUnknownError),
    ],
    ids=repr,
)
async def test_a_device_that_does_not_tell_its_settings_takes_none(
    tmp_path: Path, wrong: BaseException, raised: type[HubError]
) -> None:
    bench = Bench(tmp_path, answer_s=0.02)
    async with bench.working():
        for ask in (bench.hub.commands.settings(bench.commander, bench.device.id), write(bench, MIN_SOC=20.0)):
            bench.target.tells.append(wrong)
            with pytest.raises(raised):
                await ask
    assert bench.hub.journal.of_devices([bench.device.id]) == []
    bench.close()


@pytest.mark.parametrize("wrong", [UNREACHABLE, UNKNOWN, UnsupportedError("no more"), ValueError("a bug")], ids=repr)
async def test_what_was_accepted_is_sent_when_the_device_does_not_tell_how_it_stands(
    bench: Bench, wrong: BaseException
) -> None:
    async with bench.hub.database.writing():
        command = await write(bench, MIN_SOC=10.0)
    bench.target.tells.append(wrong)
    async with bench.working():
        assert (await bench.settled(command)).state is S.CONFIRMED
    assert bench.target.sent() == [command.id]


@pytest.mark.parametrize("wrong", [UnsupportedError("it cannot"), UnsupportedError("it cannot")])
async def test_a_target_that_says_unsupported_of_a_command_has_given_no_answer(
    bench: Bench, wrong: BaseException
) -> None:
    bench.target.sends[bench.device.id].append(wrong)
    bench.target.reads[bench.device.id].append(wrong)
    async with bench.working():
        done = await bench.settled(await write(bench, MIN_SOC=20.0))
    assert done.state is S.CONFIRMED
    assert bench.target.asked == [("send", done.id), ("read", done.id), ("read", done.id)]


async def test_the_same_key_is_the_same_write_whatever_its_device_says_by_now(bench: Bench) -> None:
    async with bench.working():
        first = await bench.settled(await write(bench, key="k", MIN_SOC=20.0))
        bench.target.tells.append(UNREACHABLE)
        assert await write(bench, key="k", MIN_SOC=20.0) == first
        with pytest.raises(ConflictError):
            await write(bench, key="k", MIN_SOC=30.0)
        with pytest.raises(UnreachableError):
            await write(bench, key="other", MIN_SOC=20.0)
    assert bench.target.sent() == [first.id]


async def test_a_write_can_be_taken_back_while_the_device_is_asked_how_it_stands(bench: Bench) -> None:
    gate = Gate()
    async with bench.hub.database.writing():
        command = await write(bench, MIN_SOC=10.0)
    bench.target.tells.append(gate)
    async with bench.working():
        await until(lambda: gate.waiting == 1)
        assert (await bench.hub.commands.cancel(bench.commander, command.id)).state is S.CANCELLED
        gate.open()
        await bench.settled(await write(bench, MIN_SOC=20.0))
    assert bench.state(command) is S.CANCELLED
    assert command.id not in bench.target.sent()


async def test_settings_are_those_of_one_s_own_devices_and_writing_them_takes_a_scope(bench: Bench) -> None:
    stranger = Caller(bench.add_account("theirs").id, 9, scopes=frozenset({"control"}))
    reader = Caller(bench.account.id, 1, scopes=frozenset({"read"}))
    for ask in (
        bench.hub.commands.settings(stranger, bench.device.id),
        bench.hub.commands.submit(stranger, bench.device.id, s.WRITE, {s.MIN_SOC: 20.0}),
    ):
        with pytest.raises(UnknownDeviceError):
            await ask
    assert (await bench.hub.commands.settings(reader, bench.device.id))[s.MIN_SOC].value == 10.0
    with pytest.raises(ForbiddenError):
        await bench.hub.commands.submit(reader, bench.device.id, s.WRITE, {s.MIN_SOC: 20.0})
    bench.target.unreached.add(bench.device.id)
    with pytest.raises(UnsupportedError):
        await bench.hub.commands.settings(reader, bench.device.id)
