"""What `doctor` finds in healthy and broken directories."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.conftest import free_port, run
from tests.unit.cli.ledgers import fill, tamper
from tests.unit.cli.test_importing import csv

if TYPE_CHECKING:
    from pathlib import Path


def findings(data: Path, code: int, port: int | None = None) -> dict[str, tuple[str, str]]:
    """Status and advice by check."""
    done = run("doctor", "--data", data, "--port", port or free_port(), "--json", code=code)
    assert done.json()["ok"] is (code == 0)
    return {entry["check"]: (entry["status"], entry["advice"]) for entry in done.json()["checks"]}


def test_a_healthy_hub_passes(fleet: Path) -> None:
    run("import", csv(fleet, f"device,at,ac.power\n1,{int(time.time() * 1000)},1\n"))
    run("credential", "add", "native")
    found = findings(fleet, 0)
    assert {status for check, (status, _) in found.items() if check != "disk"} == {"ok"}
    text = run("doctor", "--port", free_port())
    assert "database: heliograph.db is sound" in text.out
    assert "Nothing failed" in text.err


def test_an_empty_place_fails_and_is_left_empty(tmp_path: Path) -> None:
    found = findings(tmp_path, 1)
    assert "heliograph init" in found["database"][1]
    assert list(tmp_path.iterdir()) == []
    assert findings(tmp_path / "nowhere", 1)["directory"][0] == "fail"


def test_each_fault_is_found_and_says_what_to_do(fleet: Path) -> None:
    run("credential", "add", "native")
    (fleet / "heliograph.toml").write_text("[serve]\nprot = 1\n")
    (fleet / "heliograph.key").chmod(0o644)
    fleet.chmod(0o755)
    found = findings(fleet, 1)
    assert "serve.port" in found["settings"][1]
    assert found["key file"] == ("fail", f"chmod 600 {fleet}/heliograph.key; then replace every credential")
    assert found["directory"] == ("warn", f"chmod 700 {fleet}")


def test_another_key_is_found(fleet: Path, tmp_path: Path) -> None:
    run("credential", "add", "native")
    run("init", "--data", tmp_path / "other")
    (tmp_path / "other" / "heliograph.key").replace(fleet / "heliograph.key")
    found = findings(fleet, 1)
    assert (found["key file"][0], found["secrets"][0]) == ("ok", "fail")
    (fleet / "heliograph.key").unlink()
    found = findings(fleet, 1)
    assert (found["key file"][0], found["secrets"][0]) == ("fail", "fail")
    assert not (fleet / "heliograph.key").exists()


def test_a_damaged_database_is_found(fleet: Path) -> None:
    path = fleet / "heliograph.db"
    path.write_bytes(b"no database" * 1000)
    assert findings(fleet, 1)["database"][0] == "fail"


def test_a_clock_that_fell_back_is_found(fleet: Path) -> None:
    later_s = time.time() + 3 * 3600
    os.utime(fleet / "heliograph.key", (later_s, later_s))
    assert "NTP" in findings(fleet, 1)["clock"][1]


def test_a_port_that_is_taken_is_found(fleet: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert findings(fleet, 1, taken.getsockname()[1])["port"][0] == "fail"


def test_old_samples_are_worth_a_word(fleet: Path) -> None:
    run("import", csv(fleet, "device,at,ac.power\n1,2020-06-01T10:00Z,1\n"))
    assert findings(fleet, 0)["clock"][0] == "warn"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[dialects.redex]\nlatr = true\n", "dialects.redex"),
        ("[dialects.redex]\nlater = 3\n", "dialects.redex"),
        ("[dialects.native]\nlater = true\n", "no settings for native"),
        ("[dialects.sun]\n", "no dialect 'sun'"),
    ],
)
def test_settings_of_a_dialect_that_it_does_not_have_are_found(fleet: Path, text: str, says: str) -> None:
    (fleet / "heliograph.toml").write_text(text)
    done = run("doctor", "--data", fleet, "--port", free_port(), "--json", code=1)
    (found,) = [entry for entry in done.json()["checks"] if entry["check"] == "settings"]
    assert found["status"] == "fail"
    assert says in found["detail"]
    assert "dialects.redex.later" in found["advice"]


def test_settings_of_a_dialect_that_it_has_are_fine(fleet: Path) -> None:
    (fleet / "heliograph.toml").write_text("[dialects.redex]\nlater = true\n")
    assert findings(fleet, 0)["settings"][0] == "ok"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM declared WHERE device = 1 AND sequence = 4",
        "UPDATE declared SET seal = 'x' WHERE device = 1 AND sequence = 4",
        "UPDATE chain SET length = 3 WHERE device = 1",
        "DELETE FROM declared WHERE device = 2",
        "DELETE FROM statement WHERE id = 3",
        "UPDATE account_chain SET seal = 'x'",
        "UPDATE account_chain SET length = 2",
    ],
)
def test_a_chain_of_the_ledger_that_ends_otherwise_is_found(fleet: Path, sql: str) -> None:
    fill(fleet)
    assert findings(fleet, 0)["ledger"][0] == "ok"
    tamper(fleet, sql)
    status, advice = findings(fleet, 1)["ledger"]
    assert (status, "ledger verify" in advice) == ("fail", True)


def test_a_package_whose_file_is_gone_is_found(fleet: Path) -> None:
    file = fleet.parent / "image.bin"
    file.write_bytes(b"image")
    run("firmware", "add", "--model", "SUN", "--version", "2", file)
    assert findings(fleet, 0)["firmware"][0] == "ok"
    for path in (fleet / "firmware").iterdir():
        path.write_bytes(b"image, longer")
    assert findings(fleet, 1)["firmware"][0] == "fail"


def test_a_table_that_is_gone_is_no_reason_to_break_off(fleet: Path) -> None:
    with closing(sqlite3.connect(fleet / "heliograph.db")) as rows:
        rows.execute("DROP TABLE firmware")
        rows.execute("DROP TABLE chain")
    found = findings(fleet, 1)
    assert (found["firmware"][0], found["ledger"][0]) == ("fail", "fail")
