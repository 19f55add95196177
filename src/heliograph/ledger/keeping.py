"""Keeping the ledger: a statement is checked, kept as it came, applied and sealed in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from heliograph.clock import Clock, day_of, zone
from heliograph.errors import ForbiddenError, NotFoundError, Problem, RecordsError, UnknownDeviceError
from heliograph.ledger.checks import ACCUMULATED, DAY, MONTH, ON, PERIOD, Limits, check, same
from heliograph.model.access import Caller
from heliograph.model.devices import Device
from heliograph.model.ledger import Declaration, Declared, Entry, Filed, Kept, Receipt, Statement
from heliograph.store import ledger as rows_of
from heliograph.store.base import Rows
from heliograph.store.registry import Registry
from heliograph.store.samples import HotTier
from heliograph.store.sight import Sights
from heliograph.store.sqlite import Database

FIELDS = (ON, PERIOD, ACCUMULATED)
"""The fields that a problem may name."""


class Ledger:
    """The generation ledger of a hub; see the contract."""

    def __init__(
        self, database: Database, registry: Registry, sights: Sights, hot: HotTier, clock: Clock, wall: Clock
    ) -> None:
        self._database, self._registry, self._sights, self._hot = database, registry, sights, hot
        self._clock, self._wall = clock, wall

    async def declare(self, caller: Caller, statement: Statement) -> Kept:
        """See the contract. What is disabled takes no statements, from nobody."""
        if "write" not in caller.scopes:
            raise ForbiddenError("this needs the scope write")
        seen = self._sights.of(caller).devices
        for one in statement.declarations:
            if one.device_id not in seen:
                raise UnknownDeviceError(f"there is no device {one.device_id}", device=one.remote_id)
        devices = [seen[one.device_id] for one in statement.declarations]
        weight = 1 + 2 * sum(len(one.entries) for one in statement.declarations)
        return await self._database.write(lambda rows: self._declare(rows, caller, statement, devices), weight=weight)

    def _declare(self, rows: Rows, caller: Caller, statement: Statement, devices: Sequence[Device]) -> Kept:
        held = [self._held(rows, one) for one in statement.declarations]
        problems: list[Problem] = []
        seen: dict[int, int] = {}
        for group, (one, device) in enumerate(zip(statement.declarations, devices, strict=True)):
            if device.id in seen:
                problems.append(Problem(0, ON, f"the device is there twice, first as number {seen[device.id]}", group))
            seen.setdefault(device.id, group)
            stated = {on: present.declared for on, present in held[group].items()}
            problems.extend(check(one.entries, stated, self._limits(device), group))
        if problems:
            raise RecordsError(problems)
        return self._keep(rows, caller, statement, devices, held)

    def _limits(self, device: Device) -> Limits:
        plant = self._registry.plants[device.plant_id]
        today = date.fromordinal(day_of(self._clock.now_ms(), zone(plant.zone)))
        # A meter has no rating of its own; what it counts is still made in its plant.
        return Limits(today, device.capacity_w or plant.capacity_w)

    @staticmethod
    def _held(rows: Rows, one: Declaration) -> Mapping[str, rows_of.Present]:
        """What is stated at present of the periods of a declaration and of those beside them."""
        found: dict[str, rows_of.Present] = {}
        for monthly, form in ((False, DAY), (True, MONTH)):
            periods = [entry.on for entry in one.entries if form.fullmatch(entry.on)]
            if periods:
                found |= rows_of.around(rows, one.device_id, min(periods), max(periods), monthly=monthly)
        return found

    def _keep(
        self, rows: Rows, caller: Caller, statement: Statement, devices: Sequence[Device],
        held: Sequence[Mapping[str, rows_of.Present]],
    ) -> Kept:  # fmt: skip
        changes = [
            [entry for entry in one.entries if entry.on not in present or not same(entry, present[entry.on].declared)]
            for one, present in zip(statement.declarations, held, strict=True)
        ]
        new = sum(entry.on not in present for fresh, present in zip(changes, held, strict=True) for entry in fresh)
        corrected = sum(map(len, changes)) - new
        unchanged = sum(len(one.entries) for one in statement.declarations) - new - corrected
        filed, at_ms = self._filed(caller, statement)
        if not any(changes):
            known = rows_of.known_statement(rows, caller.account_id, filed.sha256, statement.operation)
            if known is not None:
                return Kept(statement_id=known, unchanged=unchanged)
        filed = replace(filed, number=rows_of.put_statement(rows, filed, statement.body, at_ms))
        made: list[Entry] = []
        for one, device, fresh, present in zip(statement.declarations, devices, changes, held, strict=True):
            made += rows_of.put_entries(rows, _entries(filed, one, fresh, present), filed.number)
            self._hot.mark({entry.first_day.toordinal(): {device.id} for entry in fresh}, rows)
        rows_of.seal_statement(rows, filed, made)
        self._registry.audit(
            rows, caller.account_id, caller.credential_id, "ledger.stated",
            f"statement {filed.number}: {new} new, {corrected} corrected",
        )  # fmt: skip
        return Kept(statement_id=filed.number, new=new, unchanged=unchanged, corrected=corrected)

    def _filed(self, caller: Caller, statement: Statement) -> tuple[Filed, int]:
        """A statement as it will be filed, without what only the database can tell, and when it came. [ms]"""
        at_ms = self._wall.now_ms()
        filed = Filed(
            account_id=caller.account_id, at=rows_of.format_at(at_ms), author=self._author(caller),
            credential_id=caller.credential_id, dialect=statement.dialect, number=0, operation=statement.operation,
            previous="", sequence=0, sha256=hashlib.sha256(statement.body).hexdigest(), stated="",
        )  # fmt: skip
        return filed, at_ms

    def _author(self, caller: Caller) -> str:
        account = self._registry.accounts[caller.account_id].name
        names = [c.name for c in self._registry.credentials.values() if c.id == caller.credential_id]
        return f"{account}/{names[0]}" if names else account

    async def declared(self, caller: Caller, device_id: int, since: str, until: str) -> list[Declared]:
        """See the contract."""
        self._sights.device(caller, device_id)
        with self._database.snapshot() as rows:
            months = rows_of.present(rows, device_id, since, until, monthly=True)
            return sorted([*rows_of.present(rows, device_id, since, until), *months], key=lambda one: one.on)

    async def receipt(self, caller: Caller, statement_id: int) -> Receipt:
        """See the contract."""
        with self._database.snapshot() as rows:
            found = rows_of.receipt(rows, caller.account_id, statement_id)
        if found is None:
            raise NotFoundError(f"there is no statement {statement_id}")
        return found


def _entries(
    filed: Filed, one: Declaration, fresh: Sequence[Declared], held: Mapping[str, rows_of.Present]
) -> list[Entry]:
    """What a declaration adds to the chain of its device, by periods; the places in it are still open."""
    return [
        Entry(
            accumulated_kwh=entry.accumulated_kwh, at=filed.at, author=filed.author, device=one.remote_id,
            device_id=one.device_id, on=entry.on, period_kwh=entry.period_kwh, previous="",
            revision=held[entry.on].revision + 1 if entry.on in held else 1, sequence=0, statement=filed.sha256,
        )
        for entry in sorted(fresh, key=lambda entry: entry.on)
    ]  # fmt: skip
