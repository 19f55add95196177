"""The mirror law: what a dialect serves, its client half can call, and both agree on every type and every code."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
import pytest

from heliograph.dialects.apsystems import operations as ap
from heliograph.dialects.foxess import operations as fox
from heliograph.dialects.foxess import wire as fox_wire
from heliograph.dialects.huawei import wire as hw_wire
from heliograph.errors import HubError
from heliograph.protocol.calling import locate
from heliograph.protocol.operations import Operation, Request
from heliograph.protocol.serving import decode_body
from tests.mirror.asks import MIRRORS

if TYPE_CHECKING:
    from heliograph.protocol.dialect import Dialect
    from tests.mirror.house import Exchange, House

Call = Operation[Any, Any]

EMPTY = (hw_wire.NoQuery, hw_wire.PageQuery, fox_wire.NoQuery, fox_wire.RealQuery, fox_wire.PageQuery)
"""Requests that may say nothing."""
LATE = (fox.ENABLE_SEGMENTS, fox.ENABLE_SEGMENTS_V1, fox.DELETE_PLANT)
"""What takes a plant away, and what forbids others while it is on."""


def operations_of(dialect: Dialect, house: House) -> list[Call]:
    """Every operation that the dialect serves, once a path, the late ones last; pages for people are none."""
    found = [handler.operation for handler in dialect.serve(house.hub).handlers]
    return sorted((one for one in found if one not in fox.OAUTH), key=lambda one: one in LATE)


def declared(dialect: Dialect) -> list[Call]:
    """Every operation that stands in the module of the dialect, but for pages for people."""
    module = importlib.import_module(f"heliograph.dialects.{dialect.name}.operations")
    return [one for one in vars(module).values() if isinstance(one, Operation) and one not in fox.OAUTH]


class Hollow(msgspec.Struct):
    """A request that says nothing."""


def decoded(dialect: Dialect, operation: Call, exchange: Exchange) -> Any:  # any: the operation tells the type
    """A request as the server half reads it."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
    place = re.fullmatch(pattern, exchange.path)
    assert place, exchange.path
    names = {name: unquote(value) for name, value in place.groupdict().items()}
    request = Request(exchange.method, unquote(exchange.path), exchange.query, {}, exchange.sent, exchange.sent, names)
    return (dialect.decode or decode_body)(operation, request)


def told(dialect: Dialect, exchange: Exchange) -> Any:  # any: JSON
    """What an answer says; REDEX alone has its result a level deeper."""
    answer = msgspec.json.decode(exchange.received)
    return answer["Data"] if dialect.name == "redex" else answer


@pytest.mark.parametrize("name", MIRRORS)
async def test_every_operation_that_is_served_can_be_called_and_both_halves_read_the_same(
    mirrored: House, name: str
) -> None:
    dialect, session, asks = MIRRORS[name]
    called = operations_of(dialect, mirrored)
    assert {(one.method, one.path) for one in called} == {(one.method, one.path) for one in declared(dialect)}
    async with mirrored.client(dialect, session()) as calls:
        requests = await asks(mirrored, calls)
        for operation, request in [(one, request) for one in called for request in requests[one.name]]:
            found = await calls.call(operation, request)
            assert isinstance(found, getattr(operation.result, "__origin__", operation.result)), operation.name
            exchange = mirrored.exchanges[-1]
            assert decoded(dialect, operation, exchange) == request, operation.name
            again, answer = msgspec.json.decode(msgspec.json.encode(found)), told(dialect, exchange)
            assert again == {member: answer[member] for member in again}, operation.name


def quoted(value: Any) -> Any:  # any: JSON
    """The same with every number as text, and every text that is a whole number as a number."""
    if isinstance(value, dict):
        return {name: quoted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [quoted(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,14}", value):
        return int(value)
    return value


def unquoted(value: Any) -> Any:  # any: JSON
    """The same with every text that is a number as one, so that only quotation marks make no difference."""
    if isinstance(value, dict):
        return {name: unquoted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [unquoted(each) for each in value]
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


@pytest.mark.parametrize("name", MIRRORS)
async def test_quotation_marks_around_numbers_and_further_members_make_no_difference_to_the_client(
    house: House, name: str
) -> None:
    dialect, session, asks = MIRRORS[name]
    async with house.client(dialect, session()) as calls:
        requests = await asks(house, calls)
        for operation, request in [(one, each) for one in operations_of(dialect, house) for each in requests[one.name]]:
            found = await calls.call(operation, request)
            answer = msgspec.json.decode(house.exchanges[-1].received)
            changed = msgspec.json.encode(quoted(answer) | {"unheard": {"of": [1]}})
            again = dialect.envelope.open(operation, 200, changed)
            first, second = (unquoted(msgspec.to_builtins(each)) for each in (found, again))
            assert second == first, operation.name


@pytest.mark.parametrize("name", MIRRORS)
async def test_what_the_other_side_refuses_is_an_error_of_the_tree(mirrored: House, name: str) -> None:
    dialect, session, _ = MIRRORS[name]
    async with mirrored.client(dialect, session()) as calls:
        for operation in operations_of(dialect, mirrored):
            if operation.request in EMPTY:
                continue
            empty = msgspec.structs.replace(operation, request=dict)
            with pytest.raises(HubError) as caught:
                await calls.call(empty, Hollow())
            assert str(caught.value), operation.name


def test_every_operation_of_apsystems_names_all_that_its_path_does() -> None:
    operations: tuple[Call, ...] = ap.OPERATIONS
    for operation in operations:
        given = operation.request(**dict.fromkeys(operation.request.__struct_fields__, "a/b"))
        path, query, body = locate(operation, given)
        assert "{" not in path, operation.name
        assert path.endswith("a%2Fb"), operation.name
        assert (query != "", body) == ("level" in operation.request.__struct_fields__, b""), operation.name
