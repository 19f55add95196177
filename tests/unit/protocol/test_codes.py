"""Codes: the nearest ancestor answers, and a vendor's own error keeps its own code."""

from __future__ import annotations

import pytest

from heliograph.errors import (
    BadRequestError,
    HubError,
    MissingFieldError,
    RequestError,
    SignatureError,
    StoreError,
    StoreFullError,
    TooLargeError,
    UnauthenticatedError,
)  # fmt: skip
from heliograph.protocol.codes import Code, CodeTable, VendorError

OK = Code(0, "ok")
ODD = Code(40401, "odd", BadRequestError, status=400)
BAD, MISSING, WHO, BROKEN = (
    Code(40000, "bad", BadRequestError),
    Code(40001, "missing", MissingFieldError),
    Code("401", "who", UnauthenticatedError, status=401),
    Code(50000, "broken", HubError, status=500),
)
TABLE = CodeTable(
    [OK, ODD, BAD, MISSING, WHO, BROKEN],
    {BadRequestError: BAD, MissingFieldError: MISSING, UnauthenticatedError: WHO},
    BROKEN,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequestError("x"), BAD),
        (MissingFieldError("x"), MISSING),
        (TooLargeError("x"), BAD),
        (SignatureError("x"), WHO),
        (RequestError("x"), BROKEN),
        (StoreFullError("x"), BROKEN),
        (HubError("x"), BROKEN),
        (VendorError(ODD), ODD),
    ],
)
def test_the_nearest_ancestor_in_the_table_gives_the_code(error: HubError, code: Code) -> None:
    assert TABLE.code(error) == code


def test_what_no_entry_stands_for_falls_back_even_at_the_root() -> None:
    table = CodeTable([BROKEN], {HubError: ODD, StoreError: BAD}, BROKEN)
    assert table.code(StoreFullError("x")) == BAD
    assert table.code(BadRequestError("x")) == ODD
    assert CodeTable([], {}, BROKEN).code(HubError("x")) == BROKEN


@pytest.mark.parametrize("code", [ODD, BAD, MISSING, WHO, BROKEN])
def test_a_code_becomes_an_error_and_the_same_code_again(code: Code) -> None:
    error = TABLE.error(code.value)
    assert TABLE.code(error) == code
    assert str(error) == code.text
    assert str(TABLE.error(code.value, "their words")) == "their words"


def test_an_unknown_code_keeps_its_value() -> None:
    error = TABLE.error(12345, "what?")
    assert str(error) == "code 12345: what?"
    assert TABLE.code(error) == BROKEN
    assert str(VendorError(ODD, "more")) == "more"
