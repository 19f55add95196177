"""How much is measured: all of it, or little for a smoke test."""

from __future__ import annotations

import msgspec


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How many devices, days, seconds and repetitions."""

    devices: int = 100
    """Meters, inverters and plants: so many of each."""
    days: int = 30
    """Days of history for reading and for the disk. [d]"""
    peer_days: int = 30
    """Days of the same history that the peers are given. [d]"""
    backlog_days: int = 8
    """Days of both kinds that wait to be sealed and folded when the busy runs begin. [d]"""
    warm_s: float = 1.0
    """How long a load runs before it is counted. [s]"""
    run_s: float = 10.0
    """How long a load is counted. [s]"""
    slow_reads: int = 30
    """Repetitions of the wide reads."""
    quick_reads: int = 300
    """Repetitions of the small reads."""
    push_connections: int = 8
    single_connections: int = 64


FULL = Sizes()
QUICK = Sizes(
    devices=20, days=10, peer_days=2, backlog_days=2, warm_s=0.3, run_s=1.5, slow_reads=5, quick_reads=30
)  # fmt: skip
