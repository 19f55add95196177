"""A hub with a month of history: what it takes on the disk, how soon it starts, how fast it is read."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bench import fleet, foxess, hubs
from bench.processes import BenchError, Served, Watch
from bench.pushing import midnight_ms
from bench.reads import Ask, fetch, time_ms, weighed
from bench.table import HUB
from heliograph.clock import DAY_MS

if TYPE_CHECKING:
    from bench.run import Run

KEEP_HOT_H = 48.0
"""Yesterday stays hot, the days before are sealed already. [h]"""
STRING_INVERTER = 1


def first_ms(days: int) -> int:
    """The midnight at which the history begins: its last day is the one before yesterday."""
    return midnight_ms(days + 1)


def history(run: Run) -> None:
    """Lay the history up, weigh it, start a hub on it and read."""
    sizes = run.sizes
    place = hubs.provision(run.folder / "history", sizes.devices)
    days = fleet.days(sizes.devices, first_ms(sizes.days), sizes.days + 1)
    with run.step("history: folding and sealing days", sizes.days) as tick:
        hubs.fill(place, itertools.islice(days, sizes.days), tick, finish=True)
    _weigh(run, place)
    with run.step("history: one more day, hot", 1) as tick:
        hubs.fill(place, days, tick, finish=False)
    with hubs.running(place.folder, seal_after_h=KEEP_HOT_H) as served:
        run.book.put("start", HUB, served.started_s)
        _read(run, place, served)
    run.memory(HUB, served.peak_bytes)
    sealed = sum(hubs.contents(place.folder).sealed.values())
    if sealed != 2 * sizes.devices * fleet.STEPS * sizes.days:
        raise BenchError("what was to be read hot was sealed meanwhile")
    run.drop(place.folder)


def _weigh(run: Run, place: hubs.Place) -> None:
    size = hubs.checkpoint(place.folder)
    held = hubs.contents(place.folder)
    if held.records != sum(held.sealed.values()):
        raise BenchError("not everything was sealed")
    values = place.values(held.sealed)
    run.book.put("disk.value", HUB, size / values, f"{size / 1e6:.1f} MB for {values / 1e6:.1f} million values")
    run.book.put("disk.used", HUB, held.used_bytes / values)


def _read(run: Run, place: hubs.Place, served: Served) -> None:
    port = served.port
    body = msgspec.json.encode({"userName": hubs.USER, "systemCode": hubs.PASSWORD})
    token = fetch(port, Ask("POST", "/thirdData/login", body)).headers["xsrf-token"]
    headers = {"xsrf-token": token, "content-type": "application/json"}

    def ask(call: str, **query: object) -> Ask:
        return Ask("POST", f"/thirdData/{call}", msgspec.json.encode(query), headers)

    inverters, plants = ",".join(place.inverter_numbers), ",".join(place.plant_codes)
    sizes, middle = run.sizes, first_ms(run.sizes.days) + run.sizes.days // 2 * DAY_MS
    for name, noon in (("sealed", middle), ("hot", midnight_ms(1))):
        question = ask("getDevFiveMinutes", devIds=inverters, devTypeId=STRING_INVERTER, collectTime=noon)
        rows, size = _rows(port, question)
        if rows != sizes.devices * fleet.STEPS:
            raise BenchError(f"{rows} rows of a day came back")
        took = _timed(run, f"history: a day, {name}", served, question, sizes.slow_reads)
        note = f"{rows} rows of {len(fleet.SERVED_KEYS)} points, {size}"
        run.book.put(f"day.{name}", HUB, float(np.median(took)), note)
        run.book.put(f"day.{name}.p99", HUB, max(took))
    for name, question in (
        ("latest", ask("getDevRealKpi", devIds=inverters, devTypeId=STRING_INVERTER)),
        ("days", ask("getKpiStationDay", stationCodes=plants, collectTime=middle)),
    ):
        rows, size = _rows(port, question)
        took = _timed(run, f"history: {name}", served, question, sizes.quick_reads)
        run.book.put(f"{name}.p50", HUB, float(np.median(took)), f"{rows} rows, {size}")
        run.book.put(f"{name}.p99", HUB, float(np.quantile(took, 0.99)))
    foxess.read(run, served, middle)


def _rows(port: int, question: Ask) -> tuple[int, str]:
    """How many rows an answer has, and its size in words. Raises BenchError unless it tells of success with points."""
    answer = fetch(port, question)
    told = answer.json()
    if not told["success"] or not told["data"] or not told["data"][-1]["dataItemMap"]:
        raise BenchError(f"{question.path}: {answer.body[:300]!r}")
    return len(told["data"]), weighed(answer)


def _timed(run: Run, title: str, served: Served, question: Ask, times: int) -> list[float]:
    with run.step(title, times) as tick, Watch(served) as watch:
        took = time_ms(served.port, question, times, tick)
    run.disturbed(title, watch.others)
    return took
