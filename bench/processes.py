"""Processes that the bench starts: free ports, waiting until they answer, memory, processor time, stopping by pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOST = "127.0.0.1"
START_S = 60.0
STOP_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something under test did not do what it must; the figures would mean nothing."""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """A server that runs for a while, known by its pid."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self._log = process, port, log
        self.started_s = 0.0
        """From the start of the process to its first answer. [s]"""
        self.peak_bytes = 0
        """The most memory it and its children held, as seen when it was stopped. [bytes]"""

    def wait(self, path: str, begun: float) -> None:
        """Wait until a GET of `path` is answered with 2xx. Raises BenchError when it is not in time."""
        ask = f"GET {path} HTTP/1.1\r\nhost: {HOST}:{self.port}\r\nconnection: close\r\n\r\n".encode()
        while time.perf_counter() - begun < START_S:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection((HOST, self.port), 5.0) as connection:
                    connection.sendall(ask)
                    if connection.recv(4096).startswith(b"HTTP/1.1 2"):
                        self.started_s = time.perf_counter() - begun
                        return
            except OSError:
                pass
            time.sleep(0.005)
        raise BenchError(f"{self.process.args!r} did not answer: {self._log.read_text(errors='replace')[-2000:]}")

    def cpu_s(self) -> float:
        """Processor time so far, of all its threads. [s]"""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> int:
        """The most memory it and its children have held so far. [bytes]"""
        return sum(_peak(pid) for pid in _tree(self.process.pid))

    def stop(self) -> None:
        """End it by its pid: politely, then not."""
        if self.process.poll() is None:
            self.peak_bytes = self.memory()
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Watch:
    """Who used the processor while a block ran: the server, this process, and everyone else, in cores."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.server = self.others = self.server_s = 0.0

    def __enter__(self) -> Watch:
        self._at, self._before = time.perf_counter(), self._used()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._at
        server, own, machine = (
            after - before for after, before in zip(self._used(), self._before, strict=True)
        )  # fmt: skip
        self.server_s = server
        self.server, self.others = server / seconds, max(0.0, machine - server - own) / seconds

    def _used(self) -> tuple[float, float, float]:
        times = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return self._served.cpu_s(), time.process_time(), (sum(times) - times[3] - times[4]) / _TICKS


def _tree(pid: int) -> list[int]:
    found = [pid]
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in tasks.read_text().split():
            found += _tree(int(child))
    return found


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) << 10 if lines else 0


@contextmanager
def serving(
    command: Sequence[str], port: int, ready: str, home: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Run a server in `home` until the block ends; it has answered `ready` when the block begins."""
    home.mkdir(parents=True, exist_ok=True)
    log = home.parent / f"{home.name}.log"
    with log.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  the bench's own command line
            list(command), stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        served = Served(process, port, log)
        try:
            served.wait(ready, begun)
            yield served
        finally:
            served.stop()


def disk_bytes(folder: Path) -> int:
    """What the files of a folder take on the disk. [bytes]"""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
