"""The tree of errors: drawn as it is, each with a sentence, none telling secrets."""

from __future__ import annotations

import inspect
import re

import pytest

from heliograph import errors
from heliograph.errors import (
    BadRequestError,
    HubError,
    MissingFieldError,
    NotFoundError,
    Problem,
    RecordsError,
    RefusedError,
    RequestError,
    StoreBusyError,
    StoreError,
    TooFrequentError,
    UnauthenticatedError,
    UnknownDeviceError,
)

ALL = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == errors.__name__
}


def drawn() -> dict[str, str]:
    """Each error of the drawing with the one it is drawn under."""
    assert errors.__doc__
    block = errors.__doc__.split("```")[1]
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in block.splitlines():
        names = re.findall(r"\w+Error\b", line.split("   ")[0] if not line.startswith(" ") else line)
        if not names:
            continue
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        for name in names:
            parents[name] = above[-1][1] if above else ""
        above.append((depth, names[0]))
    return parents


def test_the_drawing_holds_every_error_and_no_other() -> None:
    assert set(drawn()) == set(ALL)


@pytest.mark.parametrize("name", sorted(ALL))
def test_an_error_stands_in_the_drawing_under_its_base(name: str) -> None:
    base = ALL[name].__bases__[0].__name__
    assert drawn()[name] == ("" if base == "Exception" else base)


@pytest.mark.parametrize("name", sorted(ALL))
def test_an_error_is_named_so_and_says_when_in_a_sentence(name: str) -> None:
    assert name.endswith("Error")
    first = (ALL[name].__doc__ or "").split("\n")[0]
    assert "." in first
    assert first[0].isupper()


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"RecordsError"}))
def test_an_error_shows_its_text_and_nothing_else(name: str) -> None:
    assert str(ALL[name]("no such thing")) == "no such thing"


def test_wrong_records_show_the_first_and_how_many_more() -> None:
    problems = [Problem(2, "on", "no date"), Problem(5, "on", "no date")]
    assert str(RecordsError(problems)) == "record 2: no date (and 1 more)"
    assert str(RecordsError(problems[1:])) == "record 5: no date"
    assert RecordsError(problems).problems == tuple(problems)


def test_errors_carry_what_a_dialect_needs_to_answer() -> None:
    bad = MissingFieldError("P is missing", field="devices[3].P", device="7")
    assert (bad.field, bad.device) == ("devices[3].P", "7")
    assert UnknownDeviceError("none", device="x").device == "x"
    assert TooFrequentError("slow down", retry_after_s=1.5).retry_after_s == 1.5
    assert RefusedError("no", code="41").code == "41"


def test_unknown_and_forbidden_are_the_callers_and_busy_is_the_stores() -> None:
    assert issubclass(UnknownDeviceError, NotFoundError)
    assert issubclass(NotFoundError, RequestError)
    assert issubclass(BadRequestError, RequestError)
    assert issubclass(StoreBusyError, StoreError)
    assert not issubclass(StoreError, RequestError)
    assert not issubclass(UnauthenticatedError, NotFoundError)
    assert all(issubclass(kind, HubError) for kind in ALL.values())
