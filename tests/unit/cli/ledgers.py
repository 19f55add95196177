"""A ledger for the commands to work on."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from heliograph.cli.opening import opened, operator, writing
from heliograph.hub import DATABASE
from heliograph.model.ledger import Declaration, Declared, Statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.hub import LocalHub

ODD = 'R "1",\r\n\u00fc=1'
"""What someone calls a device, and what no format may trip over."""


def declared(told: Mapping[str, tuple[str, str | None]]) -> list[Declared]:
    """Periods with their own and their accumulated energies."""
    return [Declared(on=on, period_kwh=period, accumulated_kwh=total) for on, (period, total) in told.items()]


async def declare(hub: LocalHub, device_id: int, entries: Sequence[Declared], remote: str) -> None:
    """State energies of a device."""
    body = msgspec.json.encode({"of": remote, "data": entries})
    one = Declaration(device_id=device_id, remote_id=remote, entries=entries)
    await hub.ledger.declare(operator(1), Statement(dialect="redex", operation="send", body=body, declarations=[one]))


def fill(data: Path) -> None:
    """Two statements of the inverter, of which one corrects, and one of the meter."""

    async def work(hub: LocalHub) -> None:
        async with writing(hub):
            first = {"2024-06-01": ("1.5", "10.5"), "2024-06-02": ("2.0", "12.5"), "2024-05": ("40", None)}
            await declare(hub, 1, declared(first), ODD)
            await declare(hub, 1, declared({"2024-06-02": ("2.5", "13.0")}), ODD)
            await declare(hub, 2, declared({"2024-06-01": ("7.25", None)}), "M")

    with opened(data) as hub:
        asyncio.run(work(hub))


def tamper(data: Path, sql: str) -> None:
    """Change rows behind the hub's back."""
    with closing(sqlite3.connect(data / DATABASE)) as rows, rows:
        assert rows.execute(sql).rowcount >= 1
