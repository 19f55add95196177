"""A real hub for tests: provisioned in a directory of its own, served by a process of its own on loopback.

`python -m tests.live DATA PORT` serves a directory with the settings of its `heliograph.toml`. Its clock runs ahead of
the machine's by what its file `.ahead` says, requests are written to its file `.requests`, and what it asks of devices
is done by devices that exist only here.
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
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec

from heliograph import app
from heliograph.clock import WallClock
from heliograph.config import FILE, load
from heliograph.dialects.energy_expert import DEVICE_SCHEME
from heliograph.errors import RefusedError, UnsupportedError
from heliograph.hub import DATABASE, LocalHub
from heliograph.model.access import Credential, Secret
from heliograph.model.commands import UPGRADE, Argument, Command, Outcome
from heliograph.model.devices import METERS, Device, DeviceKind
from heliograph.model.firmware import Firmware
from heliograph.model.people import Person
from heliograph.model.plants import Account, Plant
from heliograph.model.settings import WRITE, Setting
from heliograph.simulate.plants import fleet
from heliograph.simulate.tunable import kept, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
START_S = 60.0

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


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A request that a hub answered."""

    method: str
    path: str
    status: int


def beside(data: Path, ending: str) -> Path:
    """A file that belongs to a directory's process: `log`, `requests` or `ahead`."""
    return data.parent / f"{data.name}.{ending}"


class Recorder:
    """Writes down each request as it is answered, one a line."""

    def __init__(self, inner: ASGIApp, path: Path) -> None:
        self._inner, self._path = inner, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                with self._path.open("ab") as file:
                    line = msgspec.json.encode(Seen(scope["method"], scope["path"], message["status"]))
                    file.write(line + b"\n")
            await send(message)

        await self._inner(scope, receive, noting)


class AheadClock(WallClock):
    """The machine's clock, and as many milliseconds as a file says."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now_ms(self) -> int:
        """The present instant. [ms since 1970, UTC]"""
        return super().now_ms() + (int(self._path.read_text()) if self._path.exists() else 0)


class Obedient:
    """Devices that do what they are told: at once, or an upgrade in two steps. One whose serial says NO refuses.

    Hybrid inverters and meters have the settings of simulated ones, and keep what was written to them.
    """

    PLANT = next(plant for plant in fleet() if plant.storage is not None)

    def __init__(self) -> None:
        self._written: dict[int, dict[str, Argument]] = {}

    async def settings(self, device: Device) -> dict[str, Setting]:
        """What a device is set to."""
        kinds = METERS if device.kind in METERS else {device.kind}
        like = next((one for one in self.PLANT.devices if one.kind in kinds), None)
        found = None if like is None else settings_of(self.PLANT, like, self._values(device), WallClock().now_ms())
        if found is None:
            raise UnsupportedError("it has no settings")
        return found

    def _values(self, device: Device) -> dict[str, Argument]:
        return self._written.setdefault(device.id, {})

    def reaches(self, device: Device) -> bool:
        """All but gateways."""
        return device.kind is not DeviceKind.GATEWAY

    async def send(self, device: Device, command: Command) -> Outcome:
        """Do it, or begin to."""
        if "NO" in device.serial:
            raise RefusedError("it does not want to", code="unwilling")
        if command.name == WRITE:
            self._values(device).update(kept(self.PLANT, command.arguments, WallClock().now_ms()))
        return Outcome(done=command.name != UPGRADE, progress=40.0 if command.name == UPGRADE else 100.0)

    async def read_back(self, device: Device, command: Command) -> Outcome:
        """It is done by now."""
        return Outcome(firmware=str(command.arguments["version"]) if command.name == UPGRADE else None)


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
        scopes = ("read", "write", "admin", "control")
        wanted = Credential(
            id=0, account_id=account.id, dialect=dialect, name=name, secret=Secret(secret), scopes=scopes
        )
        wanted = msgspec.structs.replace(wanted, **known)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_credential(rows, wanted))

    def person(self, account: Account, name: str, **known: Any) -> Person:  # any: see plant
        """A new person."""
        wanted = Person(id=0, account_id=account.id, name=name, **known)
        return self.hub.database.write_now(lambda rows: self.hub.registry.put_person(rows, wanted))

    def firmware(self, model: str, version: str, content: bytes = b"a package") -> Firmware:
        """A new package of the catalogue."""
        with NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            sha256, size = self.hub.firmware.take_file(Path(file.name))
        package = Firmware(
            id=0, model=model, version=version, file="package.bin", sha256=sha256, size=size, added_at_ms=0
        )
        return self.hub.database.write_now(lambda rows: self.hub.firmware.put(rows, package))

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

    MODULE = "tests.live"
    """What is run, with the directory and the port."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._log = beside(data, "log")
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.MODULE, str(data), str(self.port)],
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

    def seen(self) -> list[Seen]:
        """Every request that was answered, oldest first."""
        path = beside(self.data, "requests")
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [msgspec.json.decode(line, type=Seen) for line in lines]

    def put_ahead(self, seconds: float) -> None:
        """Put the clock ahead of where it stands."""
        path = beside(self.data, "ahead")
        before_ms = int(path.read_text()) if path.exists() else 0
        fresh = path.with_suffix(".new")
        fresh.write_text(str(before_ms + round(seconds * 1000)))
        fresh.replace(path)

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
    clock = AheadClock(beside(data, "ahead"))
    hub = LocalHub(data, settings, clock=clock, wall=clock)
    hub.commands.connect(Obedient())
    make_app = app.make_app
    with patch.object(app, "make_app", lambda hub: Recorder(make_app(hub), beside(data, "requests"))):
        asyncio.run(app.run(hub))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
