"""Keeping plants, devices and credentials from the command line."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from heliograph.cli.dialect_names import names, presented
from heliograph.cli.lookup import find_device, parse_aliases
from heliograph.cli.opening import audit
from heliograph.clock import zone
from heliograph.errors import BadRequestError
from heliograph.model.access import Credential, Secret
from heliograph.model.kpi import profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.hub import LocalHub
    from heliograph.model.devices import Device
    from heliograph.model.plants import Plant
    from heliograph.store.base import Rows

HOURS = 24
SCOPES = ("read", "write", "admin")


def parse_tariff(text: str) -> tuple[float, ...]:
    """Prices with commas between. Raises BadRequestError unless there are none, one or 24."""
    try:
        prices = tuple(float(part) for part in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise BadRequestError(f"--tariff {text!r} holds something that is no number", field="tariff") from error
    if len(prices) not in (0, 1, HOURS) or any(not 0 <= price < 1e6 for price in prices):
        raise BadRequestError("--tariff takes one price, or 24 with commas between, none negative", field="tariff")
    return prices


def save_plant(hub: LocalHub, plant: Plant, aliases: Sequence[str] | None = None) -> Plant:
    """Keep a plant and what dialects call it. Raises BadRequestError for a zone or profile that does not exist."""
    zone(plant.zone)
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
    """The id of a gateway. Raises BadRequestError when it stands in another account's plant."""
    if word is None:
        return None
    gateway = find_device(hub.registry, word)
    if hub.registry.plants[gateway.plant_id].account_id != plant.account_id:
        raise BadRequestError(f"gateway {word!r} belongs to another account", field="gateway")
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


def fresh_name(account: str) -> str:
    """A name for a credential that is given none."""
    slug = re.sub(r"[^a-z0-9]+", "-", account.lower()).strip("-") or "key"
    return f"{slug[:40]}-{secrets.token_hex(3)}"


def fresh_secret() -> Secret:
    """A new secret of 192 bits, of characters that every dialect takes."""
    return Secret(secrets.token_hex(24))


def check_credential(credential: Credential) -> None:
    """Raises BadRequestError for what the dialect could not carry, or a scope that does not exist."""
    unknown = set(credential.scopes) - set(SCOPES)
    if unknown:
        raise BadRequestError(f"there is no scope {min(unknown)!r}; there are {', '.join(SCOPES)}", field="scope")
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
