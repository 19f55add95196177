"""Signatures: `ACS3-HMAC-SHA256`, and the older `acs` form that SDKs still send."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote

from heliograph.clock import MINUTE_MS, instant_ms
from heliograph.dialects.energy_expert.codes import EXPIRED
from heliograph.errors import (
    SignatureError,
    UnauthenticatedError,
    UnknownCredentialError,
)  # fmt: skip
from heliograph.model.access import Credential, Secret
from heliograph.protocol.codes import VendorError
from heliograph.protocol.hub import Hub, Once
from heliograph.protocol.operations import Identity, Operation, Request
from heliograph.protocol.signing import hmac_sha1_base64, hmac_sha256_hex, same, sha256_hex

ALGORITHM = "ACS3-HMAC-SHA256"
WINDOW_MS = 15 * MINUTE_MS
_MUST_SIGN = ("x-acs-date", "x-acs-signature-nonce")


def present(name: str, secret: Secret) -> dict[str, str]:
    """A credential in the words of the vendor's SDKs."""
    return {"accessKeyId": name, "accessKeySecret": secret.reveal()}


def canonical_query(query: str) -> str:
    """The query with its pairs sorted and percent-encoded."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)


def sign_acs3(
    method: str, path: str, query: str, headers: Mapping[str, str], signed: Sequence[str], body_sha256: str, secret: str
) -> str:
    """The signature of the ACS3 form, in lower-case hexadecimal. Header names are lower case."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    canonical = "\n".join((method, path, canonical_query(query), lines, ";".join(signed), body_sha256))
    return hmac_sha256_hex(secret, f"{ALGORITHM}\n{sha256_hex(canonical.encode())}".encode())


def sign_acs(method: str, path: str, query: str, headers: Mapping[str, str], secret: str) -> str:
    """The signature of the older form, in base64. Header names are lower case."""
    fixed = [method, *(headers.get(name, "") for name in ("accept", "content-md5", "content-type", "date"))]
    vendor = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers) if name.startswith("x-acs-"))
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    resource = path + ("?" + "&".join(f"{name}={value}" if value else name for name, value in pairs) if pairs else "")
    return hmac_sha1_base64(secret, ("\n".join(fixed) + "\n" + vendor + resource).encode())


async def authenticate(hub: Hub, operation: Operation[object, object], request: Request) -> Identity:
    """Who signed the request.

    Raises UnauthenticatedError for what is not signed, UnknownCredentialError, SignatureError, ReplayError for a time
    more than 15 minutes off.
    """
    del operation
    scheme, _, rest = request.headers.get("authorization", "").strip().partition(" ")
    if scheme == ALGORITHM:
        credential = await _verify_acs3(hub, request, rest)
        at_ms = _date(request.headers["x-acs-date"])
    elif scheme == "acs":
        credential = await _verify_acs(hub, request, rest)
        at_ms = _date(request.headers.get("date") or request.headers.get("x-acs-date", ""))
    else:
        raise UnauthenticatedError(f"sign the request: Authorization must be {ALGORITHM} or acs")
    now_ms = hub.wall.now_ms()
    if abs(now_ms - at_ms) > WINDOW_MS:
        raise VendorError(EXPIRED)
    credential.require_usable(now_ms)
    nonce = request.headers.get("x-acs-signature-nonce")
    if nonce is None:
        # Older SDKs send none. The very same request is then what must not come twice.
        nonce = sha256_hex(request.headers["authorization"].encode() + request.raw_body)
    return Identity(credential.caller(), Once(f"energy_expert:{credential.id}:{nonce}", at_ms + 2 * WINDOW_MS))


async def _verify_acs3(hub: Hub, request: Request, rest: str) -> Credential:
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    name, given = parts.get("Credential", ""), parts.get("Signature", "")
    signed = [header.strip().lower() for header in parts.get("SignedHeaders", "").split(";") if header.strip()]
    missing = [header for header in (*_MUST_SIGN, *signed) if header not in request.headers]
    if not name or not given or not signed or missing:
        what = f"{missing[0]} is missing" if missing else "Credential, SignedHeaders and Signature are needed"
        raise UnauthenticatedError(what)
    unsigned = [header for header in _MUST_SIGN if header not in signed]
    if unsigned:
        raise UnauthenticatedError(f"{unsigned[0]} must be among the SignedHeaders")
    credential = await _credential(hub, name)
    body_sha256 = sha256_hex(request.raw_body)
    secret = credential.secret.reveal()
    expected = sign_acs3(request.method, request.path, request.query, request.headers, signed, body_sha256, secret)
    declared = request.headers.get("x-acs-content-sha256", body_sha256)
    if not same(given.lower(), expected) or declared.lower() != body_sha256:
        raise SignatureError("the signature does not match")
    return credential


async def _verify_acs(hub: Hub, request: Request, rest: str) -> Credential:
    name, _, given = rest.strip().partition(":")
    if not name or not given:
        raise UnauthenticatedError("Authorization must read acs <access key>:<signature>")
    credential = await _credential(hub, name)
    expected = sign_acs(request.method, request.path, request.query, request.headers, credential.secret.reveal())
    digest = request.headers.get("content-md5")
    body_md5 = base64.b64encode(hashlib.md5(request.raw_body, usedforsecurity=False).digest()).decode()
    if not same(given, expected) or (digest and digest != body_md5):
        raise SignatureError("the signature does not match")
    return credential


async def _credential(hub: Hub, name: str) -> Credential:
    credential = await hub.credential("energy_expert", name)
    if credential is None:
        raise UnknownCredentialError("the access key is not found")
    return credential


def _date(text: str) -> int:
    try:
        if text.endswith("GMT"):
            return instant_ms(parsedate_to_datetime(text))
        return instant_ms(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError) as error:
        raise UnauthenticatedError("the date of the signature must read 2021-09-08T18:40:00Z") from error
