"""The human part of a report, up to the returned mail; and the returned mail, as far as it came back."""

import html
import re
from dataclasses import dataclass

from broadsheet.mail.bounces.parts import Part, fields_of, leaves, text_of

_LONGEST_NOTICE = 30_000  # characters
_LONGEST_LINE = 2_000

_RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
_MACHINES = frozenset({"message/delivery-status", "message/global-delivery-status", "message/feedback-report"})

_TAG = re.compile(r"<(?:/?[a-z!][^<>@]{0,3000}|/?(?:a|td|div|span|p|img|body|html)\b[^<>]{0,3000})>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]{0,200}>", re.IGNORECASE)
_UNSEEN = ("script", "style", "title")

# The lines that say that from here on the returned mail follows.
_FOLLOWS = re.compile(
    r"""[\s>*=_-]*(?:
        (?:this\ is\ |below\ (?:this\ line\ )?is\ |enclosed\ is\ |included\ is\ |here\ is\ |the\ following\ is\ )?
        (?:a\ )?copy\ of\ (?:the\ |your\ )?(?:original\ )?(?:message|mail)
        |below\ (?:this\ line\ )?is\ a\ copy\ of
        |(?:the\ )?(?:header|headers|text|body)\ of\ (?:the\ |your\ )?(?:original\ )?(?:message|mail)(?!\ generated)
        |(?:start\ of\ |begin\ |the\ )?(?:original|unsent|returned|undelivered|failed|bounced
        |rejected)\ (?:message|mail)
            (?:\ headers?|\ text|\ body|\ follows|\ as\ follows|\ is\ following|\ is\ attached
            |\ included)*[\s.:>*=_-]*$
        |message\ (?:headers?|text|contents)(?:\ follows?|:|\ -)
        |(?:original|returned)\ message\ (?:headers\ )?follows
        |intestazioni\ originali|en-t.tes\ (?:du\ )?message|urspr.ngliche\ (?:nachricht|kopfzeilen)|encabezados\ de
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADER_LINE = re.compile(r"\s*(?:return-path|received|delivered-to|dkim-signature|mime-version|x-mailer)\s*:", re.I)


@dataclass(frozen=True, slots=True)
class Notice:
    """text: what was written for people. rest: the text after it. returned: header fields of the returned mail."""

    text: str
    rest: str
    returned: tuple[tuple[str, str], ...]


def notice_of(message: Part) -> Notice:
    """Take a message apart."""
    whole = "\n".join(_texts(message))[: _LONGEST_NOTICE * 4]
    text, rest = _split([line[:_LONGEST_LINE] for line in whole.split("\n")])
    returned = next((fields_of(text_of(part)) for part in leaves(message) if part.type in _RETURNED), None)
    return Notice(text[:_LONGEST_NOTICE], rest, returned if returned is not None else fields_of(_dedented(rest)))


def text_from_html(page: str) -> str:
    """The words of a page, a line per block; <addresses> in angle brackets stay."""
    seen = page[: _LONGEST_NOTICE * 2]
    for name in _UNSEEN:
        seen = _without(name, seen)
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", seen)))


def _without(name: str, page: str) -> str:
    """A page without the elements of a name; one that is never closed ends the page."""
    first, *others = re.split(rf"(?i)<{name}\b", page)
    return " ".join([first, *(re.split(rf"(?i)</{name}\b", one, maxsplit=1)[-1] for one in others if "</" in one)])


def _texts(message: Part) -> list[str]:
    """The texts for people: plain ones, else pages; what stands after the returned mail is not ours."""
    plain: list[str] = []
    pages: list[str] = []
    for part in leaves(message):
        if part.type in _RETURNED:
            break
        if part.type in _MACHINES or part.get("content-disposition").lower().startswith("attachment"):
            continue
        if part.type == "text/html":
            pages.append(text_from_html(text_of(part)))
        elif part.type.startswith(("text/", "multipart/")):
            plain.append(text_of(part))
    return plain if any(text.strip() for text in plain) else pages


def _split(lines: list[str]) -> tuple[str, str]:
    seen = False
    for index, line in enumerate(lines):
        if seen and (_FOLLOWS.match(line) or _HEADER_LINE.match(line)):
            return "\n".join(lines[:index]), "\n".join(lines[index:])
        seen = seen or bool(line.strip())
    return "\n".join(lines), ""


def _dedented(text: str) -> str:
    """Some senders set the returned mail in by a few blanks."""
    lines = [line for line in text.split("\n") if line.strip()]
    depth = min((len(line) - len(line.lstrip()) for line in lines[1:20]), default=0)
    return "\n".join(line[depth:] for line in lines)
