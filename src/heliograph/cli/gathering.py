"""Rows of files into blocks of samples, checked one by one so that what is wrong can be named."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from heliograph.cli.lookup import find_device
from heliograph.errors import BadRequestError, HubError
from heliograph.model.measurements import CATALOGUE
from heliograph.model.samples import Block
from heliograph.protocol.times import parse_instant

if TYPE_CHECKING:
    from heliograph.cli.reading import Bag, Row
    from heliograph.hub import LocalHub

KEY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
MOST_TIMES = 200_000


class Owner(msgspec.Struct, frozen=True):
    """A device a file names: whose it is, and the zone of its wall times."""

    device_id: int
    account_id: int
    tz: ZoneInfo


class Gathered(msgspec.Struct):
    """What the rows of a batch come to."""

    blocks: dict[int, list[Block]]
    """By account."""
    records: int
    values: int


class Gatherer:
    """Checks rows against a hub and makes blocks of them."""

    def __init__(self, hub: LocalHub, *, new_keys: bool) -> None:
        self._hub = hub
        self._new_keys = new_keys
        self._owners: dict[str, Owner] = {}
        self._keys: set[str] = set()
        self._times: dict[tuple[str | int, str], int] = {}
        ahead_ms = hub.config.ingest.max_future_s * 1000
        self._last_ms = hub.clock.now_ms() + ahead_ms
        self._earliest = hub.config.ingest.earliest
        self._first_ms = parse_instant(self._earliest, ZoneInfo("UTC"), field="earliest")
        self.devices: set[int] = set()

    def gather(self, rows: list[Row]) -> Gathered:
        """The blocks of a batch. Raises BadRequestError naming the line that is wrong."""
        bags: dict[tuple[int, int], dict[str, float | str]] = {}
        accounts: dict[int, int] = {}
        for row in rows:
            try:
                owner = self._owner(row.device)
                at_ms = self._instant(row.at, owner.tz)
                bag = bags.setdefault((owner.device_id, at_ms), {})
                self._add(bag, row.values)
            except HubError as error:
                raise BadRequestError(f"line {row.line}: {error}", device=row.device) from error
            accounts[owner.device_id] = owner.account_id
        self.devices.update(accounts)
        return _blocks(bags, accounts)

    def _owner(self, word: str) -> Owner:
        owner = self._owners.get(word)
        if owner is None:
            device = find_device(self._hub.registry, word)
            plant = self._hub.registry.plants[device.plant_id]
            if device.disabled or plant.disabled:
                raise BadRequestError(f"device {word!r} is disabled")
            owner = self._owners[word] = Owner(device.id, plant.account_id, ZoneInfo(plant.zone))
        return owner

    def _instant(self, at: str | int, tz: ZoneInfo) -> int:
        known = self._times.get((at, tz.key))
        if known is not None:
            return known
        at_ms = at if isinstance(at, int) else parse_instant(at, tz, field="at")
        if at_ms < self._first_ms:
            raise BadRequestError(f"at {at!r} lies before {self._earliest}")
        if at_ms > self._last_ms:
            raise BadRequestError(f"at {at!r} lies in the future")
        if len(self._times) > MOST_TIMES:
            self._times.clear()
        self._times[(at, tz.key)] = at_ms
        return at_ms

    def _add(self, bag: dict[str, float | str], values: Bag) -> None:
        for key, value in values.items():
            if key not in self._keys:
                self._check_key(key)
            if value is None:
                continue
            if bag.setdefault(key, value) != value:
                raise BadRequestError(f"{key} is {value!r} here and {bag[key]!r} in another line of the same time")

    def _check_key(self, key: str) -> None:
        if KEY.fullmatch(key) is None:
            raise BadRequestError(f"{key[:60]!r} is no key; one is 1 to 100 of A-Z a-z 0-9 _ . : -")
        if key not in CATALOGUE and ":" not in key and key not in self._hub.names.ids and not self._new_keys:
            close = get_close_matches(key, CATALOGUE, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise BadRequestError(f"no measurement is called {key!r}: {hint}--new-keys takes it as it is")
        self._keys.add(key)


def _blocks(bags: dict[tuple[int, int], dict[str, float | str]], accounts: dict[int, int]) -> Gathered:
    groups: dict[tuple[int, tuple[str, ...]], list[tuple[int, int, list[float], dict[str, str]]]] = {}
    values = 0
    for (device_id, at_ms), bag in bags.items():
        if not bag:
            continue
        values += len(bag)
        texts = {key: value for key, value in bag.items() if isinstance(value, str)}
        numbers = {key: value for key, value in bag.items() if not isinstance(value, str)} if texts else bag
        record = (device_id, at_ms, list(numbers.values()), texts)
        groups.setdefault((accounts[device_id], tuple(numbers)), []).append(record)  # type: ignore[arg-type]  # numbers
    found: dict[int, list[Block]] = {}
    for (account_id, keys), records in groups.items():
        matrix = np.array([record[2] for record in records], np.float64).reshape(len(records), len(keys))
        texts_by_row = {index: record[3] for index, record in enumerate(records) if record[3]}
        block = Block(keys, [record[0] for record in records], [record[1] for record in records], matrix, texts_by_row)
        found.setdefault(account_id, []).append(block)
    return Gathered(found, sum(len(bag) > 0 for bag in bags.values()), values)
