"""Opening a data directory for a command."""

from __future__ import annotations

import fcntl
import os
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from heliograph import config
from heliograph.cli.settings import template
from heliograph.errors import ConfigError, ConflictError
from heliograph.hub import DATABASE, KEY, LocalHub
from heliograph.model.access import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from heliograph.clock import Clock
    from heliograph.config import Config
    from heliograph.store.base import Rows

OPERATOR = frozenset({"read", "write", "admin"})


def require(data: Path) -> None:
    """Raises ConfigError when a directory holds no hub, or lacks its key file."""
    if not (data / DATABASE).is_file():
        raise ConfigError(f"there is no hub in {data}: make one with `heliograph init --data {data}`, or name another")
    if not (data / KEY).is_file():
        raise ConfigError(f"{data / KEY} is missing, and without it no secret can be read: restore it from a backup")


def create(data: Path) -> None:
    """Make a directory that only its owner may enter, with its settings file. Raises ConfigError if a hub is there."""
    if (data / DATABASE).exists():
        raise ConfigError(f"there is a hub in {data} already")
    if data.is_dir() and any(entry.name != config.FILE for entry in data.iterdir()):
        raise ConfigError(f"{data} is not empty: name a new directory")
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    path = data / config.FILE
    if not path.exists():
        path.write_text(template(), encoding="utf-8")
        path.chmod(0o600)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold a directory as the one process that serves it. Raises ConflictError while another does.

    Two would each send the same commands, and neither would know the other's sessions, nonces and limits.
    """
    handle = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"a hub serves {data} already: stop it first, or name another directory") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def opened(data: Path, *, settings: Config | None = None, clock: Clock | None = None) -> Iterator[LocalHub]:
    """The hub of a directory without its workers, closed at the end. Raises ConfigError when there is none."""
    require(data)
    hub = LocalHub(data, settings or config.load(data), clock=clock)
    try:
        yield hub
    finally:
        hub.database.close()


@asynccontextmanager
async def writing(hub: LocalHub) -> AsyncIterator[None]:
    """Run the task that writes, so that what awaits a commit can be called."""
    async with hub.database.writing():
        yield
        await hub.hot.flush()


def operator(account_id: int) -> Caller:
    """Who works at the data directory itself: everything of an account, no credential."""
    return Caller(account_id, 0, None, OPERATOR)


def audit(hub: LocalHub, rows: Rows, account_id: int, action: str, detail: str) -> None:
    """Write into the audit trail what the command line did, inside a transaction."""
    hub.registry.audit(rows, account_id, 0, action, f"{detail} by command line, user {os.getuid()}")
