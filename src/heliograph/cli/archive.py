"""A backup: a tar file with the database as of one moment, the key file, the settings and the firmware packages."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from heliograph import config
from heliograph.cli.opening import opened
from heliograph.cli.output import progress
from heliograph.errors import BadRequestError, ConflictError, StoreError
from heliograph.hub import DATABASE, FIRMWARE, KEY
from heliograph.store.sqlite import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMBERS = (DATABASE, KEY, config.FILE)
PACKAGE = re.compile(rf"{FIRMWARE}/[0-9a-f]{{64}}")
"""A firmware package by its digest."""
ZIPPED = (".gz", ".tgz")
# The bytes of a database file that every open connection of SQLite holds a shared lock on while the log is in use.
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510


def pack(data: Path, target: Path) -> list[str]:
    """Write a backup of a hub that may be serving; returns what it holds. Nothing of it is left if it breaks off."""
    with opened(data) as hub, _beside(target) as folder:
        copy = folder / DATABASE
        with progress() as bars:
            bar = bars.add_task("Database", total=None)
            hub.database.backup(copy, lambda left, total: bars.update(bar, completed=total - left, total=total))
            bars.update(bar, completed=1, total=1)
        sources = {DATABASE: copy, KEY: data / KEY, config.FILE: data / config.FILE}
        sources |= {f"{FIRMWARE}/{package.sha256}": hub.firmware.path(package) for package in hub.firmware.all()}
        part = folder / "backup"
        held = [name for name, path in sources.items() if path.exists()]
        with part.open("wb") as file:
            mode: Literal["w", "w:gz"] = "w:gz" if target.suffix.lower() in ZIPPED else "w"
            with tarfile.open(fileobj=file, mode=mode) as tar, progress() as bars:
                for name in bars.track(held, description="Packing"):
                    tar.add(sources[name], name, filter=_private)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o600)
        part.replace(target)
        return held


def _private(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member without the owner's name, for the owner alone."""
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o600, 0, 0, "", ""
    return entry


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A private folder on the same disk, so that what is made there can be renamed into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".heliograph-", dir=target.parent) as folder:
        yield Path(folder)


def unpack(source: Path, data: Path, *, force: bool) -> list[str]:
    """Put a backup into a directory; returns what it held.

    Raises ConflictError for a directory that is not empty unless `force`, or that a hub serves; BadRequestError for a
    file that is no backup, StoreError for one whose database is damaged. The directory is untouched then.
    """
    if data.exists() and any(data.iterdir()):
        if not force:
            raise ConflictError(f"{data} is not empty: name another directory, or replace what is there with --force")
        _refuse_served(data)
    with _beside(data) as folder:
        held = _extract(source, folder)
        _check(folder / DATABASE)
        data.mkdir(exist_ok=True)
        data.chmod(0o700)
        # The log belongs to the old database; with the new one it would be nonsense.
        for suffix in ("-wal", "-shm"):
            (data / f"{DATABASE}{suffix}").unlink(missing_ok=True)
        for name in held:
            (data / name).parent.mkdir(mode=0o700, exist_ok=True)
            (folder / name).replace(data / name)
    return held


def _extract(source: Path, folder: Path) -> list[str]:
    held: list[str] = []
    try:
        with tarfile.open(source) as tar:
            for member in tar:
                known = member.name in MEMBERS or PACKAGE.fullmatch(member.name)
                if not known or not member.isfile() or member.name in held:
                    raise BadRequestError(f"{source} is no backup: it holds {member.name!r}")
                content = tar.extractfile(member)
                if content is None:
                    continue
                path = folder / member.name
                path.parent.mkdir(mode=0o700, exist_ok=True)
                path.touch(mode=0o600)
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                held.append(member.name)
    except (tarfile.TarError, EOFError, zlib.error, BadGzipFile) as error:
        raise BadRequestError(f"{source} is no backup, or was cut short") from error
    missing = {DATABASE, KEY} - set(held)
    if missing:
        raise BadRequestError(f"{source} is no backup: {min(missing)} is not in it")
    return held


def _check(path: Path) -> None:
    database = Database(path)
    try:
        faults = database.check()
    finally:
        database.close()
    if faults:
        raise StoreError(f"the database in the backup is damaged: {faults[0]}")
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _refuse_served(data: Path) -> None:
    if (data / DATABASE).is_file() and in_use(data / DATABASE):
        raise ConflictError(f"a hub serves {data}: stop it first")


def in_use(path: Path) -> bool:
    """Whether another process has the database open. Not to be asked by a process that has it open itself."""
    with path.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except BlockingIOError:
            return True
    return False
