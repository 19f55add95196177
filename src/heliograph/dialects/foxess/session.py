"""The client half's session: every call is signed over its path, the token and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.dialects.foxess.auth import sign
from heliograph.model.access import Secret
from heliograph.protocol.calling import Session

if TYPE_CHECKING:
    from heliograph.protocol.calling import Client, Sent
    from heliograph.protocol.operations import Operation


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
