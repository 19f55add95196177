"""Field tables: what a vendor calls a measurement and in which unit it travels, read and written by the same entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from heliograph.model.measurements import Measurement
from heliograph.model.samples import Floats
from heliograph.model.units import CODE, MS_EPOCH, TIMES, Unit, factor


class Field(msgspec.Struct, frozen=True):
    """A number on the wire. `negated` where the vendor counts the other direction as positive."""

    name: str
    measurement: Measurement
    unit: Unit
    negated: bool = False
    note: str = ""
    whole: bool = False
    """Whether it is told without decimals, 1 and not 1.0, as counts and instants are in any case."""

    @property
    def scale(self) -> float:
        """Canonical units of one wire unit, with the sign."""
        return factor(self.unit, self.measurement.unit) * (-1.0 if self.negated else 1.0)


class Text(msgspec.Struct, frozen=True):
    """A text on the wire, kept under `key` as it is."""

    name: str
    key: str
    note: str = ""


class Coded(msgspec.Struct, frozen=True):
    """A code on the wire that stands for another code of the hub; unlisted codes pass unchanged."""

    name: str
    measurement: Measurement
    codes: Mapping[float, float]
    note: str = ""


class Split(msgspec.Struct, frozen=True):
    """One signed number on the wire, two measurements: the positive part and the size of the negative part."""

    name: str
    positive: Measurement
    negative: Measurement
    unit: Unit
    note: str = ""


class Half(msgspec.Struct, frozen=True):
    """One direction of a signed measurement, never negative on the wire: its positive part, or its `negative` one.

    The two halves of a measurement are two names; together they are read as one number.
    """

    name: str
    measurement: Measurement
    unit: Unit
    negative: bool = False
    note: str = ""

    @property
    def scale(self) -> float:
        """Canonical units of one wire unit, with the sign."""
        return factor(self.unit, self.measurement.unit) * (-1.0 if self.negative else 1.0)


class Ignored(msgspec.Struct, frozen=True):
    """A point that is not kept, and why."""

    name: str
    why: str


Entry = Field | Text | Coded | Split | Half | Ignored


class DecodePlan(msgspec.Struct, frozen=True):
    """How rows with the same wire names become columns: which to take, under which keys, times what.

    `plain` means that every column is taken as it is; `coded` lists columns whose codes are translated.
    """

    keys: tuple[str, ...]
    take: tuple[int, ...]
    scales: Floats
    plain: bool
    coded: tuple[tuple[int, Mapping[float, float]], ...] = ()
    splits: tuple[tuple[int, int], ...] = ()
    """(column of the positive part, column of the negative part) after taking."""
    halves: tuple[tuple[int, int, float], ...] = ()
    """(column that a second half joins, its place on the wire, times what)."""


class FieldTable:
    """The points of one device kind in one dialect.

    `decode` turns wire columns into the hub's, `encode` the reverse; a point that the table lacks is kept
    under `<dialect>:<name>` and given back under its own name.
    """

    def __init__(self, dialect: str, name: str, entries: Sequence[Entry], cite: str) -> None:
        self.dialect, self.name, self.cite = dialect, name, cite
        self.entries = tuple(entries)
        self.by_name: dict[str, Entry] = {entry.name: entry for entry in entries}
        if len(self.by_name) != len(self.entries):
            raise ValueError(f"{dialect}/{name} lists a name twice")
        self.names = tuple(entry.name for entry in entries if not isinstance(entry, Ignored))
        self.plan = lru_cache(maxsize=4096)(self._plan)
        self._columns = [column for entry in entries for column in self._column(entry)]

    def _plan(self, names: tuple[str, ...]) -> DecodePlan:
        keys: list[str] = []
        take: list[int] = []
        scales: list[float] = []
        coded: list[tuple[int, Mapping[float, float]]] = []
        splits: list[tuple[int, int]] = []
        halves: list[tuple[int, int, float]] = []
        for index, name in enumerate(names):
            entry = self.by_name.get(name)
            match entry:
                case Ignored() | Text():
                    continue
                case Split():
                    splits.append((len(keys), len(keys) + 1))
                    scale = factor(entry.unit, entry.positive.unit)
                    parts = [(entry.positive.key, scale), (entry.negative.key, scale)]
                case Coded():
                    coded.append((len(keys), entry.codes))
                    parts = [(entry.measurement.key, 1.0)]
                case Half() if entry.measurement.key in keys:
                    halves.append((keys.index(entry.measurement.key), index, entry.scale))
                    continue
                case Field() | Half():
                    parts = [(entry.measurement.key, entry.scale)]
                case None:
                    parts = [(f"{self.dialect}:{name}", 1.0)]
            for key, scale in parts:
                keys.append(key)
                take.append(index)
                scales.append(scale)
        plain = take == list(range(len(names))) and not coded and not splits
        return DecodePlan(tuple(keys), tuple(take), np.array(scales), plain, tuple(coded), tuple(splits), tuple(halves))

    def decode(self, names: tuple[str, ...], values: Floats) -> tuple[tuple[str, ...], Floats]:
        """Keys and canonical values of wire columns; `values` has shape (rows, names)."""
        plan: DecodePlan = self.plan(names)
        taken = values if plan.plain else values[:, list(plan.take)]
        with np.errstate(over="ignore"):  # what is too large for a unit is infinite, and refused further on
            out: Floats = taken * plan.scales
        for column, codes in plan.coded:
            out[:, column] = [codes.get(code, code) for code in out[:, column].tolist()]
        for positive, negative in plan.splits:
            out[:, positive] = np.maximum(out[:, positive], 0.0)
            out[:, negative] = np.maximum(-out[:, negative], 0.0)
        for column, index, scale in plan.halves:
            first, second = out[:, column], values[:, index] * scale
            out[:, column] = np.where(np.isnan(first), second, first + np.nan_to_num(second))
        return plan.keys, out

    @staticmethod
    def _column(entry: Entry) -> list[tuple[str, str, float, Mapping[float, float] | None, bool]]:
        match entry:
            case Field():
                counted = entry.unit in (MS_EPOCH, TIMES) or (entry.unit is CODE and entry.measurement.unit is TIMES)
                return [(entry.name, entry.measurement.key, entry.scale, None, entry.whole or counted)]
            case Half():
                return [(entry.name, entry.measurement.key, entry.scale, None, False)]
            case Coded():
                reverse = {hub: wire for wire, hub in reversed(list(entry.codes.items()))}
                return [(entry.name, entry.measurement.key, 1.0, reverse, False)]
            case Split():
                return [(entry.name, entry.positive.key, factor(entry.unit, entry.positive.unit), None, False)]
        return []

    @property
    def keys(self) -> tuple[str, ...]:
        """Every measurement key the table reads or writes."""
        split = [entry.negative.key for entry in self.entries if isinstance(entry, Split)]
        return (*(column[1] for column in self._columns), *split)

    def encode(self, columns: Mapping[str, Floats], rows: int) -> list[list[Any]]:
        """The wire columns in the order of `wire_names`: numbers in wire units, NaN where there is no sample."""
        out: list[list[Any]] = []
        blank: list[float] | None = None
        for name, key, scale, codes, whole in self._columns:
            entry = self.by_name[name]
            values = columns.get(key)
            if isinstance(entry, Split):
                values = _signed(values, columns.get(entry.negative.key))
            if values is None:
                blank = blank or [np.nan] * rows
                out.append(blank)
                continue
            if codes is not None:
                out.append([codes.get(value, value) for value in values.tolist()])
            elif whole:
                out.append([None if value != value else int(value) for value in (values / scale).tolist()])
            elif isinstance(entry, Half):
                out.append((np.maximum(to_wire(values, scale), 0.0) + 0.0).tolist())
            else:
                out.append(to_wire(values, scale).tolist())
        return out

    @property
    def wire_names(self) -> tuple[str, ...]:
        """The names of the columns that `encode` gives."""
        return tuple(column[0] for column in self._columns)

    def row_type(self) -> type[msgspec.Struct]:
        """A Struct with one field per wire name in the order of `encode`, for encoding rows at full speed."""
        return _row_type(f"{self.dialect}_{self.name}", self.wire_names)


@lru_cache(maxsize=256)
def _row_type(title: str, names: tuple[str, ...]) -> type[msgspec.Struct]:
    fields = [(f"f{index}", Any, None) for index in range(len(names))]
    rename = {f"f{index}": name for index, name in enumerate(names)}
    return msgspec.defstruct(title.title().replace("_", ""), fields, rename=rename, gc=False)


def _signed(positive: Floats | None, negative: Floats | None) -> Floats | None:
    """One signed column of two; where but one side is known, that side alone."""
    if positive is None or negative is None:
        return positive if negative is None else 0.0 - negative
    signed: Floats = np.where(np.isnan(positive), 0.0 - negative, positive - np.nan_to_num(negative))
    return signed


def to_wire(values: Floats, scale: float) -> Floats:
    """Canonical values in wire units, without the last-digit noise that scaling there and back leaves."""
    if scale == 1.0:
        return values
    if scale == -1.0:
        return 0.0 - values
    scaled = values / scale
    top = np.nanmax(np.abs(scaled), initial=0.0)
    digits = 9 if top < 9e6 else 6 if top < 9e9 else 3
    rounded: Floats = np.round(scaled, digits)
    return rounded + 0.0  # turns -0.0 into 0.0
