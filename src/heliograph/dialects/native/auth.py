"""Bearer tokens: `hg_<name>_<secret>`.

The name may hold underscores, the secret none: the last one parts them.
"""

from __future__ import annotations

import re
from typing import Any

from heliograph.errors import (
    BadRequestError,
    UnauthenticatedError,
    UnknownCredentialError,
)
from heliograph.model.access import Caller, Secret
from heliograph.protocol.hub import Hub
from heliograph.protocol.operations import Identity, Operation, Request
from heliograph.protocol.signing import same

DIALECT_NAME = "native"
NOT_VALID = "the token is not valid"
NOBODY = Identity(Caller(0, 0, frozenset(), frozenset(), frozenset()))
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,100}")
_SECRET = re.compile(r"[A-Za-z0-9-]{8,200}")
_TOKEN = re.compile(f"hg_({_NAME.pattern})_({_SECRET.pattern})")


def format_token(name: str, secret: Secret) -> str:
    """The token that opens the credential of this name; for the one print when it is made."""
    return f"hg_{name}_{secret.reveal()}"


def present(name: str, secret: Secret) -> dict[str, str]:
    """A credential as its user needs it. Raises BadRequestError for what no token could carry."""
    if _NAME.fullmatch(name) is None:
        raise BadRequestError("a token's name is of letters, digits and _ . @ -, at most 100", field="name")
    if _SECRET.fullmatch(secret.reveal()) is None:
        raise BadRequestError("a token's secret is of 8 to 200 letters, digits and -", field="secret")
    return {"token": format_token(name, secret)}


def parse_token(token: str) -> tuple[str, str]:
    """Name and secret of a token. Raises UnauthenticatedError when it is none."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise UnauthenticatedError(NOT_VALID)
    return match[1], match[2]


async def authenticate(hub: Hub, operation: Operation[Any, Any], request: Request) -> Identity:
    """Who calls, by the token in the header Authorization; nobody, where the call is open to all.

    Raises UnauthenticatedError for a token that opens nothing.
    """
    if operation.public:
        return NOBODY
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError("this call needs the header Authorization: Bearer <token>")
    name, secret = parse_token(token.strip())
    credential = await hub.credential(DIALECT_NAME, name)
    expected = credential.secret.reveal() if credential is not None else ""
    matches = same(secret, expected)  # compared in either case: an unknown name answers no sooner than a wrong secret
    if credential is None or not matches:
        raise UnknownCredentialError(NOT_VALID)
    credential.require_usable(hub.wall.now_ms())
    return Identity(credential.caller())
