"""Lists of feeds as OPML 2.0, which readers' programs take in and give out."""

from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from xml.sax.xmlreader import AttributesImpl

from django.utils.xmlutils import SimplerXMLGenerator

from broadsheet.export.feeds import clean

TYPE = "text/x-opml"


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed in an outline: its title, its address, and the page of the same list; addresses are absolute.

    name: what a reader calls it, "" for its title. As OPML 2.0 has it, `text` is what people may change and `title`
        what the feed says of itself.
    """

    title: str
    feed: str
    page: str
    name: str = ""


def opml(title: str, groups: Iterable[tuple[str, Iterable[Outline]]]) -> bytes:
    """Write feeds as OPML. groups: each with its name, under which its feeds stand; "" for none."""
    written = StringIO()
    handler = SimplerXMLGenerator(written, "utf-8", short_empty_elements=True)
    handler.startDocument()
    handler.startElement("opml", AttributesImpl({"version": "2.0"}))
    handler.startElement("head", AttributesImpl({}))
    handler.addQuickElement("title", clean(title))
    handler.addQuickElement("docs", "http://opml.org/spec2.opml")
    handler.endElement("head")
    handler.startElement("body", AttributesImpl({}))
    for name, outlines in groups:
        _group(handler, clean(name), list(outlines))
    handler.endElement("body")
    handler.endElement("opml")
    return written.getvalue().encode()


def _group(handler: SimplerXMLGenerator, name: str, outlines: list[Outline]) -> None:
    if not outlines:
        return
    if name:
        handler.startElement("outline", AttributesImpl({"text": name, "title": name}))
    for one in outlines:
        title = clean(one.title) or one.page
        said = {"text": clean(one.name) or title, "title": title}
        handler.addQuickElement("outline", "", {"type": "rss", **said, "xmlUrl": one.feed, "htmlUrl": one.page})
    if name:
        handler.endElement("outline")
