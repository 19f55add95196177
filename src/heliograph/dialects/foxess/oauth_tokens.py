"""Codes and refresh tokens for access tokens, and their revocation: what applications call themselves.

A code or refresh token that comes a second time was copied: all that was made from it ends.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import msgspec

from heliograph.clock import DAY_MS
from heliograph.dialects.foxess import oauth_pages as pages
from heliograph.dialects.foxess.auth import ACCESS, DIALECT_NAME
from heliograph.dialects.foxess.codes import BODY, FAILED, INVALID, SUCCESS, TOO_FREQUENT, FoxessEnvelope
from heliograph.dialects.foxess.codes import decode_request as decode_call
from heliograph.dialects.foxess.oauth import CODE
from heliograph.dialects.foxess.oauth_wire import Given, TokenResult, decode_given
from heliograph.dialects.foxess.operations import (
    AUTHORISE,
    DECIDE,
    OAUTH,
    REFRESH,
    REFRESH_GET,
    REVOKE,
    REVOKE_GET,
    TOKEN,
)
from heliograph.errors import BadRequestError, HubError, RequestError, TooFrequentError
from heliograph.model.access import Application, Credential, Token
from heliograph.protocol.limits import Guard
from heliograph.protocol.operations import Call, Handler, Operation, Reply, Request, handle
from heliograph.protocol.signing import same

if TYPE_CHECKING:
    from heliograph.protocol.hub import Hub

ACCESS_MS = DAY_MS
"""How long an access token opens calls, as the document has it. [ms]"""
REFRESH_MS = 60 * DAY_MS
"""How long a refresh token can be exchanged; each exchange begins anew. [ms]"""
_REFRESH = "refresh"
_CALLED = {CODE: "code", _REFRESH: "refresh_token"}
_NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}


class OauthError(BadRequestError):
    """A refusal in the words of RFC 6749, 5.2. `basic` is whether the client proved itself in a header."""

    def __init__(self, error: str, description: str, *, basic: bool = False) -> None:
        super().__init__(description)
        self.error, self.basic = error, basic


def challenge_of(verifier: str, method: str) -> str:
    """The challenge that belongs to a verifier: RFC 7636, 4.6."""
    if method != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def client_of(given: Given, header: str) -> tuple[str, str, bool]:
    """Name and secret that a client shows, and whether it does in the header. Raises OauthError."""
    for name in given.unclear:
        raise OauthError("invalid_request", f"{name} came more than once")
    client, secret = given.get("client_id"), given.get("client_secret")
    kind, _, text = header.strip().partition(" ")
    if kind.lower() != "basic":
        return client, secret, False
    try:
        named, colon, shown = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OauthError("invalid_client", "the header Authorization cannot be read", basic=True) from None
    named = unquote_plus(named)  # RFC 6749, 2.3.1
    if secret or client not in ("", named) or not colon:
        raise OauthError("invalid_request", "the client shows itself twice, or with no secret")
    return named, unquote_plus(shown), True


class Counter:
    """Answers the calls for tokens, for one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._guard = hub, Guard(hub.wall)

    async def token(self, call: Call[Given]) -> Reply:
        """A pair of tokens for a code, or for a refresh token."""
        application, given = await self._client(call), call.request
        kind = given.get("grant_type")
        if kind == "authorization_code":
            return await self._by_code(application, given)
        if kind == "refresh_token":
            return await self._by_refresh_token(application, given)
        if not kind:
            raise OauthError("invalid_request", "grant_type is missing")
        raise OauthError("unsupported_grant_type", "grant_type can be authorization_code or refresh_token")

    async def refresh(self, call: Call[Given]) -> Reply:
        """A pair of tokens for a refresh token."""
        application = await self._client(call)
        if call.request.get("grant_type") not in ("", "refresh_token"):
            raise OauthError("unsupported_grant_type", "grant_type can only be refresh_token here")
        return await self._by_refresh_token(application, call.request)

    async def revoke(self, call: Call[Given]) -> Reply:
        """End a token, and with it all that came of the same consent. One that is not known is over already."""
        application, given = await self._client(call), call.request
        text = given.get("token") or given.get("access_token") or given.get("refresh_token")
        if not text:
            raise OauthError("invalid_request", "access_token is missing")
        for kind in (ACCESS, _REFRESH):
            token = await self._hub.tokens.find(DIALECT_NAME, kind, text)
            if token is None:
                continue
            if token.data.get("client") != application.client_id:
                raise OauthError("invalid_grant", "the token is another client's")
            await self._end(token, "token.revoked")
        return answer(None)

    async def _client(self, call: Call[Given]) -> Application:
        """The application that calls, by its secret. Raises OauthError, TooFrequentError for who guesses."""
        name, secret, basic = client_of(call.request, call.http.headers.get("authorization", ""))
        self._guard.check(name, call.http.peer)
        application = await self._hub.grants.application(DIALECT_NAME, name)
        expected = secrets.token_hex() if application is None else application.secret.reveal()
        if not same(secret, expected) or application is None:
            self._guard.failed(name, call.http.peer)
            raise OauthError("invalid_client", "client_id or client_secret is not right", basic=basic)
        self._guard.succeeded(name, call.http.peer)
        return application

    async def _by_code(self, application: Application, given: Given) -> Reply:
        if not given.get("code"):
            raise OauthError("invalid_request", "code is missing")
        token, credential = await self._good(application, CODE, given.get("code"))
        # The document's call has no address, RFC 6749 asks for it: one that comes has to be the same.
        if given.get("redirect_uri") not in ("", token.data["redirect_uri"]):
            raise OauthError("invalid_grant", "redirect_uri is another one than the code was sent to")
        verifier, challenge = given.get("code_verifier"), token.data["challenge"]
        if bool(verifier) is not bool(challenge) or not same(challenge_of(verifier, token.data["method"]), challenge):
            raise OauthError("invalid_grant", "code_verifier does not belong to the code")
        return await self._issue(token, credential)

    async def _by_refresh_token(self, application: Application, given: Given) -> Reply:
        if not given.get("refresh_token"):
            raise OauthError("invalid_request", "refresh_token is missing")
        token, credential = await self._good(application, _REFRESH, given.get("refresh_token"))
        if not set(given.get("scope").split()) <= set(credential.scopes):
            raise OauthError("invalid_scope", f"granted is {' '.join(credential.scopes)}")
        return await self._issue(token, credential)

    async def _good(self, application: Application, kind: str, text: str) -> tuple[Token, Credential]:
        """A token that can be exchanged, and the credential behind it. Raises OauthError."""
        token = await self._hub.tokens.find(DIALECT_NAME, kind, text)
        if token is None or token.data.get("client") != application.client_id:
            raise OauthError("invalid_grant", f"there is no such {_CALLED[kind]}")
        if token.used:
            await self._reused(token)
        if token.expires_at_ms <= self._hub.wall.now_ms():
            raise OauthError("invalid_grant", f"the {_CALLED[kind]} has expired")
        credential = await self._hub.credential(DIALECT_NAME, token.credential)
        if credential is None or credential.id != token.credential_id or credential.disabled:
            raise OauthError("invalid_grant", "what was granted is over")
        return token, credential

    async def _reused(self, token: Token) -> None:
        await self._end(token, "token.reused")
        raise OauthError("invalid_grant", f"the {_CALLED[token.kind]} was used before; all that came of it is revoked")

    async def _end(self, token: Token, action: str) -> None:
        await self._hub.tokens.drop(DIALECT_NAME, token.credential_id, family=token.family)
        credential = await self._hub.credential(DIALECT_NAME, token.credential)
        if credential is not None:
            await self._hub.audit(credential.caller(), action, f"{DIALECT_NAME} {credential.name}")

    async def _issue(self, used: Token, credential: Credential) -> Reply:
        now_ms = self._hub.wall.now_ms()
        texts = {kind: secrets.token_urlsafe(32) for kind in (ACCESS, _REFRESH)}
        made = [
            msgspec.structs.replace(
                used, kind=kind, digest=Token.digest_of(texts[kind]), expires_at_ms=now_ms + lasts_ms,
                data={"client": used.data["client"]},
            )
            for kind, lasts_ms in ((ACCESS, ACCESS_MS), (_REFRESH, REFRESH_MS))
        ]  # fmt: skip
        if not await self._hub.tokens.exchange(used, made):
            await self._reused(used)
        return answer(
            TokenResult(
                access_token=texts[ACCESS], expires_in=ACCESS_MS // 1000, refresh_token=texts[_REFRESH],
                scope=" ".join(credential.scopes),
            )
        )  # fmt: skip

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """The calls for tokens."""
        return (
            handle(TOKEN, self.token),
            handle(REFRESH, self.refresh), handle(REFRESH_GET, self.refresh),
            handle(REVOKE, self.revoke), handle(REVOKE_GET, self.revoke),
        )  # fmt: skip


def answer(result: TokenResult | None) -> Reply:
    """A success: what RFC 6749 says at the top, and the dialect's envelope around the same beside it."""
    told = {} if result is None else msgspec.to_builtins(result)
    body = {**told, "errno": 0, "msg": SUCCESS, "result": told or None}
    return Reply(msgspec.json.encode(body), headers=dict(_NOT_KEPT))


def refusal(error: HubError) -> Reply:
    """A failure in both forms."""
    headers, status, word, code = dict(_NOT_KEPT), 400, "invalid_request", BODY
    if isinstance(error, OauthError):
        word = error.error
        if word == "invalid_client":
            status, code = 401, INVALID
        if error.basic:
            headers["www-authenticate"] = 'Basic realm="oauth2"'
    elif isinstance(error, TooFrequentError):
        status, word, code = 429, "temporarily_unavailable", TOO_FREQUENT
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    elif not isinstance(error, RequestError):
        status, word, code = 503, "temporarily_unavailable", FAILED
    body = {
        "error": word, "error_description": str(error), "errno": int(code.value), "msg": f"{code.text}: {error}",
        "result": None,
    }  # fmt: skip
    return Reply(msgspec.json.encode(body), status, headers)


class Envelope(FoxessEnvelope):
    """The dialect's envelope, but OAuth's calls fail as their standard says, and the page as a page."""

    def failure(self, error: HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error."""
        if operation in (AUTHORISE, DECIDE):
            words = pages.Words(pages.page_language("", request.headers.get("accept-language", "")))
            if isinstance(error, RequestError):
                return pages.error_page(words, "expired", 400)
            return pages.error_page(words, "failed", 503)
        if operation in OAUTH:
            return refusal(error)
        return super().failure(error, operation, request, now_ms)


def decode_request(operation: Operation[Any, Any], request: Request) -> Any:  # any: the request of any operation
    """The parameters of a call, OAuth's in their own way. Raises BadRequestError for what cannot be read."""
    return decode_given(request) if operation.request is Given else decode_call(operation, request)
