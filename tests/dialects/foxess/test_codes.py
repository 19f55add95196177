"""Codes and their texts in six languages, and what the client half makes of them."""

from __future__ import annotations

import json

import pytest

from heliograph.dialects.foxess import DIALECT
from heliograph.dialects.foxess.codes import (
    CODES,
    LANGUAGES,
    NO_DATA,
    UNKNOWN,
    decode_request,
    language,
    messages,
    refuse,
)
from heliograph.dialects.foxess.operations import ERROR_TEXTS, LIST_PLANTS, OAUTH, OPERATIONS, PLANT_DETAIL
from heliograph.errors import (
    BadRequestError,
    ConflictError,
    DeviceError,
    ForbiddenError,
    HubError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    StoreError,
    StoreFullError,
    TooFrequentError,
    UnauthenticatedError,
    UnknownDeviceError,
    UnknownPlantError,
    UnreachableError,
    UnsupportedError,
)
from heliograph.protocol.codes import VendorError
from heliograph.protocol.operations import Request
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub


def asked(**headers: str) -> Request:
    """A request with headers."""
    return Request("POST", "/op/v0/plant/list", "", headers, b"", b"")


def test_every_code_has_a_text_in_every_language() -> None:
    assert set(messages()) == set(CODES.by_value)
    for texts in messages().values():
        assert tuple(texts) == LANGUAGES
        assert all(texts.values())


@pytest.mark.parametrize(
    ("lang", "known"),
    [
        ("en", "en"), ("zh_CN", "zh_CN"), ("zh", "zh_CN"), ("zh-cn", "zh_CN"), ("ZH-Hans", "zh_CN"), ("pl", "pl"),
        ("pl_PL", "pl"), ("fr", "fr"), ("pt-BR", "pt"), ("de", "de"), ("xx", "en"), ("", "en"), ("english", "en"),
    ],
)  # fmt: skip
def test_the_header_chooses_the_language(lang: str, known: str) -> None:
    assert language(asked(lang=lang)) == known
    reply = DIALECT.envelope.failure(refuse(UNKNOWN), None, asked(lang=lang), 0)
    assert isinstance(reply.body, bytes)
    assert json.loads(reply.body) == {"errno": 41930, "msg": messages()[41930][known], "result": None}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequestError("x"), 40257),
        (UnauthenticatedError("x"), 40256),
        (ForbiddenError("x"), 41811),
        (NotFoundError("x"), 50404),
        (UnknownPlantError("x"), 41930),
        (UnknownDeviceError("x"), 41930),
        (TooFrequentError("x", retry_after_s=0.2), 40400),
        (ConflictError("x"), 50409),
        (UnsupportedError("x"), 42015),
        (RefusedError("x"), 44098),
        (UnreachableError("x"), 41935),
        (OutcomeUnknownError("x"), 41203),
        (StoreError("x"), 41200),
        (StoreFullError("x"), 41200),
        (HubError("x"), 50000),
    ],
)
def test_every_error_has_a_code_and_the_code_an_error(error: HubError, code: int) -> None:
    reply = DIALECT.envelope.failure(error, LIST_PLANTS, asked(), 0)
    assert isinstance(reply.body, bytes)
    assert reply.status == 200
    assert json.loads(reply.body)["errno"] == code
    assert reply.headers == ({"retry-after": "1"} if isinstance(error, TooFrequentError) else {})
    with pytest.raises(VendorError) as caught:
        DIALECT.envelope.open(LIST_PLANTS, 200, reply.body)
    assert caught.value.code.value == code
    assert isinstance(error, caught.value.code.error)


def test_only_headers_and_parameters_are_explained() -> None:
    for error, told in ((BadRequestError("pageSize is missing"), True), (StoreError("disk sda1"), False)):
        reply = DIALECT.envelope.failure(error, LIST_PLANTS, asked(), 0)
        assert isinstance(reply.body, bytes)
        assert (str(error) in json.loads(reply.body)["msg"]) is told
    plain = DIALECT.envelope.failure(refuse(NO_DATA), LIST_PLANTS, asked(lang="de"), 0)
    assert isinstance(plain.body, bytes)
    assert json.loads(plain.body)["msg"] == messages()[41200]["de"]


def test_a_code_nobody_knows_keeps_its_number_and_no_answer_is_a_failure() -> None:
    with pytest.raises(HubError, match="41999: strange"):
        DIALECT.envelope.open(LIST_PLANTS, 200, b'{"errno":41999,"msg":"strange","result":null}')
    for body in (b"<html>", b"[]", b'{"errno":0,"result":{"data":5}}', b"\xff"):
        with pytest.raises(DeviceError, match="HTTP 502"):
            DIALECT.envelope.open(LIST_PLANTS, 502, body)


@pytest.mark.parametrize("raw", [b"", b"null", b" {} ", b'{"spare":[1]}', b'{"currentPage":"1","pageSize":"10"}'])
async def test_no_body_and_spare_members_are_fine(client: Client, raw: bytes) -> None:
    assert await client.errno("plant/list", raw=raw) == 0


@pytest.mark.parametrize("raw", [b"{", b"[]", b"5", b'"x"', b"\xff", b"[" * 100_000])
async def test_a_body_that_cannot_be_read_is_told(client: Client, raw: bytes) -> None:
    assert await client.errno("plant/list", raw=raw) == 40257


def test_a_get_is_read_from_its_query() -> None:
    request = Request("GET", "/op/v0/plant/detail", "id=a%20b&spare=1&id=c", {}, b"ignored", b"ignored")
    assert decode_request(PLANT_DETAIL, request).id == "c"


async def test_the_texts_can_be_looked_up_without_a_token(client: Client) -> None:
    answer = await client.call("errors/message", headers={})
    assert answer["errno"] == 0
    told = answer["result"]["messages"]
    assert tuple(told) == LANGUAGES
    assert told["pl"]["40257"] == messages()[40257]["pl"]


async def test_a_store_that_cannot_read_is_41200(hub: FakeHub, client: Client) -> None:
    hub.broken = True
    assert await client.errno("device/list") == 41200


async def test_a_credential_without_the_scope_has_no_permission(hub: FakeHub, client: Client) -> None:
    hub.change_credential("home", scopes=("read",))
    assert await client.errno("plant/create", {"details": {}}) == 41811
    assert await client.errno("plant/list") == 0


def test_every_call_has_a_limit_a_citation_and_a_handler(hub: FakeHub) -> None:
    served = {handler.operation.name for handler in DIALECT.serve(hub).handlers}
    assert served == {each.name for each in (*OPERATIONS, *OAUTH, ERROR_TEXTS)}
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS) == 43
    for operation in OPERATIONS:
        assert operation.limit is not None
        assert operation.limit.per_s == (1.0 if operation.scope == "read" else 2.0)
        assert operation.cite.startswith("Fox ESS Open API V1.1.3, ")
        assert operation.summary.endswith(".")
