"""The journal: every command with its state, durable before anyone is told that it was accepted.

A state only moves along `NEXT_STATES`. A restart turns every SENT into UNKNOWN: whether the device heard it is then for
a read-back to tell, the command is never sent again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from heliograph.clock import Clock
from heliograph.errors import ConflictError, NotFoundError
from heliograph.model.commands import NEXT_STATES, Command, CommandState
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database

OPEN = (CommandState.ACCEPTED, CommandState.SENT, CommandState.UNKNOWN)
Argument = str | float | bool


class Journal:
    """Reads and writes the journal."""

    def __init__(self, database: Database, wall: Clock) -> None:
        self._database, self._wall = database, wall

    async def accept(
        self,
        account_id: int,
        device_id: int,
        key: str,
        name: str,
        arguments: Mapping[str, Argument],
        *,
        lifetime_s: int,
    ) -> Command:
        """Write a command down; returns after the commit.

        The same key of the same account is the same command and is returned as it stands. Raises ConflictError when
        that key was used for something else.
        """
        now_ms = self._wall.now_ms()
        command = Command(
            id=0, account_id=account_id, device_id=device_id, key=key, name=name, arguments=dict(arguments),
            state=CommandState.ACCEPTED, accepted_at_ms=now_ms, expires_at_ms=now_ms + lifetime_s * 1000,
            changed_at_ms=now_ms,
        )  # fmt: skip
        return await self._database.write(lambda rows: self._accept(rows, command))

    @staticmethod
    def _accept(rows: Rows, command: Command) -> Command:
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
        return command

    async def move(self, command_id: int, state: CommandState, *, code: str = "") -> Command:
        """Move a command to its next state; returns after the commit.

        Raises NotFoundError, and ConflictError for a state that does not follow, as when another task was quicker.
        """
        now_ms = self._wall.now_ms()

        def job(rows: Rows) -> Command:
            found = rows.execute("SELECT body FROM command WHERE id = ?", (command_id,)).fetchone()
            if found is None:
                raise NotFoundError(f"there is no command {command_id}")
            held = msgspec.msgpack.decode(found[0], type=Command)
            if state not in NEXT_STATES[held.state]:
                raise ConflictError(f"a command that is {held.state.value} cannot become {state.value}")
            moved = msgspec.structs.replace(held, state=state, changed_at_ms=now_ms, code=code or held.code)
            _write(rows, moved)
            return moved

        return await self._database.write(job)

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


def _write(rows: Rows, command: Command) -> None:
    rows.execute(
        "UPDATE command SET state = ?, body = ? WHERE id = ?",
        (command.state.value, msgspec.msgpack.encode(command), command.id),
    )
