"""The generation ledger: what is stated of a device's days and months, and stating it."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec import Raw

from heliograph.clock import day_of, zone
from heliograph.dialects.native.auth import DIALECT_NAME
from heliograph.dialects.native.lookups import device_of, plant_of
from heliograph.dialects.native.queries import DeclareEnergy, ReadDeclared
from heliograph.dialects.native.results import DeclarationKept, DeclaredEnergy, DeclaredEntry
from heliograph.dialects.native.wire import StatedEnergy
from heliograph.errors import BadRequestError
from heliograph.model.ledger import Declaration, Declared, Statement
from heliograph.protocol.operations import Call, Reply
from heliograph.protocol.times import parse_date

DEFAULT_DAYS = 30
EARLIEST, LATEST = date(1970, 1, 1), date(2200, 1, 1)


async def get_declared(call: Call[ReadDeclared]) -> DeclaredEnergy | Reply:
    """What is stated at present of the days of a span, and of the months whose first day lies in it."""
    device = await device_of(call, call.request.device)
    tz = zone((await plant_of(call, device.plant_id)).zone)
    since, until = call.request.since, call.request.until
    end = date.fromordinal(day_of(call.now_ms, tz) + 1) if until is None else _day(until, "until")
    start = end - timedelta(DEFAULT_DAYS) if since is None else _day(since, "since")
    if start > end:
        raise BadRequestError("since must not come after until", field="since")
    found = await call.hub.ledger.declared(call.caller, device.id, _bound(start), _bound(end))
    entries = [
        DeclaredEntry(on=one.on, period_kwh=one.period_kwh, accumulated_kwh=one.accumulated_kwh) for one in found
    ]
    return DeclaredEnergy(device.id, entries)


async def declare_energy(call: Call[DeclareEnergy]) -> DeclarationKept | Reply:
    """State the energy of days or months of a device, all or nothing."""
    device = await device_of(call, call.request.device)
    body = call.request.body
    stated = body if isinstance(body, list) else [body]
    declaration = Declaration(
        device_id=device.id, remote_id=str(device.id), entries=[to_declared(one) for one in stated]
    )
    statement = Statement(
        dialect=DIALECT_NAME,
        # The body does not say which device it speaks of, so two that are alike must differ in this.
        operation=f"{call.operation.name}/{device.id}",
        body=call.http.body,
        declarations=[declaration],
    )
    kept = await call.hub.ledger.declare(call.caller, statement)
    return DeclarationKept(kept.statement_id, kept.new, kept.unchanged, kept.corrected)


def to_declared(stated: StatedEnergy) -> Declared:
    """What is stated, digit by digit as it was sent; whether it can be is for the ledger to say."""
    return Declared(
        on=_text(stated.on) or "",
        period_kwh=_text(stated.period_kwh) or "",
        accumulated_kwh=_text(stated.accumulated_kwh),
    )


def _text(raw: Raw) -> str | None:
    """A JSON text or number as it stands in the body, None for null; what is escaped stays so, and is none."""
    text = bytes(raw).decode("utf-8", "replace").strip()
    if text == "null":
        return None
    return text[1:-1] if text.startswith('"') else text


def _day(text: str, field: str) -> date:
    day = parse_date(text, field=field)
    if not EARLIEST <= day <= LATEST:
        raise BadRequestError(f"{field} must lie between 1970 and 2200", field=field)
    return day


def _bound(day: date) -> str:
    """A bound in the order of the ledger's periods, in which a month comes just before its first day."""
    return f"{day:%Y-%m}" if day.day == 1 else day.isoformat()
