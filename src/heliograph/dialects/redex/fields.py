"""What the vendor calls the fields of the generation ledger.

The document prints `AccumulatedPowerInKWh`, its later versions `AccumulatedEnergyInKWh`: both are an energy in
kilowatt-hours. The ledger keeps the digits, so nothing is scaled.
"""

from __future__ import annotations

TIMESTAMP, PERIOD = "Timestamp", "PeriodProductionInKWh"
ACCUMULATED, ACCUMULATED_LATER = "AccumulatedPowerInKWh", "AccumulatedEnergyInKWh"
MONTHLY = "PeriodProductionPerMonthInKWh"

RECORD = {"on": TIMESTAMP, "period_kwh": PERIOD, "accumulated_kwh": ACCUMULATED}
"""The vendor's name of each field that the ledger may find wrong."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""The months as the monthly form names them, January first."""
