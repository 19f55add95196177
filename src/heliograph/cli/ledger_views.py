"""The ledger as people look at it: what proving found, and what is stated of a device."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from heliograph.cli.lookup import chosen_devices, find_account
from heliograph.cli.output import progress
from heliograph.errors import BadRequestError
from heliograph.ledger.proof import Finding, Proof, prove
from heliograph.store import chains as stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from heliograph.hub import LocalHub

HISTORY = {
    "on": "period", "revision": "revision", "present": "holds", "period_kwh": "energy [kWh]",
    "accumulated_kwh": "accumulated [kWh]", "at": "received", "author": "author",
}  # fmt: skip
TOLD = ("revision", "period_kwh", "accumulated_kwh", "at", "author", "device", "sequence", "statement")
PATIENCE_S = 1.0
"""From how long on work shows its progress. [s]"""


@contextmanager
def slow_progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """What takes steps of the work, and shows a bar once that has taken long."""
    begun_s = time.monotonic()
    with progress() as bars:
        bar = bars.add_task(title, total=total, visible=False)
        yield lambda step: bars.update(bar, advance=step, visible=time.monotonic() - begun_s > PATIENCE_S)


def proved(hub: LocalHub, device_ids: Sequence[int] | None) -> Proof:
    """Prove the ledger as it is now."""
    with hub.database.snapshot() as rows, slow_progress("Proving", stored.size(rows)) as moved:
        return prove(rows, device_ids, moved)


def found_text(finding: Finding) -> str:
    """A finding as a line."""
    named = f" ({finding.device})" if finding.device else ""
    place = [
        f"device {finding.device_id}{named}" if finding.device_id else "",
        finding.on,
        f"entry {finding.sequence}" if finding.sequence else "",
    ]
    return ": ".join(part for part in (", ".join(filter(None, place)), finding.message) if part)


def chosen(
    hub: LocalHub, devices: Sequence[str] | None, plants: Sequence[str] | None, account: str | None
) -> list[int] | None:
    """The ids of the devices chosen, None for all. Raises BadRequestError for more than one way to choose."""
    if sum(map(bool, (devices, plants, account))) > 1:
        raise BadRequestError("choose by --device, by --plant or by --account")
    registry = hub.registry
    if account is not None:
        owner = find_account(registry, account).id
        return [one.id for one in registry.devices.values() if registry.plants[one.plant_id].account_id == owner]
    return [one.id for one in chosen_devices(registry, plants, devices)] if plants or devices else None


def history(hub: LocalHub, device_id: int, since: str | None, until: str | None) -> list[dict[str, Any]]:
    """Each period of a device with its revisions, oldest first; the last revision is what holds."""
    lower, upper = _day(since, "--since"), _day(until, "--until")
    periods: dict[str, list[dict[str, Any]]] = {}
    with hub.database.snapshot() as rows:
        for link in stored.links(rows, device_id):
            entry = link.sealed.entry
            begins = f"{entry.on}-01"[: len("2023-05-01")]
            if lower <= begins and (not upper or begins < upper):
                periods.setdefault(entry.on, []).append({name: getattr(entry, name) for name in TOLD})
    return [{"on": on, "revisions": periods[on]} for on in sorted(periods)]


def _day(text: str | None, field: str) -> str:
    """The first day of a date or month, empty for none."""
    if text is None:
        return ""
    try:
        return date.fromisoformat(f"{text}-01" if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text) else text).isoformat()
    except ValueError as error:
        raise BadRequestError(f"{field} must be a day like 2023-05-01 or a month like 2023-05", field=field) from error
