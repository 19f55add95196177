"""Who calls: an application account, by a signature over time, nonce and the last part of the path.

The signature covers neither the query nor the rest of the path: a nonce is taken once, so that nothing signed can be
sent again with other parameters.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.clock import MINUTE_MS
from heliograph.dialects.apsystems.codes import (
    ACCOUNT,
    BUSY,
    INVALID_ACCOUNT,
    NO_TOKEN,
    REFRESH_OVER,
    REQUEST,
    RESTRICTED,
    TOKEN,
    TOKEN_OVER,
    UNVERIFIED_TOKEN,
    refuse,
)
from heliograph.errors import BadRequestError, TooFrequentError
from heliograph.model.access import Secret
from heliograph.protocol.limits import Guard
from heliograph.protocol.operations import Identity, Operation, Request
from heliograph.protocol.signing import hmac_sha1_base64, hmac_sha256_base64, same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heliograph.clock import Clock
    from heliograph.protocol.hub import Hub

DIALECT_NAME = "apsystems"
WINDOW_MS = 5 * MINUTE_MS
"""How far the time of a request may be off. [ms]"""
MOST_NONCES = 1_000_000
"""Nonces that are remembered at once; when there are more, calls are put off."""
METHODS: Mapping[str, Callable[[str, bytes], str]] = {
    "HmacSHA256": hmac_sha256_base64,
    "HmacSHA1": hmac_sha1_base64,
}
_APP_ID = re.compile(r"[\x21-\x7e]{1,100}")
_NONCE = re.compile(r"[\x21-\x7e]{1,64}")
_DIGITS = {10: 1000, 13: 1}
"""Times are seconds or milliseconds; how many digits tells which."""


def present(name: str, secret: Secret) -> dict[str, str]:
    """A credential in the document's words. Raises BadRequestError for a name that no header carries."""
    if not _APP_ID.fullmatch(name) or not secret.reveal():
        raise BadRequestError("an AppId is 1 to 100 printable ASCII characters without spaces, with a secret")
    return {"appId": name, "appSecret": secret.reveal()}


def sign(secret: str, method: str, last: str, app_id: str, timestamp: str, nonce: str, algorithm: str) -> str:
    """The signature of a request; `last` is the last part of its path, percent-encoded as sent."""
    text = "/".join((timestamp, nonce, app_id, last, method, algorithm))
    return METHODS[algorithm](secret, text.encode("utf-8", "replace"))


class Nonces:
    """The nonces of the time window, in two halves: when one has grown old whole, it is dropped whole."""

    def __init__(self, wall: Clock, most: int = MOST_NONCES) -> None:
        self._wall, self._most = wall, most
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turn_at_ms = 0

    def take(self, app_id: str, nonce: str) -> None:
        """Remember a nonce. Raises VendorError when it was seen before, or when there is no room."""
        now_ms = self._wall.now_ms()
        if now_ms >= self._turn_at_ms:
            # A request that lies in the future stays good for two windows: so long is a half kept after its end.
            stale = now_ms >= self._turn_at_ms + 2 * WINDOW_MS
            self._old, self._young = set() if stale else self._young, set()
            self._turn_at_ms = now_ms + 2 * WINDOW_MS
        key = hashlib.blake2b(f"{app_id} {nonce}".encode(), digest_size=12).digest()
        if key in self._young or key in self._old:
            raise refuse(REQUEST, "X-CA-Nonce was used before")
        if len(self._young) + len(self._old) >= self._most:
            raise refuse(BUSY, "more calls than can be told apart")
        self._young.add(key)


def _unsigned(request: Request, now_ms: int) -> None:
    """Refuse a request without any signature header: by the token of the former method, if it carries one."""
    token = request.headers.get("authorization", "").strip().rpartition(" ")[2]
    if not token:
        raise refuse(NO_TOKEN)
    claims = _claims(token)
    if claims is None:
        raise refuse(TOKEN)
    end = claims.get("exp")
    if isinstance(end, int | float) and not isinstance(end, bool) and end * 1000 <= now_ms:
        kinds = {str(claims.get(name, "")).lower() for name in ("type", "typ", "token_type")}
        raise refuse(REFRESH_OVER if any("refresh" in kind for kind in kinds) else TOKEN_OVER)
    raise refuse(UNVERIFIED_TOKEN)


def _claims(token: str) -> dict[str, object] | None:
    """What a JSON web token says of itself, unproved; None when it is no such token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(text, type=dict[str, object])
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None


class _Signed(msgspec.Struct, frozen=True):
    """The headers of a signed request."""

    app_id: str
    timestamp: str
    nonce: str
    algorithm: str
    signature: str


def _headers(request: Request, now_ms: int) -> _Signed:
    """The headers of a request. Raises VendorError naming the one that is missing or wrong."""
    names = ("X-CA-AppId", "X-CA-Timestamp", "X-CA-Nonce", "X-CA-Signature-Method", "X-CA-Signature")
    given = {name: request.headers.get(name.lower(), "").strip() for name in names}
    if not any(given.values()):
        _unsigned(request, now_ms)
    if not given["X-CA-AppId"]:
        raise refuse(ACCOUNT)
    for name, value in given.items():
        if not value:
            raise refuse(REQUEST, f"{name} is missing")
    signed = _Signed(*given.values())
    if signed.algorithm not in METHODS:
        raise refuse(REQUEST, f"X-CA-Signature-Method must be {' or '.join(METHODS)}")
    if not _NONCE.fullmatch(signed.nonce):
        raise refuse(REQUEST, "X-CA-Nonce must be 1 to 64 printable ASCII characters without spaces")
    _check_time(signed.timestamp, now_ms)
    return signed


def _check_time(timestamp: str, now_ms: int) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) in _DIGITS):
        raise refuse(REQUEST, "X-CA-Timestamp is neither seconds nor milliseconds since 1970")
    if abs(int(timestamp) * _DIGITS[len(timestamp)] - now_ms) > WINDOW_MS:
        raise refuse(REQUEST, "X-CA-Timestamp is more than five minutes off")


class Signatures:
    """Tells who signed a request, for one running facade."""

    def __init__(self, hub: Hub) -> None:
        self._guard, self._nonces = Guard(hub.wall), Nonces(hub.wall)

    async def authenticate(self, hub: Hub, operation: Operation[Any, Any], request: Request) -> Identity:
        """Who calls.

        Raises VendorError for a header, an AppId or a signature that is wrong, DisabledCredentialError,
        ExpiredCredentialError.
        """
        now_ms = hub.wall.now_ms()
        signed = _headers(request, now_ms)
        try:
            self._guard.check(signed.app_id, request.peer)
        except TooFrequentError as error:
            restricted = refuse(RESTRICTED)
            raise restricted from error
        credential = await hub.credential(DIALECT_NAME, signed.app_id)
        if credential is None:
            raise refuse(INVALID_ACCOUNT)
        last = request.raw_path.rpartition("/")[2]
        expected = sign(
            credential.secret.reveal(), request.method, last, signed.app_id, signed.timestamp, signed.nonce,
            signed.algorithm,
        )  # fmt: skip
        if not same(signed.signature, expected):
            self._guard.failed(signed.app_id, request.peer)
            raise refuse(REQUEST, "X-CA-Signature does not match")
        credential.require_usable(now_ms)
        self._nonces.take(signed.app_id, signed.nonce)
        return Identity(credential.caller())
