"""Folding a plant's whole history anew: after its zone changed, or the rules of its zone or of folding did."""

from __future__ import annotations

import hashlib
import zoneinfo
from datetime import date
from importlib import resources
from pathlib import Path

from heliograph.clock import HOUR_MS, day_of, forget_zones, zone
from heliograph.store.base import Rows
from heliograph.store.buckets import drop_plant
from heliograph.store.ledger import periods
from heliograph.store.registry import Registry
from heliograph.store.samples import HotTier
from heliograph.store.schema import RULES
from heliograph.store.sealed import Tiers
from heliograph.store.sqlite import Database


def fingerprint(name: str) -> str:
    """A digest of a zone's rules in the tz database in use."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    package, _, leaf = f"tzdata/zoneinfo/{name}".rpartition("/")
    data = resources.files(package.replace("/", ".")).joinpath(leaf).read_bytes()
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class Refolding:
    """Drops totals and marks every day that has samples."""

    def __init__(self, database: Database, registry: Registry, hot: HotTier, tiers: Tiers) -> None:
        self._database, self._registry = database, registry
        self._hot, self._tiers = hot, tiers

    def refold(self, rows: Rows, plant_id: int) -> None:
        """Drop a plant's totals and mark its days, inside a transaction."""
        plant = self._registry.plants[plant_id]
        tz = zone(plant.zone)
        drop_plant(rows, plant_id)
        dirty: dict[int, set[int]] = {}
        for device_id in self._registry.plant_devices.get(plant_id, []):
            rows.execute("DELETE FROM dirty WHERE device = ?", (device_id,))
            for hour in self._tiers.covered_hours(device_id, rows):
                # A reading at the very start of a day ends the day before.
                for at_ms in (hour * HOUR_MS - 1, (hour + 1) * HOUR_MS - 1):
                    dirty.setdefault(day_of(at_ms, tz), set()).add(device_id)
            for on in periods(rows, device_id):
                first = date.fromisoformat(on if len(on) > len("2023-05") else f"{on}-01")
                dirty.setdefault(first.toordinal(), set()).add(device_id)
        self._hot.forget()
        self._hot.mark(dirty, rows)

    def refold_new_rules(self, rows: Rows) -> bool:
        """Refold everything that was folded by other rules than today's; returns whether anything was."""
        held = rows.execute("SELECT value FROM meta WHERE key = 'rules'").fetchone()
        if held is not None and held[0] == RULES:
            return False
        rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('rules', ?)", (RULES,))
        for plant_id in self._registry.plants:
            self.refold(rows, plant_id)
        return bool(self._registry.plants)

    def refold_changed_zones(self, rows: Rows) -> list[str]:
        """Compare each zone's rules with those its plants were folded by; refold where they differ.

        Returns the zones that changed.
        """
        changed: list[str] = []
        for name in sorted({plant.zone for plant in self._registry.plants.values()}):
            now = fingerprint(name)
            held = rows.execute("SELECT value FROM meta WHERE key = ?", (f"zone:{name}",)).fetchone()
            if held is not None and held[0] == now:
                continue
            rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (f"zone:{name}", now))
            if held is None:
                continue
            forget_zones()
            changed.append(name)
            for plant in self._registry.plants.values():
                if plant.zone == name:
                    self.refold(rows, plant.id)
        return changed
