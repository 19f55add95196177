"""What the ledger states at present, as folding needs it."""

from __future__ import annotations

import re
from decimal import Decimal

from heliograph.store.base import Rows

NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def has_chain(rows: Rows, device_id: int) -> bool:
    """Whether anything was ever stated of a device."""
    return rows.execute("SELECT 1 FROM chain WHERE device = ?", (device_id,)).fetchone() is not None


def declared_wh(rows: Rows, device_id: int, on: str) -> float | None:
    """The energy that is stated of a day (`2023-05-01`) or month (`2023-05`) of a device. [Wh]"""
    found = rows.execute(
        "SELECT energy FROM declared WHERE device = ? AND period = ? ORDER BY revision DESC LIMIT 1", (device_id, on)
    ).fetchone()
    # A figure that someone touched is for the proof of the ledger to find; folding goes on without it.
    return float(Decimal(found[0]) * 1000) if found is not None and NUMBER.fullmatch(str(found[0])) else None
