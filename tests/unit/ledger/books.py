"""A small hub with a ledger: what is stated, what the tables hold, what proving says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from heliograph.ledger.proof import Proof, prove
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.devices import Device
from heliograph.model.ledger import Declaration, Declared, Kept, Statement
from heliograph.store import chains
from tests.unit.store.world import World

TABLES = ("statement", "declared", "chain", "account_chain", "audit", "dirty")
WORDS = {"@entry": "WHERE device = 1 AND sequence = 3", "@call": "WHERE id = 2", "@other": "f" * 64}
Told = Mapping[str, str | tuple[str, str]]
"""Energies by day or month: the period's, or the period's and the accumulated."""


def declared(told: Told) -> list[Declared]:
    """Energies as the ledger takes them."""
    pairs = {on: (what, None) if isinstance(what, str) else what for on, what in told.items()}
    return [Declared(on=on, period_kwh=period, accumulated_kwh=total) for on, (period, total) in pairs.items()]


def body_of(*devices: Sequence[Declared], mark: str = "") -> bytes:
    """A call that says this."""
    return msgspec.json.encode({"mark": mark, "devices": devices})


class Books:
    """A hub with two devices of one plant, and one credential."""

    def __init__(self, path: Path, **more: Any) -> None:  # any: fields of the devices
        self.world = World(path, now="2024-06-10T12:00:00")
        self.hub = self.world.hub
        self.plant = self.world.add_plant("Europe/Berlin")
        self.devices: list[Device] = [self.world.add_device(self.plant, **more) for _ in range(2)]
        made = Credential(id=0, account_id=self.world.account.id, dialect="redex", name="meter-man", secret=Secret("s"))
        self.credential = self.hub.database.write_now(lambda rows: self.hub.registry.put_credential(rows, made))
        self.caller: Caller = self.credential.caller()

    async def state(self, *told: Told, mark: str = "", body: bytes | None = None, operation: str = "state") -> Kept:
        """State energies: the first of the first device, the second of the second."""
        entries = [declared(one) for one in told]
        declarations = [
            Declaration(device_id=device.id, remote_id=f"R-{device.id}", entries=one)
            for device, one in zip(self.devices, entries, strict=False)
        ]
        statement = Statement(
            dialect="redex",
            operation=operation,
            body=body_of(*entries, mark=mark) if body is None else body,
            declarations=declarations,
        )
        async with self.hub.database.writing():
            self.world.wall.at_ms += 1000
            return await self.hub.ledger.declare(self.caller, statement)

    def dump(self) -> dict[str, list[Any]]:  # any: rows of a database
        """Everything that a statement changes."""
        return {table: self.hub.database.query(" ".join(("SELECT * FROM", table))) for table in TABLES}

    def prove(self, device_ids: Sequence[int] | None = None) -> Proof:
        """What proving finds."""
        with self.hub.database.snapshot() as rows:
            return prove(rows, device_ids)

    def chain(self, device: int = 0) -> list[chains.Link]:
        """The entries of a device."""
        with self.hub.database.snapshot() as rows:
            return list(chains.links(rows, self.devices[device].id))

    def tamper(self, sql: str, *parameters: Any, step: str = "") -> int:  # any: cells of a database
        """Change rows behind the hub's back; returns how many.

        `@entry` is the third entry of the first device, `@call` the second statement, `@other` no seal of anything.
        """
        for word, text in {**WORDS, "@step": step}.items():
            sql = sql.replace(word, text)
        return self.hub.database.writer.execute(sql, parameters).rowcount
