"""InfluxDB 1.6, Debian's package `influxdb`: its write-ahead log waits for the disk, as is its default."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from bench.peers.peer import Peer
from bench.processes import HOST, free_port
from bench.reads import Ask, fetch
from bench.table import INFLUX

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = """
reporting-disabled = true
bind-address = "{host}:{inner}"
[meta]
dir = "{home}/meta"
logging-enabled = false
[data]
dir = "{home}/data"
wal-dir = "{home}/wal"
query-log-enabled = false
cache-snapshot-write-cold-duration = "5s"
compact-full-write-cold-duration = "5s"
[monitor]
store-enabled = false
[http]
bind-address = "{host}:{port}"
log-enabled = false
[continuous_queries]
enabled = false
"""
_HOUR_MS = 3_600_000


def _command(program: str, home: Path, port: int) -> list[str]:
    settings = home / "influxdb.conf"
    settings.write_text(_SETTINGS.format(host=HOST, port=port, inner=free_port(), home=home))
    return [program, "run", "-config", str(settings)]


def _prepare(port: int) -> None:
    fetch(port, Ask("POST", "/query?q=" + quote("CREATE DATABASE bench")))


def _ask(query: str) -> Ask:
    return Ask("GET", "/query?db=bench&epoch=ms&q=" + quote(query))


def _day(since_ms: int, until_ms: int) -> Ask:
    return _ask(f"SELECT * FROM inverter WHERE time >= {since_ms}ms AND time < {until_ms}ms GROUP BY device")  # noqa: S608


def _latest(at_ms: int) -> Ask:
    since = f"time > {at_ms - _HOUR_MS}ms"
    return _ask(f"SELECT * FROM inverter WHERE {since} GROUP BY device ORDER BY time DESC LIMIT 1")  # noqa: S608


def _count(body: bytes) -> int:
    found = msgspec.json.decode(body)["results"][0].get("series", [])
    return sum(len(row) - 1 for series in found for row in series["values"])


def _settle(port: int) -> None:
    """It compacts by itself, five seconds after the last write here instead of four hours."""


PEER = Peer(
    name=INFLUX,
    package="influxdb",
    program="influxd",
    ready="/ping",
    write="/write?db=bench&precision=ms",
    command=_command,
    prepare=_prepare,
    settle=_settle,
    day=_day,
    latest=_latest,
    count=_count,
    remark="InfluxDB 1.6 acknowledges after its log is on the disk; no signature; newest values of an hour only.",
)
