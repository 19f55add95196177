"""The smaller parts of OAuth: parameters however they come, languages, addresses, texts."""

from __future__ import annotations

import string
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.foxess.codes import LANGUAGES
from heliograph.dialects.foxess.oauth_pages import host_of, page_language, source_of, texts
from heliograph.dialects.foxess.oauth_wire import Given, decode_given
from heliograph.errors import BadRequestError
from heliograph.protocol.operations import Request

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


def read(query: str = "", body: bytes = b"") -> Given:
    """The parameters of a request."""
    return decode_given(Request("POST", "/oauth2/token", query, {}, body, body))


@given(st.dictionaries(TEXT, TEXT, max_size=6))
def test_parameters_are_the_same_in_query_and_form(values: dict[str, str]) -> None:
    text = urlencode(values)
    assert read(text) == read(body=text.encode()) == read(text, text.encode()) == Given(values, frozenset())


def test_json_takes_texts_and_numbers_and_leaves_out_nothing() -> None:
    assert read(body=b' {"a": "b", "n": 5, "x": null, "e": ""}') == Given({"a": "b", "n": "5"}, frozenset())


def test_what_comes_more_than_once_is_unclear_and_without_a_value_it_did_not_come() -> None:
    assert read("a=1&a=1").unclear == {"a"}
    assert read("a=1", b"a=2").unclear == {"a"}
    assert read("a=&a=1&b=").unclear == frozenset()
    assert read("a=&a=1&b=").values == {"a": "1"}


@given(st.binary(max_size=40), st.text(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes, query: str) -> None:
    with suppress(BadRequestError):
        assert isinstance(read(query, body), Given)


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("de", "pl", "de"), ("zh-TW", "", "zh_CN"), ("", "de-AT;q=0.3,fr;q=0.9", "fr"), ("", "*", "en"),
        ("", "de;q=x,pl", "pl"), ("tlh", "pt", "pt"), ("", "de;q=0", "en"), ("", ",;,", "en"),
    ],
)  # fmt: skip
def test_a_language_is_asked_for_or_preferred_or_english(asked: str, accepted: str, language: str) -> None:
    assert page_language(asked, accepted) == language


@pytest.mark.parametrize(
    ("address", "source", "host"),
    [
        ("https://a.example.com/x?y=z", "https://a.example.com", "a.example.com"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1:80", "127.0.0.1:80"), ("http://[::1]:80/x", "http:", "[::1]:80"),
        ("myapp://back/x", "myapp:", "myapp:"), ("com.example.app:/back", "com.example.app:", "com.example.app:"),
    ],
)  # fmt: skip
def test_an_address_has_a_place_for_the_policy_and_one_for_people(address: str, source: str, host: str) -> None:
    assert (source_of(address), host_of(address)) == (source, host)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_blanks(language: str) -> None:
    def blanks(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert texts().keys() == set(LANGUAGES)
    assert texts()[language].keys() == texts()["en"].keys()
    for key, text in texts()[language].items():
        assert blanks(text) == blanks(texts()["en"][key]), key
