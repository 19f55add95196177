"""What to export: which plants or devices, from when until when; and reading it a stretch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.cli.lookup import chosen_devices, find_plant, moment
from heliograph.cli.opening import operator
from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.errors import BadRequestError
from heliograph.model.devices import Device
from heliograph.model.plants import Plant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rich.progress import Progress

    from heliograph.clock import Level
    from heliograph.hub import LocalHub
    from heliograph.model.buckets import BucketSeries
    from heliograph.model.samples import Series
    from heliograph.protocol.hub import Subject

STRETCH_MS = 7 * DAY_MS
"""How much of a device is held in memory at a time."""
LATEST_MS = 253_370_764_800_000


class Selection(msgspec.Struct, frozen=True):
    """What was chosen. The span is half open; None is as far as there is anything."""

    devices: list[Device]
    plants: list[Plant]
    subject: Subject
    since_ms: int | None
    until_ms: int | None
    keys: tuple[str, ...]


def select(
    hub: LocalHub,
    plants: Sequence[str] | None,
    devices: Sequence[str] | None,
    since: str | None,
    until: str | None,
    keys: tuple[str, ...],
) -> Selection:
    """What the options name. Raises NotFoundError for what is not there, BadRequestError for a span without length."""
    since_ms, until_ms = moment(since, field="--since"), moment(until, field="--until")
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise BadRequestError("--since must lie before --until")
    for key in keys:
        if key not in hub.names.ids:
            raise BadRequestError(f"nothing here ever sent {key!r}", field="keys")
    places = [find_plant(hub.registry, word) for word in plants] if plants else list(hub.registry.plants.values())
    return Selection(
        chosen_devices(hub.registry, plants, devices),
        places,
        "device" if devices else "plant",
        since_ms,
        until_ms,
        keys,
    )


def windows(hub: LocalHub, device: Device, selection: Selection) -> list[tuple[int, int]]:
    """The stretches of the span in which a device may have samples. [ms, ms)"""
    hours = hub.tiers.covered_hours(device.id)
    if not hours:
        return []
    since_ms = max(hours[0] * HOUR_MS, selection.since_ms if selection.since_ms is not None else 0)
    until_ms = min((hours[-1] + 1) * HOUR_MS, selection.until_ms if selection.until_ms is not None else LATEST_MS)
    return [(at, min(at + STRETCH_MS, until_ms)) for at in range(since_ms, until_ms, STRETCH_MS)]


async def series(hub: LocalHub, selection: Selection, bars: Progress, title: str) -> AsyncIterator[Series]:
    """The samples chosen, device by device, oldest first, a stretch at a time."""
    spans = [(device, span) for device in selection.devices for span in windows(hub, device, selection)]
    for device, (since_ms, until_ms) in bars.track(spans, description=title):
        part = hub.tiers.series(device.id, since_ms, until_ms, selection.keys or None)
        if len(part.at_ms):
            yield part


async def totals(hub: LocalHub, selection: Selection, level: Level, bars: Progress) -> AsyncIterator[BucketSeries]:
    """The buckets chosen, plant by plant or device by device, oldest first."""
    registry = hub.registry
    since_ms = selection.since_ms if selection.since_ms is not None else 0
    until_ms = selection.until_ms if selection.until_ms is not None else hub.clock.now_ms() + DAY_MS
    chosen: list[Device] | list[Plant] = selection.devices if selection.subject == "device" else selection.plants
    owned = [(registry.plants[getattr(entry, "plant_id", entry.id)].account_id, entry.id) for entry in chosen]
    for account_id, number in bars.track(owned, description="Totals"):
        yield (await hub.buckets(operator(account_id), selection.subject, [number], level, since_ms, until_ms))[0]
