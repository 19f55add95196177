"""Reading through the APsystems interface: one ECU with a micro-inverter below it for each device of the fleet."""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from bench import hubs
from bench.load import drive
from bench.processes import HOST, BenchError, Served, Watch
from bench.pushing import midnight_ms
from bench.reads import Ask, fetch, time_ms, weighed
from bench.table import HUB
from heliograph.clock import DAY_MS
from heliograph.config import load
from heliograph.dialects.apsystems import SYSTEMS
from heliograph.dialects.apsystems.auth import sign
from heliograph.hub import LocalHub
from heliograph.model import measurements as m
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Account, Plant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.run import Run
    from heliograph.model.samples import Floats
    from heliograph.store.base import Rows

APP, SECRET, ALGORITHM = "bench", "s3cret", "HmacSHA256"
ECU, CHANNELS, STEP_MS = "216200000001", 4, 300_000
STEPS = DAY_MS // STEP_MS
CONNECTIONS = 4
DAYS = 35
"""Enough for a month that is over, whatever the day. [d]"""
KEYS = (
    m.AC_POWER.key, m.AC_ENERGY.key, m.AC_A_VOLTAGE.key, m.AC_FREQUENCY.key, m.INVERTER_TEMPERATURE.key,
    *(f"pv.{number}.{what}" for number in range(1, CHANNELS + 1) for what in ("voltage", "current", "power")),
)  # fmt: skip


class Ecu:
    """A hub's directory with one system, one ECU and its inverters."""

    def __init__(self, folder: Path, inverters: int) -> None:
        self.folder = folder
        hubs.settings(folder)
        hub = LocalHub(folder, load(folder))
        registry = hub.registry

        def job(rows: Rows) -> tuple[Caller, list[int]]:
            account = registry.put_account(rows, Account(id=0, name="bench"))
            plant = registry.put_plant(rows, Plant(id=0, account_id=account.id, name="Roof", zone="UTC"))
            gateway = registry.put_device(
                rows, Device(id=0, plant_id=plant.id, kind=DeviceKind.GATEWAY, name="ECU", serial=ECU)
            )
            ids = [
                registry.put_device(
                    rows,
                    Device(
                        id=0, plant_id=plant.id, kind=DeviceKind.MICRO_INVERTER, name=f"Inverter {number}",
                        serial=serial(number), model="QT2D", capacity_w=1800.0, gateway_id=gateway.id,
                    ),
                ).id
                for number in range(inverters)
            ]  # fmt: skip
            registry.put_credential(
                rows, Credential(id=0, account_id=account.id, dialect="apsystems", name=APP, secret=Secret(SECRET))
            )
            registry.mint(rows, SYSTEMS, list(registry.plants))
            return Caller(account.id, 0), ids

        self.caller, self.inverters = hub.database.write_now(job)
        self.system = next(iter(registry.by_id(SYSTEMS).values()))
        hub.database.close()

    def fill(self, tick: Callable[[], None]) -> None:
        """Give it days of readings, the last of them yesterday; all but that one are sealed."""
        asyncio.run(self._fill(tick))

    async def _fill(self, tick: Callable[[], None]) -> None:
        hub = LocalHub(self.folder, load(self.folder))
        async with hub.database.writing():
            for start_ms, values in _days(len(self.inverters)):
                at_ms = (start_ms + np.arange(STEPS) * STEP_MS).tolist()
                blocks = [
                    hubs.block(self.inverters, KEYS, at_ms[at : at + 12], values[:, at : at + 12])
                    for at in range(0, STEPS, 12)
                ]
                await hub.ingest(self.caller, blocks, source="bench")
                await hub.folding.fold_all()
                await hub.sealing.seal_until(start_ms)
                tick()
            await hub.hot.flush()
        hub.database.close()


def serial(number: int) -> str:
    """Of an inverter."""
    return f"9020{number:08d}"


def _days(inverters: int) -> Iterator[tuple[int, Floats]]:
    """Each day's midnight, and its readings of shape (inverters, steps, keys)."""
    random = np.random.default_rng(inverters)
    hours = np.arange(STEPS) / 12.0
    sun = np.clip(np.sin((hours - 6.0) / 12.0 * np.pi), 0.0, None)
    energy = random.integers(10_000, 900_000, inverters).astype(np.float64)
    for number in range(DAYS):
        clouds = random.uniform(0.6, 1.0, (inverters, STEPS, CHANNELS))
        pv = np.round(440.0 * sun[None, :, None] * clouds, 1)
        voltage = np.where(pv > 0.0, np.round(random.uniform(30.0, 36.0, pv.shape), 1), 0.0)
        current = np.divide(pv, voltage, out=np.zeros_like(pv), where=voltage > 0.0).round(2)
        power = np.round(pv.sum(axis=2) * 0.96, 1)
        counter = np.round(energy[:, None] + np.cumsum(power, axis=1) / 12.0)
        energy = counter[:, -1]
        own = np.stack(
            [
                power, counter, np.round(random.uniform(236.0, 244.0, power.shape), 1),
                np.round(random.uniform(49.95, 50.05, power.shape), 2), np.round(20.0 + power / 60.0, 1),
            ],
            axis=-1,
        )  # fmt: skip
        strings = np.stack([voltage, current, pv], axis=-1).reshape(inverters, STEPS, 3 * CHANNELS)
        yield midnight_ms(DAYS - number), np.concatenate([own, strings], axis=-1)


def headers(path: str) -> dict[str, str]:
    """What signs a call; each time another nonce."""
    now, nonce = str(time.time_ns() // 1_000_000), secrets.token_hex(16)
    signature = sign(SECRET, "GET", path.rpartition("/")[2], APP, now, nonce, ALGORITHM)
    return {
        "X-CA-AppId": APP, "X-CA-Timestamp": now, "X-CA-Nonce": nonce, "X-CA-Signature-Method": ALGORITHM,
        "X-CA-Signature": signature,
    }  # fmt: skip


def _request(path: str, query: str) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in {"host": HOST, **headers(path)}.items())
    return f"GET {path}{query} HTTP/1.1\r\n{head}\r\n".encode()


def _ask(port: int, path: str, query: str) -> tuple[object, str]:
    """What was answered, and its size in words. Raises BenchError for a refusal."""
    answer = fetch(port, Ask("GET", path + query, b"", headers(path)))
    told = answer.json()
    if told["code"] != 0:
        raise BenchError(f"{path}: {answer.body[:300]!r}")
    return told["data"], weighed(answer)


def apsystems(run: Run) -> None:
    """Make the system, serve it and read."""
    ecu = Ecu(run.folder / "apsystems", run.sizes.devices)
    with run.step("apsystems: folding and sealing days", DAYS) as tick:
        ecu.fill(tick)
    with hubs.running(ecu.folder, seal_after_h=48.0) as served:
        _read(run, ecu, served)
    run.drop(ecu.folder)


def _read(run: Run, ecu: Ecu, served: Served) -> None:
    systems = "/user/api/v2/systems"
    below = f"{systems}/{ecu.system}/devices/inverter"
    on = datetime.fromtimestamp(midnight_ms(2) / 1000, UTC).date().isoformat()
    for key, path, query in (
        ("aps.summary", f"{systems}/summary/{ecu.system}", ""),
        ("aps.month", f"{systems}/energy/{ecu.system}", f"?energy_level=daily&date_range={on[:7]}"),
    ):
        _, size = _ask(served.port, path, query)
        with run.share(f"apsystems: {key[4:]}") as share, Watch(served) as watch:
            load = drive(
                served.port, CONNECTIONS, lambda path=path, query=query: _request(path, query),  # type: ignore[misc]
                run.sizes.warm_s, run.sizes.run_s, share,
            )  # fmt: skip
        run.disturbed(key, watch.others)
        run.book.put(key, HUB, load.per_second, size)
    for key, path, query in (
        ("aps.minutely", f"{below}/energy/{serial(0)}", f"?energy_level=minutely&date_range={on}"),
        ("aps.batch", f"{below}/batch/energy/{ECU}", f"?energy_level=power&date_range={on}"),
    ):
        _, size = _ask(served.port, path, query)
        took: list[float] = []
        with run.step(f"apsystems: {key[4:]}", run.sizes.quick_reads) as tick, Watch(served) as watch:
            for _ in range(run.sizes.quick_reads):
                question = Ask("GET", path + query, b"", headers(path))
                took += time_ms(served.port, question, 1, tick)
        run.disturbed(key, watch.others)
        run.book.put(key, HUB, float(np.median(took)), size)
        run.book.put(f"{key}.p99", HUB, float(np.quantile(took, 0.99)))
