"""`serve` in a process of its own, and commands beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from heliograph.cli.serve import run_stoppable, stop_if_heard, stoppable
from tests.unit.cli.conftest import Server, free_port, run
from tests.unit.cli.test_importing import csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_served_hub_notices_what_commands_change(fleet: Path, start: Callable[..., Server]) -> None:
    server = start("serve", "--data", fleet)
    token = run("credential", "add", "native", "--json").json()["token"]
    run("import", csv(fleet, "device,at,ac.power,x:new\n1,2026-06-01T10:00Z,1,2\n"))
    time.sleep(1.5)
    history = server.get("/api/v1/devices/1/history?since=2026-06-01&until=2026-06-02", token)
    assert history["columns"] == {"ac.power": [1.0], "x:new": [2.0]}
    run("backup", fleet.parent / "hub.tar")
    assert "stop it first" in run("restore", fleet.parent / "hub.tar", "--force", code=1).err
    other = ("--port", free_port())
    assert f"a hub serves {fleet} already: stop it first" in run("serve", *other, code=1).err
    assert "cannot listen" in run("demo", "--data", fleet.parent / "demo", "--port", server.port, code=1).err
    port = [
        entry for entry in run("doctor", "--port", server.port, "--json").json()["checks"] if entry["check"] == "port"
    ]
    assert "a hub of version" in port[0]["detail"]
    done, took_s = server.stop()
    assert (done.code, took_s < 3) == (0, True), done
    assert f"http://127.0.0.1:{server.port}" in done.err
    assert "Traceback" not in done.err


def test_serve_needs_a_hub(tmp_path: Path) -> None:
    assert "heliograph init" in run("serve", "--data", tmp_path, "--port", free_port(), code=1).err


def test_a_signal_that_an_import_swallowed_is_still_heard() -> None:
    begun = []

    async def work() -> None:
        begun.append(True)

    with stoppable():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        run_stoppable(work())
    with stoppable():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        stop_if_heard()
        begun.append(True)
    assert not begun
    with stoppable():
        run_stoppable(work())
    assert begun == [True]


def test_ctrl_c_while_the_program_is_loaded_leaves_no_traceback() -> None:
    program = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may ignore it
import heliograph.__main__
class Stop:
    def find_spec(self, *_):
        signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Stop())
heliograph.__main__.main()
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")


def test_help_does_not_load_what_is_heavy() -> None:
    heavy = "{'numpy', 'granian', 'pyarrow', 'pvlib', 'starlette'}"
    check = f"import sys, heliograph.cli; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
