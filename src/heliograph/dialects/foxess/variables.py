"""The variable table as the document prints it, and what the hub puts right in it; the fault codes."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import LANGUAGES
from heliograph.dialects.foxess.operations import LIST_FAULTS, LIST_VARIABLES
from heliograph.dialects.foxess.wire import FaultList, VariableList
from heliograph.model.alarm_texts import kinds
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.dialects.foxess.wire import NoQuery, Param


class Variable(msgspec.Struct, frozen=True, rename={"names": "name", "states": "enum"}):
    """A variable: its name in each language, its unit, which kinds of inverters have it, what its values mean.

    Where the table leaves out the kinds, both have it.
    """

    names: dict[str, str]
    unit: str | None = None
    grid: bool = True
    storage: bool = True
    states: dict[str, str] = {}


UNITS = {"todayYield": "kWh", "ResidualEnergy": "0.01kWh", "PowerFactor": ""}
"""Units that the service has other than printed: kW for todayYield, kWh for ResidualEnergy, none for PowerFactor."""
UNPRINTED = {
    "PVEnergyTotal": Variable(dict.fromkeys(LANGUAGES, "Photovoltaic power generation"), "kWh"),
}
"""Variables that the table lacks and clients read."""


@cache
def printed() -> dict[str, Variable]:
    """The table of the document, units put right."""
    found = resources.files("heliograph.dialects.foxess").joinpath("variables.json").read_bytes()
    table = msgspec.json.decode(found, type=dict[str, Variable])
    return {name: msgspec.structs.replace(entry, unit=UNITS.get(name, entry.unit)) for name, entry in table.items()}


@cache
def served() -> dict[str, Variable]:
    """Every variable that is served."""
    return {**printed(), **UNPRINTED}


def asked_variables(value: Param) -> tuple[str, ...]:
    """The variables of a request, those that there are; all where it names none. Raises BadRequestError."""
    asked = parameters.names(value, "variables")
    return tuple(name for name in asked if name in served()) if asked else tuple(served())


def _told(variable: Variable) -> dict[str, Any]:  # any: texts, names by language and flags
    told: dict[str, Any] = {} if variable.unit is None else {"unit": variable.unit}
    told |= {
        "name": variable.names,
        "Grid-tied inverter": variable.grid,
        "Energy-storage inverter": variable.storage,
    }
    if variable.states:
        told["enum"] = variable.states
    return told


async def list_variables(call: Call[NoQuery]) -> VariableList:
    """Every printed variable, in the printed order."""
    return VariableList([{name: _told(variable)} for name, variable in printed().items()])


async def list_faults(call: Call[NoQuery]) -> FaultList:
    """Every fault code that the hub knows, in English where a text is missing."""
    rows: list[dict[str, dict[str, str]]] = []
    for code, kind in kinds().items():
        told = {name: kind.texts.get(ours, kind.texts["en"]).name for name, ours in _FAULT_LANGUAGES.items()}
        rows.append({code: told})
    return FaultList(rows)


_FAULT_LANGUAGES = {"en": "en", "zh_CN": "zh", "pl": "pl"}

HANDLERS: tuple[Handler, ...] = (handle(LIST_VARIABLES, list_variables), handle(LIST_FAULTS, list_faults))
