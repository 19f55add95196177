"""What journals in memory have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.errors import ConflictError
from heliograph.model.commands import Argument, Command, CommandState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from heliograph.model.access import Caller


def accepted(
    caller: Caller,
    number: int,
    device_id: int,
    name: str,
    arguments: Mapping[str, Argument],
    *,
    key: str = "",
    at_ms: int = 0,
    lifetime_s: int,
) -> Command:
    """A command as it stands once it was accepted."""
    return Command(
        id=number, account_id=caller.account_id, device_id=device_id, key=key, name=name, arguments=dict(arguments),
        state=CommandState.ACCEPTED, accepted_at_ms=at_ms, expires_at_ms=at_ms + lifetime_s * 1000,
        changed_at_ms=at_ms, credential_id=caller.credential_id,
    )  # fmt: skip


def given_before(
    held: Iterable[Command], key: str, device_id: int, name: str, arguments: Mapping[str, Argument]
) -> Command | None:
    """The command of this key, if there is one. Raises ConflictError when it asks for something else."""
    for command in held:
        if key and command.key == key:
            if (command.device_id, command.name, command.arguments) != (device_id, name, arguments):
                raise ConflictError("the key belongs to another command")
            return command
    return None


def newest_first(held: Iterable[Command], device_ids: Sequence[int], name: str) -> list[Command]:
    """The commands of devices, of this name unless it is empty."""
    return [each for each in held if each.device_id in device_ids and name in ("", each.name)][::-1]
