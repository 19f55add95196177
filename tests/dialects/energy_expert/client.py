"""Signed requests as the vendor's clients make them, written down from the scheme and not from the program."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING

from tests.live import ACCESS_KEY, ACCESS_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATH = "/api/v1/data/increment/push"
Headers = dict[str, str]


def acs3(
    body: bytes, host: str, *, key: str = ACCESS_KEY, secret: str = ACCESS_SECRET, nonce: str = "", at_s: float = 0.0,
    more: Mapping[str, str] | None = None, leave_out: Sequence[str] = (), path: str = PATH,
) -> Headers:  # fmt: skip
    """The headers of a request signed in the ACS3 form; `leave_out` names headers that are sent but not signed."""
    headers = {
        "host": host,
        "x-acs-version": "2022-09-23",
        "x-acs-action": "PushDeviceData",
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s or time.time())),
        "x-acs-signature-nonce": nonce or secrets.token_hex(16),
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        "content-type": "application/json; charset=utf-8",
        **(more or {}),
    }
    signed = sorted(name for name in headers if name not in leave_out)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    canonical = f"POST\n{path}\n\n{lines}\n{';'.join(signed)}\n{hashlib.sha256(body).hexdigest()}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={';'.join(signed)},Signature={signature}"
    )
    return headers


def acs(
    body: bytes, host: str, *, key: str = ACCESS_KEY, secret: str = ACCESS_SECRET, nonce: str = "", at_s: float = 0.0,
    more: Mapping[str, str] | None = None, leave_out: Sequence[str] = (),
) -> Headers:  # fmt: skip
    """The headers of a request signed in the older form, without those to leave out."""
    del body
    headers = {
        "host": host,
        "date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at_s or time.time())),
        "accept": "application/json",
        "x-acs-signature-nonce": nonce or secrets.token_hex(16),
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-version": "1.0",
        "x-acs-version": "2022-09-23",
        "x-acs-action": "PushDeviceData",
        "content-type": "application/json; charset=utf-8",
        **(more or {}),
    }
    for name in leave_out:
        del headers[name]
    fixed = "".join(f"{headers.get(name, '')}\n" for name in ("accept", "content-md5", "content-type", "date"))
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-acs-"))
    digest = hmac.new(secret.encode(), f"POST\n{fixed}{own}{PATH}".encode(), hashlib.sha1).digest()
    headers["authorization"] = f"acs {key}:{base64.b64encode(digest).decode()}"
    return headers


def record(at: str, data: Mapping[str, object], device: object = "meter-1") -> dict[str, object]:
    """One record of a push; a device of None leaves the field away."""
    named: dict[str, object] = {} if device is None else {"deviceId": device}
    return {**named, "recordTime": at, "data": data}


def push(*records: Mapping[str, object], device_type: object = "1") -> bytes:
    """The body of a push."""
    return json.dumps({"deviceType": device_type, "devices": list(records)}).encode()
