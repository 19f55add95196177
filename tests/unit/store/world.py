"""Small hubs and stores for the tests: one account, plants and devices made as wanted, clocks that stand still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from heliograph.clock import FixedClock, instant_ms, zone
from heliograph.config import Config, SealConfig
from heliograph.hub import LocalHub
from heliograph.model.access import Caller
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device, DeviceKind, MeterRole
from heliograph.model.plants import Account, Plant
from heliograph.model.samples import Block
from heliograph.rollup.levels import RollupConfig
from heliograph.store.base import Submission
from heliograph.store.buckets import Buckets
from heliograph.store.names import Names
from heliograph.store.samples import HotTier, pack
from heliograph.store.sealed import Tiers
from heliograph.store.sqlite import Database, StoreConfig
from heliograph.watch.worker import WatchConfig

NaN = float("nan")
NEVER_S = 1e6
QUIET = Config(
    rollup=RollupConfig(fold_every_s=NEVER_S),
    seal=SealConfig(every_s=NEVER_S),
    store=StoreConfig(busy_timeout_s=0.2, cache_mb=1),
    watch=WatchConfig(every_s=NEVER_S),
)
"""A hub whose workers do nothing by themselves."""


def at(text: str, name: str = "UTC") -> int:
    """The instant of a wall time in a zone. [ms since 1970, UTC]"""
    return instant_ms(datetime.fromisoformat(text).replace(tzinfo=zone(name)))


def block(device_id: int, readings: Mapping[int, Mapping[str, float | str]]) -> Block:
    """Readings by instant and key as one block."""
    numbers = {key for bag in readings.values() for key, value in bag.items() if not isinstance(value, str)}
    keys = tuple(sorted(numbers))
    values = np.array([[float(bag.get(key, NaN)) for key in keys] for bag in readings.values()], np.float64)
    texts = {
        row: {key: value for key, value in bag.items() if isinstance(value, str)}
        for row, bag in enumerate(readings.values())
    }
    kept = {row: bag for row, bag in texts.items() if bag}
    return Block(keys, [device_id] * len(readings), list(readings), values.reshape(len(readings), len(keys)), kept)


def columns(series: BucketSeries) -> dict[int, dict[str, float]]:
    """Buckets as dictionaries by start, without what is missing."""
    found: dict[int, dict[str, float]] = {}
    for index, since in enumerate(series.since_ms.tolist()):
        found[since] = {
            name: float(values[index]) for name, values in series.columns.items() if not np.isnan(values[index])
        }
    return found


class Store:
    """The parts of a store, without a hub above them."""

    def __init__(self, path: Path, config: StoreConfig | None = None) -> None:
        self.database = Database(path, config or QUIET.store)
        self.names = Names()
        self.hot = HotTier(self.database, self.names)
        self.tiers = Tiers(self.database, self.names)
        self.buckets = Buckets(self.database)
        self.database.after_rollback = self.forget
        self.load_names()

    def load_names(self) -> None:
        """Mirror the names on disk."""
        self.names.load(self.database.query)

    def forget(self) -> None:
        """What a hub does after a rollback."""
        self.hot.forget()
        self.load_names()

    def submission(self, *blocks: Block, **more: Any) -> Submission:  # any: the submission's own fields
        """Blocks as one submission that touches no day."""
        return Submission([pack(one) for one in blocks], more.pop("dirty", {}), **more)

    def put(self, device_id: int, readings: Mapping[int, Mapping[str, float | str]]) -> tuple[int, int, int]:
        """Keep readings; returns how many were accepted, held already, corrected."""
        made = self.submission(block(device_id, readings))
        done = self.database.write_now(lambda rows: self.hot.apply(made, rows))
        return done.accepted, done.duplicates, done.corrected

    def bags(
        self, device_id: int, since_ms: int = -(1 << 50), until_ms: int = 1 << 50, keys: Sequence[str] | None = None
    ) -> dict[int, dict[str, float | str]]:
        """What the tiers hold of a device, by instant and key."""
        series = self.tiers.series(device_id, since_ms, until_ms, keys)
        found: dict[int, dict[str, float | str]] = {}
        for index, instant in enumerate(series.at_ms.tolist()):
            bag: dict[str, float | str] = {
                key: float(values[index]) for key, values in series.columns.items() if not np.isnan(values[index])
            }
            bag.update({key: word for key, line in series.texts.items() if (word := line[index]) is not None})
            found[instant] = bag
        return found

    def audit(self) -> list[str]:
        """The details of the audit trail, oldest first."""
        return [detail for (detail,) in self.database.query("SELECT detail FROM audit ORDER BY id")]


class World:
    """A hub with one account, and callers for it and for a stranger."""

    def __init__(self, path: Path, *, now: str = "2024-06-10T12:00:00", config: Config = QUIET) -> None:
        self.clock, self.wall = FixedClock(at(now)), FixedClock(at(now))
        self.path, self.config = path, config
        self.hub = LocalHub(path, config, clock=self.clock, wall=self.wall)
        self.account = self.add_account("ours")
        self.caller = Caller(self.account.id, 1)
        self.admin = Caller(self.account.id, 1, scopes=frozenset({"read", "write", "admin"}))

    def reopen(self) -> None:
        """Open the data directory again, as after a kill: nothing was finished, nothing closed in order."""
        database = self.hub.database
        database.reader.close()
        database.writer.close()
        self.hub = LocalHub(self.path, self.config, clock=self.clock, wall=self.wall)

    def close(self) -> None:
        """Close the database."""
        self.hub.database.close()

    def add_account(self, name: str) -> Account:
        """A new account."""
        made = Account(id=0, name=name)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_account(rows, made))

    def add_plant(self, zone_name: str = "UTC", **more: Any) -> Plant:  # any: the plant's own fields
        """A new plant of the account."""
        fields = {"account_id": self.account.id, "name": "a plant", **more}
        made = Plant(id=0, zone=zone_name, **fields)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_plant(rows, made))

    def add_device(
        self, plant: Plant, kind: DeviceKind = DeviceKind.INVERTER, role: MeterRole = MeterRole.GRID, **more: Any
    ) -> Device:  # any: the device's own fields
        """A new device of a plant."""
        made = Device(id=0, plant_id=plant.id, kind=kind, name=kind.value, role=role, **more)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_device(rows, made))
