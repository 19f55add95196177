"""Finding what a command names: by id, serial number or name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from heliograph.cli.dialect_names import check_alias
from heliograph.errors import BadRequestError, ConfigError, ConflictError, NotFoundError
from heliograph.model.access import Application
from heliograph.model.devices import Device
from heliograph.model.people import Person
from heliograph.model.plants import Account, Plant
from heliograph.protocol.hub import AliasScheme
from heliograph.protocol.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from heliograph.protocol.hub import Subject
    from heliograph.store.registry import Registry

N = TypeVar("N", Account, Plant, Device, Person, Application)


def _pick(noun: str, word: str, entries: Iterable[N], called: Callable[[N], str]) -> N:
    """The one entry with this name, else with this id."""
    listed = list(entries)
    named = [entry for entry in listed if called(entry) == word]
    if not named and word.isascii() and word.isdecimal():
        named = [entry for entry in listed if entry.id == int(word)]
    if len(named) > 1:
        ids = ", ".join(str(entry.id) for entry in named)
        raise ConflictError(f"several {noun}s are called {word!r}: name one by its id, {ids}")
    if not named:
        close = get_close_matches(word, [called(entry) for entry in listed], 1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; `heliograph {noun} list` shows what there is"
        raise NotFoundError(f"there is no {noun} {word!r}{hint}")
    return named[0]


def find_account(registry: Registry, word: str | None) -> Account:
    """The account of a name or id; the only one when none is named."""
    if word is not None:
        return _pick("account", word, registry.accounts.values(), lambda account: account.name)
    if not registry.accounts:
        raise ConfigError("there is no account yet: add one with `heliograph account add NAME`")
    if len(registry.accounts) > 1:
        raise BadRequestError("there are several accounts: name one with --account")
    return next(iter(registry.accounts.values()))


def find_plant(registry: Registry, word: str) -> Plant:
    """The plant of a name or id."""
    return _pick("plant", word, registry.plants.values(), lambda plant: plant.name)


def find_device(registry: Registry, word: str) -> Device:
    """The device of a serial number or id, else of a name."""
    devices = registry.devices.values()
    known = any(word in (device.serial, str(device.id)) for device in devices)
    named = not known and any(device.name == word for device in devices)
    return _pick("device", word, devices, lambda device: device.name if named else device.serial)


def find_person(registry: Registry, word: str) -> Person:
    """The person of a name, e-mail address, telephone number or id."""
    people = registry.people.values()
    found = [person for person in people if person.answers_to(word)]
    return (
        _pick("person", word, found, lambda _: word) if found else _pick("person", word, people, lambda one: one.name)
    )


def find_application(registry: Registry, word: str) -> Application:
    """The application of a client_id, name or id."""
    applications = registry.applications.values()
    found = [one for one in applications if one.client_id == word]
    return found[0] if len(found) == 1 else _pick("application", word, applications, lambda one: one.name)


def chosen_devices(registry: Registry, plants: Sequence[str] | None, devices: Sequence[str] | None) -> list[Device]:
    """The devices of the plants and serial numbers named; all when nothing is."""
    if not plants and not devices:
        return list(registry.devices.values())
    chosen: dict[int, Device] = {}
    for word in plants or ():
        for number in registry.plant_devices.get(find_plant(registry, word).id, []):
            chosen[number] = registry.devices[number]
    for word in devices or ():
        device = find_device(registry, word)
        chosen[device.id] = device
    return list(chosen.values())


def parse_aliases(
    words: Sequence[str] | None, subject: Subject, dialects: Iterable[str]
) -> list[tuple[AliasScheme, str]]:
    """The wire ids given as `DIALECT[:SCOPE]=ID`. Raises BadRequestError for another form or an unknown dialect."""
    known = list(dialects)
    found: list[tuple[AliasScheme, str]] = []
    for word in words or ():
        space, equals, wire = word.partition("=")
        dialect, _, scope = space.partition(":")
        if not equals or not wire:
            raise BadRequestError(f"--alias {word!r} must read DIALECT=ID or DIALECT:SCOPE=ID", field="alias")
        if dialect not in known:
            raise BadRequestError(f"there is no dialect {dialect!r}; there are {', '.join(known)}", field="alias")
        check_alias(dialect, subject, scope, wire)
        found.append((AliasScheme(dialect, subject, _given, scope), wire))
    return found


def _given(number: int, attempt: int) -> str:
    raise ConflictError(f"id {number} is given by hand, not minted ({attempt})")


def moment(text: str | None, *, field: str) -> int | None:
    """The instant of a date or time; without an offset it is UTC. [ms since 1970, UTC]"""
    return None if text is None else parse_instant(text, ZoneInfo("UTC"), field=field)
