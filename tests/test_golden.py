"""Golden vectors: what is signed in every dialect, as the documents print it, and the one signature that it has.

The signatures were made with `openssl`. The server half must take each and no other, the client half must send it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from heliograph.clock import FixedClock
from heliograph.dialects.apsystems import DIALECT as APSYSTEMS
from heliograph.dialects.apsystems.operations import SYSTEM_SUMMARY
from heliograph.dialects.apsystems.session import ApsystemsSession
from heliograph.dialects.energy_expert import DIALECT as ENERGY_EXPERT
from heliograph.dialects.energy_expert.operations import PUSH
from heliograph.dialects.energy_expert.session import EnergyExpertSession
from heliograph.dialects.foxess import DIALECT as FOXESS
from heliograph.dialects.foxess.oauth_tokens import challenge_of
from heliograph.dialects.foxess.operations import LIST_DEVICES, LIST_PLANTS
from heliograph.dialects.foxess.session import FoxessSession
from heliograph.errors import HubError
from heliograph.model.access import Credential, Secret, Token
from heliograph.protocol.calling import Client, Sent, Session
from heliograph.protocol.operations import Operation, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heliograph.protocol.dialect import Dialect
    from heliograph.protocol.hub import Hub

HOST = "energyexpertexternal.cn-hangzhou.aliyuncs.com"
BODY = b'{"deviceType":"1","devices":[]}'
BODY_SHA256 = "6e2d71838224aae75bf03d3125dd1cdd20d74bf205a03bed01dc38ad277ff0c8"
PUSHED_MS = 1_631_097_600_000
"""2021-09-08 10:40 UTC."""
NONCE = "3156853299f313e23d1673dc12e1703d"
APP_ID, APP_SECRET = "2c9f95c7894d8bd20189a1d1c2e10a11", "7b0c4f5ad1e8427aa0f3d9a1c6e5b204"
APP_NONCE = "5e36eab8295911ee90751eff13c2920b"
ACCESS = "hg_access-0123456789abcdef"


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """A signed request, header by header, and the text that its signature is made of."""

    dialect: Dialect
    operation: Operation[Any, Any]
    path: str
    name: str
    secret: str
    wall_ms: int
    text: str
    signature: str
    headers: dict[str, str]
    session: Callable[[], Session] | None = None
    """Who sends it; None for a form that the client half does not use."""
    sent_at: int = 0
    """The time in the headers as a number, where it is one: that of the client half, which never sends seconds."""
    body: bytes = b""
    host: str = HOST


def apsystems(sent_at: int, method: str, signature: str) -> Vector:
    """A vector of APsystems for a time in seconds or milliseconds."""
    return Vector(
        dialect=APSYSTEMS, operation=SYSTEM_SUMMARY, path="/user/api/v2/systems/summary/AZ12649A3DFF",
        name=APP_ID, secret=APP_SECRET, wall_ms=1_694_073_600_000, sent_at=sent_at,
        text=f"{sent_at}/{APP_NONCE}/{APP_ID}/AZ12649A3DFF/GET/{method}", signature=signature,
        headers={
            "X-CA-AppId": APP_ID, "X-CA-Timestamp": str(sent_at), "X-CA-Nonce": APP_NONCE,
            "X-CA-Signature-Method": method, "X-CA-Signature": signature,
        },
        session=lambda: ApsystemsSession(APP_ID, Secret(APP_SECRET), algorithm=method),
    )  # fmt: skip


def foxess(operation: Operation[Any, Any], shown: dict[str, str], sent_at: int, signature: str) -> Vector:
    """A vector of Fox ESS for a private token or an access token."""
    token = shown.get("token", ACCESS)
    own = Secret(token)
    return Vector(
        dialect=FOXESS, operation=operation, path=operation.path, name="", secret=token,
        wall_ms=1_705_809_089_000, sent_at=sent_at,
        text=rf"{operation.path}\r\n{token}\r\n{sent_at}", signature=signature,
        headers={**shown, "timestamp": str(sent_at), "signature": signature, "lang": "en"},
        session=lambda: FoxessSession(own) if "token" in shown else FoxessSession(access=own),
    )  # fmt: skip


ACS3 = "9fb7ba9466bc6c0ef6e74826d6a2026044a73a489a8d86990f20610e45e3984b"
ACS = "IBkXphUmpkq36U5ZLUfS7CYKboI="
PUSHED = {"x-acs-action": "PushDeviceData", "x-acs-signature-nonce": NONCE, "x-acs-version": "2022-09-23"}
VECTORS = {
    "Fox ESS, a private token": foxess(
        LIST_DEVICES, {"token": "abcdefghij012345689"}, 1_705_809_089, "68a007c2450d6697fbe2990f92000269"
    ),
    "Fox ESS, an access token": foxess(
        LIST_PLANTS, {"Authorization": f"Bearer {ACCESS}"}, 1_705_809_089_000, "78d16d86b6ce8be1504c51c150cd9fd5"
    ),
    "APsystems, HmacSHA256, seconds": apsystems(
        1_694_073_600, "HmacSHA256", "oRUNa9+xzcnZ9nVNI7RUIB/jJh+4OGjhNQqARjfowXY="
    ),
    "APsystems, HmacSHA256, milliseconds": apsystems(
        1_694_073_600_000, "HmacSHA256", "mYfkaVKq35uFJCFjonK4CfRL3EDudcDIiBY9rDWh1iA="
    ),
    "APsystems, HmacSHA1": apsystems(1_694_073_600_000, "HmacSHA1", "HDEX4kGH0TJ1RruLvuDORULuZUk="),
    "Energy Expert, ACS3-HMAC-SHA256": Vector(
        dialect=ENERGY_EXPERT, operation=PUSH, path=PUSH.path, name="id", secret="testsecret", wall_ms=PUSHED_MS,
        text=f"POST\n/api/v1/data/increment/push\n\nhost:{HOST}\nx-acs-action:PushDeviceData\n"
        f"x-acs-content-sha256:{BODY_SHA256}\nx-acs-date:2021-09-08T10:40:00Z\nx-acs-signature-nonce:{NONCE}\n"
        "x-acs-version:2022-09-23\n\n"
        f"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version\n{BODY_SHA256}",
        signature=ACS3, body=BODY, session=lambda: EnergyExpertSession("id", Secret("testsecret")),
        headers={
            **PUSHED, "x-acs-date": "2021-09-08T10:40:00Z", "x-acs-content-sha256": BODY_SHA256,
            "Authorization": "ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host;x-acs-action;x-acs-content-sha256;"
            f"x-acs-date;x-acs-signature-nonce;x-acs-version,Signature={ACS3}",
        },
    ),
    "Energy Expert, the older form": Vector(
        dialect=ENERGY_EXPERT, operation=PUSH, path=PUSH.path, name="id", secret="testsecret", wall_ms=PUSHED_MS,
        text="POST\napplication/json\n\napplication/json; charset=utf-8\nWed, 08 Sep 2021 10:40:00 GMT\n"
        f"x-acs-action:PushDeviceData\nx-acs-signature-method:HMAC-SHA1\nx-acs-signature-nonce:{NONCE}\n"
        "x-acs-signature-version:1.0\nx-acs-version:2022-09-23\n/api/v1/data/increment/push",
        signature=ACS, body=BODY,
        headers={
            **PUSHED, "accept": "application/json", "content-type": "application/json; charset=utf-8",
            "date": "Wed, 08 Sep 2021 10:40:00 GMT", "x-acs-signature-method": "HMAC-SHA1",
            "x-acs-signature-version": "1.0", "Authorization": f"acs id:{ACS}",
        },
    ),
}  # fmt: skip
DIGESTS: dict[str, Callable[[bytes, bytes], str]] = {
    "Fox": lambda text, _: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "HmacSHA256": lambda text, key: base64.b64encode(hmac.digest(key, text, "sha256")).decode(),
    "HmacSHA1": lambda text, key: base64.b64encode(hmac.digest(key, text, "sha1")).decode(),
    "ACS3": lambda text, key: hmac.new(
        key, b"ACS3-HMAC-SHA256\n" + hashlib.sha256(text).hexdigest().encode(), "sha256"
    ).hexdigest(),
    "older": lambda text, key: base64.b64encode(hmac.digest(key, text, "sha1")).decode(),
}
"""How each kind of text is signed, by a word of the vector's title."""


class Tokens:
    """One access token, good for another minute."""

    def __init__(self, now_ms: int) -> None:
        self._until_ms = now_ms + 60_000

    async def find(self, dialect: str, kind: str, text: str) -> Token | None:
        """See the contract."""
        own = Token(dialect=dialect, kind=kind, digest="", credential_id=1, credential="", expires_at_ms=self._until_ms)
        return own if (dialect, kind, text) == ("foxess", "access", ACCESS) else None


class Gate:
    """As much of a hub as tells who calls: one credential and a clock."""

    dialect_settings: Mapping[str, Mapping[str, object]] = {}
    limited = False

    def __init__(self, vector: Vector) -> None:
        self.wall, self.tokens, self._vector = FixedClock(vector.wall_ms), Tokens(vector.wall_ms), vector

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """See the contract."""
        own = self._vector
        found = Credential(id=1, account_id=1, dialect=dialect, name=name, secret=Secret(own.secret))
        return found if (dialect, name) == (own.dialect.name, own.name) else None


async def admitted(vector: Vector, headers: dict[str, str]) -> int:
    """The credential that the server half knows a request by. Raises HubError."""
    hub = cast("Hub", Gate(vector))
    lower = {name.lower(): value for name, value in {"host": vector.host, **headers}.items()}
    request = Request(
        vector.operation.method, vector.path, "", lower, vector.body, vector.body, raw_path=vector.path, peer="::1"
    )
    authenticate = vector.dialect.serve(hub).authenticate
    return (await authenticate(hub, vector.operation, request)).caller.credential_id


@pytest.mark.parametrize("title", VECTORS)
def test_the_signature_is_what_the_printed_text_gives(title: str) -> None:
    vector = VECTORS[title]
    [digest] = [digest for word, digest in DIGESTS.items() if word in title.replace("ACS3-HMAC-SHA256", "ACS3")]
    assert digest(vector.text.encode(), vector.secret.encode()) == vector.signature
    assert any(value.endswith(vector.signature) for value in vector.headers.values())
    assert hashlib.sha256(BODY).hexdigest() == BODY_SHA256


@pytest.mark.parametrize("title", VECTORS)
async def test_the_server_half_takes_the_signature_and_no_other(title: str) -> None:
    vector = VECTORS[title]
    assert await admitted(vector, vector.headers) == 1
    first = vector.signature[0]
    wrong = ("0" if first != "0" else "1") + vector.signature[1:]
    with pytest.raises(HubError, match="match"):
        await admitted(vector, {name: value.replace(vector.signature, wrong) for name, value in vector.headers.items()})


@pytest.mark.parametrize("title", [title for title, vector in VECTORS.items() if vector.session is not None])
async def test_the_client_half_sends_the_signature(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = VECTORS[title]
    nonce = APP_NONCE if vector.dialect is APSYSTEMS else NONCE
    monkeypatch.setattr("secrets.token_hex", lambda length: nonce if length == 16 else "")
    assert vector.session is not None
    session = vector.session()
    client = Client("http://hub.test", vector.dialect.envelope, session, cast("Any", None), wall=None)
    client.wall = FixedClock(vector.sent_at or vector.wall_ms)
    headers = {"content-type": "application/json", "host": vector.host}
    made = await session.sign(
        client, vector.operation, Sent(vector.operation.method, vector.path, "", headers, vector.body)
    )
    assert made == vector.headers


def test_a_challenge_of_pkce_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier, "S256") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier, "plain") == verifier
