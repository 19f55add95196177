"""The demonstration's accounts, plants, devices and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from heliograph.cli.dialect_names import names, presented
from heliograph.cli.registering import fresh_secret
from heliograph.model.access import Credential
from heliograph.model.devices import METERS, Device, DeviceKind, MeterRole
from heliograph.model.plants import Account, Plant
from heliograph.protocol.hub import AliasScheme
from heliograph.simulate.fleet import fleet
from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

if TYPE_CHECKING:
    from heliograph.cli.output import Listing
    from heliograph.hub import LocalHub
    from heliograph.store.base import Rows

ACCOUNT = "demo"
OTHER_ACCOUNT = "other"
PUSH_TYPE = "1"
"""The deviceType under which the demonstration's devices can be pushed to."""
PUSH_TARGETS = (
    ("meter-0001", "Production meter", DeviceKind.METER, MeterRole.PRODUCTION),
    ("meter-0002", "Grid meter", DeviceKind.METER, MeterRole.GRID),
    ("inverter-0001", "Inverter", DeviceKind.INVERTER, MeterRole.GRID),
    ("weather-0001", "Weather station", DeviceKind.WEATHER_STATION, MeterRole.GRID),
)
REMOTE_IDS = {"meter-0001": "STR1000000000000001", "inverter-0001": "STR1000000000000002"}
"""What REDEX calls the push targets whose energies can be stated."""
CREDENTIALS: dict[str, dict[str, tuple[str, ...]]] = {
    ACCOUNT: {
        "huawei": ("read", "write", "control"),
        "energy_expert": ("read", "write"),
        "foxess": ("read", "write", "control", "admin"),
        "apsystems": ("read",),
        "redex": ("read", "write"),
        "native": ("read", "write", "control", "admin"),
    },
    OTHER_ACCOUNT: {"huawei": ("read", "write", "control"), "native": ("read", "write", "control", "admin")},
}
"""Scopes by account and dialect."""


class Settled(msgspec.Struct, frozen=True):
    """A simulated plant that the hub knows: its account and the ids of its devices by their keys."""

    account_id: int
    plant_id: int
    device_ids: dict[str, int]


def plants(seed: int) -> dict[str, list[SimulatedPlant]]:
    """The simulated plants of each account."""
    neighbour = fleet(seed + 1)[-1]
    devices = tuple(replace(device, serial=f"{device.serial}B") for device in neighbour.devices)
    other = replace(neighbour, key="neighbour", name="Next Door", devices=devices)
    return {ACCOUNT: fleet(seed), OTHER_ACCOUNT: [other]}


def settle(hub: LocalHub, rows: Rows, seed: int) -> dict[str, Settled]:
    """Make accounts, plants and devices, inside a transaction; returns the plants by their keys."""
    settled: dict[str, Settled] = {}
    for name, simulated in plants(seed).items():
        account = hub.registry.put_account(rows, Account(id=0, name=name))
        for plant in simulated:
            settled[plant.key] = _settle_plant(hub, rows, account.id, plant)
        if name == ACCOUNT:
            _settle_targets(hub, rows, account.id)
    return settled


def _settle_plant(hub: LocalHub, rows: Rows, account_id: int, plant: SimulatedPlant) -> Settled:
    saved = hub.registry.put_plant(
        rows,
        Plant(
            id=0,
            account_id=account_id,
            name=plant.name,
            zone=plant.zone,
            address=plant.address,
            capacity_w=plant.capacity_w,
            latitude=plant.latitude,
            longitude=plant.longitude,
            grid_type=plant.grid_type,
            connected_on=plant.connected_on,
            contact_name=plant.contact_name,
            contact_phone=plant.contact_phone,
            tariff=plant.tariff,
            currency=plant.currency,
        ),
    )
    ids: dict[str, int] = {}
    # What others send through must be there before them.
    for device in sorted(plant.devices, key=lambda one: one.gateway is not None):
        ids[device.key] = number = hub.registry.put_device(
            rows,
            Device(
                id=0,
                plant_id=saved.id,
                kind=device.kind,
                name=device.name,
                serial=device.serial,
                model=device.model,
                firmware=device.firmware,
                capacity_w=device.capacity_w,
                role=device.role,
                gateway_id=ids[device.gateway] if device.gateway else None,
                latitude=device.latitude,
                longitude=device.longitude,
                interval_s=device.interval_s,
                attributes=_attributes(device),
            ),
        ).id
        if wire := device.wire_ids.get("energy_expert"):
            hub.registry.put_alias(rows, _push_scheme(), wire, number)
    return Settled(account_id, saved.id, ids)


def _attributes(device: SimulatedDevice) -> dict[str, str]:
    """What dialects know of a device beyond its registration: see their READMEs."""
    told: dict[str, str] = {}
    if device.battery is not None:
        told["capacity_wh"] = str(device.battery.capacity_wh)
    if device.inverter is not None:
        told["rated_w"] = f"{device.inverter.ac_w:g}"
    return told


def _settle_targets(hub: LocalHub, rows: Rows, account_id: int) -> None:
    target = Plant(
        id=0, account_id=account_id, name="Push target", zone="UTC", capacity_w=100_000.0, tariff=(1.0,), currency="EUR"
    )
    plant = hub.registry.put_plant(rows, target)
    for wire, name, kind, role in PUSH_TARGETS:
        capacity_w = 10_000.0 if kind is DeviceKind.INVERTER else None
        device = Device(
            id=0, plant_id=plant.id, kind=kind, name=name, serial=wire.upper(), role=role, capacity_w=capacity_w
        )
        number = hub.registry.put_device(rows, device).id
        if kind in METERS:  # deviceType 1 is a meter; the others take samples through the native interface
            hub.registry.put_alias(rows, _push_scheme(), wire, number)
        if wire in REMOTE_IDS:
            hub.registry.put_alias(rows, _remote_scheme(), REMOTE_IDS[wire], number)


def _push_scheme() -> AliasScheme:
    from heliograph.dialects import energy_expert

    return energy_expert.DEVICE_SCHEME(PUSH_TYPE)


def _remote_scheme() -> AliasScheme:
    from heliograph.dialects import redex

    return redex.DEVICE_SCHEME


def _system_scheme() -> AliasScheme:
    from heliograph.dialects import apsystems

    return apsystems.SYSTEMS


def ensure_credentials(hub: LocalHub, rows: Rows) -> None:
    """Make the credentials that are missing, inside a transaction; those that are there stay as they are."""
    known = names()
    for account in hub.registry.accounts.values():
        for dialect, scopes in CREDENTIALS.get(account.name, {}).items():
            name = public_name(dialect, account.name)
            if dialect in known and (dialect, name) not in hub.registry.credentials:
                credential = Credential(
                    id=0, account_id=account.id, dialect=dialect, name=name, secret=fresh_secret(), scopes=scopes
                )
                hub.registry.put_credential(rows, credential)
    # The interface lists no systems: whoever wants one must have been told its id.
    if "apsystems" in known:
        hub.registry.mint(rows, _system_scheme(), sorted(hub.registry.plants))


def public_name(dialect: str, account: str) -> str:
    """What a credential of the demonstration is called."""
    return f"heliograph-{account}" if dialect == "energy_expert" else account


def credentials(hub: LocalHub, base_url: str) -> Listing:
    """What a client of the account `demo` needs, by dialect, secrets included."""
    found: Listing = {"base_url": base_url}
    for dialect in CREDENTIALS[ACCOUNT]:
        credential = hub.registry.credentials.get((dialect, public_name(dialect, ACCOUNT)))
        if credential is not None:
            found[dialect] = presented(dialect, credential.name, credential.secret)
    if "energy_expert" in found:
        targets = [{"deviceType": PUSH_TYPE, "deviceId": wire} for wire, _, kind, _ in PUSH_TARGETS if kind in METERS]
        found["energy_expert"]["devices"] = targets
    if "redex" in found:
        known = hub.registry.by_wire(_remote_scheme())
        found["redex"]["devices"] = [{"RemoteInvId": wire} for wire in REMOTE_IDS.values() if wire in known]
    if "apsystems" in found:
        account_id = next(each.id for each in hub.registry.accounts.values() if each.name == ACCOUNT)
        own = [plant for plant in hub.registry.plants.values() if plant.account_id == account_id]
        sids = hub.registry.by_id(_system_scheme())
        found["apsystems"]["systems"] = [{"name": plant.name, "sid": sids[plant.id]} for plant in own]
    return found
