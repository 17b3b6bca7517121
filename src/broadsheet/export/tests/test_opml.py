from xml.etree import ElementTree

from broadsheet.export.opml import Outline, opml


def test_an_outline_names_every_feed_under_its_group() -> None:
    one = Outline("Ada <Lovelace> & \x00co", "https://papers.example/feeds/author/Ada.atom", "https://papers.example/a")
    two = Outline("Editions", "https://papers.example/feeds/edition.atom", "https://papers.example/")
    root = ElementTree.fromstring(opml("Feeds", [("", [two]), ("Authors", [one]), ("None", [])]))
    assert root.tag == "opml" and root.get("version") == "2.0"
    assert root.findtext("head/title") == "Feeds"
    plain, group = list(root.findall("body/outline"))
    assert plain.attrib == {
        "type": "rss",
        "text": "Editions",
        "title": "Editions",
        "xmlUrl": "https://papers.example/feeds/edition.atom",
        "htmlUrl": "https://papers.example/",
    }
    assert group.get("text") == "Authors" and group.get("xmlUrl") is None
    assert [line.get("text") for line in group] == ["Ada <Lovelace> & co"]
    assert len(root.findall("body/outline")) == 2


def test_an_outline_without_feeds_is_one_all_the_same() -> None:
    root = ElementTree.fromstring(opml("What I follow", []))
    assert root.find("body") is not None and not root.findall("body/outline")
