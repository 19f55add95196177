"""Keeping plants, devices, people, credentials and applications from the command line."""

from __future__ import annotations

import re
import secrets
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from msgspec.structs import replace

from heliograph.cli.dialect_names import names, presented
from heliograph.cli.lookup import find_device, find_plant, parse_aliases
from heliograph.cli.opening import audit
from heliograph.clock import zone
from heliograph.errors import BadRequestError
from heliograph.model.access import Application, Credential, Secret
from heliograph.model.kpi import profile
from heliograph.model.people import plain_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.hub import LocalHub
    from heliograph.model.devices import Device, ReportedRule
    from heliograph.model.people import Person
    from heliograph.model.plants import Plant
    from heliograph.store.base import Rows

HOURS = 24
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
ADDRESS = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\s"'<>\\^`{|},;#\x00-\x20\x7f-\U0010ffff]+""")
"""An address without a fragment, and without what would end it in a header or a page."""
UNSAFE_SCHEMES = ("javascript", "vbscript", "data", "file", "blob", "about")
SCOPES = ("read", "write", "control", "admin")


def parse_tariff(text: str) -> tuple[float, ...]:
    """Prices with commas between. Raises BadRequestError unless there are none, one or 24."""
    try:
        prices = tuple(float(part) for part in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise BadRequestError(f"--tariff {text!r} holds something that is no number", field="tariff") from error
    if len(prices) not in (0, 1, HOURS) or any(not 0 <= price < 1e6 for price in prices):
        raise BadRequestError("--tariff takes one price, or 24 with commas between, none negative", field="tariff")
    return prices


def _check_zone(name: str) -> None:
    """Raises BadRequestError for a name that the tz database does not hold, with the one that was meant, perhaps."""
    try:
        zone(name)
    except BadRequestError as error:
        by_lower = {known.lower(): known for known in available_timezones()}
        close = get_close_matches(name.lower(), by_lower, 1)
        hint = f"; did you mean {by_lower[close[0]]!r}?" if close else ""
        raise BadRequestError(f"{error}{hint}", field=error.field) from error


def save_plant(hub: LocalHub, plant: Plant, aliases: Sequence[str] | None = None) -> Plant:
    """Keep a plant and what dialects call it. Raises BadRequestError for a zone or profile that does not exist."""
    _check_zone(plant.zone)
    profile(plant.kpi_profile)
    given = parse_aliases(aliases, "plant", names())

    def job(rows: Rows) -> Plant:
        saved = hub.registry.put_plant(rows, plant)
        for scheme, wire in given:
            hub.registry.put_alias(rows, scheme, wire, saved.id)
        audit(hub, rows, saved.account_id, "plant.saved", f"plant {saved.id}")
        return saved

    return hub.database.write_now(job)


def find_gateway(hub: LocalHub, plant: Plant, word: str | None) -> int | None:
    """The id of a gateway. Raises BadRequestError when it stands in another plant."""
    if word is None:
        return None
    gateway = find_device(hub.registry, word)
    if gateway.plant_id != plant.id:
        raise BadRequestError(f"gateway {word!r} stands in another plant", field="gateway")
    return gateway.id


def save_device(hub: LocalHub, device: Device, aliases: Sequence[str] | None = None) -> Device:
    """Keep a device and what dialects call it."""
    given = parse_aliases(aliases, "device", names())

    def job(rows: Rows) -> Device:
        saved = hub.registry.put_device(rows, device)
        for scheme, wire in given:
            hub.registry.put_alias(rows, scheme, wire, saved.id)
        account_id = hub.registry.plants[saved.plant_id].account_id
        audit(hub, rows, account_id, "device.saved", f"device {saved.id}")
        return saved

    return hub.database.write_now(job)


def set_reported(hub: LocalHub, device: Device, rule: ReportedRule) -> Device:
    """Change which total counts for a device, and have its plant's totals made again."""

    def job(rows: Rows) -> Device:
        saved = hub.registry.put_device(rows, replace(device, reported=rule))
        hub.refolding.refold(rows, saved.plant_id)
        account_id = hub.registry.plants[saved.plant_id].account_id
        audit(hub, rows, account_id, "device.saved", f"device {saved.id}, reported totals: {rule.value}")
        return saved

    return hub.database.write_now(job) if device.reported is not rule else device


def plants_of(hub: LocalHub, account_id: int, words: Sequence[str]) -> tuple[int, ...]:
    """The ids of plants. Raises BadRequestError when one belongs to another account."""
    plants = [find_plant(hub.registry, word) for word in words]
    for plant in plants:
        if plant.account_id != account_id:
            raise BadRequestError(f"plant {plant.name!r} belongs to another account", field="plant")
    return tuple(dict.fromkeys(plant.id for plant in plants))


def save_person(hub: LocalHub, person: Person) -> Person:
    """Keep a person. Raises BadRequestError for one without a name, or whom nothing finds."""
    if not person.name:
        raise BadRequestError("a person needs a name", field="name")
    if not person.email and not plain_number(person.phone).strip("+"):
        raise BadRequestError("a person is found by --email or --phone: give one", field="email")
    if person.email and not EMAIL.fullmatch(person.email):
        raise BadRequestError(f"{person.email!r} is no e-mail address", field="email")

    def job(rows: Rows) -> Person:
        saved = hub.registry.put_person(rows, person)
        state = ", disabled" if saved.disabled else ""
        audit(hub, rows, saved.account_id, "person.saved", f"person {saved.id}{state}")
        return saved

    return hub.database.write_now(job)


def fresh_name(account: str) -> str:
    """A name for a credential that is given none."""
    slug = re.sub(r"[^a-z0-9]+", "-", account.lower()).strip("-") or "key"
    return f"{slug[:29]}-{secrets.token_hex(3)}"


def fresh_secret() -> Secret:
    """A new secret of 192 bits, of characters that every dialect takes."""
    return Secret(secrets.token_hex(24))


def check_scopes(scopes: Sequence[str]) -> None:
    """Raises BadRequestError for a scope that does not exist."""
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise BadRequestError(f"there is no scope {min(unknown)!r}; there are {', '.join(SCOPES)}", field="scope")


def check_redirect(address: str) -> None:
    """Raises BadRequestError unless people can be sent back to an address."""
    if not ADDRESS.fullmatch(address):
        raise BadRequestError(f"--redirect {address!r} is no absolute address without a fragment", field="redirect")
    try:
        parts = urlsplit(address)
        named = parts.scheme not in ("http", "https") or (
            parts.hostname and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        named = False
    if not named or parts.scheme in UNSAFE_SCHEMES:
        raise BadRequestError(f"--redirect {address!r} is no address to send people to", field="redirect")


def save_application(hub: LocalHub, application: Application) -> Application:
    """Keep an application. Raises BadRequestError for one without a name or an address to send people back to."""
    check_scopes(application.scopes)
    if not application.name:
        raise BadRequestError("an application needs a name", field="name")
    for address in application.redirect_uris:
        check_redirect(address)

    def job(rows: Rows) -> Application:
        saved = hub.registry.put_application(rows, application)
        state = ", disabled" if saved.disabled else ""
        audit(hub, rows, saved.account_id, "application.saved", f"{saved.dialect} {saved.client_id}{state}")
        return saved

    return hub.database.write_now(job)


def check_credential(credential: Credential) -> None:
    """Raises BadRequestError for what the dialect could not carry, or a scope that does not exist."""
    check_scopes(credential.scopes)
    if not credential.name or not credential.secret.reveal():
        raise BadRequestError("name and secret must not be empty", field="name")
    presented(credential.dialect, credential.name, credential.secret)


def save_credential(hub: LocalHub, credential: Credential) -> Credential:
    """Keep a credential."""
    check_credential(credential)

    def job(rows: Rows) -> Credential:
        saved = hub.registry.put_credential(rows, credential)
        audit(hub, rows, saved.account_id, "credential.saved", f"{saved.dialect} {saved.name}")
        return saved

    return hub.database.write_now(job)
