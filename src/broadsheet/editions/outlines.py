"""Feeds that other programs subscribed to, as OPML: which lists of this site they are.

Known are the feeds of Broadsheet, wherever a site stands, those of arXiv's announcements (rss.arxiv.org/rss/cs.CL), and
questions to arXiv's interface whose fields this site's search has too (export.arxiv.org/api/query?search_query=…).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from broadsheet.editions.named import KINDS
from broadsheet.readers.refused import Refused

LONGEST: Final = 1_000_000
MOST: Final = 2_000
LONGEST_TITLE: Final = 80
_OURS: Final = re.compile(r"/feeds/(?P<key>.+)\.(?:atom|rss|json)")
_ARXIV: Final = re.compile(r"/(?:rss|atom)/(?P<codes>[A-Za-z.+-]+)")
_HOSTS: Final = ("arxiv.org", "rss.arxiv.org", "export.arxiv.org", "www.arxiv.org")
# A field of arXiv's interface, and how it is said here; its words are those of title and abstract.
_TERM: Final = re.compile(r'(?P<field>all|ti|abs|au|cat):(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s()"]+))')


@dataclass(frozen=True, slots=True)
class Line:
    """A feed of an outline: what it is called there, its address, and the keys of the lists it stands for, if any.

    name: what its reader called it, where that is not the title it gives itself.
    """

    title: str
    address: str
    keys: tuple[str, ...]
    name: str = ""


def read(data: bytes) -> list[Line]:
    """Read the feeds of an outline, each address once. Raises Refused for what is no outline, or too long."""
    if len(data) > LONGEST:
        raise Refused(_("That file is too large; one of up to 1 MB can be read."))
    try:
        # Entities and document types are how small files become large, and how files read others.
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Refused(_("That is no OPML file that can be read.")) from None
    if root.tag != "opml":
        raise Refused(_("That is no OPML file that can be read."))
    found: dict[str, Line] = {}
    for outline, address in _feeds(root):
        if len(found) == MOST:
            raise Refused(_("There are more than %(most)d feeds in that file.") % {"most": MOST})
        found.setdefault(address, _line(outline, address))
    return list(found.values())


def _line(outline: Element, address: str) -> Line:
    title, text = (" ".join(outline.get(part, "").split())[:LONGEST_TITLE] for part in ("title", "text"))
    return Line(title or text, address, keys_of(address), text if title and text != title else "")


def _feeds(root: Element) -> Iterator[tuple[Element, str]]:
    for outline in root.iter("outline"):
        address = outline.get("xmlUrl") or outline.get("xmlurl") or ""
        if address:
            yield outline, address


def keys_of(address: str) -> tuple[str, ...]:
    """Give the keys of the lists that a feed stands for; none where this site has nothing like it."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        return ()
    if host in _HOSTS and parts.path == "/api/query":
        return _of_query(parse_qs(parts.query).get("search_query", [""])[0])
    if host in _HOSTS:
        match = _ARXIV.fullmatch(parts.path)
        return tuple(f"category/{code}" for code in match["codes"].split("+") if code) if match else ()
    return _of_ours(unquote(parts.path), parse_qs(parts.query))


def _of_ours(path: str, asked: dict[str, list[str]]) -> tuple[str, ...]:
    # A site may stand under a path of its host.
    match = _OURS.search(path)
    key = match["key"] if match and match.end() == len(path) else ""
    if key == "search" and "q" in asked:
        key = f"search/{asked['q'][0]}"
    return (key,) if key.partition("/")[0] in KINDS else ()


def _of_query(query: str) -> tuple[str, ...]:
    """Give the list that asks the same; a category alone is that category, anything but AND has no like here."""
    # Folded first: looking for blanks around a word takes the square of their number.
    terms = [term for term in " ".join(query.split()).split(" AND ") if term]
    read = [_TERM.fullmatch(term) for term in terms]
    if not terms or None in read:
        return ()
    said = [_said(match["field"], match["quoted"] or match["bare"].replace("_", " ")) for match in read if match]
    if len(said) == 1 and said[0].startswith("cat:"):
        return (f"category/{said[0].removeprefix('cat:')}",)
    return ("search/" + " ".join(said),)


def _said(field: str, value: str) -> str:
    plain = f'"{value}"' if " " in value else value
    return {"au": f"author:{plain}", "cat": f"cat:{value}"}.get(field, plain)
