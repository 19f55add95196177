"""Keeping the firmware catalogue from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.cli.opening import audit
from heliograph.cli.output import progress
from heliograph.errors import BadRequestError
from heliograph.model.firmware import Firmware
from heliograph.protocol.times import format_instant

if TYPE_CHECKING:
    from pathlib import Path

    from heliograph.cli.output import Listing
    from heliograph.hub import LocalHub
    from heliograph.store.base import Rows

FIRMWARE = {
    "model": "model", "version": "version", "upgrades": "upgrades", "file": "file", "size": "size [bytes]",
    "sha256": "SHA-256", "added_at": "added", "file_there": "file is there",
}  # fmt: skip
HUB = 0
"""The catalogue belongs to the hub, not to an account: so do its lines in the audit trail."""


def add_package(hub: LocalHub, file: Path, model: str, version: str, upgrades: tuple[str, ...]) -> Firmware:
    """Copy a file into the catalogue and keep its package. Raises BadRequestError for one without name or content."""
    if not model or not version:
        raise BadRequestError("a package needs a model and a version", field="model" if not model else "version")
    with progress() as bars:
        bar = bars.add_task("Copying", total=file.stat().st_size)
        sha256, size = hub.firmware.take_file(file, lambda step: bars.advance(bar, step))
    package = Firmware(
        id=0, model=model, version=version, file=file.name, sha256=sha256, size=size, added_at_ms=hub.wall.now_ms(),
        upgrades=upgrades,
    )  # fmt: skip
    before = [one.sha256 for one in hub.firmware.all() if (one.model, one.version) == (model, version)]

    def job(rows: Rows) -> Firmware:
        audit(hub, rows, HUB, "firmware.added", f"{model} {version}, SHA-256 {sha256}")
        return hub.firmware.put(rows, package)

    added = hub.database.write_now(job)
    for replaced in before:
        hub.firmware.drop_file(replaced)
    return added


def remove_package(hub: LocalHub, model: str, version: str) -> None:
    """Take a package out, and its file where no other needs it. Raises NotFoundError."""

    def job(rows: Rows) -> Firmware:
        removed = hub.firmware.remove(rows, model, version)
        audit(hub, rows, HUB, "firmware.removed", f"{model} {version}, SHA-256 {removed.sha256}")
        return removed

    hub.firmware.drop_file(hub.database.write_now(job).sha256)


def show_package(hub: LocalHub, package: Firmware) -> Listing:
    """A package, and whether its file is there."""
    shown = msgspec.to_builtins(package)
    at_ms = shown.pop("added_at_ms")
    return {**shown, "added_at": format_instant(at_ms), "file_there": hub.firmware.there(package)}
