"""The client half's session: every call is signed over its path, the token and the time.

Also the calls for tokens as an application makes them: all parameters in the query, as in the document. They use up
what they carry, so they count as writing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from heliograph.dialects.foxess.auth import sign
from heliograph.dialects.foxess.oauth_wire import NoResult, TokenResult
from heliograph.dialects.foxess.operations import REFRESH, REVOKE, TOKEN
from heliograph.model.access import Secret
from heliograph.protocol.calling import Session
from heliograph.protocol.operations import Operation

if TYPE_CHECKING:
    from heliograph.protocol.calling import Client, Sent


class ApplicationQuery(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an application shows: who it is, and the code or token that a call is about."""

    IN_QUERY: ClassVar[bool] = True

    grant_type: str = ""
    client_id: str
    client_secret: str
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    refresh_token: str = ""
    access_token: str = ""

    def __repr__(self) -> str:
        return f"ApplicationQuery(client_id={self.client_id!r}, client_secret='***')"


def _asked(of: Operation[Any, Any], result: type[Any]) -> Operation[ApplicationQuery, Any]:
    return Operation(
        name=of.name, method=of.method, path=of.path, request=ApplicationQuery, result=result, cite=of.cite,
        scope="write", public=True, summary=of.summary,
    )  # fmt: skip


EXCHANGE: Operation[ApplicationQuery, TokenResult] = _asked(TOKEN, TokenResult)
RENEW: Operation[ApplicationQuery, TokenResult] = _asked(REFRESH, TokenResult)
END: Operation[ApplicationQuery, NoResult] = _asked(REVOKE, NoResult)


class FoxessSession(Session):
    """Signs with a private token, or with an access token of OAuth; never both."""

    def __init__(self, token: Secret | None = None, *, access: Secret | None = None, lang: str = "en") -> None:
        if (token is None) == (access is None):
            raise ValueError("either a private token or an access token is needed")
        self._token, self._access, self._lang = token, access, lang

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session."""
        now = str(client.wall.now_ms())
        shown = (self._token or self._access or Secret("")).reveal()
        who = {"token": shown} if self._token is not None else {"Authorization": f"Bearer {shown}"}
        return {**who, "timestamp": now, "signature": sign(sent.path, shown, now), "lang": self._lang}
