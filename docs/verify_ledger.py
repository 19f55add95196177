"""Verify an exported generation ledger: python -I verify_ledger.py EXPORT.csv|EXPORT.json [FOLDER_OF_STATEMENTS]."""

import csv
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

FORM, FIRST, NUMBERS = "heliograph-ledger-1", "0" * 64, ("device_id", "revision", "sequence")
MEMBERS = (*NUMBERS, "accumulated_kwh", "at", "author", "device", "on", "period_kwh", "previous", "statement")
Entry = dict[str, Any]  # as in the file: numbers of a CSV are texts
End = tuple[str, str, str]  # device, length and last seal of a chain


def read(path: Path) -> tuple[list[Entry], set[End]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix.lower() != ".json":
            rows = [row | {"accumulated_kwh": row["accumulated_kwh"] or None} for row in csv.DictReader(file)]
            return rows, {(row["device_id"], row["chain_length"], row["chain_seal"]) for row in rows}
        export = json.load(file)
    if export["form"] != FORM:
        raise SystemExit(f"this reads {FORM}, not {export['form']}")
    ends = {(str(chain["device_id"]), str(chain["length"]), str(chain["seal"])) for chain in export["chains"]}
    return [entry for chain in export["chains"] for entry in chain["entries"]], ends


def seal(entry: Entry) -> str:
    cells = {name: entry[name] if name in NUMBERS else json.dumps(entry[name], ensure_ascii=False) for name in MEMBERS}
    text = "{" + ",".join(f'"{name}":{cells[name]}' for name in sorted(cells)) + "}"
    return sha256(text.encode("utf-8", "replace")).hexdigest()


def wrong(entries: list[Entry], ends: set[End], folder: Path | None) -> Iterator[str]:
    last: dict[str, Entry] = {}
    for entry in entries:
        place = f"device {entry['device_id']}, {entry['on']}, entry {entry['sequence']}"
        if seal(entry) != entry["seal"]:
            yield f"{place}: it does not match its seal"
        if entry["previous"] != last.get(str(entry["device_id"]), {"seal": FIRST})["seal"]:
            yield f"{place}: it does not follow the entry before it"
        call = folder / entry["statement"] if folder else None
        if call and (not call.is_file() or sha256(call.read_bytes()).hexdigest() != entry["statement"]):
            yield f"{place}: the call that stated it is missing or was changed"
        last[str(entry["device_id"])] = entry
    for device, length, end in sorted(ends):
        found = last.get(device, {"sequence": 0, "seal": FIRST, "on": "no day"})
        if (str(found["sequence"]), found["seal"]) != (length, end):
            yield f"device {device}, {found['on']}: the chain ends with entry {found['sequence']} of {length}"


if __name__ == "__main__":
    entries, ends = read(Path(sys.argv[1]))
    found = list(wrong(entries, ends, Path(sys.argv[2]) if len(sys.argv) > 2 else None))
    verdict = "NOT sound" if found else "all proved"
    sys.stdout.write("\n".join([*found, f"{len(entries)} entries of {len(ends)} chains: {verdict}", ""]))
    sys.exit(1 if found else 0)
