"""Who calls: a private token or an OAuth access token, and a signature over path, token and time.

The signature proves nothing by itself, since the token travels beside it: it only tells that the request is whole.
There is no nonce, so the same request may come again within the window.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from heliograph.clock import MINUTE_MS
from heliograph.dialects.foxess.codes import EXPIRED, HEADERS, INVALID, refuse
from heliograph.errors import BadRequestError
from heliograph.model.access import Caller, Secret
from heliograph.protocol.operations import Identity, Operation, Request
from heliograph.protocol.signing import same

if TYPE_CHECKING:
    from heliograph.model.access import Credential
    from heliograph.protocol.hub import Hub

DIALECT_NAME, ACCESS = "foxess", "access"
# The text of the document shows a line break here, its code a raw string: the four characters are what is hashed.
SEPARATOR = r"\r\n"  # Request header requirements, signature
WINDOW_MS = 5 * MINUTE_MS
"""How far the time of a request may be off. [ms]"""
NOBODY = Caller(0, 0, frozenset(), frozenset(), frozenset())
"""Who makes a call that needs no credential."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,400}")
_DIGITS = {10: 1000, 13: 1}
"""Times are seconds or milliseconds; how many digits tells which."""


def present(name: str, secret: Secret) -> dict[str, str]:
    """A credential as the private token that stands in the header `token`.

    Raises BadRequestError for what a header cannot carry, and for a secret with a hyphen: the last one ends the name.
    """
    token = f"{name}-{secret.reveal()}"
    if not name or not secret.reveal() or not _TOKEN.fullmatch(token):
        raise BadRequestError("a private token is made of a name and a secret of printable ASCII without spaces")
    if "-" in secret.reveal():
        raise BadRequestError("the secret of a private token has no hyphen")
    return {"token": token}


def sign(path: str, token: str, timestamp: str) -> str:
    """The signature of a request: MD5 in lower-case hexadecimal. The path has no query."""
    text = SEPARATOR.join((path, token, timestamp))
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _tokens(request: Request) -> tuple[str, str]:
    """The private token and the access token of a request, one of them empty. Raises VendorError."""
    token = request.headers.get("token", "").strip()
    given = request.headers.get("authorization", "").strip()
    if token and given:
        raise refuse(HEADERS, "token and Authorization cannot stand together")
    if token:
        return token, ""
    if not given:
        raise refuse(HEADERS, "token is missing")
    kind, _, access = given.partition(" ")
    if kind.lower() != "bearer" or not access.strip():
        raise refuse(HEADERS, "Authorization is no Bearer token")
    return "", access.strip()


def _check_time(timestamp: str, now_ms: int) -> None:
    if not timestamp:
        raise refuse(HEADERS, "timestamp is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) in _DIGITS):
        raise refuse(HEADERS, "timestamp is neither milliseconds nor seconds since 1970")
    if abs(int(timestamp) * _DIGITS[len(timestamp)] - now_ms) > WINDOW_MS:
        raise refuse(HEADERS, "timestamp is more than five minutes off")


async def _by_private_token(hub: Hub, token: str) -> Credential:
    name, _, secret = token.rpartition("-")
    credential = await hub.credential(DIALECT_NAME, name)
    if credential is None or not same(secret, credential.secret.reveal()):
        raise refuse(INVALID)
    return credential


async def _by_access_token(hub: Hub, access: str) -> Credential:
    token = await hub.tokens.find(DIALECT_NAME, ACCESS, access)
    if token is None:
        raise refuse(INVALID)
    if token.expires_at_ms <= hub.wall.now_ms():
        raise refuse(EXPIRED)
    credential = await hub.credential(DIALECT_NAME, token.credential)
    if credential is None or credential.id != token.credential_id:
        raise refuse(INVALID)
    return credential


async def authenticate(hub: Hub, operation: Operation[Any, Any], request: Request) -> Identity:
    """Who calls. The headers are judged before the token is looked up.

    Raises VendorError naming the header that is missing or wrong, or when the token is unknown or past its end;
    DisabledCredentialError, ExpiredCredentialError.
    """
    if operation.public:
        return Identity(NOBODY)
    private, access = _tokens(request)
    timestamp = request.headers.get("timestamp", "").strip()
    _check_time(timestamp, hub.wall.now_ms())
    signature = request.headers.get("signature", "").strip()
    if not signature:
        raise refuse(HEADERS, "signature is missing")
    if not same(signature, sign(request.path, private or access, timestamp)):
        raise refuse(HEADERS, "signature does not match")
    credential = await (_by_private_token(hub, private) if private else _by_access_token(hub, access))
    credential.require_usable(hub.wall.now_ms())
    return Identity(credential.caller())
