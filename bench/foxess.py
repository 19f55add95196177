"""Reading through the Fox ESS interface: 50 inverters at this moment, and a day of one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bench import hubs
from bench.load import drive
from bench.processes import HOST, BenchError, Served, Watch
from bench.reads import Ask, fetch, time_ms, weighed
from bench.table import HUB
from heliograph.clock import DAY_MS
from heliograph.dialects.foxess.auth import sign

if TYPE_CHECKING:
    from bench.run import Run

AT_ONCE = 50
CONNECTIONS = 4
REAL, HISTORY, LIST = "/op/v1/device/real/query", "/op/v0/device/history/query", "/op/v0/device/list"


def ask(path: str, **query: object) -> Ask:
    """A signed call; it may be sent again for five minutes."""
    now = str(time.time_ns() // 1_000_000)
    headers = {"token": hubs.FOX_TOKEN, "timestamp": now, "signature": sign(path, hubs.FOX_TOKEN, now), "lang": "en"}
    return Ask("POST", path, msgspec.json.encode(query), {**headers, "content-type": "application/json"})


def _result(port: int, question: Ask) -> tuple[list[dict[str, object]], str]:
    """What was answered, and its size in words. Raises BenchError for a refusal."""
    answer = fetch(port, question)
    told = answer.json()
    if told["errno"] != 0:
        raise BenchError(f"{question.path}: {answer.body[:300]!r}")
    result = told["result"]
    return result["data"] if isinstance(result, dict) else result, weighed(answer)


def read(run: Run, served: Served, midnight_ms: int) -> None:
    """Time both reads; `midnight_ms` begins the day that is asked for."""
    listed, _ = _result(served.port, ask(LIST, currentPage=1, pageSize=1000))
    serials = [str(one["deviceSN"]) for one in listed]
    real = ask(REAL, sns=serials[:AT_ONCE])
    rows, size = _result(served.port, real)
    if not all(row["datas"] for row in rows):
        raise BenchError("an inverter told nothing")
    head = "".join(f"{name}: {value}\r\n" for name, value in {"host": HOST, **real.headers}.items())
    request = f"POST {REAL} HTTP/1.1\r\n{head}content-length: {len(real.body)}\r\n\r\n".encode() + real.body
    with run.share("foxess: 50 inverters at this moment") as tick, Watch(served) as watch:
        load = drive(served.port, CONNECTIONS, lambda: request, run.sizes.warm_s, run.sizes.run_s, tick)
    run.disturbed("foxess: real time", watch.others)
    run.book.put("fox.real", HUB, load.per_second, f"{len(rows)} inverters with their meters, {size}")
    run.book.put("fox.real.p99", HUB, load.quantile_ms(0.99))
    day = ask(HISTORY, sn=serials[0], begin=midnight_ms, end=midnight_ms + DAY_MS)
    _, size = _result(served.port, day)
    with run.step("foxess: a day of an inverter", run.sizes.quick_reads) as tick_step, Watch(served) as watch:
        took = time_ms(served.port, day, run.sizes.quick_reads, tick_step)
    run.disturbed("foxess: history", watch.others)
    run.book.put("fox.history", HUB, float(np.median(took)), size)
    run.book.put("fox.history.p99", HUB, float(np.quantile(took, 0.99)))
