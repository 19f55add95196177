"""A real hub for tests: provisioned in a directory of its own, served by a process of its own on loopback.

`python -m tests.live DATA PORT` serves a directory with the settings of its `heliograph.toml`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph import app
from heliograph.config import FILE, load
from heliograph.dialects.energy_expert import DEVICE_SCHEME
from heliograph.hub import DATABASE, LocalHub
from heliograph.model.access import Credential, Secret
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Account, Plant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
START_S = 15.0

ACCESS_KEY, ACCESS_SECRET = "LTAIheliograph", "kN7-access-secret-3Qx9"
USER, PASSWORD = "northbound", "Zr4-system-code-81pT"
TOKEN_NAME, TOKEN_SECRET = "tests", "9fWq-token-secret-52Lm"
SECRETS = (ACCESS_SECRET, PASSWORD, TOKEN_SECRET)
BEARER = {"authorization": f"Bearer hg_{TOKEN_NAME}_{TOKEN_SECRET}"}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def configure(data: Path, **sections: Mapping[str, object]) -> None:
    """Write the settings of a directory, by section."""
    data.mkdir(parents=True, exist_ok=True)
    lines = [
        line
        for section, settings in sections.items()
        for line in (f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items()))
    ]
    (data / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


class Setup:
    """Registers accounts, plants, devices and credentials with a hub that no other process serves."""

    def __init__(self, hub: LocalHub) -> None:
        self.hub = hub

    def account(self, name: str = "tests") -> Account:
        """A new account."""
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_account(rows, Account(id=0, name=name)))

    def plant(self, account: Account, name: str, zone: str, **known: Any) -> Plant:  # any: fields of all types
        """A new plant."""
        plant = Plant(id=0, account_id=account.id, name=name, zone=zone, **known)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_plant(rows, plant))

    def device(
        self, plant: Plant, kind: DeviceKind, name: str, *, pushed: tuple[str, str] | None = None, **known: Any
    ) -> Device:  # any: see plant
        """A new device; `pushed` is the deviceType and deviceId under which Energy Expert clients send it."""
        wanted = Device(id=0, plant_id=plant.id, kind=kind, name=name, **known)
        device = self.hub.database.write_now(lambda rows: self.hub.registry.put_device(rows, wanted))
        if pushed is not None:
            scheme, wire = DEVICE_SCHEME(pushed[0]), pushed[1]
            self.hub.database.write_now(lambda rows: self.hub.registry.put_alias(rows, scheme, wire, device.id))
        return device

    def credential(self, account: Account, dialect: str, name: str, secret: str, **known: Any) -> Credential:
        """A new credential with every scope."""  # any: see plant
        scopes = ("read", "write", "admin")
        wanted = Credential(
            id=0, account_id=account.id, dialect=dialect, name=name, secret=Secret(secret), scopes=scopes
        )
        wanted = msgspec.structs.replace(wanted, **known)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_credential(rows, wanted))

    def credentials(self, account: Account) -> None:
        """The three credentials that the clients of these tests use."""
        self.credential(account, "energy_expert", ACCESS_KEY, ACCESS_SECRET)
        self.credential(account, "huawei", USER, PASSWORD)
        self.credential(account, "native", TOKEN_NAME, TOKEN_SECRET)


@contextmanager
def provisioning(data: Path) -> Iterator[Setup]:
    """A hub to register things with, closed at the end."""
    data.mkdir(parents=True, exist_ok=True)
    hub = LocalHub(data, load(data))
    try:
        yield Setup(hub)
    finally:
        hub.database.close()


class Served:
    """A hub that runs as a process, known by its pid."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._log = data.parent / f"{data.name}.log"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.live", str(data), str(self.port)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))},
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise

    def _wait(self) -> None:
        ask = f"GET /healthz HTTP/1.1\r\nhost: {HOST}:{self.port}\r\nconnection: close\r\n\r\n".encode()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection((HOST, self.port), 2.0) as connection:
                    connection.sendall(ask)
                    if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"the hub does not answer: {self.log()[-2000:]}")

    def log(self) -> str:
        """Everything that the process printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it as a power cut would, as far as the process is concerned."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it politely; its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextmanager
def started(data: Path) -> Iterator[Served]:
    """A directory served by a process that the block ends in its own way; what still runs then is killed."""
    process = Served(data)
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def served(data: Path) -> Iterator[Served]:
    """A directory served by a process until the block ends."""
    process = Served(data)
    try:
        yield process
    finally:
        process.stop()


class Contents(msgspec.Struct, frozen=True):
    """What a database holds."""

    hot: int
    """Records that are not sealed."""
    sealed: int
    marks: int
    """Marks of requests that must not count twice."""
    dirty: int
    """Device-days that wait to be folded."""

    @property
    def records(self) -> int:
        """All records. A late one that waits for its sealed day counts again where it replaces another."""
        return self.hot + self.sealed


def contents(data: Path) -> Contents:
    """Count what is on the disk, also beside a running hub."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as rows:
        rows.execute("BEGIN")
        counts = [
            int(rows.execute(sql).fetchone()[0])
            for sql in (
                "SELECT count(*) FROM sample",
                "SELECT ifnull(sum(rows), 0) FROM sealed",
                "SELECT count(*) FROM once",
                "SELECT count(*) FROM dirty",
            )
        ]
    return Contents(*counts)


def main(data: Path, port: int) -> None:
    """Serve a directory until a signal comes."""
    logging.basicConfig(level=logging.INFO)
    settings = load(data)
    settings = msgspec.structs.replace(settings, serve=msgspec.structs.replace(settings.serve, port=port))
    asyncio.run(app.run(LocalHub(data, settings)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
