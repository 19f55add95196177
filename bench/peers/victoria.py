"""VictoriaMetrics, Debian's package `victoria-metrics`: it acknowledges before the data is on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from bench.peers.peer import Peer
from bench.processes import HOST
from bench.reads import Ask, fetch
from bench.table import VICTORIA

if TYPE_CHECKING:
    from pathlib import Path

_ALL = quote('{__name__=~"inverter_.+"}')


def _command(program: str, home: Path, port: int) -> list[str]:
    return [
        program, f"-storageDataPath={home}", f"-httpListenAddr={HOST}:{port}", "-retentionPeriod=100y",
        "-loggerLevel=ERROR",
    ]  # fmt: skip


def _prepare(port: int) -> None:
    """It takes what comes."""


def _settle(port: int) -> None:
    for path in ("/internal/force_flush", "/internal/force_merge"):
        fetch(port, Ask("GET", path))


def _day(since_ms: int, until_ms: int) -> Ask:
    return Ask("GET", f"/api/v1/export?match[]={_ALL}&start={since_ms / 1e3}&end={(until_ms - 1) / 1e3}")


def _latest(at_ms: int) -> Ask:
    return Ask("GET", f"/api/v1/query?query={_ALL}&time={at_ms / 1e3}&step=5m")


def _count(body: bytes) -> int:
    if body.startswith(b'{"status"'):
        return len(msgspec.json.decode(body)["data"]["result"])
    return sum(len(msgspec.json.decode(line)["values"]) for line in body.splitlines())


PEER = Peer(
    name=VICTORIA,
    package="victoria-metrics",
    program="victoria-metrics",
    ready="/health",
    write="/write?precision=ms",
    command=_command,
    prepare=_prepare,
    settle=_settle,
    day=_day,
    latest=_latest,
    count=_count,
    remark="VictoriaMetrics acknowledges before its data is on the disk: a crash loses the last seconds; no signature.",
)
