"""The ledger as files: every entry with its seal, how each chain ends, and the calls as they came."""

from __future__ import annotations

import csv
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from heliograph.errors import ConflictError
from heliograph.model.ledger import Entry
from heliograph.store import chains as stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heliograph.store.base import Rows

FORM = "heliograph-ledger-1"
MEMBERS = tuple(sorted(Entry.__struct_fields__))
"""The members of the canonical text, in its order."""
COLUMNS = (*MEMBERS, "seal", "chain_length", "chain_seal")
SHA256 = re.compile(r"[0-9a-f]{64}")


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The chain of a device as it is exported: how it ends by the ledger's own account, and every entry."""

    device_id: int
    length: int
    seal: str
    entries: list[dict[str, Any]]  # any: the members of the canonical text, and the seal


class End(msgspec.Struct, frozen=True, kw_only=True):
    """What was written of a chain."""

    device_id: int
    entries: int
    seal: str


def chain_of(rows: Rows, device_id: int) -> Chain:
    """The chain of a device as its rows are now."""
    end = stored.head(rows, device_id)
    entries = [
        {**msgspec.to_builtins(link.sealed.entry), "seal": link.sealed.seal} for link in stored.links(rows, device_id)
    ]
    return Chain(device_id=device_id, length=end.length, seal=end.seal, entries=entries)


def write_chains(chains: Iterable[Chain], text: IO[str], *, as_json: bool) -> tuple[list[End], set[str]]:
    """Write chains, one after the other; returns how each ends, and the digests of the calls they name."""
    ends: list[End] = []
    digests: set[str] = set()
    lines = csv.writer(text)  # ends lines as the standard says, so that no break within a name is taken for one
    if as_json:
        text.write(f'{{"form":"{FORM}","chains":[')
    else:
        lines.writerow(COLUMNS)
    for chain in chains:
        if not chain.entries and not chain.length:
            continue
        if as_json:
            text.write((",\n" if ends else "\n") + msgspec.json.encode(chain).decode())
        else:
            lines.writerows(
                [*(entry[name] for name in (*MEMBERS, "seal")), chain.length, chain.seal] for entry in chain.entries
            )
        ends.append(End(device_id=chain.device_id, entries=len(chain.entries), seal=chain.seal))
        digests.update(entry["statement"] for entry in chain.entries)
    text.write("\n]}\n" if as_json else "")
    return ends, digests


@contextmanager
def whole(path: Path | None) -> Iterator[IO[str]]:
    """A text file that appears under its name only when it is whole; stdout for None."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as text:
            yield text
            text.flush()
            os.fsync(text.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_calls(rows: Rows, digests: set[str], folder: Path) -> int:
    """Write calls as they came, each under its digest; returns how many.

    Raises ConflictError for a digest that is none.
    """
    if not all(SHA256.fullmatch(name) for name in digests):
        raise ConflictError("a statement's digest was changed: `heliograph ledger verify` tells which")
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    for name, body in stored.bodies(rows, digests):
        part = folder / f".{name}.{os.getpid()}.part"
        part.write_bytes(body)
        part.replace(folder / name)
        written.add(name)
    return len(written)
