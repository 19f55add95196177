"""Samples from the wire into blocks. The path that every record takes, so the work for each is kept small."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from math import nan
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from heliograph.dialects.native.wire import Sample, SampleBatch, SampleBody
from heliograph.errors import BadRequestError, MissingFieldError, UnknownDeviceError
from heliograph.model.measurements import KEY
from heliograph.model.samples import Block
from heliograph.protocol.times import parse_epoch_ms, parse_instant

MOST_VALUES = 2000
"""How many measurements one record may name. [1]"""
UTC_ZONE = ZoneInfo("UTC")
Instants = Mapping[int | str, int | None]


def records(body: SampleBody) -> Sequence[Sample]:
    """The records of a body in any of its forms. Raises BadRequestError for an object that is no form."""
    if not isinstance(body, SampleBatch):
        return body
    single = (body.at, body.values, body.device)
    if body.samples is not msgspec.UNSET:
        if any(part is not msgspec.UNSET for part in single):
            raise BadRequestError("either samples or the fields of a single record, not both", field="samples")
        return body.samples
    if body.at is msgspec.UNSET or body.values is msgspec.UNSET:
        raise MissingFieldError("a record needs at and values", field="at" if body.at is msgspec.UNSET else "values")
    return (Sample(body.at, body.values, body.device),)


def is_wall_time(text: str) -> bool:
    """Whether a time says no offset, so that only the plant's zone makes it an instant."""
    if text.lstrip("-").isdigit():
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def instant(at: int | str, tz: ZoneInfo, *, field: str) -> int:
    """The instant of a given time; wall time is of `tz`. [ms since 1970, UTC]"""
    return parse_epoch_ms(at, field=field) if isinstance(at, int) else parse_instant(at, tz, field=field)


def read_instants(samples: Sequence[Sample]) -> Instants:
    """The instant of each time that the records name, None for wall times. Raises BadRequestError for what is none."""
    found: dict[int | str, int | None] = {}
    for at in {sample.at for sample in samples}:
        if isinstance(at, str) and is_wall_time(at):
            found[at] = None
            continue
        try:
            found[at] = instant(at, UTC_ZONE, field="at")
        except BadRequestError as error:
            index = next(index for index, sample in enumerate(samples) if sample.at == at)
            device = samples[index].device
            owner = "" if device is msgspec.UNSET else str(device)[:100]
            raise BadRequestError(f"samples[{index}]: {error}", field=f"samples[{index}].at", device=owner) from error
    return found


class _Group:
    """Records with the same measurements while they are gathered; `cells` holds row after row."""

    __slots__ = ("at_ms", "cells", "device_ids", "texts")

    def __init__(self) -> None:
        self.device_ids: list[int] = []
        self.at_ms: list[int] = []
        self.cells = array("d")
        self.texts: dict[int, dict[str, str]] = {}


_Groups = dict[tuple[str, ...], _Group]


def to_blocks(
    samples: Sequence[Sample],
    instants: Instants,
    *,
    device: int | None = None,
    zones: Mapping[int, ZoneInfo] | None = None,
) -> list[Block]:
    """Records grouped into blocks by their measurements; `zones` by device, for wall times.

    Null leaves a hole, a record of nothing but nulls leaves no row. Raises BadRequestError or UnknownDeviceError
    naming the record.
    """
    groups: _Groups = {}
    for index, sample in enumerate(samples):
        owner = sample.device
        if device is not None or type(owner) is not int:
            owner = _owner(owner, device, index)
        at_ms = instants[sample.at]
        if at_ms is None:
            at_ms = _wall_instant(sample.at, owner, zones or {}, index)
        values = sample.values
        keys = tuple(values)
        group = groups.get(keys)
        if group is None:
            group = _open(groups, keys, owner, index)
        filled = len(group.cells)
        try:
            group.cells.extend(values.values())  # type: ignore[arg-type]  # what is no number raises TypeError
        except TypeError:
            del group.cells[filled:]
            if not _add_holes(group, values):
                _add_mixed(groups, values, owner, at_ms)
                continue
        group.device_ids.append(owner)
        group.at_ms.append(at_ms)
    return [_block(keys, group) for keys, group in groups.items() if group.device_ids]


def _owner(named: int | str | msgspec.UnsetType, device: int | None, index: int) -> int:
    """The device of a record, from the path or its own field."""
    if named is msgspec.UNSET:
        if device is None:
            raise MissingFieldError(f"samples[{index}].device is required", field=f"samples[{index}].device")
        return device
    if isinstance(named, str):
        if not (named.isascii() and named.isdecimal() and len(named) <= 18):
            raise UnknownDeviceError(f"samples[{index}]: there is no device {named[:100]!r}", device=named[:100])
        named = int(named)
    if device is not None and named != device:
        field = f"samples[{index}].device"
        raise BadRequestError(f"{field} is {named}, the path says {device}", field=field, device=str(named))
    return named


def _wall_instant(at: int | str, owner: int, zones: Mapping[int, ZoneInfo], index: int) -> int:
    tz = zones.get(owner)
    if tz is None:
        raise UnknownDeviceError(f"samples[{index}]: there is no device {owner}", device=str(owner))
    return instant(at, tz, field=f"samples[{index}].at")


@lru_cache(maxsize=1024)
def _bad_key(keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if KEY.fullmatch(key) is None), None)


def _open(groups: _Groups, keys: tuple[str, ...], owner: int, index: int) -> _Group:
    """A new group. Raises BadRequestError when the record holds nothing or names a key that cannot be kept."""
    place = f"samples[{index}].values"
    if not 0 < len(keys) <= MOST_VALUES:
        message = f"{place} of device {owner} names {len(keys)} measurements; it takes 1 to {MOST_VALUES}"
        raise BadRequestError(message, field=place, device=str(owner))
    bad = _bad_key(keys)
    if bad is not None:
        raise BadRequestError(
            f"{place} of device {owner}: {bad[:120]!r} is no key; one is 1 to 100 of A-Z a-z 0-9 _ . : -",
            field=f"{place}.{bad[:100]}",
            device=str(owner),
        )
    return groups.setdefault(keys, _Group())


def _add_holes(group: _Group, values: Mapping[str, float | str | None]) -> bool:
    """Add the cells of a record of numbers and nulls; False, adding nothing, for any other."""
    kinds = set(map(type, values.values()))
    if str in kinds or float not in kinds:
        return False
    group.cells.extend(nan if value is None else value for value in values.values())  # type: ignore[misc]  # no text here
    return True


def _add_mixed(groups: _Groups, values: Mapping[str, float | str | None], owner: int, at_ms: int) -> None:
    """Add a record with texts, which take no column, so that none is kept empty for them. One of nulls adds nothing."""
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    if not texts:
        return
    numbers = {key: nan if value is None else value for key, value in values.items() if not isinstance(value, str)}
    group = groups.setdefault(tuple(numbers), _Group())
    group.texts[len(group.device_ids)] = texts
    group.cells.extend(numbers.values())
    group.device_ids.append(owner)
    group.at_ms.append(at_ms)


def _block(keys: tuple[str, ...], group: _Group) -> Block:
    values = np.asarray(group.cells, np.float64).reshape(len(group.device_ids), len(keys))
    return Block(keys, group.device_ids, group.at_ms, values, group.texts)
