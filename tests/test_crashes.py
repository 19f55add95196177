"""Fifty times a hub is killed while four connections push into it, and each time it comes back with all that it
acknowledged, nothing twice, and totals that a hub without such a life agrees with.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import numpy as np
import pytest

from heliograph.clock import Level
from heliograph.config import Config
from heliograph.hub import LocalHub
from heliograph.model.access import Caller
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.model.samples import Block
from heliograph.protocol.times import format_instant
from tests import live
from tests.dialects.energy_expert.client import PATH, Headers, acs, acs3, push, record

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS, FULL_CHECK = 50, 10
CONNECTIONS, STEPS = 4, 5
ZONE = ZoneInfo("Europe/Berlin")
START_MS = round(datetime(2024, 3, 27, 23, 0, tzinfo=UTC).timestamp() * 1000)
"""Some days before the clocks go forward, so that the rounds pass over it."""
STEP_MS = 300_000
POINTS = ("P", "Ua", "Ep_imp", "Ep_exp")
KEYS = ("meter.power", "meter.a.voltage", "meter.energy_forward", "meter.energy_reverse")
KILO = np.array([1000.0, 1.0, 1000.0, 1000.0])
WITHOUT_COUNTER = (3, 7)
ROLES = (MeterRole.PRODUCTION, MeterRole.GRID, MeterRole.LOAD, MeterRole.PRODUCTION) * 2
Kept = dict[tuple[int, int], list[float]]


class Push(msgspec.Struct, frozen=True):
    """A signed request, byte for byte, and the (meter, step) pairs of its records."""

    body: bytes
    headers: Headers
    places: tuple[tuple[int, int], ...]


def provision(setup: live.Setup) -> tuple[int, list[int]]:
    """One plant with eight meters of all roles; the numbers of plant and meters."""
    account = setup.account()
    setup.credentials(account)
    plant = setup.plant(account, "Crash", ZONE.key, tariff=(0.25,), capacity_w=50_000.0)
    meters = [
        setup.device(plant, DeviceKind.METER, f"meter {index}", pushed=("1", f"meter-{index}"), role=role)
        for index, role in enumerate(ROLES)
    ]
    return plant.id, [meter.id for meter in meters]


def readings(meter: int, step: int) -> list[float]:
    """What a meter shows at a step, in the units of the wire; NaN for the counters of a meter without."""
    power = round(6.0 * np.sin(step / 46.0 + meter) + 0.01 * (step % 7), 4)
    values = [power, 229.0 + (step * 7 + meter) % 40 / 10, round(1000 + 0.31 * step, 3), round(50 + 0.07 * step, 3)]
    return values[:2] + [float("nan")] * 2 if meter in WITHOUT_COUNTER else values


def instant(step: int) -> int:
    """The instant of a step. [ms]"""
    return START_MS + step * STEP_MS


def make_push(places: tuple[tuple[int, int], ...], *, older: bool) -> Push:
    """A signed request for records."""
    records = []
    for meter, step in places:
        at = datetime.fromtimestamp(instant(step) / 1000, ZONE)
        data = {
            point: f"{value:.4f}" for point, value in zip(POINTS, readings(meter, step), strict=True) if value == value
        }
        records.append(record(f"{at:%Y-%m-%d %H:%M:%S}", data, f"meter-{meter}"))
    body = push(*records)
    return Push(body, (acs if older else acs3)(body, "hub.test"), places)


class Connection:
    """Pushes the records of two meters, some of them late and some again, and knows what was acknowledged."""

    def __init__(self, number: int) -> None:
        self.meters = (2 * number, 2 * number + 1)
        self.kept: set[tuple[int, int]] = set()
        self.unanswered: Push | None = None
        self.answered: Push | None = None
        self.wrong: list[str] = []
        self._turn = self._step = 0
        self._late: deque[tuple[tuple[int, int], ...]] = deque()

    def _next(self) -> Push:
        self._turn += 1
        if self._turn % 7 == 0 and self.answered is not None:  # the same records once more, newly signed
            return make_push(self.answered.places, older=True)
        places = tuple((meter, self._step + ahead) for ahead in range(STEPS) for meter in self.meters)
        self._step += STEPS
        if self._turn % 4 == 0:
            self._late.append(places)
            places = self._late.popleft() if len(self._late) > 12 else self._next().places
        return make_push(places, older=self._turn % 2 == 0)

    def run(self, port: int) -> None:
        """Push until the hub goes away."""
        connection = http.client.HTTPConnection(live.HOST, port, timeout=30.0)
        try:
            while True:
                self.unanswered = self._next()
                status, body = post(connection, self.unanswered)
                if status != 200:
                    self.wrong.append(f"{status} {body!r}")
                    return
                self.keep()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def keep(self) -> None:
        """Count the request under way as acknowledged."""
        assert self.unanswered is not None
        self.kept.update(self.unanswered.places)
        self.answered, self.unanswered = self.unanswered, None


def post(connection: http.client.HTTPConnection, sent: Push) -> tuple[int, dict[str, Any]]:  # any: JSON
    """Send a request exactly as it was made."""
    connection.request("POST", PATH, sent.body, sent.headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def history(client: httpx.Client, device: int, since_ms: int) -> Kept:
    """The records of a device from an instant on, by instant; no instant may come twice."""
    span = {"since": str(since_ms), "until": str(since_ms + 390 * 86_400_000), "keys": ",".join(KEYS)}
    body = client.get(f"/api/v1/devices/{device}/history", params=span).json()
    stamps = np.array([text.rstrip("Z") for text in body["at"]], "M8[ms]").astype(np.int64).tolist()
    assert stamps == sorted(set(stamps))
    columns = [body["columns"].get(key, [None] * len(stamps)) for key in KEYS]
    rows = [[float("nan") if cell is None else cell for cell in row] for row in zip(*columns, strict=True)]
    return {(device, at): row for at, row in zip(stamps, rows, strict=True)}


def expected(connection: Connection, ids: list[int], since_ms: int) -> Kept:
    """What the hub must hold of a connection's meters from an instant on."""
    return {
        (ids[meter], instant(step)): (np.array(readings(meter, step)) * KILO).tolist()
        for meter, step in connection.kept
        if instant(step) >= since_ms
    }


def settle(client: httpx.Client, port: int, ids: list[int], sender: Connection) -> None:
    """After a restart: the request that was under way is there as a whole or not at all, and never counts twice.

    Sent again as it was, it is refused exactly if it is there; and one that was answered is refused for certain.
    """
    connection = http.client.HTTPConnection(live.HOST, port, timeout=30.0)
    if sender.unanswered is not None:
        places = set(sender.unanswered.places)
        new = places - sender.kept
        held: Kept = {}
        for meter in sender.meters:
            held |= history(client, ids[meter], min(instant(step) for _, step in places))
        there = {place for place in new if (ids[place[0]], instant(place[1])) in held}
        assert there in (set(), new), "a request was kept in part"
        status, body = post(connection, sender.unanswered)
        assert status == 200 or body["Code"] == "SignatureNonceUsed"
        if new:
            assert (status == 400) == (there == new)
        sender.keep()
    if sender.answered is not None:
        status, body = post(connection, sender.answered)
        assert (status, body["Code"]) == (400, "SignatureNonceUsed")
    connection.close()


def check_records(client: httpx.Client, ids: list[int], senders: list[Connection], since_ms: int) -> None:
    """Every record that was acknowledged is there with its values, and no other."""
    for sender in senders:
        held: Kept = {}
        for meter in sender.meters:
            held |= history(client, ids[meter], since_ms)
        wanted = expected(sender, ids, since_ms)
        assert held.keys() == wanted.keys()
        places = sorted(wanted)
        np.testing.assert_allclose(
            [held[place] for place in places], [wanted[place] for place in places], rtol=1e-12, equal_nan=True
        )


def check_newest(client: httpx.Client, ids: list[int], senders: list[Connection]) -> None:
    """The newest reading of each meter is that of its newest record."""
    latest = {entry["device"]: entry for entry in client.get("/api/v1/latest").json()["latest"]}
    for sender in senders:
        for meter in sender.meters:
            steps = [step for kept, step in sender.kept if kept == meter]
            if steps:
                reading = latest[ids[meter]]["readings"]["meter.power"]
                assert reading["at"] == format_instant(instant(max(steps)))
                assert reading["value"] == pytest.approx(readings(meter, max(steps))[0] * 1000)


Totals = dict[tuple[str, int, str, int], dict[str, float]]


def totals_of(client: httpx.Client, plant: int, ids: list[int], until_ms: int) -> Totals:
    """Every bucket of plant and meters by hour and day, as the hub under test has them."""
    found: Totals = {}
    for subject, number in [("plants", plant), *(("devices", number) for number in ids)]:
        for level in ("hour", "day"):
            span = {"level": level, "since": str(START_MS), "until": str(until_ms)}
            body = client.get(f"/api/v1/{subject}/{number}/energy", params=span).json()
            for bucket in body["buckets"]:
                at = round(datetime.fromisoformat(bucket.pop("since")).timestamp() * 1000)
                del bucket["until"], bucket["source"]
                values = {name: value for name, value in bucket.items() if value is not None}
                if values:
                    found[subject, number, level, at] = values
    return found


async def fresh_totals(folder: Path, senders: list[Connection], until_ms: int) -> Totals:
    """The same buckets of a new hub that is given the same records in order and in peace."""
    hub = LocalHub(folder, Config())
    plant, ids = provision(live.Setup(hub))
    await hub.start()
    caller = Caller(hub.registry.plants[plant].account_id, 0)
    for sender in senders:
        wanted = expected(sender, ids, 0)
        places = sorted(wanted)
        values = np.array([wanted[place] for place in places])
        at_ms = [at for _, at in places]
        await hub.ingest(caller, [Block(KEYS, [device for device, _ in places], at_ms, values)], source="test")
    found: Totals = {}
    for subject, numbers in (("plant", [plant]), ("device", ids)):
        for name, level in (("hour", Level.HOUR), ("day", Level.DAY)):
            for series in await hub.buckets(
                caller, "plant" if subject == "plant" else "device", numbers, level, START_MS, until_ms
            ):
                columns = {quantity: column.tolist() for quantity, column in series.columns.items()}
                for row, at in enumerate(series.since_ms.tolist()):
                    values_at = {key: column[row] for key, column in columns.items() if column[row] == column[row]}
                    if values_at:
                        found[f"{subject}s", series.subject_id, name, at] = values_at
    await hub.stop()
    return found


def check_totals(client: httpx.Client, plant: int, ids: list[int], senders: list[Connection], folder: Path) -> None:
    """No bucket is missing, spare or wrong."""
    until_ms = instant(max(step for sender in senders for _, step in sender.kept)) + 86_400_000
    held, wanted = totals_of(client, plant, ids, until_ms), asyncio.run(fresh_totals(folder, senders, until_ms))
    assert held.keys() == wanted.keys()
    for place, values in wanted.items():
        assert held[place] == pytest.approx(values, rel=1e-9, abs=1e-6), place


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_fifty_kills_lose_nothing_that_was_acknowledged_and_count_nothing_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    # Folding, sealing and copying of the log never rest, so that the kills fall into all of them.
    live.configure(
        data, rollup={"fold_every_s": 0.05}, seal={"every_s": 0.05, "after_h": 0.0}, store={"checkpoint_mb": 1}
    )
    with live.provisioning(data) as setup:
        plant, ids = provision(setup)
    senders = [Connection(number) for number in range(CONNECTIONS)]
    chance = random.Random(7)  # noqa: S311  moments, not secrets
    since_ms = START_MS
    for round_ in range(1, ROUNDS + 1):
        hub = live.Served(data)
        try:
            with httpx.Client(base_url=hub.url, headers=live.BEARER, timeout=30.0) as client:
                for sender in senders:
                    settle(client, hub.port, ids, sender)
                whole = round_ % FULL_CHECK == 0
                check_records(client, ids, senders, START_MS if whole else since_ms)
                check_newest(client, ids, senders)
                if whole:
                    check_totals(client, plant, ids, senders, tmp_path / f"fresh-{round_}")
            steps = [max((step for _, step in sender.kept), default=0) for sender in senders]
            since_ms = instant(max(0, min(steps) - 500))
            threads = [threading.Thread(target=sender.run, args=(hub.port,)) for sender in senders]
            for thread in threads:
                thread.start()
            time.sleep(chance.uniform(0.1, 0.35))
        finally:
            hub.kill()
        for thread in threads:
            thread.join()
        assert [sender.wrong for sender in senders] == [[]] * CONNECTIONS
    with live.served(data) as hub, httpx.Client(base_url=hub.url, headers=live.BEARER, timeout=30.0) as client:
        for sender in senders:
            settle(client, hub.port, ids, sender)
        check_records(client, ids, senders, START_MS)
        check_totals(client, plant, ids, senders, tmp_path / "fresh")
    with live.provisioning(data) as setup:
        assert setup.hub.database.check() == []
    assert "Traceback" not in hub.log()
    assert sum(len(sender.kept) for sender in senders) > 100 * ROUNDS
