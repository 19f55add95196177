"""Sessions: login with name and password, a token in the header or cookie of every later call. (2.1)"""

from __future__ import annotations

import secrets
import string
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.clock import MINUTE_MS
from heliograph.dialects.huawei.codes import BAD_LOGIN, UNKNOWN_SYSTEM, HuaweiEnvelope, refuse
from heliograph.dialects.huawei.operations import LOGIN, LOGOUT, OPENED_WITH, SESSION_CALLS
from heliograph.dialects.huawei.wire import LoginQuery, LoginResult, LogoutQuery
from heliograph.errors import ForbiddenError, SessionError
from heliograph.model.access import Caller, Credential, Secret
from heliograph.protocol.operations import Call, Handler, Identity, Operation, Reply, Request, handle
from heliograph.protocol.signing import same, sha256_hex

if TYPE_CHECKING:
    from heliograph.clock import Clock
    from heliograph.protocol.hub import Hub
    from heliograph.protocol.limits import Guard

SESSION_MS = 30 * MINUTE_MS
"""How long a login lasts, used or not. [ms]"""
_ALPHABET = string.ascii_lowercase + string.digits
_NOBODY = Caller(account_id=0, credential_id=0, plants=frozenset(), scopes=frozenset(), operations=frozenset())


def present(name: str, secret: Secret) -> dict[str, str]:
    """A credential in the words of the login. (2.1)"""
    return {"userName": name, "systemCode": secret.reveal()}


class Session(msgspec.Struct, frozen=True):
    """A login that still counts: of whom, with which password, until when on the wall clock. [ms]"""

    credential_id: int
    name: str
    password_digest: str
    expires_at_ms: int


class Sessions:
    """The sessions of one facade, one a credential at most; only digests of tokens are kept."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._by_digest: dict[str, Session] = {}
        self._digests: dict[int, str] = {}

    def start(self, credential: Credential) -> str:
        """A new session's token; the credential's older session ends."""
        now_ms = self._wall.now_ms()
        self.end(credential.id)
        for session in [old for old in self._by_digest.values() if old.expires_at_ms <= now_ms]:
            self.end(session.credential_id)
        token = "x-" + "-".join("".join(secrets.choice(_ALPHABET) for _ in range(24)) for _ in range(4))
        digest = _digest(token)
        self._digests[credential.id] = digest
        self._by_digest[digest] = Session(
            credential.id, credential.name, _digest(credential.secret.reveal()), now_ms + SESSION_MS
        )
        return token

    def find(self, token: str) -> Session:
        """The session of a token. Raises SessionError when there is none, or it is over."""
        session = self._by_digest.get(_digest(token))
        if session is None or session.expires_at_ms <= self._wall.now_ms():
            raise SessionError("there is no such session")
        return session

    def end(self, credential_id: int) -> None:
        """End the credential's session, if it has one."""
        digest = self._digests.pop(credential_id, None)
        if digest is not None:
            del self._by_digest[digest]


def _digest(text: str) -> str:
    return sha256_hex(text.encode("utf-8", "replace"))


def token_of(request: Request) -> str:
    """The token a request carries: in the header, else in the cookie; empty when it has none."""
    header = request.headers.get("xsrf-token", "").strip()
    if header:
        return header
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name.upper() == "XSRF-TOKEN":
            return value.strip().strip('"')
    return ""


def _usable(credential: Credential | None, session: Session, now_ms: int) -> bool:
    return (
        credential is not None
        and credential.id == session.credential_id
        and not credential.disabled
        and not credential.expired(now_ms)
        and same(_digest(credential.secret.reveal()), session.password_digest)
    )


async def authenticate(
    sessions: Sessions,
    hub: Hub,
    operation: Operation[Any, Any],  # any: operations of all kinds pass here
    request: Request,
) -> Identity:
    """Who calls, by session. The credential is looked up anew, so that disabling it ends its session.

    Raises SessionError, and ForbiddenError for an operation that the credential does not open.
    """
    if operation.name in SESSION_CALLS:
        return Identity(_NOBODY)
    session = sessions.find(token_of(request))
    credential = await hub.credential("huawei", session.name)
    if credential is None or not _usable(credential, session, hub.wall.now_ms()):
        sessions.end(session.credential_id)
        raise SessionError("the session was ended")
    caller = credential.caller()
    if operation.scope not in caller.scopes:
        raise ForbiddenError(f"this credential lacks the scope {operation.scope}")
    needed = {operation.name, OPENED_WITH.get(operation.name, operation.name)}
    if caller.operations is not None and not needed <= caller.operations:
        raise ForbiddenError(f"this credential does not open {operation.name}")
    return Identity(caller)


async def login(sessions: Sessions, guard: Guard, call: Call[LoginQuery]) -> Reply:
    """Check name and password, and start a session: its token goes out as header and as cookie.

    That a credential is disabled or expired is told only to who knows its password. Raises TooFrequentError after too
    many failures, also for the right password.
    """
    query = call.request
    name = "" if query.user is None else str(query.user)
    password = "" if query.password is None else str(query.password)
    guard.check(name, call.http.peer)
    credential = await call.hub.credential("huawei", name)
    if credential is None:
        guard.failed(name, call.http.peer)
        raise refuse(UNKNOWN_SYSTEM)
    if not same(_digest(password), _digest(credential.secret.reveal())):
        guard.failed(name, call.http.peer)
        raise refuse(BAD_LOGIN)
    guard.succeeded(name, call.http.peer)
    credential.require_usable(call.wall.now_ms())
    await call.hub.audit(credential.caller(), "login", f"huawei {credential.name}")
    token = sessions.start(credential)
    reply = HuaweiEnvelope().success(LoginResult(None), call)
    reply.headers = {"xsrf-token": token, "set-cookie": f"XSRF-TOKEN={token};Path=/;Secure"}
    return reply


async def logout(sessions: Sessions, call: Call[LogoutQuery]) -> LoginResult:
    """End the session of the token in the body, else in header or cookie. Raises SessionError when it has ended."""
    session = sessions.find(call.request.token or token_of(call.http))
    sessions.end(session.credential_id)
    return LoginResult(None)


def session_handlers(sessions: Sessions, guard: Guard) -> tuple[Handler, ...]:
    """The calls that open and close sessions."""
    return handle(LOGIN, partial(login, sessions, guard)), handle(LOGOUT, partial(logout, sessions))
