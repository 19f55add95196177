"""Pushes to a hub: batches and single records, with nothing else to do and while days are sealed and folded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench import fleet, hubs
from bench.load import Load, drive
from bench.processes import BenchError, Served, Watch
from bench.pushes import VALUES, hub_requests
from bench.table import HUB
from heliograph.clock import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.run import Run

PUSHED_DAYS_AGO, BACKLOG_DAYS_AGO = 300, 40


def midnight_ms(days_ago: int) -> int:
    """A midnight in the past, UTC. [ms since 1970]"""
    return (time.time_ns() // 1_000_000 // DAY_MS - days_ago) * DAY_MS


def batches(run: Run) -> None:
    """Pushes of all meters at a time."""
    _idle(run, "push", run.sizes.push_connections, run.sizes.devices)


def singles(run: Run) -> None:
    """Pushes of one record each."""
    _idle(run, "single", run.sizes.single_connections, 1)


def busy(run: Run) -> None:
    """Both again while the hub works through days that wait to be folded and sealed."""
    for name, connections, records in (
        ("busy-push", run.sizes.push_connections, run.sizes.devices),
        ("busy-single", run.sizes.single_connections, 1),
    ):
        place = hubs.provision(run.folder / name, run.sizes.devices)
        days = fleet.days(run.sizes.devices, midnight_ms(BACKLOG_DAYS_AGO), run.sizes.backlog_days)
        with run.step(f"{name}: laying up days", run.sizes.backlog_days) as tick:
            hubs.fill(place, days, tick, finish=False)
        _busy(run, name, place, connections, records)
        run.drop(place.folder)


def _busy(run: Run, name: str, place: hubs.Place, connections: int, records: int) -> None:
    laid_up = hubs.contents(place.folder)
    begun = time.perf_counter()
    with hubs.running(place.folder, seal_every_s=1.0) as served:
        with Watch(served) as watch:
            load = _drive(run, name, served, connections, records)
        now = hubs.contents(place.folder)
        seconds = time.perf_counter() - begun
    run.memory(HUB, served.peak_bytes)
    run.disturbed(name, watch.others)
    _check(place.folder, load.total * records + laid_up.records)
    sealed, folded = sum(now.sealed.values()), now.folded_days
    if sealed <= 0 or folded <= 0:
        raise BenchError("nothing was sealed and folded beside the load: the figures would say nothing")
    short = laid_up.records <= sealed
    note = "the days laid up did not last for the whole run" if short else ""
    run.book.put(f"{name}.rate", HUB, load.per_second * (records * VALUES if records > 1 else 1), note)
    _latencies(run, name, load)
    run.book.put(f"{name}.sealed", HUB, place.values(now.sealed) / seconds)
    run.book.put(f"{name}.folded", HUB, folded / seconds)


def _idle(run: Run, name: str, connections: int, records: int) -> None:
    place = hubs.provision(run.folder / name, run.sizes.devices)
    with hubs.running(place.folder) as served, Watch(served) as watch:
        load = _drive(run, name, served, connections, records)
    run.disturbed(name, watch.others)
    run.memory(HUB, served.peak_bytes)
    _check(place.folder, load.total * records)
    run.book.put(f"{name}.rate", HUB, load.per_second * (records * VALUES if records > 1 else 1))
    _latencies(run, name, load)
    run.book.put(f"{name}.generator", HUB, load.cpu_share * 100.0)
    run.book.put(f"{name}.server", HUB, watch.server * 100.0)
    run.book.put(f"{name}.cost", HUB, watch.server_s / load.total * 1e6)
    run.drop(place.folder)


def _drive(run: Run, name: str, served: Served, connections: int, records: int) -> Load:
    make = hub_requests(served.port, run.sizes.devices, records, midnight_ms(PUSHED_DAYS_AGO) // 1000)
    return drive_shown(run, name, served.port, connections, make)


def drive_shown(run: Run, name: str, port: int, connections: int, make: Callable[[], bytes]) -> Load:
    """A load, with its progress shown."""
    with run.share(f"{name}: {connections} connections") as tick:
        return drive(port, connections, make, run.sizes.warm_s, run.sizes.run_s, tick)


def _latencies(run: Run, name: str, load: Load) -> None:
    run.book.put(f"{name}.p50", HUB, load.quantile_ms(0.5))
    run.book.put(f"{name}.p99", HUB, load.quantile_ms(0.99))


def _check(folder: Path, acknowledged: int) -> None:
    """Raise BenchError unless everything acknowledged is in the database."""
    kept = hubs.contents(folder).records
    if kept != acknowledged:
        raise BenchError(f"{acknowledged} records were acknowledged, {kept} are kept")
