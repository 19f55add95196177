"""A data directory to work on, and the program to work on it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from typer.testing import CliRunner

from heliograph.cli import app
from heliograph.clock import WallClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROGRAM = (sys.executable, "-c", "from heliograph.cli import main; main()")


class Done(NamedTuple):
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it wrote on stdout, as JSON."""
        return json.loads(self.out)


def run(*words: object, code: int = 0) -> Done:
    """Run a command in this process; its exit code must be `code`."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return Done(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new hub, which the environment names."""
    directory = tmp_path / "hub"
    monkeypatch.setenv("HELIOGRAPH_DATA", str(directory))
    run("init")
    return directory


@pytest.fixture
def fleet(data: Path) -> Path:
    """A hub with an account, a plant in Berlin, an inverter and a meter."""
    run("account", "add", "owner")
    run("plant", "add", "Roof", "--zone", "Europe/Berlin", "--capacity-kw", 10, "--tariff", 0.3)
    run("device", "add", "Inverter", "--plant", "Roof", "--kind", "inverter", "--serial", "INV-1")
    run("device", "add", "Meter", "--plant", "Roof", "--kind", "meter", "--role", "grid", "--serial", "MTR-1")
    return data


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The program in a process of its own, which listens."""

    def __init__(self, *words: object, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [*PROGRAM, *(str(word) for word in words), "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )

    def wait(self, limit_s: float = 60.0) -> None:
        """Return once it answers."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            assert self.process.poll() is None, self.process.communicate()
            try:
                assert self.get("/healthz")["status"] == "ok"
            except OSError:
                time.sleep(0.05)
                continue
            return
        raise AssertionError("it does not answer")

    def get(self, path: str, token: str = "") -> Any:
        """The JSON that a path answers with."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310  as above
            return json.loads(reply.read())

    def stop(self) -> tuple[Done, float]:
        """Interrupt it as Ctrl-C does; returns what it left and how long it took. [s]"""
        begun_s = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        return Done(self.process.returncode, out, err), time.monotonic() - begun_s


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers that do not outlive the test."""
    servers: list[Server] = []

    def begin(*words: object, port: int | None = None) -> Server:
        servers.append(Server(*words, port=port or free_port()))
        servers[-1].wait()
        return servers[-1]

    yield begin
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def minutes_ago(minutes: int) -> int:
    """An instant on a whole minute. [ms since 1970, UTC]"""
    return WallClock().now_ms() // 60_000 * 60_000 - minutes * 60_000
