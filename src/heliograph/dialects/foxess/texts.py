"""The text of every code, for clients that look it up themselves."""

from __future__ import annotations

from heliograph.dialects.foxess.codes import LANGUAGES, messages
from heliograph.dialects.foxess.operations import ERROR_TEXTS
from heliograph.dialects.foxess.wire import NoQuery, Texts, TextsResult
from heliograph.protocol.operations import Call, Handler, handle


async def list_texts(call: Call[NoQuery]) -> TextsResult:
    """The texts by language and code."""
    return TextsResult(
        Texts({lang: {str(code): texts[lang] for code, texts in messages().items()} for lang in LANGUAGES})
    )  # fmt: skip


HANDLERS: tuple[Handler, ...] = (handle(ERROR_TEXTS, list_texts),)
