"""The journal: every command with its state, durable before anyone is told that it was accepted.

A state only moves along `NEXT_STATES`. A restart turns every SENT into UNKNOWN: whether the device heard it is then for
a read-back to tell, the command is never sent again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from heliograph.clock import Clock
from heliograph.errors import ConflictError, NotFoundError
from heliograph.model.commands import NEXT_STATES, Argument, Command, CommandState
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database

OPEN = (CommandState.ACCEPTED, CommandState.SENT, CommandState.UNKNOWN)
Also = Callable[[Rows, Command], None]
"""What else a transaction does with a command that it has just written."""


class Journal:
    """Reads and writes the journal."""

    def __init__(self, database: Database, wall: Clock) -> None:
        self._database, self._wall = database, wall
        self.changed: Callable[[], None] = lambda: None
        """Called after each commit that changed a command."""

    async def accept(
        self, account_id: int, device_id: int, key: str, name: str, arguments: Mapping[str, Argument], *,
        lifetime_s: int, credential_id: int = 0, also: Also | None = None,
    ) -> Command:  # fmt: skip
        """Write a command down; returns after the commit. `also` belongs to the same transaction.

        The same key of the same account is the same command and is returned as it stands, without `also`. Raises
        ConflictError when that key was used for something else.
        """
        now_ms = self._wall.now_ms()
        command = Command(
            id=0, account_id=account_id, device_id=device_id, key=key, name=name, arguments=dict(arguments),
            state=CommandState.ACCEPTED, accepted_at_ms=now_ms, expires_at_ms=now_ms + lifetime_s * 1000,
            changed_at_ms=now_ms, credential_id=credential_id,
        )  # fmt: skip
        accepted = await self._database.write(lambda rows: self._accept(rows, command, also))
        self.changed()
        return accepted

    @staticmethod
    def _accept(rows: Rows, command: Command, also: Also | None) -> Command:
        held = rows.execute(
            "SELECT body FROM command WHERE account = ? AND key = ?", (command.account_id, command.key)
        ).fetchone()
        if held is not None:
            old = msgspec.msgpack.decode(held[0], type=Command)
            if (old.device_id, old.name, old.arguments) != (command.device_id, command.name, command.arguments):
                raise ConflictError(f"the key {command.key!r} belongs to another command")
            return old
        cursor = rows.execute(
            "INSERT INTO command (account, device, key, state, body) VALUES (?, ?, ?, ?, x'')",
            (command.account_id, command.device_id, command.key, command.state.value),
        )
        command = msgspec.structs.replace(command, id=int(cursor.lastrowid or 0))
        _write(rows, command)
        if also is not None:
            also(rows, command)
        return command

    async def move(
        self, command_id: int, state: CommandState, *, code: str = "", progress: float | None = None,
        also: Also | None = None,
    ) -> Command:  # fmt: skip
        """Move a command to its next state; returns after the commit. `also` belongs to the same transaction.

        Raises NotFoundError, and ConflictError for a state that does not follow, as when another task was quicker.
        """

        def job(rows: Rows) -> Command:
            held, now_ms = _read(rows, command_id), self._wall.now_ms()
            if state not in NEXT_STATES[held.state]:
                raise ConflictError(f"a command that is {held.state.value} cannot become {state.value}")
            moved = msgspec.structs.replace(
                held, state=state, changed_at_ms=now_ms, code=code or held.code,
                sent_at_ms=now_ms if state is CommandState.SENT else held.sent_at_ms,
                progress=held.progress if progress is None else progress,
            )  # fmt: skip
            _write(rows, moved)
            if also is not None:
                also(rows, moved)
            return moved

        moved = await self._database.write(job)
        self.changed()
        return moved

    async def note(self, command_id: int, progress: float) -> None:
        """Write down how much of a command is done. [%] Raises NotFoundError, ConflictError when it is settled."""

        def job(rows: Rows) -> None:
            held = _read(rows, command_id)
            if held.settled:
                raise ConflictError(f"a command that is {held.state.value} does not get any further")
            _write(rows, msgspec.structs.replace(held, progress=progress, changed_at_ms=self._wall.now_ms()))

        await self._database.write(job)
        self.changed()

    def get(self, command_id: int) -> Command | None:
        """One command."""
        found = self._database.query("SELECT body FROM command WHERE id = ?", (command_id,))
        return msgspec.msgpack.decode(found[0][0], type=Command) if found else None

    def holds(self, account_id: int, key: str) -> bool:
        """Whether an account has a command of this key."""
        return bool(self._database.query("SELECT 1 FROM command WHERE account = ? AND key = ?", (account_id, key)))

    def of_devices(self, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """The commands of devices, newest first; with `name` those of that name."""
        found: list[Command] = []
        for device_id in dict.fromkeys(device_ids):
            rows = self._database.query("SELECT body FROM command WHERE device = ?", (device_id,))
            found.extend(msgspec.msgpack.decode(body, type=Command) for (body,) in rows)
        kept = [command for command in found if name in ("", command.name)]
        return sorted(kept, key=lambda command: command.id, reverse=True)

    def open_devices(self) -> set[int]:
        """The devices with commands that are not settled."""
        states = tuple(state.value for state in OPEN)
        found = self._database.query("SELECT DISTINCT device FROM command WHERE state IN (?, ?, ?)", states)
        return {device for (device,) in found}

    async def recover(self) -> int:
        """After a restart: what was SENT is UNKNOWN, what is past its end is EXPIRED. Returns how many moved."""
        now_ms = self._wall.now_ms()

        def job(rows: Rows) -> int:
            moved = 0
            for (body,) in rows.execute("SELECT body FROM command WHERE state IN ('sent', 'accepted')").fetchall():
                held = msgspec.msgpack.decode(body, type=Command)
                if held.state is CommandState.SENT:
                    state = CommandState.UNKNOWN
                elif held.expires_at_ms <= now_ms:
                    state = CommandState.EXPIRED
                else:
                    continue
                _write(rows, msgspec.structs.replace(held, state=state, changed_at_ms=now_ms))
                moved += 1
            return moved

        return await self._database.write(job)

    def open_commands(self, device_id: int) -> list[Command]:
        """The commands of a device that are not settled, oldest first."""
        found = self._database.query(
            "SELECT body FROM command WHERE device = ? AND state IN (?, ?, ?) ORDER BY id",
            (device_id, *(state.value for state in OPEN)),
        )
        return [msgspec.msgpack.decode(body, type=Command) for (body,) in found]


def _read(rows: Rows, command_id: int) -> Command:
    found = rows.execute("SELECT body FROM command WHERE id = ?", (command_id,)).fetchone()
    if found is None:
        raise NotFoundError(f"there is no command {command_id}")
    return msgspec.msgpack.decode(found[0], type=Command)


def _write(rows: Rows, command: Command) -> None:
    rows.execute(
        "UPDATE command SET state = ?, body = ? WHERE id = ?",
        (command.state.value, msgspec.msgpack.encode(command), command.id),
    )
