"""What a request to make or change a plant must say, by its type. (Create power station, Edit power station)"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.clock import zone
from heliograph.dialects.foxess import parameters
from heliograph.errors import BadRequestError, MissingFieldError

if TYPE_CHECKING:
    from heliograph.dialects.foxess.wire import Param, PlantBody

PV, STORAGE, CHARGE_PILE, MINI = 1, 2, 3, 4
MOST_DEVICES = 1000
_CURRENCY = re.compile(r"(?:[A-Z]{3} ?\([A-Z]{3}\) ?- ?)?([A-Z]{3})(?: ?\(.{1,8}\))?")
"""`CNY(¥)`, `CNY`, and as the list of the document has it for Thailand, `THB (THB)-THB(฿)`."""
_LAYOUT: dict[str, tuple[float, float]] = {
    "horizontal": (0, 1e6), "vertical": (0, 1e6), "azimuth": (0, 360), "dipAngle": (0, 90), "direction": (1, 2),
    "capacity": (0, 1e9),
}  # fmt: skip
"""What is said of each module of a mini-device plant, and its bounds."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A plant as a request wants it; None for what it does not say. `layout` is what is told of modules, by serial."""

    plant: str
    name: str
    zone: str
    address: str
    city: str
    postcode: str
    country: str
    capacity_w: float | None
    price: float | None
    currency: str
    latitude: float | None
    longitude: float | None
    devices: list[tuple[str, str]]
    """Serial numbers and keys."""
    layout: dict[str, dict[str, str]]


def _object(value: Param, field: str) -> dict[str, Any]:
    if value is None:
        raise MissingFieldError(f"{field} is missing", field=field)
    if not isinstance(value, dict):
        raise BadRequestError(f"{field} must be an object", field=field)
    return value


def _objects(value: Param, field: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_DEVICES:
        raise BadRequestError(f"{field} must be a list of at most {MOST_DEVICES} objects", field=field)
    return [_object(entry, f"{field}[{place}]") for place, entry in enumerate(value)]


def _devices(body: PlantBody, *, needed: bool) -> list[tuple[str, str]]:
    """Serial numbers and keys of the devices that are named."""
    entries = _objects(body.devices, "devices")
    if needed and not entries:
        raise MissingFieldError("devices is missing", field="devices")
    return [
        (
            parameters.text(entry.get("sn"), f"devices[{place}].sn"),
            parameters.text(entry.get("key"), f"devices[{place}].key", needed=False),
        )
        for place, entry in enumerate(entries)
    ]


def _layout(body: PlantBody, *, needed: bool, all_of_it: bool) -> dict[str, dict[str, str]]:
    """What is told of each module of a mini-device plant, by serial number, as attributes of the device."""
    if body.layout is None and not needed:
        return {}
    layout = _object(body.layout, "layoutByMini")
    if all_of_it or "direction" in layout:
        parameters.whole(layout.get("direction"), "layoutByMini.direction", 1, 2)
    found: dict[str, dict[str, str]] = {}
    entries = _objects(layout.get("arrange"), "layoutByMini.arrange")
    if needed and not entries:
        raise MissingFieldError("layoutByMini.arrange is missing", field="layoutByMini.arrange")
    for place, entry in enumerate(entries):
        where = f"layoutByMini.arrange[{place}]"
        told: dict[str, str] = {}
        for name, (least, most) in _LAYOUT.items():
            if all_of_it or entry.get(name) is not None:
                told[f"foxess.{name}"] = f"{parameters.number(entry.get(name), f'{where}.{name}', least, most):g}"
        model = parameters.text(entry.get("model"), f"{where}.model", needed=all_of_it)
        if model:
            told["foxess.model"] = model
        found[parameters.text(entry.get("sn"), f"{where}.sn")] = told
    return found


def _price(details: dict[str, Any], *, needed: bool) -> tuple[float | None, str]:
    """Price of a kilowatt-hour and its currency."""
    if not needed and details.get("price") is None:
        return None, ""
    price = parameters.number(details.get("price"), "details.price", 0, 1e9)
    currency = _CURRENCY.fullmatch(parameters.text(details.get("currency"), "details.currency"))
    if currency is None:
        raise BadRequestError("details.currency must read like CNY(¥)", field="details.currency")
    return price, currency[1]


def _place(body: PlantBody) -> tuple[float | None, float | None]:
    """Latitude and longitude, where both are numbers on the globe: the example of the document has other texts."""
    position = body.position if isinstance(body.position, dict) else {}
    try:
        latitude = parameters.number(position.get("y"), "position.y", -90, 90)
        return latitude, parameters.number(position.get("x"), "position.x", -180, 180)
    except BadRequestError:
        return None, None


def _country(details: dict[str, Any]) -> str:
    country = parameters.text(details.get("countryCode"), "details.countryCode").upper()
    if not re.fullmatch("[A-Z]{2}", country):
        raise BadRequestError("details.countryCode must have two letters", field="details.countryCode")
    return country


def _zone(body: PlantBody) -> str:
    name = parameters.text(body.timezone, "timezone")
    try:
        zone(name)
    except BadRequestError as error:
        raise BadRequestError("timezone is not a time zone of the tz database", field="timezone") from error
    return name


def asked_plant(body: PlantBody, *, changed: bool) -> Wanted:
    """What a request says of a plant, of one that is `changed` or of a new one.

    Raises BadRequestError and MissingFieldError naming the parameter.
    """
    details = _object(body.details, "details")
    kind = parameters.whole(details.get("type"), "details.type", PV, MINI)
    priced = kind != CHARGE_PILE
    price, currency = _price(details, needed=priced)
    capacity_kw = None
    if priced or details.get("systemCapacity") is not None:
        capacity_kw = parameters.number(details.get("systemCapacity"), "details.systemCapacity", 0, 1e9)
    devices = _devices(body, needed=kind in (PV, STORAGE))
    layout = _layout(body, needed=kind == MINI, all_of_it=kind == MINI and not changed)
    pile = parameters.text(body.pile, "pileSN", needed=kind == CHARGE_PILE)
    meter = parameters.text(body.meter, "electricmeterSN", needed=False)
    others = [pile if kind == CHARGE_PILE else "", meter, *layout]
    named = {serial for serial, _ in devices}
    devices += [(serial, "") for serial in dict.fromkeys(others) if serial and serial not in named]
    latitude, longitude = _place(body)
    return Wanted(
        plant=parameters.text(details.get("stationID"), "details.stationID", needed=changed),
        name=parameters.text(details.get("name"), "details.name"),
        zone=_zone(body),
        address=parameters.text(details.get("address"), "details.address"),
        city=parameters.text(details.get("city"), "details.city"),
        postcode=parameters.text(details.get("postcode"), "details.postcode"),
        country=_country(details),
        capacity_w=None if capacity_kw is None else capacity_kw * 1000.0,
        price=price,
        currency=currency,
        latitude=latitude,
        longitude=longitude,
        devices=devices,
        layout=layout,
    )
