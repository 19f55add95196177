"""Hubs to measure: made with their devices and data, and run as processes of their own."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench import fleet
from bench.processes import HOST, BenchError, Served, free_port, serving
from bench.pushes import ACCESS_KEY, ACCESS_SECRET, DEVICE_TYPE, meter_name
from heliograph.clock import DAY_MS, Level
from heliograph.config import FILE, load
from heliograph.dialects.energy_expert import DEVICE_SCHEME
from heliograph.dialects.huawei.lookup import DEVICES, PLANTS
from heliograph.hub import DATABASE, LocalHub
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Account, Plant
from heliograph.model.samples import Block
from heliograph.store.buckets import NO_DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from heliograph.model.samples import Floats
    from heliograph.store.base import Rows

USER, PASSWORD = "bench", "bench-password"
FOX_TOKEN = f"{USER}-s3cret"
ROOT = Path(__file__).resolve().parent.parent
HOUR_STEPS = 12


class Place(msgspec.Struct, frozen=True):
    """A hub's data directory and the names of what is in it."""

    folder: Path
    caller: Caller
    meters: list[int]
    inverters: list[int]
    plant_codes: list[str]
    inverter_numbers: list[str]

    def values(self, records: Mapping[int, int]) -> int:
        """How many values so many records of each device hold."""
        return sum(
            count * len(fleet.METER_KEYS if device in self.meters else fleet.INVERTER_KEYS)
            for device, count in records.items()
        )


def settings(folder: Path, *, port: int = 0, seal_after_h: float = 6.0, seal_every_s: float = 60.0) -> None:
    """Write the configuration: limits off, loopback, the rest as it comes but for when days are sealed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(
        f'[serve]\nhost = "{HOST}"\nport = {port}\nlimits = "off"\n'
        f"[seal]\nafter_h = {seal_after_h}\nevery_s = {seal_every_s}\n"
    )


def provision(folder: Path, devices: int) -> Place:
    """Make a hub: so many plants, each with a meter and an inverter, and the credentials of all used dialects."""
    settings(folder)
    hub = LocalHub(folder, load(folder))
    registry = hub.registry

    def job(rows: Rows) -> Caller:
        account = registry.put_account(rows, Account(id=0, name="bench"))
        for number in range(devices):
            plant = registry.put_plant(
                rows, Plant(id=0, account_id=account.id, name=f"Plant {number}", zone="UTC", capacity_w=110_000.0)
            )
            for kind in (DeviceKind.METER, DeviceKind.INVERTER):
                device = Device(id=0, plant_id=plant.id, kind=kind, name=f"{kind.value} {number}", capacity_w=110_000.0)
                device = registry.put_device(rows, device)
                if kind is DeviceKind.METER:
                    registry.put_alias(rows, DEVICE_SCHEME(DEVICE_TYPE), meter_name(number), device.id)
        fox_name, _, fox_secret = FOX_TOKEN.partition("-")
        for dialect, name, secret in (
            ("energy_expert", ACCESS_KEY, ACCESS_SECRET), ("huawei", USER, PASSWORD), ("foxess", fox_name, fox_secret),
        ):  # fmt: skip
            registry.put_credential(
                rows, Credential(id=0, account_id=account.id, dialect=dialect, name=name, secret=Secret(secret))
            )
        registry.mint(rows, PLANTS, list(registry.plants))
        registry.mint(rows, DEVICES, list(registry.devices))
        return Caller(account.id, 0)

    caller = hub.database.write_now(job)
    of_kind = {kind: [d.id for d in registry.devices.values() if d.kind is kind] for kind in DeviceKind}
    codes, numbers = registry.by_id(PLANTS), registry.by_id(DEVICES)
    place = Place(
        folder, caller, of_kind[DeviceKind.METER], of_kind[DeviceKind.INVERTER],
        [codes[plant] for plant in registry.plants], [numbers[n] for n in of_kind[DeviceKind.INVERTER]],
    )  # fmt: skip
    hub.database.close()
    return place


async def _fill(place: Place, days: Iterator[fleet.Day], tick: Callable[[], None], *, finish: bool) -> None:
    hub = LocalHub(place.folder, load(place.folder))
    async with hub.database.writing():
        for day in days:
            for members, keys, values in (
                (place.meters, fleet.METER_KEYS, day.meters),
                (place.inverters, fleet.INVERTER_KEYS, day.inverters),
            ):
                blocks = [
                    block(members, keys, day.at_ms[at : at + HOUR_STEPS].tolist(), values[:, at : at + HOUR_STEPS])
                    for at in range(0, fleet.STEPS, HOUR_STEPS)
                ]
                await hub.ingest(place.caller, blocks, source="bench")
            if finish:
                await hub.folding.fold_all()
                await hub.sealing.seal_until(int(day.at_ms[0]) + DAY_MS)
            tick()
        await hub.hot.flush()
    hub.database.close()


def block(members: Sequence[int], keys: tuple[str, ...], at_ms: list[int], values: Floats) -> Block:
    """All devices at each time, as they would come."""
    rows = values.transpose(1, 0, 2).reshape(-1, len(keys))
    return Block(keys, list(members) * len(at_ms), [at for at in at_ms for _ in members], rows)


def fill(place: Place, days: Iterator[fleet.Day], tick: Callable[[], None], *, finish: bool) -> None:
    """Give a hub that is not running days of readings; with `finish` each is folded and sealed."""
    asyncio.run(_fill(place, days, tick, finish=finish))


@contextmanager
def running(folder: Path, *, seal_after_h: float = 6.0, seal_every_s: float = 60.0) -> Iterator[Served]:
    """The hub as a process, until the block ends."""
    port = free_port()
    settings(folder, port=port, seal_after_h=seal_after_h, seal_every_s=seal_every_s)
    paths = [str(ROOT), *(path for path in sys.path if path)]
    command = [sys.executable, "-m", "bench.serve", str(folder)]
    with serving(command, port, "/healthz", folder, {"PYTHONPATH": os.pathsep.join(paths)}) as served:
        yield served


class Contents(msgspec.Struct, frozen=True):
    """What a database holds."""

    records: int
    """Hot and sealed."""
    sealed: dict[int, int]
    """Of them sealed, by device."""
    folded_days: int
    """Totals of a device's day."""
    used_bytes: int
    """Pages in use; the rest of the file is free for new records."""


def contents(folder: Path) -> Contents:
    """Count what a hub keeps, beside the hub or after it."""
    with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)) as rows:

        def one(sql: str) -> int:
            return int(rows.execute(sql).fetchone()[0] or 0)

        sealed = dict(rows.execute("SELECT device, sum(rows) FROM sealed GROUP BY device").fetchall())
        return Contents(
            one("SELECT count(*) FROM sample") + sum(sealed.values()),
            sealed,
            one(f"SELECT count(*) FROM bucket WHERE level = {Level.DAY:d} AND device <> {NO_DEVICE}"),  # noqa: S608  numbers of ours
            (one("PRAGMA page_count") - one("PRAGMA freelist_count")) * one("PRAGMA page_size"),
        )


def checkpoint(folder: Path) -> int:
    """Fold the log into the database of a hub that is not running; what both files take. [bytes]"""
    path = folder / DATABASE
    with closing(sqlite3.connect(path)) as rows:
        busy = rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise BenchError("the log could not be folded into the database")
    return sum(each.stat().st_size for each in folder.glob(f"{DATABASE}*"))
