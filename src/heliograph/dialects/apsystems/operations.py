"""The calls of the interface, all GET and all below `/user/api/v2/systems`, and how often they may come.

The document gives no rates; those here are wide enough for every client that waits for its answers.
"""

from __future__ import annotations

from typing import TypeVar

from heliograph.dialects.apsystems.wire import (
    Batch,
    ChannelSummary,
    EcuEntry,
    EcuMinutes,
    EcuPeriodQuery,
    EcuQuery,
    Full,
    InverterCourse,
    InverterPeriodQuery,
    InverterQuery,
    MeterCourse,
    MeterSummary,
    Summary,
    SystemDetails,
    SystemPeriodQuery,
    SystemQuery,
)
from heliograph.protocol.operations import Limit, Operation

Q = TypeVar("Q")
R = TypeVar("R")

DOCUMENT = "APsystems OpenAPI V1.6"
PREFIX = "/user/api/v2/systems"
TOO_MANY = Limit(50, 1.0, "credential")
"""More is answered with 7002."""
SERVER_LIMIT = Limit(1200, 60.0, "account")
"""More is answered with 7001."""
MONTHLY_CALLS = 1000
"""Calls a month of an account, over all its credentials; more is answered with 2005."""


def _get(name: str, path: str, request: type[Q], result: type[R], section: str, summary: str) -> Operation[Q, R]:
    return Operation(
        name=name,
        method="GET",
        path=f"{PREFIX}{path}",
        request=request,
        result=result,
        cite=f"{DOCUMENT}, {section}",
        limit=TOO_MANY,
        summary=summary,
    )


SYSTEM_DETAILS = _get(
    "systems/details", "/details/{sid}", SystemQuery, Full[SystemDetails], "3.1.1", "What a system is."
)
SYSTEM_INVERTERS = _get(
    "systems/inverters", "/inverters/{sid}", SystemQuery, Full[list[EcuEntry]], "3.1.2", "Inverters by ECU."
)
SYSTEM_METERS = _get(
    "systems/meters", "/meters/{sid}", SystemQuery, Full[list[str]], "3.1.3", "The ECUs that have a meter."
)
SYSTEM_SUMMARY = _get(
    "systems/summary", "/summary/{sid}", SystemQuery, Full[Summary], "3.2.1", "Production of a system so far."
)
SYSTEM_ENERGY = _get(
    "systems/energy", "/energy/{sid}", SystemPeriodQuery, Full[list[str]], "3.2.2", "Production of a system by periods."
)
ECU_SUMMARY = _get(
    "ecu/summary", "/{sid}/devices/ecu/summary/{eid}", EcuQuery, Full[Summary], "3.3.1",
    "Production below an ECU so far.",
)  # fmt: skip
ECU_ENERGY = _get(
    "ecu/energy", "/{sid}/devices/ecu/energy/{eid}", EcuPeriodQuery, Full[EcuMinutes | list[str]], "3.3.2",
    "Production below an ECU by periods, or over a day.",
)  # fmt: skip
METER_SUMMARY = _get(
    "meter/summary", "/{sid}/devices/meter/summary/{eid}", EcuQuery, Full[MeterSummary], "3.4.1",
    "What a system consumed, bought, fed in and produced so far.",
)  # fmt: skip
METER_PERIOD = _get(
    "meter/period", "/{sid}/devices/meter/period/{eid}", EcuPeriodQuery, Full[MeterCourse], "3.4.2",
    "The same by periods, or over a day.",
)  # fmt: skip
INVERTER_SUMMARY = _get(
    "inverter/summary", "/{sid}/devices/inverter/summary/{uid}", InverterQuery, Full[ChannelSummary], "3.5.1",
    "Energy of an inverter's channels so far.",
)  # fmt: skip
INVERTER_ENERGY = _get(
    "inverter/energy", "/{sid}/devices/inverter/energy/{uid}", InverterPeriodQuery, Full[InverterCourse], "3.5.2",
    "Energy of an inverter's channels by periods, or its telemetry of a day.",
)  # fmt: skip
INVERTER_BATCH = _get(
    "inverter/batch/energy", "/{sid}/devices/inverter/batch/energy/{eid}", EcuPeriodQuery, Full[Batch], "3.5.3",
    "A day of all inverters below an ECU: powers, or energies.",
)  # fmt: skip

OPERATIONS = (
    SYSTEM_DETAILS, SYSTEM_INVERTERS, SYSTEM_METERS, SYSTEM_SUMMARY, SYSTEM_ENERGY, ECU_SUMMARY, ECU_ENERGY,
    METER_SUMMARY, METER_PERIOD, INVERTER_SUMMARY, INVERTER_ENERGY, INVERTER_BATCH,
)  # fmt: skip
