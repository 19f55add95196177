"""The authorise page at work: who signs in, what an application asks of them, and where they go back to.

An application that is not known, or another address than it registered, is told on the page and never gets anybody sent
back; whatever else is wrong is told to the application there.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from heliograph.clock import MINUTE_MS
from heliograph.dialects.foxess import oauth_pages as pages
from heliograph.dialects.foxess.auth import DIALECT_NAME
from heliograph.dialects.foxess.operations import AUTHORISE, DECIDE
from heliograph.errors import ForbiddenError, TooFrequentError
from heliograph.model.access import Application, Caller, Token
from heliograph.model.people import Person
from heliograph.protocol.limits import Guard
from heliograph.protocol.operations import Call, Handler, Reply, Request, handle
from heliograph.protocol.signing import hmac_sha256_hex, same

if TYPE_CHECKING:
    from heliograph.clock import Clock
    from heliograph.dialects.foxess.oauth_wire import Given
    from heliograph.protocol.hub import Hub

CODE = "code"
"""The kind under which codes are kept; they share it with nothing that opens calls."""
CODE_MS = 5 * MINUTE_MS
"""How long a code can be exchanged. [ms]"""
SIGNED_IN_MS = 10 * MINUTE_MS
"""How long somebody stays signed in who does not decide. [ms]"""
COOKIE = "heliograph_sign_in"
ASKED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "lang",
)  # fmt: skip
"""The parameters that a page hands on to the next."""
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, 4.2


class Asked(msgspec.Struct, frozen=True):
    """What an application asks for, found good. `fields` are the parameters as they came."""

    application: Application
    redirect_uri: str
    scopes: tuple[str, ...]
    words: pages.Words
    fields: dict[str, str]


class Session(msgspec.Struct, frozen=True):
    """Somebody who signed in."""

    person: Person
    contact: str
    expires_at_ms: int


class Sessions:
    """Who is signed in, in memory, by the text of a cookie."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._held: dict[str, Session] = {}

    def start(self, person: Person, contact: str) -> str:
        """Sign somebody in; the cookie's new text."""
        now_ms = self._wall.now_ms()
        self._held = {text: one for text, one in self._held.items() if one.expires_at_ms > now_ms}
        text = secrets.token_urlsafe(32)
        self._held[text] = Session(person, contact, now_ms + SIGNED_IN_MS)
        return text

    def find(self, text: str, account_id: int) -> Session | None:
        """The session of a cookie, if its person is of this account."""
        session = self._held.get(text)
        if session is None or session.expires_at_ms <= self._wall.now_ms() or session.person.account_id != account_id:
            return None
        return session

    def end(self, text: str) -> None:
        """Sign somebody out."""
        self._held.pop(text, None)


def cookie_of(request: Request) -> str:
    """The text of the cookie; empty when there is none, or none that was made here."""
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and _COOKIE.fullmatch(value.strip()):
            return value.strip()
    return ""


def set_cookie(request: Request, text: str) -> str:
    """A cookie for this page alone; an empty text takes it away. Secure where the caller came by HTTPS."""
    age = SIGNED_IN_MS // 1000 if text else 0
    proxied = request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
    secure = "; Secure" if proxied == "https" else ""
    return f"{COOKIE}={text}; Path=/public/auth; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def back(redirect_uri: str, status: int, **told: str) -> Reply:
    """Send somebody back to an application, with what it is told."""
    query = urlencode({name: value for name, value in told.items() if value})
    location = f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"
    return Reply(b"", status, {**pages.headers(redirect_uri), "location": location}, "text/plain")


def problem_of(given: Given, application: Application) -> tuple[str, str] | None:
    """What is wrong with a request whose client and address are right: error and description, None for nothing."""
    scopes, challenge = given.get("scope").split(), given.get("code_challenge")
    method = given.get("code_challenge_method")
    if given.unclear & set(ASKED):
        return "invalid_request", f"{min(given.unclear & set(ASKED))} came more than once"
    if not given.get("response_type"):
        return "invalid_request", "response_type is missing"
    if given.get("response_type") != "code":
        return "unsupported_response_type", "response_type can only be code"
    if not set(scopes) <= set(application.scopes):
        return "invalid_scope", f"the application may ask for {' '.join(application.scopes)}"
    if (method and not challenge) or method not in ("", "S256", "plain"):
        return "invalid_request", "code_challenge_method can be S256 or plain, with a code_challenge"
    if challenge and not _CHALLENGE.fullmatch(challenge):
        return "invalid_request", "code_challenge has 43 to 128 unreserved characters"
    return None


class Desk:
    """Answers the page's two calls for one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._guard, self._sessions = hub, Guard(hub.wall), Sessions(hub.wall)
        self._key = secrets.token_hex(32)
        self._turn = asyncio.Lock()

    async def _read(self, call: Call[Given], status: int) -> Asked | Reply:
        """What is asked for, or the refusal of it."""
        given = call.request
        words = pages.Words(pages.page_language(given.get("lang"), call.http.headers.get("accept-language", "")))
        application = await self._hub.grants.application(DIALECT_NAME, given.get("client_id"))
        if application is None or "client_id" in given.unclear:
            return pages.error_page(words, "client")
        known = application.redirect_uris
        redirect_uri = given.get("redirect_uri") or (known[0] if len(known) == 1 else "")
        if redirect_uri not in known or "redirect_uri" in given.unclear:
            return pages.error_page(words, "redirect", application=application.name)
        wrong = problem_of(given, application)
        if wrong is not None:
            state = "" if "state" in given.unclear else given.get("state")
            return back(redirect_uri, status, error=wrong[0], error_description=wrong[1], state=state)
        # Who names no scope asks for what it was registered for; the page says what that is.
        scopes = tuple(dict.fromkeys(given.get("scope").split())) or application.scopes
        fields = {name: given.get(name) for name in ASKED if given.get(name)}
        return Asked(application, redirect_uri, scopes, words, fields)

    def _fields(self, cookie: str, asked: Asked) -> dict[str, str]:
        return {**asked.fields, "mark": self._mark(cookie, asked)}

    def _mark(self, cookie: str, asked: Asked) -> str:
        """What a form carries to show that it was made here, for this browser and for this very question."""
        return hmac_sha256_hex(self._key, f"{cookie}\n{urlencode(asked.fields)}\n{asked.scopes}".encode())

    def _ask_who(self, call: Call[Given], asked: Asked, *, problem: str = "", status: int = 200) -> Reply:
        cookie = cookie_of(call.http) or secrets.token_urlsafe(32)
        reply = pages.sign_in_page(
            asked.words, asked.application.name, asked.redirect_uri, self._fields(cookie, asked),
            contact=call.request.get("contact"), problem=problem, status=status,
        )  # fmt: skip
        reply.headers["set-cookie"] = set_cookie(call.http, cookie)
        return reply

    async def authorise(self, call: Call[Given]) -> Reply:
        """The page that asks who somebody is or, once that is known, whether the application may."""
        asked = await self._read(call, 302)
        if isinstance(asked, Reply):
            return asked
        cookie = cookie_of(call.http)
        session = self._sessions.find(cookie, asked.application.account_id)
        if session is None:
            return self._ask_who(call, asked)
        person = session.person
        mine = None if person.plants is None else frozenset(person.plants)
        plants = await self._hub.plants(Caller(person.account_id, 0, mine, frozenset({"read"})))
        return pages.consent_page(
            asked.words, asked.application.name, asked.redirect_uri, self._fields(cookie, asked),
            person=f"{person.name} ({session.contact})", scopes=asked.scopes, plants=[plant.name for plant in plants],
        )  # fmt: skip

    async def decide(self, call: Call[Given]) -> Reply:
        """What somebody chose on the page."""
        asked = await self._read(call, 303)
        if isinstance(asked, Reply):
            return asked
        cookie, step = cookie_of(call.http), call.request.get("step")
        if not cookie or not same(call.request.get("mark"), self._mark(cookie, asked)):
            return pages.error_page(asked.words, "expired", 403)
        if step == "sign-in":
            return await self._sign_in(call, asked)
        session = self._sessions.find(cookie, asked.application.account_id)
        if step not in ("deny", "leave") and session is None:
            return self._ask_who(call, asked, problem=asked.words("again"), status=403)
        self._sessions.end(cookie)
        if step == "leave":
            return self._again(call, asked, "")
        reply = await self._answer(asked, session if step == "allow" else None)
        reply.headers["set-cookie"] = set_cookie(call.http, "")
        return reply

    def _again(self, call: Call[Given], asked: Asked, cookie: str) -> Reply:
        """Show the page anew, so that a reload sends nothing twice."""
        headers = {**pages.headers(), "location": f"index.html?{urlencode(asked.fields)}"}
        return Reply(b"", 303, {**headers, "set-cookie": set_cookie(call.http, cookie)}, "text/plain")

    async def _sign_in(self, call: Call[Given], asked: Asked) -> Reply:
        contact, peer = call.request.get("contact").strip(), call.http.peer
        name = f"{asked.application.account_id} {contact.casefold()}"
        # One after the other: many at once would all pass before the first has failed.
        async with self._turn:
            try:
                self._guard.check(name, peer)
            except TooFrequentError as error:
                minutes = math.ceil(error.retry_after_s / 60)
                problem = asked.words("often", minutes=minutes)
                reply = self._ask_who(call, asked, problem=problem, status=429)
                reply.headers["retry-after"] = str(math.ceil(error.retry_after_s))
                return reply
            person = await self._hub.grants.sign_in(asked.application, contact, call.request.get("password"))
            if person is None:
                self._guard.failed(name, peer)
                return self._ask_who(call, asked, problem=asked.words("wrong"), status=403)
            self._guard.succeeded(name, peer)
        self._sessions.end(cookie_of(call.http))
        return self._again(call, asked, self._sessions.start(person, contact))

    async def _answer(self, asked: Asked, session: Session | None) -> Reply:
        """Send somebody back, with a code if they allow it."""
        state = asked.fields.get("state", "")
        if session is None:
            return back(asked.redirect_uri, 303, error="access_denied", state=state)
        try:
            credential = await self._hub.grants.grant(asked.application, session.person, asked.scopes)
        except ForbiddenError as error:
            return back(asked.redirect_uri, 303, error="access_denied", error_description=str(error), state=state)
        code = secrets.token_urlsafe(32)
        fields = asked.fields
        token = Token(
            dialect=DIALECT_NAME, kind=CODE, digest=Token.digest_of(code), credential_id=credential.id,
            credential=credential.name, expires_at_ms=self._hub.wall.now_ms() + CODE_MS,
            family=secrets.token_hex(16),
            data={
                "client": asked.application.client_id, "redirect_uri": asked.redirect_uri,
                "challenge": fields.get("code_challenge", ""), "method": fields.get("code_challenge_method", ""),
            },
        )  # fmt: skip
        await self._hub.tokens.keep(token)
        return back(asked.redirect_uri, 303, code=code, state=state)

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """The page's calls."""
        return handle(AUTHORISE, self.authorise), handle(DECIDE, self.decide)
