"""Reading requests: names in Pascal or camel case, texts or numbers, and everything that is wrong told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Raw, UnsetType

from heliograph.dialects.redex.codes import BAD_REQUEST, BODY, UNPROCESSABLE, DetailedError, refuse
from heliograph.dialects.redex.fields import ACCUMULATED, ACCUMULATED_LATER, MONTHLY, MONTHS, PERIOD, TIMESTAMP
from heliograph.dialects.redex.operations import MOST_RECORDS
from heliograph.dialects.redex.wire import (
    BatchQuery,
    Detail,
    DeviceData,
    GenerationQuery,
    MonthlyQuery,
    PluralQuery,
    Record,
    RefreshQuery,
    StatusQuery,
    TokenQuery,
    Year,
)
from heliograph.protocol.operations import Operation, Request
from heliograph.protocol.serving import SMALL_BODY, refuse_repeated_names

LONGEST = 36
"""How long the names, keys and tokens of the token calls may be. [characters]"""
YEAR_DIGITS, PROCESS_DIGITS = 4, 18

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
_PLAIN = re.compile(r"[0-9]+(\.[0-9]{1,4})?")

Members = Mapping[str, Raw]
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)


def pascal(name: str) -> str:
    """A member's name as the document's examples print it."""
    return name[:1].upper() + name[1:]


def plain(number: str) -> str:
    """A JSON number without exponent, the sign of a nought and the zeros at its end, where that makes it a figure.

    Some languages write large and small numbers with an exponent, some decimals with all their places. Any other number
    stays as it was sent.
    """
    if _PLAIN.fullmatch(number) or not _NUMBER.fullmatch(number):
        return number
    digits = f"{Decimal(number):f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if not digits.strip("-0"):
        return "0"
    return digits if _PLAIN.fullmatch(digits) else number


class Reader:
    """Takes a body apart; what is missing or of a wrong type is gathered in `details`."""

    def __init__(self) -> None:
        self.details: list[Detail] = []
        self.named = 0
        """How many names were met."""
        self._records = 0

    def wrong(self, key: str, message: str) -> None:
        """Note what is wrong with a place."""
        self.details.append(Detail(key, message))

    def members(self, raw: Raw, key: str) -> Members | None:
        """The members of an object by their Pascal names, without those that are null; None for no object."""
        try:
            found = _OBJECT.decode(raw)
        except msgspec.ValidationError:
            self.wrong(key, f"{key} must be an object")
            return None
        self.named += len(found)
        named: dict[str, Raw] = {}
        for name, value in found.items():
            if pascal(name) in named:
                self.wrong(key, f"{pascal(name)[:100]!r} stands twice in one object")
            named[pascal(name)] = value
        return {name: value for name, value in named.items() if bytes(value) != b"null"}

    def text(
        self, members: Members, name: str, place: str = "", *, as_sent: bool = False, number: bool = True,
        longest: int | None = None,
    ) -> str:  # fmt: skip
        """A text that must be there and not be empty; a number gives the digits that were sent.

        With `as_sent` it is what stands between the quotes: an escape is no digit. A number is then a plain one.
        """
        raw, key = members.get(name), f"{place}{name}"
        if raw is None:
            self.wrong(key, f"{name} is missing")
            return ""
        sent = bytes(raw)
        if sent[:1] == b'"':
            text = _TEXT.decode(raw)
            text = sent[1:-1].decode() if as_sent else text
        elif number and sent[:1] in b"-0123456789":
            text = plain(sent.decode()) if as_sent else sent.decode()
        else:
            self.wrong(key, f"{name} must be a text" + (" or a number" if number else ""))
            return ""
        if not text or (longest is not None and len(text) > longest):
            self.wrong(key, f"{name} is longer than {longest} characters" if text else f"{name} is empty")
        return text

    def rows(self, members: Members, name: str, place: str = "") -> list[Raw]:
        """The entries of a list that must be there and not be empty."""
        raw, key = members.get(name), f"{place}{name}"
        if raw is None:
            self.wrong(key, f"{name} is missing")
            return []
        try:
            found = _LIST.decode(raw)
        except msgspec.ValidationError:
            self.wrong(key, f"{name} must be a list")
            return []
        if not found:
            self.wrong(key, f"{name} is empty")
        return found

    def count(self, records: int, key: str) -> None:
        """Count records. Raises DetailedError when they are too many for one call."""
        self._records += records
        if self._records > MOST_RECORDS:
            raise refuse(UNPROCESSABLE, key, f"there are more than {MOST_RECORDS} records in the call")

    def records(self, members: Members, place: str = "") -> list[Record]:
        """The days of a device."""
        rows = self.rows(members, "Data", place)
        self.count(len(rows), f"{place}Data")
        return [self._record(row, f"{place}Data[{index}]") for index, row in enumerate(rows)]

    def _record(self, raw: Raw, key: str) -> Record:
        found = self.members(raw, key)
        if found is None:
            return Record("", "")
        place = f"{key}."
        record = Record(
            self.text(found, TIMESTAMP, place, as_sent=True, number=False),
            self.text(found, PERIOD, place, as_sent=True),
        )
        if ACCUMULATED in found and ACCUMULATED_LATER in found:
            self.wrong(f"{place}{ACCUMULATED}", f"{ACCUMULATED} and {ACCUMULATED_LATER} mean the same: send one")
        elif ACCUMULATED in found:
            record.accumulated_power = self.text(found, ACCUMULATED, place, as_sent=True)
        elif ACCUMULATED_LATER in found:
            record.accumulated_energy = self.text(found, ACCUMULATED_LATER, place, as_sent=True)
        return record

    def device(self, raw: Raw, key: str) -> DeviceData:
        """The days of one of several devices."""
        found, place = self.members(raw, key), f"{key}."
        if found is None:
            return DeviceData("", [])
        remote_id, records = self.text(found, "RemoteInvId", place), self.records(found, place)
        return DeviceData(remote_id, records, self.frequency(found, place))

    def frequency(self, members: Members, place: str = "") -> str | UnsetType:
        """The frequency, where it may be left out."""
        return self.text(members, "FrequencyType", place, number=False) if "FrequencyType" in members else UNSET

    def devices(self, members: Members) -> list[DeviceData]:
        """Several devices with their days."""
        rows = self.rows(members, "Devices")
        if len(rows) > MOST_RECORDS:
            self.count(len(rows), "Devices")
        return [self.device(row, f"Devices[{index}]") for index, row in enumerate(rows)]

    def year(self, raw: Raw, key: str) -> Year:
        """The months of a year."""
        found, place = self.members(raw, key), f"{key}."
        if found is None:
            return Year(0, {})
        told = self.text(found, "Year", place)
        if told and not (told.isascii() and told.isdecimal() and len(told) == YEAR_DIGITS):
            self.wrong(f"{place}Year", "Year must be a year like 2023")
            told = ""
        if MONTHLY not in found:
            self.wrong(f"{place}{MONTHLY}", f"{MONTHLY} is missing")
            return Year(0, {})
        named = self.members(found[MONTHLY], f"{place}{MONTHLY}") or {}
        given = [month for month in MONTHS if month in named]
        self.count(len(given), f"{place}{MONTHLY}")
        inner = f"{place}{MONTHLY}."
        return Year(int(told or 0), {month: self.text(named, month, inner, as_sent=True) for month in given})


def _token(reader: Reader, found: Members) -> TokenQuery:
    parts = [reader.text(found, name, longest=LONGEST) for name in ("ApiKey", "ClientId", "ClientSecret")]
    return TokenQuery(_grant(reader, found, "api_key"), *parts)


def _refresh(reader: Reader, found: Members) -> RefreshQuery:
    parts = [reader.text(found, name, longest=LONGEST) for name in ("RefreshToken", "ClientId", "ClientSecret")]
    return RefreshQuery(_grant(reader, found, "refresh_token"), *parts)


def _grant(reader: Reader, found: Members, expected: str) -> str:
    told = reader.text(found, "GrantType")
    if told and told != expected:
        reader.wrong("GrantType", f"GrantType must be {expected}")
    return told


def _generation(reader: Reader, found: Members) -> GenerationQuery:
    return GenerationQuery(
        reader.records(found), reader.text(found, "FrequencyType", number=False), reader.text(found, "RemoteInvId")
    )


def _plural(reader: Reader, found: Members) -> PluralQuery:
    if "Devices" not in found:
        return PluralQuery(
            UNSET, reader.records(found), reader.frequency(found), reader.text(found, "RemoteInvId")
        )  # fmt: skip
    if "Data" in found:
        reader.wrong("Data", "Data and Devices cannot both be there")
    return PluralQuery(reader.devices(found), UNSET, reader.frequency(found))


def _batch(reader: Reader, found: Members) -> BatchQuery:
    return BatchQuery(reader.devices(found))


def _monthly(reader: Reader, found: Members) -> MonthlyQuery:
    remote_id, data = reader.text(found, "RemoteInvId"), found.get("Data")
    years: Year | list[Year]
    if data is None or bytes(data)[:1] == b"[":
        rows = reader.rows(found, "Data")
        years = listed = [reader.year(row, f"Data[{index}]") for index, row in enumerate(rows)]
    else:
        years = reader.year(data, "Data")
        listed = [years]
    if not reader.details and not any(year.months for year in listed):
        reader.wrong("Data", "there is no month with a figure")
    return MonthlyQuery(remote_id, years)


_READ: dict[type, Callable[[Reader, Members], Any]] = {  # any: each gives the request of its operation
    TokenQuery: _token,
    RefreshQuery: _refresh,
    GenerationQuery: _generation,
    PluralQuery: _plural,
    BatchQuery: _batch,
    MonthlyQuery: _monthly,
}


def decode(operation: Operation[Any, Any], request: Request) -> Any:  # any: the request of any operation
    """The request of a call. Raises DetailedError with everything in it that cannot be read."""
    if operation.request is StatusQuery:
        return _status(request)
    reader, query = Reader(), None
    try:
        found = reader.members(Raw(request.body), BODY)
        if found is not None:
            query = _READ[operation.request](reader, found)
    except RecursionError as error:
        raise refuse(BAD_REQUEST, BODY, "the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse(BAD_REQUEST, BODY, "the body is not valid JSON") from error
    if reader.details:
        raise DetailedError(BAD_REQUEST, reader.details)
    if len(request.body) > SMALL_BODY:
        refuse_repeated_names(request.body, reader.named)
    return query


def _status(request: Request) -> StatusQuery:
    """The number of a process in a query."""
    told = {pascal(name): value for name, value in parse_qsl(request.query)}.get("ProcessId", "")
    if not (told.isascii() and told.isdecimal() and len(told) <= PROCESS_DIGITS):
        raise refuse(BAD_REQUEST, "ProcessId", "ProcessId must be the number of a process")
    return StatusQuery(int(told))
