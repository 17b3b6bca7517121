"""What makes a feed valid: the rules of RFC 4287 that a program can check, RSS 2.0's, and JSON Feed 1.1 as a schema."""

import re
from typing import Any, Final
from xml.etree import ElementTree

import feedparser
import jsonschema
from feedparser import FeedParserDict

ATOM: Final = "{http://www.w3.org/2005/Atom}"
DUBLIN_CORE: Final = "{http://purl.org/dc/elements/1.1/}"
IRI: Final = re.compile(r"(https?://[^\s<>\"{}|\\^`]+|urn:[a-z0-9][a-z0-9-]*:[^\s<>\"]+)")
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

_ADDRESS: Final = {"type": "string", "pattern": r"^https?://[^\s<>]+$"}
_MOMENT: Final = {"type": "string", "pattern": f"^{MOMENT.pattern}$"}
_TEXT: Final = {"type": "string", "minLength": 1}
_AUTHORS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": _TEXT, "url": {"type": "string"}, "avatar": _ADDRESS},
        "minProperties": 1,
        "additionalProperties": False,
    },
}
ITEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id"],
    "anyOf": [{"required": ["content_html"]}, {"required": ["content_text"]}],
    "properties": {
        "id": _TEXT,
        "url": _ADDRESS,
        "external_url": _ADDRESS,
        "title": _TEXT,
        "content_html": {"type": "string"},
        "content_text": {"type": "string"},
        "summary": _TEXT,
        "image": _ADDRESS,
        "banner_image": _ADDRESS,
        "date_published": _MOMENT,
        "date_modified": _MOMENT,
        "authors": _AUTHORS,
        "tags": {"type": "array", "items": _TEXT},
        "language": _TEXT,
        "attachments": {
            "type": "array",
            "items": {"type": "object", "required": ["url", "mime_type"]},
        },
    },
    # Extensions begin with an underscore; nothing else is known in version 1.1.
    "patternProperties": {"^_[A-Za-z]": {"type": "object"}},
    "additionalProperties": False,
}
JSON_FEED: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["version", "title", "items"],
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": _TEXT,
        "home_page_url": _ADDRESS,
        "feed_url": _ADDRESS,
        "description": _TEXT,
        "user_comment": _TEXT,
        "next_url": _ADDRESS,
        "icon": _ADDRESS,
        "favicon": _ADDRESS,
        "authors": _AUTHORS,
        "language": _TEXT,
        "expired": {"type": "boolean"},
        "hubs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "url"],
                "properties": {"type": _TEXT, "url": _ADDRESS},
                "additionalProperties": False,
            },
        },
        "items": {"type": "array", "items": ITEM},
    },
    "patternProperties": {"^_[A-Za-z]": {"type": "object"}},
    "additionalProperties": False,
}


def check_json(feed: dict[str, Any]) -> None:
    """Hold a JSON Feed to its specification; no two items may have one id."""
    jsonschema.Draft202012Validator(JSON_FEED).validate(feed)
    ids = [item["id"] for item in feed["items"]]
    assert len(ids) == len(set(ids))


def check_atom(written: bytes) -> ElementTree.Element:
    """Hold a feed to RFC 4287, sections 4.1 and 4.2, and give its root."""
    root = ElementTree.fromstring(written)
    assert root.tag == ATOM + "feed"
    for element in (root, *root.findall(ATOM + "entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(ATOM + name)) == 1, name
        for name in ("published", "updated"):
            assert all(MOMENT.fullmatch(moment.text or "") for moment in element.findall(ATOM + name))
        assert IRI.fullmatch(element.findtext(ATOM + "id") or "")
        assert (element.findtext(ATOM + "title") or "").strip()
        _check_links(element)
        for person in element.findall(ATOM + "author"):
            assert (person.findtext(ATOM + "name") or "").strip()
    entries = root.findall(ATOM + "entry")
    # Where the feed names no author every entry has to.
    assert root.find(ATOM + "author") is not None or all(entry.find(ATOM + "author") is not None for entry in entries)
    ids = [entry.findtext(ATOM + "id") for entry in entries]
    assert len(ids) == len(set(ids))
    for entry in entries:
        assert len(entry.findall(ATOM + "content")) <= 1 and len(entry.findall(ATOM + "summary")) <= 1
        assert all(category.get("term") for category in entry.findall(ATOM + "category"))
    return root


def _check_links(element: ElementTree.Element) -> None:
    links = element.findall(ATOM + "link")
    for link in links:
        assert IRI.fullmatch(link.get("href") or ""), link.attrib
    kinds = [(link.get("rel", "alternate"), link.get("type"), link.get("hreflang")) for link in links]
    alternates = [kind for kind in kinds if kind[0] == "alternate"]
    assert len(alternates) == len(set(alternates)) == 1
    assert [kind[0] for kind in kinds].count("self") <= 1


def check_rss(written: bytes) -> ElementTree.Element:
    """Hold a feed to RSS 2.0, and give its channel."""
    root = ElementTree.fromstring(written)
    assert root.tag == "rss" and root.get("version") == "2.0" and len(root) == 1
    channel = root[0]
    assert all((channel.findtext(name) or "").strip() for name in ("title", "link", "description"))
    guids = [guid for guid in (item.find("guid") for item in channel.findall("item")) if guid is not None]
    assert len(guids) == len(channel.findall("item")) == len({guid.text for guid in guids})
    assert all(guid.get("isPermaLink") == "false" for guid in guids)
    for item in channel.findall("item"):
        assert item.findtext("title") and IRI.fullmatch(item.findtext("link") or "")
        # An e-mail address is what RSS wants there, so names stand in dc:creator.
        assert item.find("author") is None
    return channel


def parsed(written: bytes, type: str) -> FeedParserDict:
    """Read a feed as most readers' programs do; nothing may be amiss."""
    found = feedparser.parse(written, response_headers={"content-type": type})
    assert not found.bozo, found.get("bozo_exception")
    return found
