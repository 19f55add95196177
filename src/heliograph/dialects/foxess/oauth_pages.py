"""The authorise page as HTML: nothing from elsewhere, no scripts, readable on a phone."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from heliograph.dialects.foxess.codes import LANGUAGES
from heliograph.protocol.operations import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STYLE = """
:root{color-scheme:light dark;--back:#f2f4f1;--card:#fff;--text:#1c2420;--soft:#56605a;--line:#d5dad6;--main:#1b6b45;
--on:#fff;--bad:#a32020}
@media(prefers-color-scheme:dark){:root{--back:#141815;--card:#1e2420;--text:#eef2ef;--soft:#a9b4ad;--line:#3a443d;
--main:#6fcf9b;--on:#0d1a13;--bad:#ff9a9a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;justify-content:center;align-items:flex-start;padding:1rem;
background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;margin-top:6vh;padding:1.5rem;background:var(--card);border:1px solid var(--line);
border-radius:.75rem;overflow-wrap:anywhere}
@media(max-width:30rem){main{margin-top:0;padding:1.25rem}}
h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.25}
h2{margin:1.25rem 0 .25rem;font-size:1rem}
p{margin:.5rem 0}
ul{margin:.25rem 0;padding-left:1.25rem}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{width:100%;padding:.7rem;font:inherit;color:inherit;background:var(--back);border:1px solid var(--soft);
border-radius:.5rem}
button{width:100%;min-height:3rem;margin-top:.75rem;font:inherit;font-weight:600;color:inherit;background:none;
border:1px solid var(--soft);border-radius:.5rem;cursor:pointer}
button.main{margin-top:1.25rem;color:var(--on);background:var(--main);border-color:var(--main)}
button.link{width:auto;min-height:2.75rem;margin:0;padding:0;font-weight:400;color:var(--main);border:0;
text-decoration:underline}
:focus-visible{outline:3px solid var(--main);outline-offset:2px}
.soft{color:var(--soft)}
button+.soft{margin-top:1rem}
.bad{color:var(--bad);font-weight:600}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
MOST_PLANTS = 5
"""So many plants are named; of more it is told how many they are."""


@cache
def texts() -> dict[str, dict[str, str]]:
    """The words of the page by language; names in braces are filled in."""
    found = resources.files("heliograph.dialects.foxess").joinpath("oauth_texts.json").read_bytes()
    return msgspec.json.decode(found, type=dict[str, dict[str, str]])


def page_language(asked: str, accepted: str) -> str:
    """The language of a page: the one asked for, else the first of `Accept-Language` that there is, else English."""
    weighed: list[tuple[float, str]] = [(2.0, asked)] if asked else []
    for part in accepted.split(",")[:20]:
        name, _, quality = part.partition(";")
        try:
            weighed.append((float(quality.strip().removeprefix("q=") or 1), name.strip()))
        except ValueError:
            continue
    for weight, name in sorted(weighed, key=lambda entry: -entry[0]):
        for known in LANGUAGES:
            if weight > 0 and known[:2] == name.lower().replace("_", "-").partition("-")[0]:
                return known
    return "en"


def source_of(redirect_uri: str) -> str:
    """What the content policy calls the place of an address: its origin, or its scheme where that is no host name."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https") or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def host_of(redirect_uri: str) -> str:
    """The place of an address, for people: its host, or its scheme where a program on their machine answers."""
    parts = urlsplit(redirect_uri)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def headers(redirect_uri: str = "") -> dict[str, str]:
    """What guards a page: nothing is kept, framed, loaded or told to others. Forms go here, or on to that address."""
    onward = f" {source_of(redirect_uri)}" if redirect_uri else ""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'{onward}; frame-ancestors 'none';"
        " base-uri 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


class Words:
    """The texts of one language, made safe to stand in a page."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = texts()[language]

    def __call__(self, key: str, **filled: object) -> str:
        return escape(self._texts[key].format(**filled))


def _page(words: Words, title: str, body: str, status: int, redirect_uri: str = "") -> Reply:
    text = (
        f'<!doctype html>\n<html lang="{words.language.replace("_", "-")}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )
    return Reply(text.encode("utf-8", "replace"), status, headers(redirect_uri), "text/html; charset=utf-8")


def _form(fields: Mapping[str, str], inner: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    return f'<form method="post" action="index.html">{hidden}{inner}</form>'


def error_page(words: Words, text: str, status: int = 400, **filled: object) -> Reply:
    """A page that says why it does not go on."""
    title = words("stop")
    return _page(words, title, f'<h1>{title}</h1><p role="alert">{words(text, **filled)}</p>', status)


def sign_in_page(
    words: Words, application: str, redirect_uri: str, fields: Mapping[str, str], *, contact: str = "",
    problem: str = "", status: int = 200,
) -> Reply:  # fmt: skip
    """The page that asks who somebody is. `problem` is a text that was made safe."""
    told = f'<p class="bad" role="alert">{problem}</p>' if problem else ""
    inner = (
        f'<label for="contact">{words("contact")}</label>'
        f'<input id="contact" name="contact" value="{escape(contact)}" autocomplete="username" autocapitalize="none"'
        ' spellcheck="false" required>'
        f'<label for="password">{words("password")}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        f'<button class="main" name="step" value="sign-in">{words("sign_in")}</button>'
        f'<button name="step" value="deny" formnovalidate>{words("cancel")}</button>'
    )
    title = words("sign_in")
    lead = f"<h1>{title}</h1><p>{words('sign_in_for', application=application)}</p>{told}"
    return _page(words, title, lead + _form(fields, inner), status, redirect_uri)


def consent_page(
    words: Words, application: str, redirect_uri: str, fields: Mapping[str, str], *, person: str,
    scopes: Sequence[str], plants: Sequence[str],
) -> Reply:  # fmt: skip
    """The page that asks whether the application may."""
    title = words("asks", application=application)
    asked = "".join(f"<li>{words(scope)}</li>" for scope in scopes)
    named = [escape(name) for name in plants[:MOST_PLANTS]] or [words("no_plants")]
    if len(plants) > MOST_PLANTS:
        named.append(words("more", count=len(plants) - MOST_PLANTS))
    listed = "".join(f"<li>{name}</li>" for name in named)
    inner = (
        f'<p class="soft">{words("signed_in", person=person)}'
        f' <button class="link" name="step" value="leave">{words("leave")}</button></p>'
        f"<h2>{words('may', application=application)}</h2><ul>{asked}</ul>"
        f"<h2>{words('plants')}</h2><ul>{listed}</ul>"
        f'<button class="main" name="step" value="allow">{words("allow")}</button>'
        f'<button name="step" value="deny">{words("deny")}</button>'
        f'<p class="soft">{words("back", host=host_of(redirect_uri))}</p>'
    )
    return _page(words, title, f"<h1>{title}</h1>{_form(fields, inner)}", 200, redirect_uri)
