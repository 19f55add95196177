"""Records of files into blocks of samples, checked one by one so that what is wrong can be named."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from heliograph.cli.lookup import find_device
from heliograph.clock import DAY_MS
from heliograph.errors import BadRequestError, HubError
from heliograph.model.measurements import CATALOGUE, KEY
from heliograph.model.samples import Block
from heliograph.protocol.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph.cli.reading import Bag, Record
    from heliograph.hub import LocalHub

MOST_TIMES = 200_000
Bags = dict[tuple[int, int], "Bag"]
"""What devices sent, by device and instant."""


class Owner(msgspec.Struct, frozen=True):
    """A device that a file names: whose it is, and the zone of its wall times."""

    device_id: int
    account_id: int
    tz: ZoneInfo


class Gathered(msgspec.Struct):
    """What the records of a batch come to; `blocks` by account, without the records the hub holds already."""

    blocks: dict[int, list[Block]]
    records: int
    values: int
    new: int
    known: int
    corrected: int


class Gatherer:
    """Checks records against a hub and makes blocks of them."""

    def __init__(self, hub: LocalHub, *, new_keys: bool) -> None:
        self._hub = hub
        self._new_keys = new_keys
        self._owners: dict[str, Owner] = {}
        self._times: dict[tuple[str | int, str], int] = {}
        self._last_ms = hub.clock.now_ms() + hub.config.ingest.max_future_s * 1000
        self._earliest = hub.config.ingest.earliest
        self._first_ms = parse_instant(self._earliest, ZoneInfo("UTC"), field="earliest")
        self.devices: set[int] = set()

    def check_key(self, key: str) -> None:
        """Raises BadRequestError for what is no key, or most likely a slip of the pen."""
        if KEY.fullmatch(key) is None:
            raise BadRequestError(f"{key[:60]!r} is no key; one is 1 to 100 of A-Z a-z 0-9 _ . : -")
        if key not in CATALOGUE and ":" not in key and key not in self._hub.names.ids and not self._new_keys:
            close = get_close_matches(key, CATALOGUE, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise BadRequestError(f"no measurement is called {key!r}: {hint}--new-keys takes it as it is")

    def gather(self, records: Sequence[Record]) -> Gathered:
        """The blocks of a batch. Raises BadRequestError naming the line that is wrong."""
        bags: Bags = {}
        accounts: dict[int, int] = {}
        for record in records:
            try:
                owner = self._owner(record.device)
                at_ms = self._instant(record.at, owner.tz)
                bag = bags.setdefault((owner.device_id, at_ms), record.values)
                if bag is not record.values:
                    _unite(bag, record.values)
            except HubError as error:
                raise BadRequestError(f"line {record.line}: {error}", device=record.device) from error
            accounts[owner.device_id] = owner.account_id
        self.devices.update(accounts)
        bags = {place: bag for place, bag in bags.items() if bag}
        values = sum(map(len, bags.values()))
        fresh, corrected = compare(self._hub, bags)
        known = len(bags) - len(fresh)
        return Gathered(_blocks(fresh, accounts), len(bags), values, len(fresh) - corrected, known, corrected)

    def _owner(self, word: str) -> Owner:
        owner = self._owners.get(word)
        if owner is None:
            device = find_device(self._hub.registry, word.strip())
            plant = self._hub.registry.plants[device.plant_id]
            if device.disabled or plant.disabled:
                raise BadRequestError(f"device {word!r} is disabled")
            owner = self._owners[word] = Owner(device.id, plant.account_id, ZoneInfo(plant.zone))
        return owner

    def _instant(self, at: str | int, tz: ZoneInfo) -> int:
        known = self._times.get((at, tz.key))
        if known is not None:
            return known
        at_ms = at if isinstance(at, int) else parse_instant(at.strip(), tz, field="at")
        if at_ms < self._first_ms:
            raise BadRequestError(f"at {at!r} lies before {self._earliest}")
        if at_ms > self._last_ms:
            raise BadRequestError(f"at {at!r} lies in the future")
        if len(self._times) > MOST_TIMES:
            self._times.clear()
        self._times[(at, tz.key)] = at_ms
        return at_ms


def _unite(bag: Bag, values: Bag) -> None:
    for key, value in values.items():
        if bag.setdefault(key, value) != value:
            raise BadRequestError(f"{key} is {value!r} here and {bag[key]!r} in another line of its time")


def compare(hub: LocalHub, bags: Bags) -> tuple[Bags, int]:
    """The records that the hub does not hold just so, and how many of them change a value it holds."""
    fresh: Bags = {}
    corrected = 0
    for device_id, span in _spans(bags):
        series = hub.tiers.series(device_id, span[0], span[-1] + 1)
        place = {at_ms: index for index, at_ms in enumerate(series.at_ms.tolist())}
        held: dict[str, list[float]] = {key: values.tolist() for key, values in series.columns.items()}
        for at_ms in span:
            bag = bags[(device_id, at_ms)]
            index = place.get(at_ms)
            if index is None:
                fresh[(device_id, at_ms)] = bag
                continue
            old: Bag = {key: held[key][index] for key in bag if key in held and held[key][index] == held[key][index]}
            old.update((key, word) for key, words in series.texts.items() if (word := words[index]) is not None)
            if any(old.get(key) != value for key, value in bag.items()):
                fresh[(device_id, at_ms)] = bag
                corrected += any(key in old and old[key] != value for key, value in bag.items())
    return fresh, corrected


def _spans(bags: Bags) -> Iterator[tuple[int, list[int]]]:
    """The instants of each device, rising, in runs without a gap of more than a day."""
    by_device: dict[int, list[int]] = {}
    for device_id, at_ms in bags:
        by_device.setdefault(device_id, []).append(at_ms)
    for device_id, instants in by_device.items():
        instants.sort()
        run = [instants[0]]
        for at_ms in instants[1:]:
            if at_ms - run[-1] > DAY_MS:
                yield device_id, run
                run = []
            run.append(at_ms)
        yield device_id, run


def _blocks(bags: Bags, accounts: dict[int, int]) -> dict[int, list[Block]]:
    """Records grouped by account and by what they measure."""
    groups: dict[tuple[int, tuple[str, ...]], list[tuple[int, int, Bag]]] = {}
    for (device_id, at_ms), bag in bags.items():
        numbers = tuple(key for key, value in bag.items() if not isinstance(value, str))
        groups.setdefault((accounts[device_id], numbers), []).append((device_id, at_ms, bag))
    found: dict[int, list[Block]] = {}
    for (account_id, keys), records in groups.items():
        matrix = np.array([[bag[key] for key in keys] for _, _, bag in records], np.float64)
        texts = {
            index: {key: value for key, value in bag.items() if isinstance(value, str)}
            for index, (_, _, bag) in enumerate(records)
            if len(bag) > len(keys)
        }
        block = Block(
            keys,
            [device_id for device_id, _, _ in records],
            [at_ms for _, at_ms, _ in records],
            matrix.reshape(len(records), len(keys)),
            texts,
        )
        found.setdefault(account_id, []).append(block)
    return found
