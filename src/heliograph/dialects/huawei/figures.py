"""The KPIs that are set up for a caller: which figures of a call it may read. (1, "Access Rights"; code 20009)"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from heliograph.dialects.huawei.codes import NO_KPIS, refuse
from heliograph.protocol.fields import FieldTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.dialects.huawei.wire import Row
    from heliograph.protocol.operations import Call

D = TypeVar("D")

BATTERY_FIGURES = ("charge_cap", "discharge_cap", "charge_time", "discharge_time")
INVERTER_FIGURES = ("installed_capacity", "product_power", "perpower_ratio")
DAILY_FIGURES = ("yield_deviation", "total_aop", "aoc_ratio")
"""What inverters have by the day only. (3.8)"""


def names_of(items: type[msgspec.Struct]) -> tuple[str, ...]:
    """The figures of a row, by the vendor's names."""
    return items.__struct_encode_fields__


def open_figures(call: Call[Any], figures: Iterable[str]) -> frozenset[str] | None:
    """Which figures of this call the caller may read; None for all.

    Raises VendorError when it may read none of them.
    """
    if call.caller.kpis is None:
        return None
    opened = frozenset(name for name in figures if call.caller.may_read(call.operation.name, name))
    if not opened:
        raise refuse(NO_KPIS)
    return opened


def open_table(call: Call[Any], table: FieldTable) -> FieldTable:
    """The table of a call with the points that the caller may read. Raises VendorError when it may read none."""
    opened = open_figures(call, table.wire_names)
    return table if opened is None else _part(table, opened)


@lru_cache(maxsize=128)
def _part(table: FieldTable, names: frozenset[str]) -> FieldTable:
    kept = [entry for entry in table.entries if entry.name in names]
    return FieldTable(table.dialect, table.name, kept, table.cite)


def only(rows: list[Row[D]], figures: frozenset[str] | None) -> list[Row[D]]:
    """Rows with these figures alone; None for all."""
    if figures is not None:
        for row in rows:
            items: Any = msgspec.to_builtins(row.items)  # any: what is left of a Struct is a dict
            row.items = {name: value for name, value in items.items() if name in figures}  # type: ignore[assignment]
    return rows
