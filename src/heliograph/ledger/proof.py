"""Proving the ledger: every seal computed again, from the rows and from the calls that stated them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from heliograph.ledger.words import Words
from heliograph.model.ledger import Entry
from heliograph.store import chains
from heliograph.store.base import Rows
from heliograph.store.ledger import Head

Place = tuple[int, int, str]
"""Where an entry stands: device, place in its chain, period."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the ledger is not what it was: the device and day where it can be told, entry and statement."""

    device_id: int = 0
    device: str = ""
    on: str = ""
    sequence: int = 0
    statement: int = 0
    message: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What proving found: how much was proved, and everything that is wrong."""

    devices: int = 0
    entries: int = 0
    statements: int = 0
    findings: tuple[Finding, ...] = ()


def prove(rows: Rows, device_ids: Sequence[int] | None = None, moved: Callable[[int], None] = lambda _: None) -> Proof:
    """Prove the chains of these devices, or all, and every statement. `moved` hears of entries and statements done.

    What is wrong with statements about other devices alone is left out.
    """
    wanted = chains.chained(rows) if device_ids is None else list(device_ids)
    findings: list[Finding] = []
    entries = 0
    for device_id in wanted:
        chain = list(chains.links(rows, device_id))
        findings.extend(_chain(device_id, chain, chains.head(rows, device_id)))
        entries += len(chain)
        moved(len(chain))
    statements, found = _statements(rows, moved)
    findings.extend(one for one in found if device_ids is None or one.device_id in (0, *device_ids))
    return Proof(devices=len(wanted), entries=entries, statements=statements, findings=tuple(findings))


def _chain(device_id: int, chain: Sequence[chains.Link], end: Head) -> Iterator[Finding]:
    """Where a device's chain does not hold together."""
    revisions: dict[str, int] = {}
    before = 0
    for link in chain:
        entry = link.sealed.entry
        if entry.sequence != before + 1:
            yield _found(entry, f"after entry {before} comes entry {entry.sequence}: some are missing or moved")
        before = entry.sequence
        if not link.known:
            yield _found(entry, f"the call that stated it, statement {link.statement_id}, is gone")
        elif not link.whole or entry.seal() != link.sealed.seal:
            yield _found(entry, "it does not match its seal: the entry, its call, or the one before it was changed")
        revisions[entry.on] = revisions.get(entry.on, 0) + 1
        if entry.revision != revisions[entry.on]:
            yield _found(entry, f"it is revision {entry.revision} of its period, but {revisions[entry.on]} was due")
    last = chain[-1].sealed if chain else None
    if end.length != before:
        message = f"the chain had {end.length} entries and ends with entry {before}"
        yield Finding(device_id=device_id, message=message) if last is None else _found(last.entry, message)
    elif last is not None and end.seal != last.seal:
        yield _found(last.entry, "the chain ended with another seal")


def _statements(rows: Rows, moved: Callable[[int], None]) -> tuple[int, list[Finding]]:
    """How many statements there are, and what is wrong with them: with their chains, their bytes, their entries."""
    heads = chains.account_heads(rows)
    ends: dict[int, Head] = {}
    findings: list[Finding] = []
    count = 0
    for one in chains.statements(rows):
        count += 1
        before = ends.get(one.filed.account_id, Head())
        ends[one.filed.account_id] = Head(one.filed.sequence, one.seal)
        findings.extend(_statement(one, before, chains.stated_by(rows, one.filed.number)))
        moved(1)
    for account_id in sorted(heads.keys() | ends.keys()):
        kept, found = heads.get(account_id, Head()), ends.get(account_id, Head())
        if kept != found:
            message = f"account {account_id} had {kept.length} statements, and its last is number {found.length}"
            seal = "; it ended with another seal" if kept.length == found.length else ""
            findings.append(Finding(message=message + seal))
    return count, findings


def _statement(one: chains.Statement, before: Head, held: Mapping[tuple[int, int], Entry]) -> Iterator[Finding]:
    filed = one.filed
    stated = _stated(filed.stated)
    for device_id, sequence, on in stated:
        entry = held.get((device_id, sequence))
        if entry is None or entry.on != on:
            message = f"statement {filed.number} of {filed.at} made this entry, and it is gone"
            yield Finding(device_id=device_id, on=on, sequence=sequence, statement=filed.number, message=message)
    for place in held.keys() - {(device_id, sequence) for device_id, sequence, _ in stated}:
        yield _found(held[place], f"statement {filed.number} did not make it", filed.number)
    if not one.whole or filed.seal() != one.seal:
        message = (
            f"statement {filed.number} of {filed.at} does not match its seal: it, or the one before it was changed"
        )
        yield from _everywhere(filed.number, stated, held, message)
    if filed.sequence != before.length + 1:
        message = f"after statement {before.length} of account {filed.account_id} comes {filed.sequence}: some are gone"
        yield from _everywhere(filed.number, stated[:1], held, message)
    if hashlib.sha256(one.body).hexdigest() != filed.sha256:
        yield from _everywhere(filed.number, stated, held, f"the bytes of statement {filed.number} were changed")
        return
    words = Words(one.body)
    for entry in held.values():
        if not words.say(entry):
            yield _found(entry, f"statement {filed.number} says something else", filed.number)


def _stated(text: str) -> list[Place]:
    """The places in a statement's list of entries; none where it cannot be read."""
    try:
        return msgspec.convert(json.loads(text), list[Place])
    except (ValueError, RecursionError, msgspec.ValidationError):
        return []


def _everywhere(
    number: int, stated: Sequence[Place], held: Mapping[tuple[int, int], Entry], message: str
) -> Iterator[Finding]:
    """A finding for each entry that a statement made, or one for itself."""
    for device_id, sequence, on in stated:
        entry = held.get((device_id, sequence))
        name = "" if entry is None else entry.device
        yield Finding(device_id=device_id, device=name, on=on, sequence=sequence, statement=number, message=message)
    if not stated:
        yield Finding(statement=number, message=message)


def _found(entry: Entry, message: str, statement: int = 0) -> Finding:
    return Finding(
        device_id=entry.device_id, device=entry.device, on=entry.on, sequence=entry.sequence, statement=statement,
        message=message,
    )  # fmt: skip
