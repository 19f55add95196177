"""The firmware catalogue on disk: rows in the database, files beside it by their digests."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from heliograph.errors import BadRequestError, ConflictError, DeviceFileError, NotFoundError
from heliograph.model.firmware import Firmware, version_key
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database

PIECE = 1 << 20
"""How much of a file is read at once. [bytes]"""


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Catalogue:
    """Reads and writes the packages that devices can be upgraded with."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    def path(self, firmware: Firmware) -> Path:
        """Where the file of a package lies."""
        return self._folder / firmware.sha256

    def all(self) -> list[Firmware]:
        """Every package, by model, older versions first."""
        found = [
            msgspec.msgpack.decode(body, type=Firmware) for (body,) in self._database.query("SELECT body FROM firmware")
        ]
        return sorted(found, key=lambda one: (one.model, version_key(one.version)))

    async def newest_for(self, model: str, version: str) -> Firmware:
        """The newest package for a model that a device with this version can take.

        Raises NotFoundError when there is none, DeviceFileError when its file is missing or is not what was added.
        """
        found = [
            msgspec.msgpack.decode(body, type=Firmware)
            for (body,) in self._database.query("SELECT body FROM firmware WHERE model = ?", (model,))
        ]
        fitting = [one for one in found if one.fits(version)]
        if not fitting:
            raise NotFoundError(f"the catalogue has no package for {model or 'this model'} after {version or 'none'}")
        newest = max(fitting, key=lambda one: version_key(one.version))
        if not await asyncio.to_thread(self.sound, newest):
            raise DeviceFileError(f"the file of {newest.model} {newest.version} is missing or was changed")
        return newest

    def sound(self, firmware: Firmware) -> bool:
        """Whether the file of a package is what was added."""
        return self.there(firmware) and digest(self.path(firmware)) == firmware.sha256

    def take_file(self, source: Path, moved: Callable[[int], None] = lambda _: None) -> tuple[str, int]:
        """Copy a file into the catalogue's folder; returns its digest and size. Written whole or not at all.

        `moved` hears of the bytes copied. Raises BadRequestError for an empty file, ConflictError for one that
        changes meanwhile.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = source.stat()
        if not before.st_size:
            raise BadRequestError(f"{source.name} is empty", field="file")
        machine = hashlib.sha256()
        with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as written:
            part = Path(written.name)
            try:
                with source.open("rb") as read:
                    while piece := read.read(PIECE):
                        machine.update(piece)
                        written.write(piece)
                        moved(len(piece))
                written.flush()
                os.fsync(written.fileno())
                after = source.stat()
                if (written.tell(), before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                    raise ConflictError(f"{source.name} changed while it was read")
                part.replace(self._folder / machine.hexdigest())
            finally:
                part.unlink(missing_ok=True)
        return machine.hexdigest(), before.st_size

    def drop_file(self, sha256: str) -> bool:
        """Delete a file that no package of the catalogue needs any more; whether it was deleted."""
        if any(one.sha256 == sha256 for one in self.all()):
            return False
        (self._folder / sha256).unlink(missing_ok=True)
        return True

    def missing(self) -> list[Firmware]:
        """The packages whose file is not there, or not of the size that it had."""
        return [one for one in self.all() if not self.there(one)]

    def there(self, firmware: Firmware) -> bool:
        """Whether the file of a package is there, of the size that it had."""
        path = self.path(firmware)
        return path.is_file() and path.stat().st_size == firmware.size

    @staticmethod
    def put(rows: Rows, firmware: Firmware) -> Firmware:
        """Keep a package; a version of a model that is there already is replaced."""
        rows.execute("DELETE FROM firmware WHERE model = ? AND version = ?", (firmware.model, firmware.version))
        cursor = rows.execute(
            "INSERT INTO firmware (model, version, body) VALUES (?, ?, x'')", (firmware.model, firmware.version)
        )
        firmware = msgspec.structs.replace(firmware, id=int(cursor.lastrowid or 0))
        rows.execute("UPDATE firmware SET body = ? WHERE id = ?", (msgspec.msgpack.encode(firmware), firmware.id))
        return firmware

    @staticmethod
    def remove(rows: Rows, model: str, version: str) -> Firmware:
        """Take a package out and return it; its file stays, see `drop_file`. Raises NotFoundError."""
        row = (model, version)
        found = rows.execute("SELECT body FROM firmware WHERE model = ? AND version = ?", row).fetchone()
        if found is None:
            raise NotFoundError(f"the catalogue has no {model} {version}")
        rows.execute("DELETE FROM firmware WHERE model = ? AND version = ?", row)
        return msgspec.msgpack.decode(found[0], type=Firmware)
