"""The ledger against its enemies: a hub that is killed, a hand in its database, and an export that was touched up.

An auditor has the export and the script of the documentation, and no hub.
"""

from __future__ import annotations

import http.client
import json
import random
import runpy
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.hub import DATABASE
from heliograph.model.devices import DeviceKind
from tests import live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONNECT, SEND = "/public/v2/connect/token", "/public/v2/generation-data"
CLIENT, KEY, SECRET = "auditor-s-friend", "key-for-tests", "secret-for-tests"
REMOTE = "STR1000000033862740"
SCRIPT = live.ROOT / "docs" / "verify_ledger.py"
PROGRAM = (sys.executable, "-c", "from heliograph.cli import main; main()")
START, BATCH, ROUNDS = date(2020, 1, 1), 7, 6
Json = dict[str, Any]  # any: JSON


def provision(data: Path) -> None:
    """A plant with an inverter, and a credential that may state its energies."""
    live.configure(data, serve={"limits": "off"})
    with live.provisioning(data) as setup:
        account = setup.account()
        plant = setup.plant(account, "Roof", "Asia/Shanghai")
        setup.device(plant, DeviceKind.INVERTER, "Inverter", serial=REMOTE, capacity_w=10_000.0)
        setup.credential(account, "redex", CLIENT, f"{KEY}:{SECRET}", scopes=("read", "write"))


class Client:
    """Sends over one connection, byte for byte."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection(live.HOST, port, timeout=30.0)
        asked = {"GrantType": "api_key", "ApiKey": KEY, "ClientId": CLIENT, "ClientSecret": SECRET}
        status, answer = self.post(CONNECT, json.dumps(asked).encode())
        assert status == 200, answer
        self.token: str = answer["Data"]["AccessToken"]

    def close(self) -> None:
        """Hang up."""
        self.connection.close()

    def post(self, path: str, body: bytes) -> tuple[int, Json]:
        """A call with its answer."""
        headers = {"content-type": "application/json"}
        if hasattr(self, "token"):
            headers["authorization"] = f"Bearer {self.token}"
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def body(first: int, days: int = BATCH, *, shift: str = "") -> bytes:
    """Days from a number on; each makes what its number says in tenths, and the accumulated figure follows."""
    records = [
        {
            "Timestamp": (START + timedelta(days=number)).isoformat(),
            "PeriodProductionInKWh": f"{number % 50 / 10:.1f}{shift}",
            "AccumulatedPowerInKWh": f"{100 + sum(n % 50 for n in range(number + 1)) / 10:.1f}",
        }
        for number in range(first, first + days)
    ]
    return json.dumps({"Data": records, "FrequencyType": "Daily", "RemoteInvId": REMOTE}).encode()


def program(data: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """A command of the program, in a process of its own."""
    return subprocess.run(
        [*PROGRAM, *map(str, words), "--data", str(data)], capture_output=True, text=True, timeout=60, check=False
    )


def audit(*words: object) -> subprocess.CompletedProcess[str]:
    """What an auditor runs: the script alone, cut off from everything that is installed."""
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


def tamper(data: Path, sql: str) -> None:
    """A hand in the database."""
    with closing(sqlite3.connect(data / DATABASE)) as rows, rows:
        assert rows.execute(sql).rowcount >= 1


@pytest.mark.timeout(90)
def test_a_hub_that_is_killed_keeps_each_statement_whole_or_not_at_all(tmp_path: Path) -> None:
    data, chance = tmp_path / "hub", random.Random(4)  # noqa: S311  when to kill is no secret
    provision(data)
    numbers, kept = count(), [0]
    for _ in range(ROUNDS):
        with live.started(data) as hub:
            client = Client(hub.port)

            def send(client: Client = client) -> None:
                with suppress(OSError, http.client.HTTPException):
                    for number in numbers:
                        status, answer = client.post(SEND, body(kept[0] * BATCH))
                        assert status == 200, (number, answer)
                        kept[0] += 1

            sender = threading.Thread(target=send)
            sender.start()
            time.sleep(chance.uniform(0.05, 0.3))
            hub.kill()
            sender.join()
            client.close()
        with closing(sqlite3.connect(data / DATABASE)) as rows:
            ((statements, entries),) = rows.execute(
                "SELECT (SELECT count(*) FROM statement), (SELECT count(*) FROM declared)"
            ).fetchall()
        # The last one may have been kept without its answer; its sender sends it again, and that changes nothing.
        assert statements in (kept[0], kept[0] + 1)
        assert entries == statements * BATCH
    assert kept[0] > ROUNDS
    done = program(data, "ledger", "verify", "--json")
    assert (done.returncode, json.loads(done.stdout)["sound"]) == (0, True), done.stdout + done.stderr


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A hub that was told of two weeks over HTTP, corrected once, and stopped."""
    data = tmp_path_factory.mktemp("ledger") / "hub"
    provision(data)
    with live.served(data) as hub, closing(Client(hub.port)) as client:
        calls = [body(0), body(BATCH), body(3, 1, shift="5"), body(3, 1, shift="5")]
        for call in calls:
            status, answer = client.post(SEND, call)
            assert status == 200, answer
    yield data


@pytest.fixture
def data(original: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return shutil.copytree(original, tmp_path / "hub")


@pytest.mark.parametrize("name", ["ledger.csv", "ledger.json"])
def test_an_auditor_proves_an_export_without_the_hub(data: Path, name: str) -> None:
    file, calls = data.parent / name, data.parent / "calls"
    done = program(data, "ledger", "export", "-o", file, "--statements", calls)
    assert done.returncode == 0, done.stderr
    for words in ((file,), (file, calls)):
        found = audit(*words)
        assert (found.returncode, "15 entries of 1 chains: all proved" in found.stdout) == (0, True), found
    assert program(data, "ledger", "export", "--format", name[7:]).stdout == file.read_text()


@pytest.mark.parametrize("name", ["ledger.csv", "ledger.json"])
@pytest.mark.parametrize(
    ("old", "new", "day"),
    [
        ("2020-01-05", "2020-02-05", "2020-02-05"), ("0.35", "0.36", "2020-01-04"), ("100.6", "100.7", "2020-01-04"),
        ("tests/auditor", "tests/editor", "2020-01-01"), ("STR1", "STR2", "2020-01-01"),
    ],
)  # fmt: skip
def test_a_touched_up_export_is_found_by_day(data: Path, name: str, old: str, new: str, day: str) -> None:
    file = data.parent / name
    assert program(data, "ledger", "export", "-o", file).returncode == 0
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    found = audit(file)
    assert (found.returncode, found.stderr) == (1, "")
    assert f"device 1, {day}" in found.stdout
    assert "NOT sound" in found.stdout


def test_lines_that_are_cut_out_cut_off_or_moved_are_found(data: Path) -> None:
    file = data.parent / "ledger.csv"
    assert program(data, "ledger", "export", "-o", file).returncode == 0
    head, *lines = file.read_bytes().splitlines(keepends=True)
    for left, day in (
        ([*lines[:4], *lines[5:]], "2020-01-06"), (lines[1:], "2020-01-02"), (lines[:-1], "2020-01-14"),
        ([*lines[:4], lines[5], lines[4], *lines[6:]], "2020-01-06"), ([*lines, lines[-1]], "2020-01-04"),
    ):  # fmt: skip
        file.write_bytes(b"".join([head, *left]))
        found = audit(file)
        assert (found.returncode, f"device 1, {day}" in found.stdout) == (1, True), found.stdout


def test_a_call_that_is_missing_or_was_changed_is_found_by_the_days_it_stated(data: Path) -> None:
    file, calls = data.parent / "ledger.csv", data.parent / "calls"
    assert program(data, "ledger", "export", "-o", file, "--statements", calls).returncode == 0
    (correction,) = [path for path in calls.iterdir() if b"0.35" in path.read_bytes()]
    kept = correction.read_bytes()
    for spoil in (lambda: correction.write_bytes(kept + b" "), correction.unlink):
        spoil()
        found = audit(file, calls)
        assert found.returncode == 1
        assert found.stdout.startswith("device 1, 2020-01-04, entry 15: the call that stated it is missing or")
        assert audit(file).returncode == 0


@pytest.mark.parametrize("name", ["ledger.csv", "ledger.json"])
def test_no_byte_of_an_export_can_change(data: Path, name: str) -> None:
    file = data.parent / name
    tamper(data, "DELETE FROM declared WHERE sequence > 2")
    tamper(data, "UPDATE chain SET length = 2, seal = (SELECT seal FROM declared WHERE sequence = 2)")
    assert program(data, "ledger", "export", "-o", file).returncode == 0
    script, whole = runpy.run_path(str(SCRIPT)), file.read_bytes()
    assert list(script["wrong"](*script["read"](file), None)) == []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        # Something that cannot be read ends in exit code 1 too.
        with suppress(ValueError, KeyError, TypeError, AttributeError, SystemExit):
            assert list(script["wrong"](*script["read"](file), None)) != [], place


@pytest.mark.parametrize(
    ("sql", "day"),
    [
        ("UPDATE declared SET energy = '9.9' WHERE sequence = 9", "2020-01-09"),
        ("UPDATE statement SET author = 'tests/nobody' WHERE id = 3", "2020-01-04"),
        ("DELETE FROM declared WHERE sequence = 9", "2020-01-10"),
        ("DELETE FROM statement WHERE id = 3", "2020-01-04"),
        ("UPDATE chain SET length = 14", "2020-01-04"),
        ("UPDATE statement SET body = replace(body, '0.35', '0.36') WHERE id = 3", "2020-01-04"),
    ],
)
def test_a_hand_in_the_database_is_found_by_the_hub_and_by_the_auditor(data: Path, sql: str, day: str) -> None:
    file, calls = data.parent / "ledger.json", data.parent / "calls"
    tamper(data, sql)
    proved = program(data, "ledger", "verify")
    assert (proved.returncode, f"device 1 ({REMOTE}), {day}" in proved.stdout) == (1, True), proved.stdout
    done = program(data, "ledger", "export", "-o", file, "--statements", calls)
    if done.returncode == 0:
        found = audit(file, calls)
        assert (found.returncode, f"device 1, {day}" in found.stdout) == (1, True), found.stdout
    else:
        assert "ledger verify" in done.stderr


def test_an_export_of_another_form_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    file.write_text('{"form": "heliograph-ledger-2", "chains": []}')
    found = audit(file)
    assert (found.returncode, "this reads heliograph-ledger-1" in found.stderr) == (1, True)
