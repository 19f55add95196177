"""The later forms: several devices, months, and the state of what was sent."""

from __future__ import annotations

from heliograph.dialects.redex.codes import NOT_FOUND, refuse
from heliograph.dialects.redex.operations import (
    BATCHES_ALIAS,
    MONTHLY_ALIAS,
    SEND_BATCHES,
    SEND_MONTHLY,
    SEND_PLURAL,
    STATUS,
    STATUS_ALIAS,
)
from heliograph.dialects.redex.submitting import Part, of_days, of_months, require_daily, submit
from heliograph.dialects.redex.wire import (
    BatchQuery,
    DeviceData,
    MonthlyQuery,
    PluralQuery,
    ProcessResult,
    StatusQuery,
    StatusResult,
)
from heliograph.errors import NotFoundError
from heliograph.protocol.operations import Call, Handler, handle
from heliograph.protocol.times import format_instant

DECIMALS = 3
"""How many decimals the later forms take."""


def _parts(devices: list[DeviceData]) -> list[Part]:
    parts = []
    for index, device in enumerate(devices):
        require_daily(device.frequency_type, f"Devices[{index}].")
        parts.append(of_days(device.remote_inv_id, device.data, DECIMALS, f"Devices[{index}]."))
    return parts


async def send_plural(call: Call[PluralQuery]) -> ProcessResult:
    """Keep the days of one device or several."""
    query = call.request
    require_daily(query.frequency_type)
    parts = _parts(query.devices) if query.devices else [of_days(query.remote_inv_id or "", query.data or [], DECIMALS)]
    return ProcessResult((await submit(call, parts)).statement_id)


async def send_batches(call: Call[BatchQuery]) -> ProcessResult:
    """Keep the days of several devices."""
    return ProcessResult((await submit(call, _parts(call.request.devices))).statement_id)


async def send_monthly(call: Call[MonthlyQuery]) -> ProcessResult:
    """Keep the months of a device."""
    part = of_months(call.request.remote_inv_id, call.request.data, DECIMALS)
    return ProcessResult((await submit(call, [part])).statement_id)


async def status(call: Call[StatusQuery]) -> StatusResult:
    """What became of a submission: the hub works at once, so what it took has succeeded.

    Raises DetailedError with 404 for a number that is not the account's.
    """
    number = call.request.process_id
    try:
        receipt = await call.hub.ledger.receipt(call.caller, number)
    except NotFoundError as error:
        raise refuse(NOT_FOUND, "ProcessId", f"there is no process {number}") from error
    if receipt.dialect != "redex":
        raise refuse(NOT_FOUND, "ProcessId", f"there is no process {number}")
    monthly = receipt.operation == SEND_MONTHLY.name
    at = format_instant(receipt.at_ms)
    return StatusResult(number, "Success", at, at, "CreateMonthlyData" if monthly else "CreateNewGenerationData")


HANDLERS: tuple[Handler, ...] = (
    handle(SEND_PLURAL, send_plural),
    handle(SEND_BATCHES, send_batches),
    handle(BATCHES_ALIAS, send_batches),
    handle(SEND_MONTHLY, send_monthly),
    handle(MONTHLY_ALIAS, send_monthly),
    handle(STATUS, status),
    handle(STATUS_ALIAS, status),
)
