"""The ledger from the command line: proved, shown, exported."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING

import pytest

from heliograph.cli import ledger_views
from heliograph.model.ledger import Entry
from tests.unit.cli.conftest import run
from tests.unit.cli.ledgers import ODD, fill, tamper

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def filled(fleet: Path) -> Path:
    """A hub with a ledger of two devices."""
    fill(fleet)
    return fleet


def test_an_empty_ledger_is_sound_and_exports_nothing(fleet: Path) -> None:
    assert "0 entries of 0 devices and 0 statements: all sound" in run("ledger", "verify").err
    assert run("ledger", "export").out.startswith("accumulated_kwh,at,")
    assert json.loads(run("ledger", "export", "--format", "json").out) == {"form": "heliograph-ledger-1", "chains": []}
    assert "Nothing is stated" in run("ledger", "show", "INV-1").err


def test_a_sound_ledger_is_said_to_be_and_counted(filled: Path) -> None:
    done = run("ledger", "verify")
    assert (done.out, "5 entries of 2 devices and 3 statements: all sound" in done.err) == ("", True)
    assert run("ledger", "verify", "--device", "MTR-1", "--json").json() == {
        "sound": True, "devices": 1, "entries": 1, "statements": 3, "findings": [],
    }  # fmt: skip


def test_a_changed_byte_ends_in_exit_code_one_and_names_device_and_day(filled: Path) -> None:
    tamper(filled, "UPDATE declared SET energy = '7.26' WHERE device = 2")
    done = run("ledger", "verify", code=1)
    assert "device 2 (M), 2024-06-01, entry 1: it does not match its seal" in done.out
    assert "2 findings" in done.err
    found = run("ledger", "verify", "--json", code=1).json()
    assert (found["sound"], found["findings"][0]["on"], found["findings"][0]["device_id"]) == (False, "2024-06-01", 2)
    assert run("ledger", "verify", "--device", "INV-1").out == ""


def test_a_finding_without_a_device_is_told_too(filled: Path) -> None:
    tamper(filled, "DELETE FROM account_chain")
    assert run("ledger", "verify", code=1).out == "account 1 had 0 statements, and its last is number 3\n"


def test_what_takes_long_shows_how_far_it_is(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger_views.slow_progress("Quick", 2) as moved:
        moved(2)
    monkeypatch.setattr(ledger_views, "PATIENCE_S", -1.0)
    run("ledger", "verify")


def test_a_csv_has_every_member_the_seal_and_how_the_chain_ends(filled: Path) -> None:
    file = filled.parent / "ledger.csv"
    done = run("ledger", "export", "-o", file)
    assert "Wrote 5 entries of 2 devices." in done.err
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert list(rows[0]) == [*sorted(Entry.__struct_fields__), "seal", "chain_length", "chain_seal"]
    assert [(row["device_id"], row["on"], row["revision"], row["chain_length"]) for row in rows] == [
        ("1", "2024-05", "1", "4"), ("1", "2024-06-01", "1", "4"), ("1", "2024-06-02", "1", "4"),
        ("1", "2024-06-02", "2", "4"), ("2", "2024-06-01", "1", "1"),
    ]  # fmt: skip
    assert (rows[0]["device"], rows[0]["accumulated_kwh"], rows[1]["accumulated_kwh"]) == (ODD, "", "10.5")
    assert rows[3]["chain_seal"] == rows[3]["seal"]
    assert rows[3]["seal"] in done.err
    assert run("ledger", "export").out == file.read_text()


def test_a_json_has_a_form_and_the_same(filled: Path) -> None:
    file = filled.parent / "ledger.json"
    run("ledger", "export", "-o", file)
    export = json.loads(file.read_text())
    assert export["form"] == "heliograph-ledger-1"
    first, second = export["chains"]
    assert (first["device_id"], first["length"], first["seal"]) == (1, 4, first["entries"][-1]["seal"])
    assert first["entries"][0]["device"] == ODD
    assert second["entries"][0]["accumulated_kwh"] is None
    assert json.loads(run("ledger", "export", "--format", "json").out) == export


def test_an_export_can_be_of_a_device_a_plant_or_an_account(filled: Path) -> None:
    run("account", "add", "guest")
    run("plant", "add", "Shed", "--zone", "UTC", "--account", "guest")
    run("device", "add", "Silent", "--plant", "Roof", "--kind", "inverter")
    for words, chains in (
        (("--device", "MTR-1"), [2]), (("--device", "1", "--device", "2"), [1, 2]), (("--plant", "Roof"), [1, 2]),
        (("--plant", "Shed"), []), (("--account", "owner"), [1, 2]), (("--account", "guest"), []),
    ):  # fmt: skip
        export = json.loads(run("ledger", "export", "--format", "json", *words).out)
        assert [chain["device_id"] for chain in export["chains"]] == chains
    assert "choose by" in run("ledger", "export", "--device", "1", "--plant", "Roof", code=1).err


def test_calls_are_written_as_they_came_and_named_by_their_digest(filled: Path) -> None:
    folder, file = filled.parent / "calls", filled.parent / "ledger.csv"
    done = run("ledger", "export", "-o", file, "--statements", folder, "--device", "INV-1")
    assert "4 entries of 1 device, and 2 calls" in done.err
    written = sorted(folder.iterdir())
    assert len(written) == 2
    for path in written:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert {row["statement"] for row in csv.DictReader(file.read_text().splitlines(keepends=True))} == {
        path.name for path in written
    }


def test_a_digest_that_is_none_names_no_file(filled: Path) -> None:
    file = filled.parent / "ledger.csv"
    tamper(filled, "UPDATE statement SET sha256 = '../evil' WHERE id = 3")
    done = run("ledger", "export", "-o", file, "--statements", filled.parent / "calls", code=1)
    assert "ledger verify" in done.err
    assert not file.exists()
    assert not (filled.parent / "evil").exists()


def test_an_export_that_breaks_off_leaves_no_file_and_the_old_one_alone(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = filled.parent / "ledger.csv"
    file.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("heliograph.store.chains.links", fail)
    assert "No space left" in run("ledger", "export", "-o", file, code=1).err
    assert file.read_text() == "old"
    assert [path.name for path in filled.parent.iterdir() if path.name.endswith(".part")] == []


def test_a_chain_whose_entries_are_all_gone_is_exported_with_the_length_it_had(filled: Path) -> None:
    tamper(filled, "DELETE FROM declared WHERE device = 2")
    export = json.loads(run("ledger", "export", "--format", "json", "--device", "2").out)
    assert [(chain["length"], chain["entries"]) for chain in export["chains"]] == [(1, [])]


def test_what_is_stated_is_shown_with_its_history(filled: Path) -> None:
    shown = run("ledger", "show", "INV-1", "--json").json()
    assert [(period["on"], len(period["revisions"])) for period in shown] == [
        ("2024-05", 1), ("2024-06-01", 1), ("2024-06-02", 2),
    ]  # fmt: skip
    assert shown[2]["revisions"][1]["period_kwh"] == "2.5"
    assert shown[2]["revisions"][1]["author"] == "owner"
    assert "2.5" in run("ledger", "show", "INV-1").out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--since", "2024-06-02"), ["2024-06-02"]), (("--until", "2024-06-01"), ["2024-05"]),
        (("--since", "2024-05", "--until", "2024-06"), ["2024-05"]), (("--since", "2025"), None),
        (("--until", "2024-06-31"), None),
    ],
)  # fmt: skip
def test_a_span_chooses_what_is_shown(filled: Path, words: tuple[str, ...], found: list[str] | None) -> None:
    if found is None:
        assert f"{words[0]} must be a day" in run("ledger", "show", "1", *words, code=1).err
    else:
        assert [period["on"] for period in run("ledger", "show", "1", "--json", *words).json()] == found
