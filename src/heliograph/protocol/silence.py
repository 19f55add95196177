"""Keeps what a call carries out of the logs of the HTTP client.

That client logs whole addresses, in which some vendors want secrets, and the headers of answers, in which others hand
out sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
_ours: ContextVar[bool] = ContextVar("heliograph_call", default=False)


def _foreign(record: logging.LogRecord) -> bool:
    del record
    return not _ours.get()


for _name in LOGGERS:
    logging.getLogger(_name).addFilter(_foreign)


@contextmanager
def silent() -> Iterator[None]:
    """Nothing of what is called meanwhile is logged by the HTTP client; calls of others are, as ever."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)
