"""What a peer is, and how it is measured."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bench import fleet
from bench.history import first_ms
from bench.load import drive
from bench.processes import Served, Watch, disk_bytes, free_port, serving
from bench.pushes import VALUES, line_requests
from bench.pushing import PUSHED_DAYS_AGO, midnight_ms
from bench.reads import Ask, fetch, time_ms, weighed
from heliograph.clock import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.run import Run

SETTLED_S, SETTLING_S = 8.0, 180.0
LINES_STEPS = 6
"""How many times of all devices one request of the history holds."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """A database: how it is started, written and asked."""

    name: str
    package: str
    program: str
    ready: str
    write: str
    """Where lines go; times in milliseconds."""
    command: Callable[[str, Path, int], Sequence[str]]
    """The command line for a program, a folder and a port."""
    prepare: Callable[[int], None]
    """What must be done once it runs, on its port."""
    settle: Callable[[int], None]
    """Ask it to merge what it holds."""
    day: Callable[[int, int], Ask]
    """All fields of all inverters between two instants. [ms, ms)"""
    latest: Callable[[int], Ask]
    """The newest values of all inverters, the newest at this instant. [ms]"""
    count: Callable[[bytes], int]
    """How many values an answer of `day` or `latest` holds."""
    remark: str


def measure(run: Run, peer: Peer) -> None:
    """Everything that a peer can be compared in; a remark when it is not installed."""
    program = shutil.which(peer.program)
    if program is None:
        run.book.remark(f"{peer.name} is not installed and was left out: apt-get install {peer.package}")
        return
    run.book.remark(peer.remark)

    def started(name: str) -> AbstractContextManager[Served]:
        home, port = run.folder / f"{peer.package}-{name}", free_port()
        home.mkdir(exist_ok=True)
        return serving(peer.command(program, home, port), port, peer.ready, home)

    for name, connections, records in (
        ("push", run.sizes.push_connections, run.sizes.devices),
        ("single", run.sizes.single_connections, 1),
    ):
        with started(name) as served:
            peer.prepare(served.port)
            _push(run, peer, served, name, connections, records)
        run.memory(peer.name, served.peak_bytes)
        run.drop(run.folder / f"{peer.package}-{name}")
    with started("history") as served:
        peer.prepare(served.port)
        _load(run, peer, served.port)
        peer.settle(served.port)
        _wait_settled(run.folder / f"{peer.package}-history")
    run.memory(peer.name, served.peak_bytes)
    size = disk_bytes(run.folder / f"{peer.package}-history")
    values = run.sizes.devices * run.sizes.peer_days * fleet.DAY_VALUES
    run.book.put("disk.value", peer.name, size / values, f"{size / 1e6:.1f} MB for {values / 1e6:.1f} million values")
    with started("history") as served:
        run.book.put("start", peer.name, served.started_s)
        _read(run, peer, served)
    run.memory(peer.name, served.peak_bytes)
    run.drop(run.folder / f"{peer.package}-history")


def _push(run: Run, peer: Peer, served: Served, name: str, connections: int, records: int) -> None:
    since_s = midnight_ms(PUSHED_DAYS_AGO) // 1000
    make = line_requests(served.port, peer.write, run.sizes.devices, records, since_s)
    with run.share(f"{name}: {peer.name}") as tick, Watch(served) as watch:
        load = drive(served.port, connections, make, run.sizes.warm_s, run.sizes.run_s, tick)
    run.disturbed(f"{name} of {peer.name}", watch.others)
    run.book.put(f"{name}.rate", peer.name, load.per_second * (records * VALUES if records > 1 else 1))
    run.book.put(f"{name}.p50", peer.name, load.quantile_ms(0.5))
    run.book.put(f"{name}.p99", peer.name, load.quantile_ms(0.99))
    run.book.put(f"{name}.generator", peer.name, load.cpu_share * 100.0)
    run.book.put(f"{name}.server", peer.name, watch.server * 100.0)
    run.book.put(f"{name}.cost", peer.name, watch.server_s / load.total * 1e6)


def field(key: str) -> str:
    """A measurement key as a name that both peers take."""
    return key.replace(".", "_")


def _lines(day: fleet.Day) -> Iterator[bytes]:
    """A day as lines, several times of all devices in each request."""
    for first in range(0, fleet.STEPS, LINES_STEPS):
        lines: list[str] = []
        for kind, keys, values in (
            ("meter", fleet.METER_KEYS, day.meters),
            ("inverter", fleet.INVERTER_KEYS, day.inverters),
        ):
            pattern = ",".join(f"{field(key)}=%.12g" for key in keys)
            for device, step in itertools.product(range(len(values)), range(first, first + LINES_STEPS)):
                text = pattern % tuple(values[device, step].tolist())
                lines.append(f"{kind},device={device:04d} {text} {day.at_ms[step]}\n")
        yield "".join(lines).encode()


def _load(run: Run, peer: Peer, port: int) -> None:
    sizes = run.sizes
    with run.step(f"history: {peer.name}", sizes.peer_days) as tick:
        for day in fleet.days(sizes.devices, first_ms(sizes.peer_days), sizes.peer_days):
            for body in _lines(day):
                fetch(port, Ask("POST", peer.write, body))
            tick()


def _wait_settled(folder: Path) -> None:
    """Wait until the files stay as large as they are."""
    until, size, since = time.monotonic() + SETTLING_S, -1, 0.0
    while (now := time.monotonic()) < until:
        found = disk_bytes(folder)
        if found != size:
            size, since = found, now
        elif now - since > SETTLED_S:
            return
        time.sleep(0.5)


def _read(run: Run, peer: Peer, served: Served) -> None:
    sizes = run.sizes
    until = first_ms(sizes.peer_days) + sizes.peer_days * DAY_MS
    middle = first_ms(sizes.peer_days) + sizes.peer_days // 2 * DAY_MS
    wide = sizes.devices * len(fleet.INVERTER_KEYS)
    for title, question, times, expected in (
        ("day.sealed", peer.day(middle, middle + DAY_MS), sizes.slow_reads, wide * fleet.STEPS),
        ("latest", peer.latest(until - fleet.STEP_MS), sizes.quick_reads, wide),
    ):
        answer = fetch(served.port, question)
        found = peer.count(answer.body)
        if found != expected:
            run.book.remark(f"{peer.name}, {title}: {found:,} values came back, {expected:,} were asked for")
        with run.step(f"history: {title}, {peer.name}", times) as tick, Watch(served) as watch:
            took = time_ms(served.port, question, times, tick)
        run.disturbed(f"{title} of {peer.name}", watch.others)
        median = float(np.median(took))
        slowest = max(took) if title == "day.sealed" else float(np.quantile(took, 0.99))
        run.book.put("day.sealed" if title == "day.sealed" else "latest.p50", peer.name, median, weighed(answer))
        run.book.put(f"{title}.p99", peer.name, slowest)
