"""Tokens: a key opens for an hour, and a refresh token, which counts once, renews it for 30 days."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from typing import Any

from msgspec.structs import replace

from heliograph.clock import DAY_MS, SECOND_MS
from heliograph.dialects.redex.codes import UNAUTHORIZED, refuse
from heliograph.dialects.redex.reading import LONGEST
from heliograph.dialects.redex.wire import RefreshQuery, TokenQuery, TokenResult
from heliograph.errors import BadRequestError, UnauthenticatedError
from heliograph.model.access import Caller, Credential, Secret, Token
from heliograph.protocol.hub import Hub
from heliograph.protocol.limits import Guard
from heliograph.protocol.operations import Call, Identity, Operation, Request
from heliograph.protocol.signing import hmac_sha256_hex, same, sha256_hex

ACCESS_S = 3600
"""How long an access token opens. [s]"""
REFRESH_MS = 30 * DAY_MS
SCOPE = "REConnect_api REDEX_api REHash_api"
_ACCESS, _REFRESH = "access", "refresh"
_NOBODY = Caller(account_id=0, credential_id=0, plants=frozenset(), scopes=frozenset(), operations=frozenset())


def keys(secret: Secret) -> tuple[str, str]:
    """`ApiKey` and `ClientSecret` of a credential.

    A secret that reads `APIKEY:CLIENTSECRET`, each of 1 to 36 characters, is taken as it stands; of any other both are
    derived.
    """
    text = secret.reveal()
    api_key, colon, client_secret = text.partition(":")
    if colon and 0 < len(api_key) <= LONGEST and 0 < len(client_secret) <= LONGEST:
        return api_key, client_secret
    return _derived(f"api-key/{text}"), _derived(f"client-secret/{text}")


def _derived(text: str) -> str:
    return str(uuid.UUID(sha256_hex(text.encode())[:32]))


def present(name: str, secret: Secret) -> dict[str, str]:
    """A credential in the words of the token call. Raises BadRequestError for a name that it could not carry."""
    if len(name) > LONGEST:
        raise BadRequestError(f"a ClientId has at most {LONGEST} characters: choose a shorter name", field="name")
    api_key, client_secret = keys(secret)
    return {"ClientId": name, "ClientSecret": client_secret, "ApiKey": api_key}


def _fresh() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def _bound(text: str, credential: Credential) -> str:
    """What ties a token to the secret that opened for it: with another secret it ends."""
    return hmac_sha256_hex(credential.secret.reveal(), text.encode("utf-8", "replace"))


async def _owner(hub: Hub, kind: str, text: str, key: str) -> tuple[Token, Credential]:
    """A token and whose it is; both are looked up anew, so that disabling a credential ends its tokens.

    Raises a 401 that names `key`.
    """
    token = await hub.tokens.find("redex", kind, text)
    credential = None if token is None else await hub.credential("redex", token.credential)
    if (
        token is None
        or credential is None
        or credential.id != token.credential_id
        or not same(token.data["secret"], _bound(text, credential))
    ):
        raise refuse(UNAUTHORIZED, key, "The token is invalid")
    if token.expires_at_ms <= hub.wall.now_ms():
        raise refuse(UNAUTHORIZED, key, "The token has expired")
    credential.require_usable(hub.wall.now_ms())
    return token, credential


async def authenticate(hub: Hub, operation: Operation[Any, Any], request: Request) -> Identity:
    """Who calls, by access token. Raises UnauthenticatedError, or a 401 that says why."""
    if operation.public:
        return Identity(_NOBODY)
    scheme, _, text = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise UnauthenticatedError("send a header Authorization: Bearer and the access token")
    _, credential = await _owner(hub, _ACCESS, text.strip(), "Authorization")
    return Identity(credential.caller())


class Desk:
    """Hands out tokens for keys, and new ones for older ones."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._guard = hub, Guard(hub.wall)
        self._turn = asyncio.Lock()

    async def grant(self, call: Call[TokenQuery]) -> TokenResult:
        """A pair of tokens for a key; older ones stay as they are.

        An unknown client and a wrong key look the same. Raises TooFrequentError for who guesses.
        """
        query = call.request
        credential = await self._known(call.http.peer, query.client_id, query.client_secret, query.api_key)
        await self._hub.audit(credential.caller(), "login", f"redex {credential.name}")
        return await self._issue(credential, _fresh())

    async def refresh(self, call: Call[RefreshQuery]) -> TokenResult:
        """A new pair for a refresh token, which is spent by that.

        One that comes a second time was copied: all that was made from it ends.
        """
        query, tokens = call.request, self._hub.tokens
        known = await self._known(call.http.peer, query.client_id, query.client_secret)
        async with self._turn:
            token, credential = await _owner(self._hub, _REFRESH, query.refresh_token, "RefreshToken")
            if credential.id != known.id:
                raise refuse(UNAUTHORIZED, "RefreshToken", "The token is invalid")
            if token.data.get("spent"):
                await tokens.drop("redex", credential.id, family=token.family)
                await self._hub.audit(credential.caller(), "token.reused", f"redex {credential.name}")
                raise refuse(UNAUTHORIZED, "RefreshToken", "The token is invalid")
            await tokens.keep(replace(token, data={**token.data, "spent": "yes"}))
        return await self._issue(credential, token.family)

    async def _known(self, peer: str, name: str, client_secret: str, api_key: str | None = None) -> Credential:
        """The credential of a client that proved itself."""
        self._guard.check(name, peer)
        credential = await self._hub.credential("redex", name)
        secret = Secret(secrets.token_hex()) if credential is None else credential.secret
        expected_key, expected_secret = keys(secret)
        right = same(client_secret, expected_secret)
        right &= api_key is None or same(api_key, expected_key)
        if not right or credential is None:
            self._guard.failed(name, peer)
            raise refuse(UNAUTHORIZED, "ClientId", "ClientId, ClientSecret or ApiKey is not right")
        self._guard.succeeded(name, peer)
        credential.require_usable(self._hub.wall.now_ms())
        return credential

    async def _issue(self, credential: Credential, family: str) -> TokenResult:
        now_ms = self._hub.wall.now_ms()
        texts = {}
        for kind, lasts_ms in ((_ACCESS, ACCESS_S * SECOND_MS), (_REFRESH, REFRESH_MS)):
            texts[kind] = text = _fresh()
            token = Token(
                dialect="redex", kind=kind, digest=Token.digest_of(text), credential_id=credential.id,
                credential=credential.name, expires_at_ms=now_ms + lasts_ms, family=family,
                data={"secret": _bound(text, credential)},
            )  # fmt: skip
            await self._hub.tokens.keep(token)
        return TokenResult(texts[_ACCESS], texts[_REFRESH], str(ACCESS_S), "Bearer", SCOPE)
