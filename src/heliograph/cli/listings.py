"""How accounts, plants, devices, people, credentials and applications are shown: never with a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.protocol.times import format_instant

if TYPE_CHECKING:
    from heliograph.cli.output import Listing
    from heliograph.hub import LocalHub
    from heliograph.model.access import Application, Credential
    from heliograph.model.devices import Device
    from heliograph.model.people import Person
    from heliograph.model.plants import Account, Plant
    from heliograph.protocol.hub import Subject

ACCOUNT = {"id": "id", "name": "name", "plants": "plants", "credentials": "credentials", "disabled": "disabled"}
PLANT = {
    "id": "id", "account": "account", "name": "name", "zone": "zone", "capacity_w": "capacity [W]",
    "devices": "devices", "disabled": "disabled",
}  # fmt: skip
DEVICE = {
    "id": "id", "plant": "plant", "name": "name", "kind": "kind", "serial": "serial",
    "capacity_w": "capacity [W]", "reported": "reported totals", "newest_at": "newest sample", "disabled": "disabled",
}  # fmt: skip
CREDENTIAL = {
    "dialect": "dialect", "name": "name", "account": "account", "plants": "plants", "scopes": "scopes",
    "kpis": "figures", "expires_at": "expires", "disabled": "disabled",
}  # fmt: skip
PERSON = {
    "id": "id", "account": "account", "name": "name", "email": "e-mail", "phone": "telephone", "plants": "plants",
    "signs_in": "signs in", "disabled": "disabled",
}  # fmt: skip
APPLICATION = {
    "dialect": "dialect", "name": "name", "client_id": "client_id", "account": "account",
    "redirect_uris": "sent back to", "scopes": "scopes", "disabled": "disabled",
}  # fmt: skip


def show_account(hub: LocalHub, account: Account) -> Listing:
    """An account with how much belongs to it."""
    registry = hub.registry
    return {
        **msgspec.to_builtins(account),
        "plants": sum(plant.account_id == account.id for plant in registry.plants.values()),
        "credentials": sum(key.account_id == account.id for key in registry.credentials.values()),
    }


def show_plant(hub: LocalHub, plant: Plant) -> Listing:
    """A plant with its account's name and what dialects call it."""
    account = hub.registry.accounts.get(plant.account_id)
    return {
        **msgspec.to_builtins(plant),
        "account": account.name if account else "",
        "devices": len(hub.registry.plant_devices.get(plant.id, [])),
        "aliases": _aliases(hub, "plant", plant.id),
    }


def show_device(hub: LocalHub, device: Device) -> Listing:
    """A device with its plant's name, its newest sample and what dialects call it."""
    plant = hub.registry.plants.get(device.plant_id)
    newest_ms = hub.hot.latest([device.id])[0].at_ms
    return {
        **msgspec.to_builtins(device),
        "plant": plant.name if plant else "",
        "newest_at": None if newest_ms is None else format_instant(newest_ms),
        "aliases": _aliases(hub, "device", device.id),
    }


def show_credential(hub: LocalHub, credential: Credential) -> Listing:
    """A credential without its secret."""
    account = hub.registry.accounts.get(credential.account_id)
    expires_ms = credential.expires_at_ms
    return {
        "id": credential.id,
        "dialect": credential.dialect,
        "name": credential.name,
        "account_id": credential.account_id,
        "account": account.name if account else "",
        "plants": "all" if credential.plants is None else list(credential.plants),
        "operations": "all" if credential.operations is None else list(credential.operations),
        "scopes": list(credential.scopes),
        "kpis": "all" if credential.kpis is None else list(credential.kpis),
        "expires_at": None if expires_ms is None else format_instant(expires_ms),
        "disabled": credential.disabled,
    }


def show_person(hub: LocalHub, person: Person) -> Listing:
    """A person with the name of their account, and whether they have a password."""
    account = hub.registry.accounts.get(person.account_id)
    shown = {
        **msgspec.to_builtins(person),
        "account": account.name if account else "",
        "plants": "all" if person.plants is None else list(person.plants),
        "signs_in": person.password is not None,
    }
    del shown["password"]
    return shown


def show_application(hub: LocalHub, application: Application) -> Listing:
    """An application without its secret."""
    account = hub.registry.accounts.get(application.account_id)
    return {
        "id": application.id,
        "dialect": application.dialect,
        "name": application.name,
        "client_id": application.client_id,
        "account_id": application.account_id,
        "account": account.name if account else "",
        "redirect_uris": list(application.redirect_uris),
        "scopes": list(application.scopes),
        "disabled": application.disabled,
    }


def _aliases(hub: LocalHub, subject: Subject, number: int) -> list[Listing]:
    found = hub.database.query(
        "SELECT dialect, scope, wire FROM alias WHERE subject = ? AND id = ? ORDER BY 1, 2", (subject, number)
    )
    return [{"dialect": dialect, "scope": scope, "id": wire} for dialect, scope, wire in found]
