"""Signatures: as the document computes them, for every header, once, and within their time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import FixedClock
from heliograph.dialects.apsystems import DIALECT
from heliograph.dialects.apsystems.auth import WINDOW_MS, Nonces, sign
from heliograph.errors import BadRequestError
from heliograph.model.access import Secret
from heliograph.protocol.codes import VendorError
from tests.dialects.apsystems.client import Client, summary_path
from tests.dialects.apsystems.fake_hub import FakeHub

NONCE = "5e36eab8295911ee90751eff13c2920b"
PATH = summary_path("AZ12649A3DFF")


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("HmacSHA256", "bbww1HykzRjxq0/3z6krQCVoNN5aluT3n0PRpat+Wvg="),
        ("HmacSHA1", "j1ZmRpgh3L/O1RWHmWVOyPz+pbU="),
    ],
)
def test_golden_vectors(algorithm: str, expected: str) -> None:
    secret, app_id = "fedcba9876543210fedcba9876543210", "0123456789abcdef0123456789abcdef"
    made = sign(secret, "GET", "AZ12649A3DFF", app_id, "1694073600", NONCE, algorithm)
    assert made == expected


@given(
    st.sampled_from(["HmacSHA256", "HmacSHA1"]), st.text(min_size=1), st.text(), st.text(), st.text(), st.text(),
    st.sampled_from(["GET", "POST", "DELETE"]),
)  # fmt: skip
def test_the_signature_is_that_of_the_document_s_few_lines(
    algorithm: str, secret: str, last: str, app_id: str, timestamp: str, nonce: str, method: str
) -> None:
    text = timestamp + "/" + nonce + "/" + app_id + "/" + last + "/" + method + "/" + algorithm
    digest = hashlib.sha256 if algorithm == "HmacSHA256" else hashlib.sha1
    expected = base64.b64encode(hmac.new(secret.encode(), text.encode(), digest).digest()).decode()
    assert sign(secret, method, last, app_id, timestamp, nonce, algorithm) == expected


async def code(client: Client, path: str = PATH, **changed: Any) -> int:  # any: see signed
    """The code of a request; 2004 where the signature was taken, since there is no such system."""
    found: int = (await client.send(path, **changed)).json()["code"]
    return found


@pytest.mark.parametrize("method", ["HmacSHA256", "HmacSHA1"])
async def test_both_methods_seconds_and_milliseconds_are_taken(client: Client, method: str) -> None:
    now_ms = client.hub.wall.now_ms()
    for timestamp in (str(now_ms), str(now_ms // 1000)):
        assert await code(client, signature_method=method, timestamp=timestamp) == 2004


async def test_header_names_come_in_any_case(client: Client) -> None:
    for change in (str.lower, str.upper, str.title):
        headers = {change(name): value for name, value in client.signed(PATH).items()}
        assert (await client.send(PATH, headers=headers)).json() == {"code": 2004}


async def test_the_query_and_the_rest_of_the_path_are_not_signed(client: Client) -> None:
    headers = client.signed("/anything/AZ12649A3DFF")
    assert (await client.send(PATH, {"energy_level": "daily"}, headers)).json() == {"code": 2004}


async def test_the_last_part_is_signed_percent_encoded_as_it_was_sent(client: Client) -> None:
    odd = "AZ 1%ü+&"
    path = summary_path(quote(odd, safe=""))
    assert await code(client, path) == 2004
    assert (await client.send(path, headers=client.signed(summary_path(odd)))).json() == {"code": 4000}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamp", None), ("timestamp", "yesterday"), ("timestamp", "123"), ("timestamp", "٣٣٣٣٣٣٣٣٣٣"),
        ("nonce", None), ("nonce", "a b"), ("nonce", "x" * 65), ("signature_method", None),
        ("signature_method", "HmacMD5"), ("signature", None), ("signature", "AAAA"), ("signature", "ü"),
    ],
)  # fmt: skip
async def test_a_header_that_is_missing_or_wrong_is_refused(client: Client, name: str, value: str | None) -> None:
    changed: dict[str, Any] = {name: value}  # any: see signed
    headers = client.signed(PATH, **changed)
    sent = {header: value.encode() for header, value in headers.items()}
    answer = await client.http.get(PATH, headers=[(header.encode(), value) for header, value in sent.items()])
    assert answer.json() == {"code": 4000}
    assert answer.headers["x-ca-error-message"]


async def test_the_window_has_its_edges_inside(client: Client) -> None:
    now_ms = client.hub.wall.now_ms()
    for off_ms in (-WINDOW_MS, WINDOW_MS):
        assert await code(client, timestamp=str(now_ms + off_ms)) == 2004
        assert await code(client, timestamp=str(now_ms + off_ms + (1 if off_ms > 0 else -1))) == 4000


async def test_a_nonce_is_taken_once_from_each_account_and_only_with_its_signature(
    client: Client, hub: FakeHub
) -> None:
    hub.add_credential("other", account=2, scopes=("read",))
    assert await code(client, nonce=NONCE, signature="AAAA") == 4000
    assert await code(client, nonce=NONCE) == 2004
    assert await code(client, nonce=NONCE) == 4000
    assert await code(client, nonce=NONCE, appid="other") == 2004


def test_a_nonce_is_remembered_as_long_as_its_time_may_be_good() -> None:
    for start_ms in range(0, 5 * WINDOW_MS, WINDOW_MS // 3):
        clock = FixedClock(10**12)
        nonces = Nonces(clock)
        nonces.take("app", "first")
        clock.at_ms += start_ms
        nonces.take("app", NONCE)
        # Signed for one window ahead, it is good for two.
        for _ in range(6):
            with pytest.raises(VendorError):
                nonces.take("app", NONCE)
            nonces.take("app", f"another at {clock.at_ms}")
            clock.at_ms += 2 * WINDOW_MS // 6
        clock.at_ms += 4 * WINDOW_MS
        nonces.take("app", NONCE)


def test_memory_of_nonces_is_bounded() -> None:
    clock = FixedClock(10**12)
    nonces = Nonces(clock, most=2)
    nonces.take("app", "1")
    nonces.take("app", "2")
    with pytest.raises(VendorError) as refused:
        nonces.take("app", "3")
    assert refused.value.code.value == 7003
    clock.at_ms += 4 * WINDOW_MS
    nonces.take("app", "3")


def test_a_credential_is_shown_in_the_document_s_words() -> None:
    assert DIALECT.present("app", Secret("s")) == {"appId": "app", "appSecret": "s"}
    for name, secret in (("", "s"), ("a b", "s"), ("app", ""), ("ü", "s")):
        with pytest.raises(BadRequestError):
            DIALECT.present(name, Secret(secret))
